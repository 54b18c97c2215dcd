package importer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/fleet/schema"
	fleetunit "github.com/coreos/fleet/unit"
	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

const (
	unitsDir  = "../../testdata/import"
	guidesDir = "../../testdata/guides"
)

// refusedFiles cannot be kept, each with a word of the reason.
var refusedFiles = map[string]string{
	"very-long-line.service": "line too long",
	"long-line-late.service": "line too long",
}

// load reads the unit files of a folder.
func load(t testing.TB, patterns ...string) []importer.File {
	t.Helper()
	var files []importer.File
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing in %s: %v", pattern, err)
		}
		for _, path := range paths {
			if _, err := units.ParseName(filepath.Base(path)); err != nil {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, importer.File{Path: path, Name: filepath.Base(path), Text: string(text)})
		}
	}
	return files
}

// compile compiles an imported stack, which must have no errors.
func compile(t testing.TB, text string) *units.Set {
	t.Helper()
	result, findings := compiler.Compile("stack.toml", compiler.Options{Opener: source.Map{"stack.toml": text}})
	if result.Set == nil {
		t.Fatalf("the imported stack does not compile:\n%s\n%s", diag.Short(findings), text)
	}
	for _, d := range findings {
		if d.Code == diag.UnusedAllow {
			t.Errorf("%s", diag.Short(diag.List{d}))
		}
	}
	return result.Set
}

// held is what a cluster has of a file once fleetctl has sent it, by fleet's own
// code: read, carried as JSON, written and read again; and the hash that fleet shows.
func held(text string) (options []units.Option, hash string, err error) {
	file, err := fleetunit.NewUnitFile(text)
	if err != nil {
		return nil, "", err
	}
	for range 10 {
		sent := schema.MapUnitFileToSchemaUnitOptions(file)
		for _, o := range sent {
			o.Section, o.Name, o.Value = asJSON(o.Section), asJSON(o.Name), asJSON(o.Value)
		}
		file = schema.MapSchemaUnitOptionsToUnitFile(sent)
		again, err := fleetunit.NewUnitFile(file.String())
		if err != nil {
			return nil, "", err
		}
		if cmp.Equal(again.Options, file.Options) {
			break
		}
		file = again // of the same hash, at times
	}
	for _, o := range file.Options {
		options = append(options, units.Option{Section: o.Section, Name: o.Name, Value: o.Value})
	}
	return units.Canonical(options), file.Hash().String(), nil
}

func asJSON(s string) string { return string([]rune(s)) }

// law holds an imported and compiled unit against what fleet has of its file.
func law(t testing.TB, f importer.File, set *units.Set) {
	t.Helper()
	options, hash, err := held(f.Text)
	if err != nil {
		return // fleet cannot read it; the findings say so
	}
	u, ok := set.Lookup(units.Name(f.Name))
	if !ok {
		t.Errorf("%s is not in the set", f.Name)
		return
	}
	if diff := cmp.Diff(options, units.Canonical(u.Options)); diff != "" {
		t.Errorf("%s has other options (-fleet +compiled):\n%s", f.Name, diff)
	}
	if u.Hash() != hash {
		t.Errorf("%s has hash %s, and %s in fleet", f.Name, u.Hash(), hash)
	}
}

// TestLaw imports every file alone: it compiles to what fleet holds of it.
func TestLaw(t *testing.T) {
	if own := load(t, unitsDir+"/*"); len(own) < 120 {
		t.Fatalf("only %d unit files of our own", len(own))
	}
	files := load(t, unitsDir+"/*", guidesDir+"/*/*", guidesDir+"/*/*/*")
	for _, f := range files {
		t.Run(f.Path[len("../../testdata/"):], func(t *testing.T) {
			r := importer.Import(importer.Request{Stack: "alone", Files: []importer.File{f}})
			set := compile(t, r.Text)
			if reason, refused := refusedFiles[f.Name]; refused {
				if len(set.Units) > 0 || !r.Findings.HasErrors() || !strings.Contains(diag.Short(r.Findings), reason) {
					t.Errorf("it is kept, or left out without a reason:\n%s", diag.Short(r.Findings))
				}
				return
			}
			if r.Findings.HasErrors() {
				t.Fatalf("errors:\n%s", diag.Short(r.Findings))
			}
			law(t, f, set)
			if read, err := units.ParseAsFleet(f.Text); err == nil && stable(read) && units.Hash(read) != set.Units[0].Hash() {
				t.Errorf("hash %s, and %s of the file", set.Units[0].Hash(), units.Hash(read))
			}
			for _, d := range r.Findings {
				if file := d.Span.File(); file == nil || file.Name() != f.Path {
					t.Errorf("a finding is not about the file: %s", diag.Short(diag.List{d}))
				}
			}
		})
	}
}

// stable reports whether fleet keeps options as they are sent.
func stable(options []units.Option) bool {
	again, err := units.ParseAsFleet(units.Unit{Options: options}.Text())
	return err == nil && units.Equal(options, again) && units.Equal(options, carried(options))
}

func carried(options []units.Option) []units.Option {
	list := slices.Clone(options)
	for i := range list {
		list[i].Value = asJSON(list[i].Value)
	}
	return list
}

// TestTogether imports all files at once: their relations to each other change nothing.
func TestTogether(t *testing.T) {
	files := load(t, unitsDir+"/*")
	r := importer.Import(importer.Request{Stack: "together", Files: files})
	set := compile(t, r.Text)
	if want := len(files) - len(refusedFiles); len(set.Units) != want || len(r.Units) != want {
		t.Errorf("%d units, %d named, want %d", len(set.Units), len(r.Units), want)
	}
	for _, f := range files {
		if _, refused := refusedFiles[f.Name]; !refused {
			law(t, f, set)
		}
	}
	if r.Verbatim == 0 || r.Verbatim > len(files)/2 {
		t.Errorf("%d of %d units are kept as text", r.Verbatim, len(files))
	}
}

// TestComments finds every comment of every file in the stack.
func TestComments(t *testing.T) {
	for _, f := range load(t, unitsDir+"/*", guidesDir+"/*/*", guidesDir+"/*/*/*") {
		if _, refused := refusedFiles[f.Name]; refused {
			continue
		}
		r := importer.Import(importer.Request{Stack: "alone", Files: []importer.File{f}})
		parsed, _ := units.Parse(f.Text)
		for _, c := range parsed.Comments {
			text := strings.Trim(asJSON(c.Text)[1:], " \t\x01")
			if !strings.Contains(r.Text, text) {
				t.Errorf("%s: comment %q is lost:\n%s", f.Path, c.Text, r.Text)
			}
		}
	}
}

// TestFindings reports real mistakes at their lines, and imports the units.
func TestFindings(t *testing.T) {
	for _, test := range []struct {
		file string
		want []string
	}{
		{"typo-directives.service", []string{
			`2:1: warning: systemd knows no directive "Reqires" in [Unit]`,
			`3:1: warning: BindTo= is the old spelling of BindsTo=`,
			`5:1: warning: systemd knows no directive "ExecStartPrt" in [Service]`,
			`7:9: warning: Restart=:`,
		}},
		{"typo-fleet-section.service", []string{`5:17: warning: MachineMetadata=role=node: fleet ignores [X-fleet]`}},
		{"typo-fleet-key.service", []string{`5:17: warning: MachineMetaData=role=node: fleet does not know`}},
		{"typo-all.service", []string{
			`2:1: warning: a service has no section [Unti]`,
			`4:1: warning: BindTo= is the old spelling of BindsTo=`,
			`5:1: warning: systemd knows no directive "Reqires" in [Unit]`,
			`7:1: warning: systemd knows no directive "ExecStartPrt" in [Service]`,
			`11:11: warning: MachineOf=web.service: fleet ignores [X-fleet]`,
		}},
		{"typo-section.service", []string{`4:1: warning: a service has no section [Servce]`}},
		{"wrong-section.service", []string{`2:1: warning: Restart= belongs in [Service]`, `4:1: warning: Description= belongs in [Unit]`}},
		{"placement-lost.service", []string{`5:17: warning: MachineMetadata=role=node disk=ssd: fleet takes`, `6:17: warning: MachineMetadata=a=b=c: fleet ignores`}},
		{"comment-swallows.service", []string{`3:1: warning: fleet loses or changes this ExecStart=`}},
		{"crlf-continued-unreadable.service", []string{`1:1: warning: fleet cannot read the unit`, `it is imported as systemd reads it`}},
		{"crlf-continued.service", []string{`1:1: warning: fleet does not keep this file as it is written`}},
		{"latin1.service", []string{`1:1: warning: the file is not UTF-8`}},
		{"text-before.service", []string{`2:1: warning: this stands before the first [section]`}},
		{"continued.service", nil},
		{"plain.service", nil},
	} {
		t.Run(test.file, func(t *testing.T) {
			r := importer.Import(importer.Request{Stack: "alone", Files: load(t, unitsDir+"/"+test.file)})
			got := diag.Short(r.Findings)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("nothing says %q:\n%s", want, got)
				}
			}
			if len(test.want) == 0 && got != "" {
				t.Errorf("findings:\n%s", got)
			}
		})
	}
}

// TestLeftOut tells why a file is not imported, and imports the others.
func TestLeftOut(t *testing.T) {
	good := importer.File{Path: "b/web.service", Name: "web.service", Text: "[Service]\nExecStart=/bin/a\nRestart=always\n"}
	for name, test := range map[string]struct {
		file importer.File
		want string
	}{
		"no name":   {importer.File{Path: "x", Name: "x", Text: good.Text}, `x:1:1: error: x is left out: `},
		"empty":     {importer.File{Path: "e.service", Name: "e.service", Text: "# nothing\n"}, `e.service is left out: there is no option in it`},
		"nothing":   {importer.File{Path: "e.service", Name: "e.service"}, `e.service is left out: there is no option in it`},
		"twice":     {importer.File{Path: "c/web.service", Name: "web.service", Text: good.Text}, `web.service is left out: web.service is imported from b/web.service already`},
		"refused":   {importer.File{Path: "r.service", Name: "r.service", Text: good.Text + "[X-Fleet]\nGlobal=true\nMachineOf=web.service\n"}, `r.service is left out: fleet rejects Global= together with MachineOf=`},
		"long line": {load(t, unitsDir+"/very-long-line.service")[0], `very-long-line.service is left out: `},
	} {
		t.Run(name, func(t *testing.T) {
			r := importer.Import(importer.Request{Stack: "left", Files: []importer.File{good, test.file}})
			if got := diag.Short(r.Findings); !strings.Contains(got, test.want) {
				t.Errorf("nothing says %q:\n%s", test.want, got)
			}
			if set := compile(t, r.Text); !slices.Equal(set.Names(), []units.Name{"web.service"}) || !slices.Equal(r.Units, set.Names()) {
				t.Errorf("units %v, named %v", set.Names(), r.Units)
			}
		})
	}
}

// TestState keeps what fleet is asked for; templates can only be kept.
func TestState(t *testing.T) {
	text := "[Service]\nExecStart=/bin/a\nRestart=always\n"
	r := importer.Import(importer.Request{Stack: "state", Files: []importer.File{
		{Path: "a", Name: "a.service", Text: text, State: units.Loaded}, {Path: "b", Name: "b.service", Text: text},
		{Path: "c", Name: "c@.service", Text: text}, {Path: "d", Name: "d.service", Text: text + "[Unit]\nAfter=x.service\n", State: units.Inactive},
	}})
	set := compile(t, r.Text)
	for name, want := range map[units.Name]units.State{"a.service": units.Loaded, "b.service": units.Launched, "c@.service": units.Inactive, "d.service": units.Inactive} {
		if u, _ := set.Lookup(name); u.Desired != want {
			t.Errorf("%s is to be %q, want %q", name, u.Desired, want)
		}
	}
}

// TestTables holds how units are written against a golden that people can read.
func TestTables(t *testing.T) {
	var files []importer.File
	for _, name := range []string{"comments", "comments-between", "placement-all", "plain", "continued", "resets", "quotes", "expression", "web@", "typo-directives", "folded"} {
		files = append(files, load(t, unitsDir+"/"+name+".service")...)
	}
	got := importer.Import(importer.Request{Stack: "golden", Files: files}).Text
	want, err := os.ReadFile("testdata/tables.toml")
	if *update {
		if err := os.WriteFile("testdata/tables.toml", []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the stack is written otherwise (-want +got):\n%s", diff)
	}
}

// FuzzImport holds the law on any text: what fleet accepts compiles to what fleet holds.
func FuzzImport(f *testing.F) {
	for _, file := range load(f, unitsDir+"/*", guidesDir+"/*/*", guidesDir+"/*/*/*") {
		f.Add(file.Name, file.Text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		file := importer.File{Path: "dir/unit", Name: name, Text: text}
		r := importer.Import(importer.Request{Stack: "fuzz", Files: []importer.File{file}})
		set := compile(t, r.Text)
		if len(r.Units) == 0 {
			if !r.Findings.HasErrors() {
				t.Error("the unit is left out without a reason")
			}
			mayLeaveOut(t, file)
			return
		}
		law(t, file, set)
	})
}

// mayLeaveOut reports a unit that fleet accepts and keeps and that was left out.
func mayLeaveOut(t *testing.T, f importer.File) {
	if _, err := units.ParseName(f.Name); err != nil {
		return
	}
	options, hash, err := held(f.Text)
	if err != nil || len(options) == 0 || hash != units.Hash(options) || !stable(options) {
		return
	}
	for _, r := range units.CheckFleet(units.Name(f.Name), options) {
		if r.Rule == units.RuleCombination {
			return
		}
	}
	t.Errorf("%q is left out", f.Text)
}

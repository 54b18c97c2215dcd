package importer_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/units"
)

// importDoc has the table of what the oracles see otherwise.
const importDoc = "../../docs/import.md"

// disagreements is what the document lists of one oracle: files, or lines of
// files, with the reason.
func disagreements(t *testing.T, oracle string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(importDoc)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| "+regexp.QuoteMeta(oracle)+" \\| (.+) \\|$").FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			listed[name] = true
		}
	}
	return listed
}

// agree holds what an oracle sees otherwise against what the document lists: what
// is not listed is at fault, and what is listed and gone too.
func agree(t *testing.T, oracle string, found map[string]string) {
	t.Helper()
	listed := disagreements(t, oracle)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if !listed[name] {
			t.Errorf("%s sees %s otherwise, and docs/import.md does not say so:\n%s", oracle, name, found[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if _, ok := found[name]; !ok {
			t.Errorf("docs/import.md says that %s sees %s otherwise, and it does not", oracle, name)
		}
	}
}

// oracleFiles are the units that are held against the oracles, by a short name.
func oracleFiles(t *testing.T) map[string]importer.File {
	t.Helper()
	files := map[string]importer.File{}
	for _, f := range load(t, unitsDir+"/*", guidesDir+"/*/*", guidesDir+"/*/*/*") {
		name := strings.TrimPrefix(f.Path, "../../testdata/")
		files[strings.TrimPrefix(name, "import/")] = f
	}
	return files
}

func converted(options []*unit.UnitOption) (list []units.Option) {
	for _, o := range options {
		list = append(list, units.Option{Section: o.Section, Name: o.Name, Value: o.Value})
	}
	return list
}

func lines(options []units.Option) string {
	var b strings.Builder
	for _, o := range options {
		fmt.Fprintf(&b, "  [%s] %s=%q\n", o.Section, o.Name, o.Value)
	}
	return b.String()
}

// TestGoSystemd holds what an imported unit compiles to against what today's
// go-systemd reads in the file: the same options in the same order.
func TestGoSystemd(t *testing.T) {
	found := map[string]string{}
	for name, f := range oracleFiles(t) {
		set := compile(t, importer.Import(importer.Request{Stack: "alone", Files: []importer.File{f}}).Text)
		read, err := unit.DeserializeOptions(strings.NewReader(f.Text))
		sections, errSections := unit.DeserializeSections(strings.NewReader(f.Text))
		if (err == nil) != (errSections == nil) {
			t.Errorf("%s: go-systemd's readers differ: %v, %v", name, err, errSections)
		}
		u, ok := set.Lookup(units.Name(f.Name))
		want := units.Canonical(converted(read))
		switch {
		case err != nil && ok:
			found[name] = fmt.Sprintf("  %v, and it is imported", err)
		case err == nil && !ok:
			found[name] = "  it is left out"
		case err == nil && !slices.Equal(want, units.Canonical(u.Options)):
			found[name] = "go-systemd\n" + lines(want) + "stackc\n" + lines(u.Options)
		case err == nil && ok:
			flat := 0
			for _, s := range sections {
				flat += len(s.Entries)
			}
			if again, err := unit.DeserializeOptions(strings.NewReader(u.Text())); err != nil || !slices.Equal(units.Canonical(converted(again)), units.Canonical(u.Options)) || flat != len(u.Options) {
				t.Errorf("%s: go-systemd reads something else in what comes out: %v\n%s", name, err, u.Text())
			}
		}
	}
	agree(t, "go-systemd", found)
}

// complaint is what systemd says of a line of a file.
var complaint = regexp.MustCompile(`(?m)^\S*/([^/ ]+):(\d+): (.*)$`)

// analyzed lets systemd read unit files, and returns its complaints by file and line.
func analyzed(t *testing.T, texts map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for name, text := range texts {
		path := filepath.Join(dir, "etc/systemd/system", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if units.Name(name).IsTemplate() {
			name = string(units.Name(name).Of("1"))
		}
		if _, given := texts[name]; !given || !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	// It ends with 1 whenever a program or unit is not there; what it says of lines counts.
	cmd := exec.Command("systemd-analyze", append([]string{"verify", "--root=" + dir, "--man=no", "--recursive-errors=no"}, slices.Compact(names)...)...)
	out, err := cmd.CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		t.Fatalf("systemd-analyze, of Debian's package systemd, is needed: %v (make deps)", err)
	}
	found := map[string]string{}
	for _, m := range complaint.FindAllStringSubmatch(string(out), -1) {
		if _, ours := texts[m[1]]; ours {
			found[m[1]+":"+m[2]] += "  " + m[3] + "\n"
		}
	}
	if len(found) == 0 {
		t.Fatalf("systemd-analyze finds nothing at all:\n%s", out)
	}
	return found
}

// misread are the codes of findings about what systemd would not take.
var misread = []diag.Code{diag.UnknownDirective, diag.UnknownSection, diag.WrongSection, diag.BadValue}

// TestSystemdAnalyze holds the findings of an import against what systemd itself
// says, line by line.
func TestSystemdAnalyze(t *testing.T) {
	texts, said := map[string]string{}, map[string]string{}
	for _, f := range load(t, unitsDir+"/*") {
		texts[f.Name] = f.Text
		r := importer.Import(importer.Request{Stack: "alone", Files: []importer.File{f}})
		for _, d := range r.Findings {
			key := fmt.Sprintf("%s:%d", f.Name, d.Span.Position().Line)
			if slices.Contains(misread, d.Code) {
				said[key] += "  " + d.Message + "\n"
			} else if _, ok := said[key]; !ok {
				said[key] = ""
			}
		}
	}
	systemd := analyzed(t, texts)
	only := map[string]string{}
	for key, text := range systemd {
		if _, ok := said[key]; !ok {
			only[key] = text
		}
	}
	agree(t, "systemd-analyze", only)
	only = map[string]string{}
	for key, text := range said {
		if _, ok := systemd[key]; !ok && text != "" {
			only[key] = text
		}
	}
	agree(t, "stackc", only)
}

// lineNumber is the place in a complaint, which is another in the compiled unit.
var lineNumber = regexp.MustCompile(`:\d+$`)

// TestSystemdAnalyzeCompiled lets systemd read the compiled units: it has the same
// complaints as of the files.
func TestSystemdAnalyzeCompiled(t *testing.T) {
	before, after := map[string]string{}, map[string]string{}
	files := load(t, unitsDir+"/*")
	set := compile(t, importer.Import(importer.Request{Stack: "together", Files: files}).Text)
	for _, f := range files {
		if u, ok := set.Lookup(units.Name(f.Name)); ok {
			before[f.Name], after[f.Name] = f.Text, u.Text()
		}
	}
	sum := func(found map[string]string) map[string]string {
		list := map[string][]string{}
		for _, key := range slices.Sorted(maps.Keys(found)) {
			name := lineNumber.ReplaceAllString(key, "")
			list[name] = append(list[name], strings.Split(strings.TrimSuffix(found[key], "\n"), "\n")...)
		}
		joined := map[string]string{}
		for name, l := range list {
			slices.Sort(l)
			joined[name] = strings.Join(l, "\n") + "\n"
		}
		return joined
	}
	was, is := sum(analyzed(t, before)), sum(analyzed(t, after))
	found := map[string]string{}
	for name := range before {
		if was[name] != is[name] {
			found[name] = "of the file\n" + was[name] + "of the compiled unit\n" + is[name]
		}
	}
	agree(t, "systemd, compiled", found)
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/keyring"
	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/cases"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/doctor"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/fleet/verify"
)

// reference is docs/commands.md, in its parts.
type reference struct {
	text     string
	sections map[string]string // by the first word of the heading
}

func readReference(t *testing.T) reference {
	t.Helper()
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	r := reference{text: string(text), sections: map[string]string{}}
	for _, part := range strings.Split(r.text, "\n## ")[1:] {
		r.sections[strings.Fields(part)[0]] = part
	}
	return r
}

// matches returns what the first group of a pattern finds, sorted.
func matches(pattern, text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

func visible(flags []cli.Flag) []cli.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool {
		return f.Names()[0] == "help" || !f.(cli.VisibleFlag).IsVisible()
	})
}

// TestDocsCommands holds the sections and their flags against the tree of commands.
func TestDocsCommands(t *testing.T) {
	doc := readReference(t)
	commands := map[string]bool{}
	for _, c := range testApp().Commands {
		commands[c.Name] = true
		section, ok := doc.sections[c.Name]
		if !ok {
			t.Errorf("docs/commands.md has no section on %s", c.Name)
			continue
		}
		if heading, _, _ := strings.Cut(section, "\n"); heading != strings.TrimSpace(c.Name+" "+strings.TrimSpace(strings.TrimSuffix(c.ArgsUsage, "[-o DIR]"))) {
			t.Errorf("the heading is %q, the usage %q", heading, c.ArgsUsage)
		}
		var want []string
		for _, f := range visible(c.Flags) {
			want = append(want, dashed(f.Names()[0]))
		}
		slices.Sort(want)
		line := regexp.MustCompile(`(?m)^Flags: .*$`).FindString(section)
		if d := cmp.Diff(want, matches("`(-[a-z-]+)`", line)); d != "" {
			t.Errorf("flags of %s (-code +docs):\n%s", c.Name, d)
		}
		if !strings.Contains(section, "```console") || !strings.Contains(section, "Exit code") {
			t.Errorf("%s has no example or no exit codes", c.Name)
		}
	}
	for name := range doc.sections {
		if strings.ToLower(name) == name && !commands[name] {
			t.Errorf("docs/commands.md has a section on %q, which is no command", name)
		}
	}
}

// TestDocsFlags holds the tables of flags and variables against the tree.
func TestDocsFlags(t *testing.T) {
	doc, app := readReference(t), testApp()
	var flags []cli.Flag
	for _, c := range app.Commands {
		flags = append(flags, visible(c.Flags)...)
	}
	for _, tt := range []struct {
		section string
		flags   []cli.Flag
	}{{"Flags", flags}, {"Global", visible(app.Flags)}} {
		var want []string
		for _, f := range tt.flags {
			d := f.(cli.DocGenerationFlag)
			for _, name := range f.Names() {
				text := dashed(name)
				if m := regexp.MustCompile("`([^`]+)`").FindStringSubmatch(d.GetUsage()); m != nil {
					text += " " + m[1]
				}
				want = append(want, text)
			}
		}
		slices.Sort(want)
		var got []string
		for _, row := range matches(`(?m)^\| ([^|]*`+"`"+`-[^|]*) \|`, doc.sections[tt.section]) {
			got = append(got, matches("`([^`]+)`", row)...)
		}
		slices.Sort(got)
		if d := cmp.Diff(slices.Compact(want), got); d != "" {
			t.Errorf("%s (-code +docs):\n%s", tt.section, d)
		}
	}
	var variables []string
	for _, f := range app.Flags {
		variables = append(variables, f.(cli.DocGenerationFlag).GetEnvVars()...)
	}
	slices.Sort(variables)
	if d := cmp.Diff(variables, slices.Compact(matches("`((?:FLEETCTL|STACKC)_[A-Z_]+)`", doc.text))); d != "" {
		t.Errorf("variables (-code +docs):\n%s", d)
	}
}

// objects are the JSON values that the document describes, by its names for them.
func objects() map[string]any {
	return map[string]any{
		"import": importResult{}, "lifted": liftedOption{},
		"check": checked{}, "compile": compiled{}, "compiled unit": unitFile{}, "bootstrap": hostsReport{}, "host": hostFile{},
		"plan": planned{}, "unit of a plan": fleet.UnitPlan{}, "changed directive": fleet.OptionChange{}, "option": fleet.PlanOption{},
		"waiter": fleet.PlanWait{}, "placement": fleet.Placement{}, "refusal": fleet.MachineRefusal{}, "wave": fleet.Wave{}, "step": fleet.Step{},
		"warning": fleet.Warning{}, "diff": review.Report{}, "side": review.Source{},
		"summary": review.Summary{}, "unit of a diff": review.Unit{}, "effect": fleet.Effect{}, "directive": review.Directive{}, "edit": review.Edit{},
		"argument": review.Arg{}, "spot": review.Place{}, "meanwhile": fleet.Meanwhile{}, "holding": fleet.Holding{}, "without": fleet.Without{},
		"submit, rollback, destroy, start, stop, restart, unload": carriedOut{}, "outcome": fleet.Outcome{}, "paused": fleet.Paused{}, "back": fleet.Back{},
		"rollout": fleet.Rollout{}, "update": fleet.PlanUpdate{},
		"unit of an outcome": fleet.UnitOutcome{}, "state": fleet.UnitState{}, "requests": fleet.Counts{}, "status": statusReport{},
		"unit of a status": view.Standing{}, "history": historyReport{}, "revision": state.Revision{}, "source": state.Source{}, "history show": revisionReport{},
		"lock": lockReport{}, "gc": collectedReport{}, "holder": state.Lock{}, "machine": fleet.Machine{}, "version": versionInfo{}, "finding": diag.Finding{},
		"ports": portsReport{}, "machines with the same ports": view.PortGroup{}, "port": view.Port{}, "where a port is used from": view.PortSource{}, "rules": portRules{},
		"pxe": pxeReport{}, "file of a server": pxeFile{}, "image": pxeImage{},
		"verify": verifyReport{}, "result": verify.Result{},
		"why": whyReport{}, "diagnosis": fleet.Diagnosis{}, "unit on a machine": fleet.Spot{}, "eligible machine": fleet.Eligible{}, "peer": fleet.Peer{},
		"place": diag.Place{}, "position": diag.Position{}, "error": errorReport{},
		"doctor": doctor.Report{}, "doctor's finding": doctor.Finding{}, "check of the doctor": doctor.Check{},
		"library list": libraryList{}, "library": view.Library{}, "library show": view.LibraryDetails{}, "export": view.Export{},
		"needs": view.Needs{}, "need": view.Need{}, "library lock, vendor": locked{}, "locked library": lockedEntry{},
		"mirror list, fetch, check, lock": mirrorReport{}, "file of a mirror": view.MirrorFile{}, "need of a file": view.MirrorNeed{},
		"pki list, check": keysReport{}, "file of a PKI": keyring.Entry{}, "place of a file": keyring.Place{}, "pki init, issue, renew": keysMade{},
		"library check": checkedLibrary{}, "library test": caseReport{}, "difference": cases.Difference{},
	}
}

// keysOf lists the JSON keys of a struct, those of embedded ones included.
func keysOf(t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			keys = append(keys, keysOf(f.Type)...)
		case f.IsExported() && name != "-":
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	return keys
}

// TestDocsJSON holds the keys of each JSON object against the tags of its type.
func TestDocsJSON(t *testing.T) {
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| (.+) \|$`).FindAllStringSubmatch(readReference(t).sections["JSON"], -1) {
		if m[1] != "object" {
			// What stands behind the last semicolon of some rows is about other commands.
			keys, _, _ := strings.Cut(m[2], "; `machines` gives")
			rows[m[1]] = matches("`([a-z0-9_]+)`", keys)
		}
	}
	delete(rows, "---")
	want := map[string][]string{}
	for name, value := range objects() {
		want[name] = keysOf(reflect.TypeOf(value))
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Errorf("JSON keys (-code +docs):\n%s", d)
	}
	for _, text := range []fleet.Kind{fleet.Unreachable, fleet.Timeout, fleet.Server, fleet.Garbled, fleet.Rejected, fleet.Conflict,
		fleet.NotFound, fleet.Stale, fleet.Lost, fleet.Kind(state.Held), fleet.Kind(state.Unreachable), fleet.Kind(state.Damaged), kindError, fleet.Kind(kindMisused), kindRefused, kindUnplaceable, kindInterrupted} {
		if _, kinds, _ := strings.Cut(readReference(t).text, "The kinds of errors: "); !regexp.MustCompile(`\b` + string(text) + `\b`).MatchString(kinds) {
			t.Errorf("docs/commands.md does not tell of the kind %s", text)
		}
	}
}

// example is a console block of the document: a command and what comes of it.
type example struct {
	line    int
	command string
	exit    int
	output  string
}

var consoleBlock = regexp.MustCompile("(?m)^```console(?: exit=([0-9]+))?\n\\$ (stackc .*)\n((?s:.*?))^```$")

func examplesOf(t *testing.T, doc string) []example {
	t.Helper()
	var list []example
	for _, m := range consoleBlock.FindAllStringSubmatchIndex(doc, -1) {
		e := example{line: 1 + strings.Count(doc[:m[0]], "\n"), command: doc[m[4]:m[5]], output: doc[m[6]:m[7]]}
		if m[2] >= 0 {
			e.exit, _ = strconv.Atoi(doc[m[2]:m[3]])
		}
		list = append(list, e)
	}
	if n := strings.Count(doc, "```console"); len(list) != n {
		t.Fatalf("%d of %d console blocks can be read", len(list), n)
	}
	return list
}

// pattern makes a regular expression of what the document shows: "…" on a line of
// its own is any lines, elsewhere any text; times are any times.
func (e example) pattern() *regexp.Regexp {
	text := regexp.QuoteMeta(e.output)
	text = regexp.MustCompile(`(?m)^…\n`).ReplaceAllString(text, `(?s:.*)`)
	text = strings.ReplaceAll(text, "…", ".*")
	text = regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(text, `\d\d:\d\d:\d\d`)
	text = regexp.MustCompile(`in \d+\\\.\ds`).ReplaceAllString(text, `in [0-9.]+m?s`)
	return regexp.MustCompile("^" + text + "$")
}

// TestDocsSession goes through the examples of the document, on a cluster in a box,
// in a folder that has its stack file.
func TestDocsSession(t *testing.T) {
	doc := readReference(t).text
	_, stack, _ := strings.Cut(doc, "```toml\n")
	stack, _, _ = strings.Cut(stack, "```")
	startBox(t, "back@10.0.0.1", "front@10.0.0.2", "front@10.0.0.3")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.toml"), stack)
	for _, e := range examplesOf(t, doc) {
		code, out := call(t, dir, e.command)
		if code != e.exit || !e.pattern().MatchString(out) {
			t.Errorf("docs/commands.md:%d: %s: exit code %d, want %d, and\n%s", e.line, e.command, code, e.exit, out)
		}
	}
}

// exampleFiles are the files that examples in help texts name, beside the stacks
// of the repository.
var exampleFiles = map[string]string{
	"room.toml":         "stack = \"room\"\n[machine.a]\naddress = \"10.0.0.1\"\nmac = \"52:54:00:00:00:01\"\n[network]\nmachines = \"10.0.0.0/24\"\n[bootstrap]\nssh_keys = []\n[pxe]\nserver = \"10.0.0.9\"\nversion = \"717.3.0\"\nroot = \"LABEL=ROOT\"\n",
	"prod.toml":         "[unit.kube-proxy.Service]\nRestartSec = 3\n",
	"lab.toml":          "stack = \"lab\"\n[roles]\nnode = \"role=node\"\n[machine.core-01]\nrole = \"node\"\naddress = \"10.0.0.1\"\ndisk = \"/dev/sda\"\n[bootstrap]\netcd = {}\n",
	"units/web.service": "[Service]\nExecStart=/opt/bin/web\nRestart=always\n",
	"user-data.yaml":    "#cloud-config\ncoreos:\n  units:\n    - name: etcd2.service\n      command: start\n",
}

// TestHelpExamples runs each example of each help text, in a folder of its own with
// the files they name and without a cluster: those that need one must come as far as
// that.
func TestHelpExamples(t *testing.T) {
	t.Setenv("FLEETCTL_ENDPOINT", nowhere)
	var running sync.WaitGroup // most of the time is spent on trying again
	for _, c := range testApp().Commands {
		examples := matches(`(?m)^  (stackc .*)$`, c.Description)
		if len(examples) == 0 {
			t.Errorf("the help of %s has no example", c.Name)
		}
		for _, line := range examples {
			dir := exampleFolder(t)
			running.Go(func() { tryExample(t, dir, c.Name, line) })
		}
	}
	running.Wait()
}

func exampleFolder(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	for _, dir := range []string{top, filepath.Join(top, "stacks")} {
		if err := os.CopyFS(dir, os.DirFS(repository("stacks"))); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range exampleFiles {
		write(t, filepath.Join(top, name), text)
	}
	plan, err := fleet.EncodePlan(fleet.SavedPlan{Endpoint: nowhere}, &fleet.Plan{Version: fleet.PlanVersion, Stack: "k8s"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(top, "k8s-plan.json"), string(plan))
	return top
}

// nowhere is an endpoint that there is not.
const nowhere = "unix:///nowhere/fleet.sock"

func tryExample(t *testing.T, dir, command, line string) {
	line = regexp.MustCompile(`(--endpoint) \S+`).ReplaceAllString(line, "$1 "+nowhere)
	code, out := call(t, dir, line)
	if !strings.HasPrefix(line, "stackc "+command+" ") || !slices.Contains([]int{exitDone, exitChanges, exitUnreachable}, code) {
		t.Errorf("%s ends with %d:\n%s", line, code, out)
	}
}

// call runs a command line in a folder; its output is both streams together.
func call(t *testing.T, dir, line string) (code int, output string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line) // TestMain has put stackc into PATH
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// startBox starts a cluster in a box, with a machine for each role@address, and
// points FLEETCTL_ENDPOINT to it.
func startBox(t *testing.T, machines ...string) {
	t.Helper()
	args := []string{"--socket", filepath.Join(t.TempDir(), "fleet.sock")}
	for _, m := range machines {
		args = append(args, "--machine", "role="+m)
	}
	ready := runBox(t, args...)
	t.Setenv("FLEETCTL_ENDPOINT", ready.Fleet[0])
	t.Setenv("STACKC_ETCD", ready.Etcd)
	t.Setenv("CONTROL", ready.Control)
}

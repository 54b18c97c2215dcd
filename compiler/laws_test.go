package compiler_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// reporter is what the laws need of a test, be it one of testing or of rapid.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkLaws holds what is true of every compile, whatever the stack file says.
func checkLaws(t reporter, result *compiler.Result, findings diag.List) {
	t.Helper()
	if findings.HasErrors() != (result.Set == nil) {
		t.Errorf("with errors %v there is a set %v", findings.HasErrors(), result.Set != nil)
	}
	if got, want := diag.Short(findings), diag.Short(findings.Canonical()); got != want {
		t.Errorf("the findings are not in their order:\n%s\nbut\n%s", got, want)
	}
	for _, d := range findings {
		checkFinding(t, d)
	}
	if result.Set == nil {
		return
	}
	for _, u := range result.Set.Units {
		checkUnit(t, result, u)
	}
}

func checkFinding(t reporter, d diag.Diagnostic) {
	t.Helper()
	switch {
	case d.Code == diag.Internal:
		t.Errorf("the compiler failed: %s\n%v", d.Message, d.Notes)
	case d.Span.IsZero() && d.Code != diag.FileNotFound:
		t.Errorf("a finding without a place: %s", d.Message)
	case d.Severity != diag.Error && d.Severity != diag.Warning:
		t.Errorf("a finding without a severity: %s", d.Message)
	case d.Message == "" || strings.ContainsAny(d.Message, "\n\r") && d.Code != diag.Internal:
		t.Errorf("a message that is not one line: %q", d.Message)
	}
	checkSpan(t, d.Span)
	for _, n := range d.Notes {
		checkSpan(t, n.Span)
	}
}

func checkSpan(t reporter, s source.Span) {
	t.Helper()
	if s.IsZero() {
		return
	}
	if s.Start() < 0 || s.End() < s.Start() || s.End() > len(s.File().Text()) {
		t.Errorf("a span outside of its file: %d to %d of %d", s.Start(), s.End(), len(s.File().Text()))
	}
}

// checkUnit holds that a unit can be written, is read back as it was, and tells
// for each of its lines where that comes from.
func checkUnit(t reporter, result *compiler.Result, u units.Unit) {
	t.Helper()
	if n := result.Topology.ByName(u.Name); n.Unit.Verbatim != nil {
		checkVerbatim(t, u)
		checkOrigins(t, result, u)
		return
	}
	text, err := units.Format(u.Options)
	if err != nil {
		t.Errorf("%s cannot be written: %v", u.Name, err)
		return
	}
	if again, faults := units.Parse(text); len(faults) > 0 {
		t.Errorf("%s cannot be read: %v", u.Name, faults)
	} else if units.Hash(again.Options()) != u.Hash() {
		t.Errorf("%s is read back as another:\n%s", u.Name, text)
	}
	checkOrigins(t, result, u)
}

// checkVerbatim holds of a unit that is given as its text, whatever that says,
// that fleet keeps it: it reads again what it has written.
func checkVerbatim(t reporter, u units.Unit) {
	t.Helper()
	if again, err := units.ParseAsFleet(u.Text()); err != nil || !units.Equal(again, u.Options) {
		t.Errorf("fleet does not keep %s: %v\n%s", u.Name, err, u.Text())
	}
}

func checkOrigins(t reporter, result *compiler.Result, u units.Unit) {
	t.Helper()
	origins := result.Origins[u.Name]
	if len(origins) != len(u.Options) {
		t.Errorf("%s has %d lines and %d origins", u.Name, len(u.Options), len(origins))
		return
	}
	for i, o := range origins {
		checkSpan(t, o.Pos.Span)
		if o.Pos.Span.IsZero() || o.Path(u.Options[i]) == "" {
			t.Errorf("%s: line %d comes from nowhere", u.Name, i+1)
		}
	}
}

// TestLaws holds the laws on every archive, in strict mode and not.
func TestLaws(t *testing.T) {
	for _, path := range archives(t, compileDir) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c := readCase(t, path)
			result, findings := c.compile()
			checkLaws(t, result, findings)
			c.options.Strict = true
			result, strict := c.compile()
			checkLaws(t, result, strict)
			if len(strict) != len(findings) || strict.Count(diag.Warning) > 0 {
				t.Errorf("strict gives %d findings, %d of them warnings, instead of %d errors", len(strict), strict.Count(diag.Warning), len(findings))
			}
		})
	}
}

// TestDeterministic compiles every archive and stack twenty times: maps have no
// order, the output has.
func TestDeterministic(t *testing.T) {
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		first := everything(c.compile())
		for range 20 {
			if again := everything(c.compile()); again != first {
				t.Fatalf("%s: once\n%s\nand then\n%s", path, first, again)
			}
		}
	}
}

// everything is all that a compile gives, as one text.
func everything(result *compiler.Result, findings diag.List) string {
	var b strings.Builder
	b.Write(diag.JSON(findings))
	if result.Set == nil {
		return b.String()
	}
	for _, u := range result.Set.Units {
		fmt.Fprintf(&b, "%s %s %s %+v\n", u.Name, u.Desired, u.Group, u.Waits)
		for i, o := range u.Options {
			from := result.Origins[u.Name][i]
			fmt.Fprintf(&b, "[%s] %s=%s < %s %s %s\n", o.Section, o.Name, o.Value, from.Pos.Span, from.Path(o), from.Rule)
		}
	}
	fmt.Fprintf(&b, "%+v\n", result.Set.Addresses)
	return b.String()
}

// TestScriptsAreShell reads every generated script with the shells that may run
// it, without running it.
func TestScriptsAreShell(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		result, _ := c.compile()
		if result.Set == nil {
			continue
		}
		for _, u := range result.Set.Units {
			commands := units.Values(u.Options, "Service", "ExecStartPre")
			if result.Topology.ByName(u.Name).Made != nil {
				commands = append(commands, units.Values(u.Options, "Service", "ExecStart")...)
			}
			for _, value := range commands {
				if script := scriptOf(t, value); script != "" {
					seen[script] = true
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Fatalf("only %d scripts", len(seen))
	}
	var files []string
	for script := range seen {
		file := filepath.Join(dir, fmt.Sprint(len(files)))
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for _, file := range files {
		for _, shell := range []string{"sh", "bash"} {
			if out, err := exec.Command(shell, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", shell, err, out)
			}
		}
	}
}

// scriptOf returns what systemd passes to /bin/sh -c, "" for another command.
func scriptOf(t *testing.T, value string) string {
	t.Helper()
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 {
		t.Fatalf("%s: %v", value, err)
	}
	words := commands[0].Words
	if len(words) != 3 || words[0].Text != "/bin/sh" || words[1].Text != "-c" {
		return ""
	}
	script, ok := words[2].Literal()
	if !ok {
		t.Errorf("systemd would change the script of %s", value)
	}
	return script
}

// exampleStacks returns the stack files that come with the compiler and are no
// libraries, which lack their parameters.
func exampleStacks(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../stacks/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	paths = slices.DeleteFunc(paths, func(p string) bool {
		return slices.Contains(stacks.Library{}.Names(), strings.TrimSuffix(filepath.Base(p), ".toml"))
	})
	if len(paths) == 0 {
		t.Fatal("no stacks")
	}
	return paths
}

// TestStacks holds that the stacks that come with the compiler are without fault,
// also where every warning counts.
func TestStacks(t *testing.T) {
	for _, path := range exampleStacks(t) {
		result, findings := compiler.Compile(path, compiler.Options{Opener: source.Dir{}, Std: stacks.Library{}, Strict: true})
		if len(findings) > 0 {
			t.Errorf("%s:\n%s", path, diag.Short(findings))
		}
		checkLaws(t, result, findings)
	}
}

func TestMissingStackFile(t *testing.T) {
	result, findings := compiler.Compile("none.toml", compiler.Options{Opener: source.Map{}})
	if want := `error: there is no file "none.toml" [file-not-found]` + "\n"; diag.Short(findings) != want {
		t.Errorf("%s", diag.Short(findings))
	}
	checkLaws(t, result, findings)
	_, findings = compiler.Compile("none.toml", compiler.Options{Opener: broken{}})
	if want := "error: the disk is broken [file-not-found]\n"; diag.Short(findings) != want {
		t.Errorf("%s", diag.Short(findings))
	}
}

// broken cannot open anything; falls panics.
type (
	broken struct{}
	falls  struct{}
)

func (broken) Open(string) (*source.File, error) { return nil, errors.New("the disk is broken") }
func (falls) Open(string) (*source.File, error)  { panic("out of luck") }

// TestInternalFault holds that a fault of the compiler is a finding, and asks for a report.
func TestInternalFault(t *testing.T) {
	result, findings := compiler.Compile("x.toml", compiler.Options{Opener: falls{}})
	if len(findings) != 1 || findings[0].Code != diag.Internal || result == nil || result.Set != nil {
		t.Fatalf("%+v, %s", result, diag.Short(findings))
	}
	d := findings[0]
	if !strings.Contains(d.Message, "out of luck") || !strings.Contains(d.Help, "report") || d.Severity != diag.Error {
		t.Errorf("%+v", d)
	}
}

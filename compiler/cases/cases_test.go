package cases

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler/source"
)

// library is what the cases are about, seen from the folder of the archives.
var library = source.Map{"../../web.toml": `stack = "web"

[library]
version = "1.0.0"

[params]
size = { type = "int", values = [1, 2] }

[unit.web]
state   = "loaded"
Service = { ExecStart = "/opt/bin/web ${{ size }}", Restart = "always" }
`}

func TestRun(t *testing.T) {
	const unit = "# loaded\n[Service]\nExecStart=/opt/bin/web 2\nRestart=always\n\n[X-Stackc]\nStack=web\n"
	for name, test := range map[string]struct{ archive, reason string }{
		"as expected":          {"-- params.toml --\nsize = 2\n-- units/web.service --\n" + unit, ""},
		"no expectation":       {"-- params.toml --\nsize = 2\n", "it says neither units nor findings"},
		"empty archive":        {"", "it says neither units nor findings"},
		"other unit":           {"-- params.toml --\nsize = 1\n-- units/web.service --\n" + unit, "units/web.service differs"},
		"unit too many":        {"-- params.toml --\nsize = 2\n-- units/web.service --\n" + unit + "-- units/log.service --\nx\n", "units/log.service does not come"},
		"unit not expected":    {"-- stack.toml --\nstack = \"web\"\nuse = [{ stack = \"../../web.toml\", params = { size = 2 } }]\n[unit.a]\nallow = [\"no-restart\"]\nService = { ExecStart = \"/bin/a\" }\n-- units/web.service --\n" + unit, "units/a.service is not expected"},
		"finding":              {"-- params.toml --\nsize = 3\n-- findings --\nparams.toml:1:8: error: parameter \"size\" cannot be 3 [bad-parameter]\n  help: it is one of 1 or 2\n", ""},
		"finding not expected": {"-- params.toml --\nsize = 3\n-- units/web.service --\n" + unit, "findings is not expected, units/web.service does not come"},
		"parameter missing":    {"-- findings --\n../../web.toml: error: parameter \"size\" of stack \"web\" has no value and no default [missing-parameter]\n  help: give it with --set size=…\n", ""},
		"other findings":       {"-- findings --\n", "findings differs"},
		"bad parameter file":   {"-- params.toml --\nsize = \n-- units/a.service --\nx\n", "findings is not expected, units/a.service does not come"},
		"library not there":    {"-- stack.toml --\nstack = \"a\"\nuse = [{ stack = \"../web.toml\" }]\n-- units/web.service --\n" + unit, "findings is not expected, units/web.service does not come"},
		"overlay":              {"-- stack.toml --\nstack = \"web\"\nuse = [{ stack = \"../../web.toml\", params = { size = 1 } }]\n-- overlay.toml --\n[unit.web.Service]\nExecStart = \"/opt/bin/web 2\"\n-- units/web.service --\n" + unit, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := Case{Library: Seen("lib/web.toml"), Archive: txtar.Parse([]byte(test.archive)), Disk: library}
			r := c.Run()
			if r.Reason != test.reason {
				t.Errorf("reason %q, want %q\n%v", r.Reason, test.reason, r.Differences)
			}
			// What is written anew holds, and keeps what the case is made of.
			c.Archive = c.Update(r)
			if again := c.Run(); again.Reason != "" {
				t.Errorf("after an update: %s", again.Reason)
			}
		})
	}
}

func TestUpdateKeepsInputs(t *testing.T) {
	c := Case{Library: Seen("web.toml"), Disk: library, Archive: txtar.Parse([]byte("what it shows\n-- params.toml --\nsize = 2\n-- units/old.service --\nx\n-- notes --\nkept\n"))}
	got := string(txtar.Format(c.Update(c.Run())))
	if !strings.HasPrefix(got, "what it shows\n-- params.toml --\nsize = 2\n-- notes --\nkept\n-- units/web.service --\n# loaded\n") || strings.Contains(got, "old.service") {
		t.Errorf("got\n%s", got)
	}
}

func TestFind(t *testing.T) {
	files := fstest.MapFS{"a/web.toml": {}, "a/tests/web/two.txtar": {}, "a/tests/web/one.txtar": {}, "a/tests/web/x.toml": {}, "a/tests/other/one.txtar": {}}
	got, err := Find(files, "a/web.toml")
	if diff := cmp.Diff([]string{"a/tests/web/one.txtar", "a/tests/web/two.txtar"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

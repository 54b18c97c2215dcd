package importer_test

import (
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/units"
)

// keptText is how an idiomatic import begins to say why a unit is kept as its text.
const keptText = "it is kept as its text: "

// TestKeptText names the line that keeps a unit as its text, and the reason.
func TestKeptText(t *testing.T) {
	const service = "[Service]\nExecStart=/bin/a\nRestart=always\n"
	for name, tt := range map[string]struct{ file, text, want string }{
		"swallowed":         {"a.service", "[Service]\n# one \\\nEnvironment=A=1\nExecStart=/bin/a\nRestart=always\n", `a.service:3: left: ` + keptText + `fleet reads Environment= otherwise than systemd`},
		"no name":           {"a.service", service + "A b=1\n", `a.service:4: left: ` + keptText + `A b= of [Service] is no name for a table`},
		"sockets apart":     {"a.socket", "[Socket]\nListenStream=80\nFreeBind=yes\nListenStream=81\nService=a.service\n", `a.socket:4: left: ` + keptText + `ListenStream= stands apart from the one before it, and the order of its directives counts`},
		"timeouts apart":    {"a.service", "[Service]\nTimeoutSec=1\nExecStartPre=/bin/a\nTimeoutStartSec=2\nExecStartPre=/bin/b\nExecStart=/bin/a\nRestart=always\n", `a.service:5: left: ` + keptText + `ExecStartPre= stands apart`},
		"refused placement": {"a.service", service + "[X-Fleet]\nMachineOf=b.service\nMachineMetadata=a b=c\n", `a.service:6: left: ` + keptText + `MachineMetadata=a b=c: no machine has the metadata "a b=c"`},
		"carriage return":   {"a.service", "[Service]\nExecStart=/bin/a\nRestart=always\nEnvironment=A=1\rB=2\n", `a.service:4: left: ` + keptText + `fleet reads Environment= otherwise than systemd`},
		"refused type":      {"a.target", "[Unit]\nDescription=a\n", `a.target:1: left: ` + keptText + `fleet starts a target and then never unloads it`},
	} {
		t.Run(name, func(t *testing.T) {
			files := []importer.File{
				{Path: tt.file, Name: tt.file, Text: tt.text},
				{Path: "b.service", Name: "b.service", Text: service},
			}
			r := importer.Import(importer.Request{Stack: "kept", Files: files, Idiomatic: true})
			if got := listed(r); !strings.Contains(got, tt.want) {
				t.Errorf("nothing says %q:\n%s%s", tt.want, got, r.Text)
			}
			onlyListed(t, files, r)
		})
	}
}

// TestKeptAndLeftOut: of a unit that is left out after all it is not said that its text is kept.
func TestKeptAndLeftOut(t *testing.T) {
	files := []importer.File{{Path: "a@.service", Name: "a@.service", State: units.Launched, Text: "[Service]\nExecStart=/bin/a\nRestart=always\n"}}
	r := importer.Import(importer.Request{Stack: "left", Files: files, Idiomatic: true})
	if !r.Findings.HasErrors() || len(r.Units) > 0 || len(r.Left) > 0 {
		t.Errorf("units %v, left:\n%s", r.Units, listed(r))
	}
}

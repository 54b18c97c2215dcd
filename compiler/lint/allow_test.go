package lint

import (
	"testing"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
)

func TestIsAbout(t *testing.T) {
	s, _ := stack.Load(stack.Input{Path: "x", Opener: source.Map{"x": `stack = "x"
[unit.backup]
[unit."backup.timer"]
[unit.back]
[host.disk]
unit = "disk.service"
[host."disk.mount"]
unit = "disk.mount"
`}})
	for _, c := range []struct {
		path, key string
		want      bool
	}{
		{"unit.backup", "backup", true},
		{"unit.backup.Service.ExecStart", "backup", true},
		{"unit.backup.after[0]", "backup", true},
		{"unit.backup[0]", "backup", true},
		{"unit.backup", "back", false},
		{"unit.backup.timer", "backup", false},
		{"unit.backup.timer.Timer", "backup", false},
		{"unit.backup.timer.Timer", "backup.timer", true},
		{"unit.backup.timers", "backup", true},
		{"host.backup", "backup", false},
		{"", "backup", false},
	} {
		if got := (&permit{unit: c.key}).covers(s, diag.Diagnostic{Path: c.path}); got != c.want {
			t.Errorf("%q about unit %q: %v", c.path, c.key, got)
		}
	}
	for path, want := range map[string]bool{"host.disk": true, "host.disk.role": true, "host.disk.mount.role": false, "unit.disk": false} {
		if got := (&permit{host: "disk"}).covers(s, diag.Diagnostic{Path: path}); got != want {
			t.Errorf("%q about host entry \"disk\": %v", path, got)
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/stackc/stackc/units"
)

// TestEffects holds what is told of each kind of line against a word that must
// be in it, or against silence.
func TestEffects(t *testing.T) {
	both := units.Placement{Metadata: units.Metadata{"role": {"master", "node"}, "disk": {"ssd"}}}
	everywhere := units.Placement{Global: true, Metadata: units.Metadata{"role": {"node"}}}
	for _, c := range []struct {
		name                   string
		section, option, value string
		placement              units.Placement
		word, wait             string
		want                   string // in one of the sentences; "" for none
	}{
		{"wants", "Unit", "Wants", "a.service b.service", units.Placement{}, "after", "", "starts a.service and b.service with this unit"},
		{"after", "Unit", "After", "a.service", units.Placement{}, "after", "", "starts a.service first and stops it last"},
		{"before", "Unit", "Before", "a.service", units.Placement{}, "", "", "starts a.service last"},
		{"requires tells of death", "Unit", "Requires", "a.service", units.Placement{}, "", "", "stays dead without it"},
		{"requires tells of missing", "Unit", "Requires", "a.service", units.Placement{}, "", "", "counts as missing"},
		{"binds", "Unit", "BindsTo", "a.service", units.Placement{}, "", "", "nobody starts it again"},
		{"requisite", "Unit", "Requisite", "a.service", units.Placement{}, "", "", "unless a.service is up already"},
		{"part of", "Unit", "PartOf", "a.service", units.Placement{}, "", "", "does the same to this unit"},
		{"systemd's conflicts", "Unit", "Conflicts", "a.service", units.Placement{}, "", "", "fleet does not look at this line"},
		{"condition", "Unit", "ConditionPathExists", "/x", units.Placement{}, "", "", "skips the start without an error"},
		{"documentation", "Unit", "Documentation", "man:x", units.Placement{}, "", "", ""},
		{"no timeout", "Service", "TimeoutStartSec", "0", units.Placement{}, "", "", "no limit"},
		{"infinite timeout", "Service", "TimeoutSec", "infinity", units.Placement{}, "", "", "no limit"},
		{"a timeout", "Service", "TimeoutStartSec", "5min", units.Placement{}, "", "", "longer than 5min"},
		{"optional file", "Service", "EnvironmentFile", "-/etc/env", units.Placement{}, "env", "", "passes over it while it is missing"},
		{"mandatory file", "Service", "EnvironmentFile", "/etc/env", units.Placement{}, "", "", "while it is missing the unit fails"},
		{"waiter for ever", "Service", "ExecStartPre", "/bin/sh -c x", units.Placement{}, "after", "", "never gives up"},
		{"waiter with a limit", "Service", "ExecStartPre", "/bin/sh -c x", units.Placement{}, "env", "10m", "gives up after 10m"},
		{"waiting state", "Service", "ExecStartPre", "/bin/sh -c x", units.Placement{}, "after", "", "activating/start-pre"},
		{"put", "Service", "ExecStartPre", "/bin/sh -c x", units.Placement{}, "etcd_put", "", "if it is absent"},
		{"download with a sum", "Service", "ExecStartPre", "sha256sum -c", units.Placement{}, "download", "", "a wrong sum fails the unit"},
		{"download without", "Service", "ExecStartPre", "curl x", units.Placement{}, "download", "", "at every start"},
		{"own command", "Service", "ExecStartPre", "/bin/x", units.Placement{}, "", "", "when it fails the unit fails"},
		{"own command with a dash", "Service", "ExecStartPre", "-/bin/x", units.Placement{}, "", "", "is passed over"},
		{"notify", "Service", "Type", "notify", units.Placement{}, "", "", "has told systemd"},
		{"oneshot", "Service", "Type", "oneshot", units.Placement{}, "", "", "inactive/dead"},
		{"dbus", "Service", "Type", "dbus", units.Placement{}, "", "", ""},
		{"restart always", "Service", "Restart", "always", units.Placement{}, "", "", "whenever it ends"},
		{"restart on failure", "Service", "Restart", "on-failure", units.Placement{}, "", "", `"on-failure"`},
		{"restart no", "Service", "Restart", "no", units.Placement{}, "", "", "fleet never restarts"},
		{"nice", "Service", "Nice", "5", units.Placement{}, "", "", ""},
		{"a newer directive", "Service", "ProtectSystem", "yes", units.Placement{}, "", "", "and later know it"},
		{"install", "Install", "WantedBy", "multi-user.target", units.Placement{}, "", "", "enables the unit"},
		{"metadata", "X-Fleet", "MachineMetadata", "role=node", both, "role", "", "one machine where disk is ssd, and role is master or node"},
		{"metadata of a global unit", "X-Fleet", "MachineMetadata", "role=node", everywhere, "role", "", "every machine where role is node"},
		{"global", "X-Fleet", "Global", "true", everywhere, "global", "", "all machines at once"},
		{"machine of", "X-Fleet", "MachineOf", "a.service", units.Placement{}, "machine_of", "", "where a.service is"},
		{"machine id", "X-Fleet", "MachineID", "0123abcd", units.Placement{}, "machine_id", "", "this machine alone"},
		{"fleet's conflicts", "X-Fleet", "Conflicts", "a@*.service", units.Placement{}, "conflicts", "", "a unit matching a@*.service"},
		{"the mark", "X-Stackc", "Stack", "shop", units.Placement{}, "stack", "", `belongs to stack "shop"`},
		{"another section", "X-Notes", "Stack", "shop", units.Placement{}, "", "", "counts in the unit's hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := effects(lineOf{Option: units.Option{Section: c.section, Name: c.option, Value: c.value}, placement: c.placement, word: c.word, wait: c.wait})
			text := strings.Join(got, "\n")
			if !strings.Contains(text, c.want) || c.want == "" && text != "" {
				t.Errorf("told %q, want %q in it", got, c.want)
			}
			if got == nil {
				t.Error("nil is null in JSON")
			}
		})
	}
}

func TestRunsOn(t *testing.T) {
	role := units.Metadata{"role": {"a", "b"}}
	for want, p := range map[string]units.Placement{
		"one machine":                            {},
		"every machine":                          {Global: true},
		"one machine where role is a or b":       {Metadata: role},
		"machine 0123abcd":                       {MachineID: "0123abcd"},
		"the machine of x.service":               {MachineOf: []string{"x.service"}},
		"the machine of x and y, role is a or b": {MachineOf: []string{"x", "y"}, Metadata: role},
	} {
		if got := runsOn(p); got != want {
			t.Errorf("runs on %q, want %q", got, want)
		}
	}
}

func TestParameterPattern(t *testing.T) {
	for text, want := range map[string]string{
		"a ${{ x }} b": "x", "${{x-y}}": "x-y", "$${{ x }}": "", "${{ a.port }}": "", "${X} $x": "",
	} {
		got := ""
		for _, m := range parameter().FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[0], "$$") {
				got = m[1]
			}
		}
		if got != want {
			t.Errorf("%s names %q, want %q", text, got, want)
		}
	}
}

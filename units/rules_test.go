package units_test

import (
	"path"
	"strings"
	"testing"

	"github.com/coreos/fleet/job"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// fleetRejects restates fleet v1.0.0 api/units.go, ValidateOptions, over fleet's
// own reading of the options (that package does not build with current libraries).
func fleetRejects(o []units.Option) bool {
	j := &job.Unit{Unit: *fleetFile(o)}
	for _, peer := range j.Peers() {
		for _, pattern := range append(j.Conflicts(), j.Replaces()...) {
			if matched, _ := path.Match(pattern, peer); matched {
				return true
			}
		}
	}
	_, target := j.RequiredTarget()
	peers, conflicts, replaces, global := len(j.Peers()) > 0, len(j.Conflicts()) > 0, len(j.Replaces()) > 0, j.IsGlobal()
	return target && (peers || conflicts || global || replaces) || global && (peers || replaces) || conflicts && replaces
}

func TestCombinationsAreFleets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genFleetOptions().Draw(t, "options")
		rejected := false
		for _, e := range units.CheckFleet("a@1.service", o) {
			if e.Rule == units.RuleCombination {
				rejected = true
				if e.Index < 0 || o[e.Index].Section != "X-Fleet" {
					t.Fatalf("%v is put down to option %d", e, e.Index)
				}
			}
		}
		if want := fleetRejects(o); rejected != want {
			t.Fatalf("rejected: %v, by fleet: %v", rejected, want)
		}
	})
}

func TestCheckFleet(t *testing.T) {
	const run = "Service.ExecStart=/bin/a"
	tests := []struct {
		name   string
		unit   units.Name
		in     []string
		want   units.Rule
		index  int
		before int
	}{
		{"good", "a.service", []string{run}, 0, 0, 0},
		{"nothing", "a.service", nil, units.RuleEmpty, -1, 0},
		{"bad name", "a b.service", []string{run}, units.RuleName, -1, 0},
		{"snapshot", "a.snapshot", []string{run}, units.RuleName, -1, 0},
		{"target", "a.target", []string{"Unit.A=b"}, units.RuleType, -1, 0},
		{"slice", "a.slice", []string{"Unit.A=b"}, units.RuleType, -1, 0},
		{"swap", "a.swap", []string{"Unit.A=b"}, units.RuleType, -1, 0},
		{"id and peers", "a.service", []string{run, "X-Fleet.MachineID=12345678", "X-Fleet.MachineOf=b.service"}, units.RuleCombination, 2, 0},
		{"id and conflicts", "a.service", []string{run, "X-Fleet.MachineID=12345678", "X-Fleet.Conflicts=b.service"}, units.RuleCombination, 2, 0},
		{"id and global", "a.service", []string{run, "X-Fleet.MachineID=12345678", "X-Fleet.Global=true"}, units.RuleCombination, 2, 0},
		{"empty id and global", "a.service", []string{run, "X-Fleet.MachineID=", "X-Fleet.Global=true"}, units.RuleCombination, 2, 0},
		{"global and peers", "a.service", []string{run, "X-Fleet.Global=true", "X-Fleet.MachineOf=b.service"}, units.RuleCombination, 2, 0},
		{"old peers and global", "a.service", []string{run, "X-Fleet.Global=true", "X-Fleet.X-ConditionMachineOf=b.service"}, units.RuleCombination, 2, 0},
		{"peer in own conflicts", "a.service", []string{run, "X-Fleet.MachineOf=b.service", "X-Fleet.Conflicts=b*"}, units.RuleCombination, 2, 0},
		{"peer in own replaces", "a.service", []string{run, "X-Fleet.MachineOf=b.service", "X-Fleet.Replaces=b*"}, units.RuleCombination, 2, 0},
		{"own peer", "a.service", []string{run, "X-Fleet.MachineOf=%n"}, units.RulePeer, 1, 0},
		{"global with conflicts is fine", "a.service", []string{run, "X-Fleet.Global=true", "X-Fleet.Conflicts=b.service"}, 0, 0, 0},

		{"install", "a.service", []string{run, "Install.WantedBy=multi-user.target"}, units.RuleInstall, 1, 0},
		{"install in a bad name", "a.service", []string{run, "Install.WantedBy=multi user.target,"}, units.RuleEnable, 1, 0},
		{"install without suffix", "a.service", []string{run, "Install.RequiredBy=multi-user"}, units.RuleEnable, 1, 0},
		{"also without suffix", "a.service", []string{run, "Install.Also=b"}, units.RuleEnable, 1, 0},
		{"alias", "a.service", []string{run, "Install.Alias=b.service"}, units.RuleInstall, 1, 0},
		{"alias of the instance", "a@1.service", []string{run, "Install.Alias=%p-%i.service"}, units.RuleInstall, 1, 0},
		{"alias with a specifier of systemd", "a.service", []string{run, "Install.Alias=%H.service"}, units.RuleInstall, 1, 0},
		{"alias of another type", "a.service", []string{run, "Install.Alias=b.socket"}, units.RuleEnable, 1, 0},
		{"alias is a template", "a.service", []string{run, "Install.Alias=b@.service"}, units.RuleEnable, 1, 0},
		{"alias of a mount", "a.mount", []string{"Mount.What=x", "Install.Alias=b.mount"}, units.RuleEnable, 1, 0},

		{"no exec", "a.service", []string{"Unit.A=b"}, units.RuleSetting, -1, 0},
		{"exec reset", "a.service", []string{run, "Service.ExecStart="}, units.RuleSetting, -1, 0},
		{"two execs", "a.service", []string{run, run}, units.RuleSetting, 1, 0},
		{"two commands in one", "a.service", []string{"Service.ExecStart=/bin/a ; /bin/b"}, units.RuleSetting, 0, 0},
		{"quoted semicolon", "a.service", []string{`Service.ExecStart=/bin/a \; ";" b;c`}, 0, 0, 0},
		{"two execs in a oneshot", "a.service", []string{run, run, "Service.Type=oneshot"}, 0, 0, 0},
		{"stop only", "a.service", []string{"Service.ExecStop=/bin/a", "Service.RemainAfterExit=yes"}, 0, 0, 0},
		{"stop only, does not remain", "a.service", []string{"Service.ExecStop=/bin/a"}, units.RuleSetting, -1, 0},
		{"stop only, simple", "a.service", []string{"Service.ExecStop=/bin/a", "Service.Type=simple"}, units.RuleSetting, 1, 0},
		{"success action only", "a.service", []string{"Unit.SuccessAction=reboot", "Service.Type=oneshot"}, 0, 0, 0},
		{"dbus", "a.service", []string{run, "Service.Type=dbus"}, units.RuleSetting, 1, 0},
		{"dbus with name", "a.service", []string{run, "Service.BusName=org.a"}, 0, 0, 0},
		{"oneshot restarts", "a.service", []string{run, "Service.Type=oneshot", "Service.Restart=always"}, units.RuleSetting, 2, 0},
		{"oneshot restarts on failure", "a.service", []string{run, "Service.Type=oneshot", "Service.Restart=on-failure"}, units.RuleSetting, 2, 244},
		{"oneshot does not restart", "a.service", []string{run, "Service.Type=oneshot", "Service.Restart=no"}, 0, 0, 0},
		{"oneshot cgroup", "a.service", []string{run, "Service.Type=oneshot", "Service.ExitType=cgroup"}, units.RuleSetting, 2, 0},
		{"pam", "a.service", []string{run, "Service.PAMName=x", "Service.KillMode=process"}, units.RuleSetting, 2, 0},
		{"pam by default", "a.service", []string{run, "Service.PAMName=x"}, 0, 0, 0},

		{"unbalanced quotes", "a.service", []string{run, `Service.ExecStartPre=/bin/a "b`}, units.RuleExec, 1, 0},
		{"relative program", "a.service", []string{"Service.ExecStart=bin/a"}, units.RuleExec, 0, 0},
		{"program by name", "a.service", []string{"Service.ExecStart=a"}, units.RuleExec, 0, 239},
		{"program by variable", "a.service", []string{"Service.ExecStart=$A b"}, units.RuleExec, 0, 0},
		{"program is a directory", "a.service", []string{"Service.ExecStart=/bin/"}, units.RuleExec, 0, 0},
		{"program with quote", "a.service", []string{`Service.ExecStart=/bin/a\'b`}, units.RuleExec, 0, 0},
		{"program with specifier", "a.service", []string{"Service.ExecStart=%h/a"}, 0, 0, 0},
		{"at without name", "a.service", []string{"Service.ExecStart=@/bin/a"}, units.RuleExec, 0, 0},
		{"prefixes", "a.service", []string{"Service.ExecStart=-@/bin/a b"}, 0, 0, 0},
		{"key that only looks like exec", "a.service", []string{run, `Service.ExecX="`}, 0, 0, 0},

		{"socket", "a.socket", []string{"Socket.ListenStream=80"}, 0, 0, 0},
		{"socket listens to nothing", "a.socket", []string{"Socket.Accept=yes"}, units.RuleSetting, -1, 0},
		{"accepting datagrams", "a.socket", []string{"Socket.ListenDatagram=80", "Socket.Accept=yes"}, units.RuleSetting, 1, 0},
		{"accepting for a service", "a.socket", []string{"Socket.ListenStream=80", "Socket.Accept=yes", "Socket.Service=b.service"}, units.RuleSetting, 2, 0},
		{"accepting none", "a.socket", []string{"Socket.ListenStream=80", "Socket.Accept=yes", "Socket.MaxConnections=0"}, units.RuleSetting, 2, 0},
		{"socket exec", "a.socket", []string{"Socket.ListenStream=80", "Socket.ExecStartPre=a/b"}, units.RuleExec, 1, 0},
		{"timer", "a.timer", []string{"Timer.OnCalendar=daily"}, 0, 0, 0},
		{"timer without time", "a.timer", []string{"Timer.Unit=b.service"}, units.RuleSetting, -1, 0},
		{"path", "a.path", []string{"Path.PathExists=/a"}, 0, 0, 0},
		{"path without path", "a.path", []string{"Path.Unit=b.service"}, units.RuleSetting, -1, 0},
		{"mount", "var-lib.mount", []string{"Mount.What=/dev/a", "Mount.Where=/var/lib"}, 0, 0, 0},
		{"mount by its name", `var-a\x2db.mount`, []string{"Mount.What=/dev/a"}, 0, 0, 0},
		{"mount of nothing", "var-lib.mount", []string{"Mount.Where=/var/lib"}, units.RuleSetting, -1, 0},
		{"mount elsewhere", "var-lib.mount", []string{"Mount.What=a", "Mount.Where=/var/lib/x"}, units.RuleSetting, 1, 0},
		{"mount with specifier", "var-lib.mount", []string{"Mount.What=a", "Mount.Where=/var/%H"}, 0, 0, 0},
		{"mount of the root", "-.mount", []string{"Mount.What=a"}, units.RuleSetting, -1, 0},
		{"mount with a relative path", "var-lib.mount", []string{"Mount.What=a", "Mount.Where=var/lib"}, units.RuleSetting, 1, 0},
		{"mount with a name that is no path", `var-\xzz.mount`, []string{"Mount.What=a"}, units.RuleSetting, -1, 0},
		{"automount", "var-lib.automount", []string{"Automount.Where=/var/lib"}, 0, 0, 0},
		{"automount elsewhere", "var-lib.automount", []string{"Automount.Where=/var"}, units.RuleSetting, 0, 0},
		{"device", "dev-a.device", []string{"Unit.A=b"}, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := units.CheckFleet(tt.unit, opts(tt.in...))
			if tt.want == 0 {
				if len(got) > 0 {
					t.Fatalf("CheckFleet = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != tt.want || got[0].Index != tt.index || got[0].Before != tt.before || got[0].Reason == "" {
				t.Fatalf("CheckFleet = %+v, want rule %d at %d, before %d", got, tt.want, tt.index, tt.before)
			}
		})
	}
}

func TestCheckUnit(t *testing.T) {
	run := opts("Service.ExecStart=/bin/a")
	for desired, want := range map[units.State]int{units.Inactive: 0, units.Loaded: 1, units.Launched: 1} {
		got := units.CheckUnit(units.Unit{Name: "a@.service", Options: run, Desired: desired})
		if len(got) != want || want > 0 && got[0].Rule != units.RuleTemplate {
			t.Errorf("template to be %s: %v", desired, got)
		}
	}
	if got := units.CheckUnit(units.Unit{Name: "a@1.service", Options: run, Desired: units.Launched}); len(got) > 0 {
		t.Errorf("instance: %v", got)
	}
}

func TestCheckPeers(t *testing.T) {
	unit := func(name units.Name, desired units.State, lines ...string) units.Unit {
		return units.Unit{Name: name, Desired: desired, Options: append(opts("Service.ExecStart=/bin/a"), fleetOpts(lines...)...)}
	}
	set := units.NewSet("s", []units.Unit{
		unit("a.service", units.Launched, "MachineOf=b.service"),
		unit("b.service", units.Launched, "MachineOf=c.service"),
		unit("c.service", units.Launched, "MachineOf=a.service"),
		unit("d.service", units.Launched, "MachineOf=a.service"),
		unit("e.service", units.Launched, "MachineOf=f.service"),
		unit("f.service", units.Inactive),
		unit("g.service", units.Launched, "MachineMetadata=role=node", "MachineOf=h.service"),
		unit("h.service", units.Launched, "MachineMetadata=role=master", "MachineMetadata=role=spare"),
		unit("i.service", units.Launched, "MachineMetadata=role=spare", "MachineMetadata=disk=ssd", "MachineOf=h.service"),
		unit("j.service", units.Launched, "MachineOf=elsewhere.service"),
		unit("k.service", units.Launched, "MachineOf=k.service"),
	})
	want := map[units.Name]string{
		"a.service": "a.service waits for the machine of b.service waits for the machine of c.service waits for the machine of a.service",
		"e.service": "stay inactive",
		"g.service": "g.service needs role=node and its peer h.service needs role=master|spare: no machine is both",
	}
	got := set.CheckPeers()
	if len(got) != len(want) {
		t.Errorf("%d errors, want %d: %v", len(got), len(want), got)
	}
	for _, e := range got {
		u, _ := set.Lookup(e.Unit)
		if text := want[e.Unit]; text == "" || !strings.Contains(e.Reason, text) {
			t.Errorf("%s: %s", e.Unit, e.Reason)
		}
		if e.Rule != units.RulePeer || u.Options[e.Index].Name != "MachineOf" {
			t.Errorf("%s: rule %d at option %d", e.Unit, e.Rule, e.Index)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	rule := units.RuleError{Reason: "no", Before: 239}
	loss := units.PlacementError{Option: units.Option{Section: "X-Fleet", Name: "A", Value: strings.Repeat("é", 40)}, Reason: "lost"}
	fault := units.OptionError{Option: units.Option{Section: "Unit", Name: "A"}, Reason: "bad"}
	for got, want := range map[string]string{
		rule.Error():  "no (systemd before 239)",
		loss.Error():  "[X-Fleet] A=" + strings.Repeat("é", 30) + "...: lost",
		fault.Error(): "[Unit] A=: bad",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every unit of the guides that fleet could place can be loaded, once its
// continuations are joined.
func TestGuidesCanBeLoaded(t *testing.T) {
	for file, text := range unitFiles(t) {
		name, err := units.ParseName(path.Base(file))
		if err != nil || !units.FleetType(name.Type()) {
			continue
		}
		parsed, _ := units.Parse(text)
		for _, e := range units.CheckFleet(name, parsed.Options()) {
			if e.Rule != units.RuleInstall {
				t.Errorf("%s: %s", file, e.Error())
			}
		}
	}
}

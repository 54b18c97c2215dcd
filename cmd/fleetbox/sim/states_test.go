package sim

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/fleet/pkg"
)

// at is what a unit must be some time after its start.
type at struct {
	after time.Duration
	want  string
}

func TestStates(t *testing.T) {
	const (
		running = "loaded/active/running"
		dead    = "loaded/inactive/dead"
		bad     = "loaded/failed/failed"
		again   = "loaded/activating/auto-restart"
		pre     = "loaded/activating/start-pre"
		begun   = "loaded/activating/start"
	)
	s := time.Second
	tests := []struct {
		name string
		unit string // default x.service
		text string
		rule Rule
		want []at
	}{
		{name: "simple", text: "[Service]\nExecStart=/x", want: []at{{0, running}}},
		{name: "oneshot done", text: "[Service]\nType=oneshot\nExecStart=/x", want: []at{{0, dead}}},
		{name: "oneshot that stays", text: "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/x", want: []at{{0, "loaded/active/exited"}}},
		{name: "long oneshot", text: "[Service]\nType=oneshot\nExecStart=/x", rule: Rule{Delay: Duration(200 * s)}, want: []at{{199 * s, begun}, {200 * s, dead}}},
		{name: "notify", text: "[Service]\nType=notify\nExecStart=/x", rule: Rule{Delay: Duration(3 * s)}, want: []at{{0, begun}, {2 * s, begun}, {3 * s, running}}},
		{name: "start-pre", text: "[Service]\nExecStartPre=/p\nExecStart=/x", rule: Rule{Delay: Duration(3 * s)}, want: []at{{2 * s, pre}, {3 * s, running}}},
		{name: "start although there is a start-pre", text: "[Service]\nType=notify\nExecStartPre=/p\nExecStart=/x", rule: Rule{Delay: Duration(3 * s), Phase: "start"}, want: []at{{2 * s, begun}, {3 * s, running}}},
		{name: "start timeout by default", text: "[Service]\nExecStartPre=/p\nExecStart=/x", rule: Rule{Hold: true}, want: []at{{89 * s, pre}, {90 * s, bad}}},
		{name: "start timeout given", text: "[Service]\nTimeoutStartSec=1min 30ms\nExecStartPre=/p\nExecStart=/x", rule: Rule{Hold: true}, want: []at{{60 * s, pre}, {61 * s, bad}}},
		{name: "no start timeout", text: "[Service]\nTimeoutStartSec=0\nExecStartPre=/p\nExecStart=/x", rule: Rule{Hold: true}, want: []at{{9000 * s, pre}}},
		{name: "start timeout infinity", text: "[Service]\nTimeoutSec=infinity\nExecStartPre=/p\nExecStart=/x", rule: Rule{Hold: true}, want: []at{{9000 * s, pre}}},
		{name: "failed", text: "[Service]\nExecStart=/x", rule: Rule{Fail: true}, want: []at{{0, bad}}},
		{name: "failure ignored", text: "[Service]\nExecStart=-/x", rule: Rule{Fail: true}, want: []at{{0, dead}}},
		{name: "exits well", text: "[Service]\nExecStart=/x", rule: Rule{ExitAfter: Duration(5 * s)}, want: []at{{4 * s, running}, {5 * s, dead}}},
		{name: "crashes", text: "[Service]\nExecStart=/x", rule: Rule{ExitAfter: Duration(5 * s), ExitCode: 3}, want: []at{{4 * s, running}, {5 * s, bad}}},
		{name: "Restart=on-failure", text: "[Service]\nExecStart=/x\nRestart=on-failure\nRestartSec=10", rule: Rule{Fail: true, Times: 2}, want: []at{{0, again}, {19 * s, again}, {20 * s, running}}},
		{name: "Restart=on-success", text: "[Service]\nExecStart=/x\nRestart=on-success", rule: Rule{Fail: true}, want: []at{{0, bad}}},
		{name: "Restart=on-abnormal", text: "[Service]\nExecStartPre=/p\nExecStart=/x\nRestart=on-abnormal\nTimeoutStartSec=5\nRestartSec=1", rule: Rule{Hold: true}, want: []at{{4 * s, pre}, {5 * s, again}, {6 * s, pre}}},
		{name: "start limit", text: "[Service]\nExecStart=/x\nRestart=always", rule: Rule{Fail: true}, want: []at{{0, again}, {450 * time.Millisecond, again}, {500 * time.Millisecond, bad}, {60 * s, bad}}},
		{name: "start limit not reached", text: "[Service]\nExecStart=/x\nRestart=always\nRestartSec=3", rule: Rule{Fail: true}, want: []at{{3000*s - 1, again}}},
		{name: "no start limit", text: "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/x\nRestart=always", rule: Rule{Fail: true}, want: []at{{60*s + 1, again}}},
		{name: "no ExecStart", text: "[Service]\nExecStop=/x", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "relative path", text: "[Service]\nExecStart=bin/x", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "two ExecStart", text: "[Service]\nExecStart=/x\nExecStart=/y", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "ExecStart replaced", text: "[Service]\nExecStart=/x\nExecStart=\nExecStart=/y", want: []at{{0, running}}},
		{name: "oneshot with Restart=always", text: "[Service]\nType=oneshot\nExecStart=/x\nRestart=always", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "timer", unit: "docker.timer", text: "[Timer]\nOnCalendar=daily", want: []at{{0, "loaded/active/waiting"}}},
		{name: "timer of nothing", unit: "x.timer", text: "[Timer]\nOnCalendar=daily", want: []at{{0, dead}}},
		{name: "timer without time", unit: "x.timer", text: "[Timer]\nUnit=docker.service", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "path", unit: "docker.path", text: "[Path]\nPathExists=/x", want: []at{{0, "loaded/active/waiting"}}},
		{name: "socket", unit: "x.socket", text: "[Socket]\nListenStream=80", want: []at{{0, "loaded/active/listening"}}},
		{name: "mount", unit: "mnt-a.mount", text: "[Mount]\nWhat=/dev/sda\nWhere=/mnt/a", want: []at{{0, "loaded/active/mounted"}}},
		{name: "mount elsewhere", unit: "mnt-a.mount", text: "[Mount]\nWhat=/dev/sda\nWhere=/mnt/b", want: []at{{0, "bad-setting/inactive/dead"}}},
		{name: "target", unit: "x.target", text: "[Unit]\nDescription=x", want: []at{{0, "loaded/active/active"}}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWorld()
				defer w.Close()
				m := w.Add("a", "", []string{"docker.service"})
				name := tc.unit
				if name == "" {
					name = "x.service"
				}
				tc.rule.Unit = name
				addRule(t, w, tc.rule)
				load(t, m, name, tc.text)
				err := m.TriggerStart(name)
				if refused := strings.HasPrefix(tc.want[0].want, "bad-setting"); refused != (err != nil) {
					t.Errorf("start: %v", err)
				}
				for _, step := range tc.want {
					time.Sleep(step.after - sinceStart())
					synctest.Wait()
					expect(t, m, name, step.want)
				}
			})
		})
	}
}

func TestLoadable(t *testing.T) {
	long := strings.Repeat("a", 248) + ".service"
	const service = "[Service]\nExecStart=/x\n"
	tests := []struct {
		name, unit, text string
		ok               bool
	}{
		{"plain", "x.service", service, true},
		{"instance", "x@1.service", service, true},
		{"255 characters", long[1:], service, true},
		{"256 characters", long, service, false},
		{"no name", ".service", service, false},
		{"no prefix", "@1.service", service, false},
		{"snapshot", "b.snapshot", service, false},
		{"blank in name", "a b.service", service, false},
		{"WantedBy", "x.service", service + "[Install]\nWantedBy=multi-user.target", true},
		{"WantedBy with specifier", "x.service", service + "[Install]\nWantedBy=%i.target", true},
		{"WantedBy invalid", "x.service", service + "[Install]\nWantedBy=multi-user", false},
		{"Alias of another type", "x.service", service + "[Install]\nAlias=y.timer", false},
		{"nothing to install", "x.service", service + "[Install]\nDefaultInstance=a", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m := machine(NewWorld(), "a")
			err := tryLoad(t, m, tc.unit, tc.text)
			if (err == nil) != tc.ok {
				t.Errorf("load: %v", err)
			}
			names, err := m.Units()
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(names, tc.unit) != tc.ok {
				t.Errorf("unit files are %q", names)
			}
		})
	}
}

func TestUnitsThatFleetNeverUnloads(t *testing.T) {
	m := machine(NewWorld(), "a")
	load(t, m, "x.slice", "[Slice]\nCPUWeight=1")
	names, err := m.Units()
	if err != nil || len(names) != 0 {
		t.Errorf("unit files are %q, %v", names, err)
	}
	states, err := m.GetUnitStates(pkg.NewUnsafeSet("x.slice", "y.service"))
	if err != nil {
		t.Fatal(err)
	}
	if got := states["x.slice"].UnitHash; len(got) != 40 {
		t.Errorf("hash %q", got)
	}
	if got := states["y.service"].LoadState; got != "not-found" {
		t.Errorf("load state %q", got)
	}
}

package units_test

import (
	"testing"

	"github.com/stackc/stackc/units"
)

func TestUpRule(t *testing.T) {
	tests := []struct {
		name string
		unit units.Name
		in   []string
		want units.Readiness
		ends bool
	}{
		{"simple", "a.service", []string{"Service.ExecStart=/bin/a"}, units.Readiness{Type: "service", Service: "simple"}, false},
		{"notify", "a.service", []string{"Service.Type=simple", "Service.Type=notify"}, units.Readiness{Type: "service", Service: "notify"}, false},
		{"dbus by its name", "a.service", []string{"Service.ExecStart=/bin/a", "Service.BusName=x"}, units.Readiness{Type: "service", Service: "dbus"}, false},
		{"oneshot", "a.service", []string{"Service.Type=oneshot"}, units.Readiness{Type: "service", Service: "oneshot"}, true},
		{"oneshot without start", "a.service", []string{"Service.ExecStop=/bin/a"}, units.Readiness{Type: "service", Service: "oneshot"}, true},
		{"oneshot that remains", "a.service", []string{"Service.Type=oneshot", "Service.RemainAfterExit=true"}, units.Readiness{Type: "service", Service: "oneshot", Remains: true}, false},
		{"timer", "a.timer", []string{"Service.Type=oneshot"}, units.Readiness{Type: "timer"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := units.UpRule(tt.unit, opts(tt.in...))
			if got != tt.want || got.EndsInactive() != tt.ends {
				t.Errorf("UpRule = %+v, ends inactive %v", got, got.EndsInactive())
			}
		})
	}
}

func TestJudge(t *testing.T) {
	simple := units.Readiness{Type: "service", Service: "simple"}
	oneshot := units.Readiness{Type: "service", Service: "oneshot"}
	remains := units.Readiness{Type: "service", Service: "oneshot", Remains: true}
	tests := []struct {
		name              string
		unit              units.Readiness
		load, active, sub string
		want              units.Verdict
	}{
		{"no row", simple, "", "", "", units.Down},
		{"no row of a oneshot", oneshot, "", "", "", units.Down},
		{"running", simple, "loaded", "active", "running", units.Up},
		{"reloading", simple, "loaded", "reloading", "reload", units.Up},
		{"exited and remains", remains, "loaded", "active", "exited", units.Up},
		{"oneshot done or not", oneshot, "loaded", "inactive", "dead", units.Ended},
		{"oneshot that remains, not started", remains, "loaded", "inactive", "dead", units.Down},
		{"simple, dead", simple, "loaded", "inactive", "dead", units.Down},
		{"failed", simple, "loaded", "failed", "failed", units.Failed},
		{"oneshot failed", oneshot, "loaded", "failed", "failed", units.Failed},
		{"in a waiter", simple, "loaded", "activating", "start-pre", units.Waiting},
		{"in a condition", simple, "loaded", "activating", "condition", units.Waiting},
		{"not ready", simple, "loaded", "activating", "start", units.Starting},
		{"after its start", simple, "loaded", "activating", "start-post", units.Starting},
		{"mounting", units.Readiness{Type: "mount"}, "loaded", "activating", "mounting", units.Starting},
		{"between tries", simple, "loaded", "activating", "auto-restart", units.Restarting},
		{"stopping", simple, "loaded", "deactivating", "stop-sigterm", units.Down},
		{"bad setting", simple, "bad-setting", "inactive", "dead", units.Unloadable},
		{"bad setting while running", simple, "bad-setting", "active", "running", units.Unloadable},
		{"not found", oneshot, "not-found", "inactive", "dead", units.Unloadable},
		{"masked", simple, "masked", "inactive", "dead", units.Unloadable},
		{"error", simple, "error", "inactive", "dead", units.Unloadable},
		{"timer", units.Readiness{Type: "timer"}, "loaded", "active", "waiting", units.Up},
		{"socket", units.Readiness{Type: "socket"}, "loaded", "active", "listening", units.Up},
		{"timer stopped", units.Readiness{Type: "timer"}, "loaded", "inactive", "dead", units.Down},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.unit.Judge(tt.load, tt.active, tt.sub)
			if got != tt.want {
				t.Errorf("Judge(%q, %q, %q) = %s, want %s", tt.load, tt.active, tt.sub, got, tt.want)
			}
			if final := got == units.Failed || got == units.Unloadable; got.Final() != final {
				t.Errorf("%s.Final() = %v", got, got.Final())
			}
		})
	}
	if got := units.Verdict(99).String(); got != "unknown" {
		t.Errorf("String of no verdict = %q", got)
	}
}

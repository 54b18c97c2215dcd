package sim

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitsForUnitOfAnotherMachine(t *testing.T) {
	w := NewWorld()
	a, b := machine(w, "a"), machine(w, "b")
	addRule(t, w, Rule{Unit: "kubelet.service", WaitsFor: []string{"apiserver.service", "docker.service"}})
	load(t, b, "kubelet.service", serviceFile())
	start(t, b, "kubelet.service")
	expect(t, b, "kubelet.service", "loaded/activating/start-pre")
	if got := w.Units("b", "")[0].WaitingFor; !slices.Equal(got, []string{"apiserver.service"}) {
		t.Errorf("waits for %q", got)
	}
	load(t, a, "apiserver.service", serviceFile())
	start(t, a, "apiserver.service")
	expect(t, b, "kubelet.service", "loaded/active/running")
	if got := events(w, "kubelet*"); got != "load start waiting up" {
		t.Errorf("events: %s", got)
	}
}

func TestReleaseAndRemovedRule(t *testing.T) {
	w := NewWorld()
	a, b := machine(w, "a"), machine(w, "b")
	id := addRule(t, w, Rule{Unit: "x.service", Hold: true})
	for _, m := range []*Systemd{a, b} {
		load(t, m, "x.service", serviceFile())
		start(t, m, "x.service")
	}
	if n := w.Release("a", "x*"); n != 1 {
		t.Errorf("%d released", n)
	}
	expect(t, a, "x.service", "loaded/active/running")
	expect(t, b, "x.service", "loaded/activating/start-pre")
	if n := w.RemoveRule(id); n != 1 || len(w.Rules()) != 0 {
		t.Errorf("%d removed, left %v", n, w.Rules())
	}
	expect(t, b, "x.service", "loaded/active/running")
}

func TestNewestRuleOfTheMachineDecides(t *testing.T) {
	w := NewWorld()
	a, b := machine(w, "a"), machine(w, "b")
	addRule(t, w, Rule{Unit: "*", Fail: true})
	addRule(t, w, Rule{Unit: "x*", Machine: "b"})
	for _, m := range []*Systemd{a, b} {
		load(t, m, "x.service", serviceFile())
		start(t, m, "x.service")
	}
	expect(t, a, "x.service", "loaded/failed/failed")
	expect(t, b, "x.service", "loaded/active/running")
}

func TestBadRules(t *testing.T) {
	for _, r := range []Rule{{}, {Unit: "[", Fail: true}, {Unit: "x", Phase: "running"}} {
		if id, err := NewWorld().AddRule(r); err == nil {
			t.Errorf("rule %v was taken as %d", r, id)
		}
	}
}

func TestStopTakesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld()
		defer w.Close()
		m := machine(w, "a")
		addRule(t, w, Rule{Unit: "x.service", StopDelay: Duration(5 * time.Second)})
		load(t, m, "x.service", serviceFile())
		start(t, m, "x.service")
		stop(t, m, "x.service")
		expect(t, m, "x.service", "loaded/deactivating/stop-sigterm")
		if err := m.Unload("x.service"); err != nil {
			t.Fatal(err)
		}
		load(t, m, "x.service", serviceFile("Description=new"))
		start(t, m, "x.service") // waits for the stop
		expect(t, m, "x.service", "loaded/deactivating/stop-sigterm")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		expect(t, m, "x.service", "loaded/active/running")
		if got := events(w, ""); got != "load start up stop unload load stopped start up" {
			t.Errorf("events: %s", got)
		}
	})
}

func TestLoadErrorRule(t *testing.T) {
	w := NewWorld()
	m := machine(w, "a")
	addRule(t, w, Rule{Unit: "x.service", LoadError: "no space left on device"})
	if err := tryLoad(t, m, "x.service", serviceFile()); err == nil || err.Error() != "no space left on device" {
		t.Errorf("load: %v", err)
	}
}

func TestPowerOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld()
		defer w.Close()
		m := machine(w, "a")
		addRule(t, w, Rule{Unit: "*", Delay: Duration(time.Second)})
		load(t, m, "x.service", serviceFile())
		start(t, m, "x.service")
		m.PowerOff()
		if _, err := m.Units(); err == nil {
			t.Error("a machine without power answers")
		}
		m.PowerOn()
		load(t, m, "x.service", serviceFile())
		time.Sleep(2 * time.Second) // the timer of the first life
		synctest.Wait()
		expect(t, m, "x.service", "loaded/inactive/dead")
	})
}

func TestJournalSelects(t *testing.T) {
	w := NewWorld()
	a, b := machine(w, "a"), machine(w, "b")
	load(t, a, "x.service", serviceFile())
	load(t, b, "y.service", serviceFile())
	start(t, b, "y.service")
	for _, tc := range []struct {
		after         int
		machine, glob string
		want          int
	}{{0, "", "", 4}, {2, "", "", 2}, {0, "a", "", 1}, {0, b.id, "", 3}, {0, "", "y*", 3}, {0, "c", "", 0}} {
		if got := w.Journal(tc.after, tc.machine, tc.glob); len(got) != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
	w.ClearJournal()
	stop(t, b, "y.service")
	if got := w.Journal(0, "", ""); len(got) != 2 || got[0].Seq != 5 {
		t.Errorf("after clearing: %v", got)
	}
}

func TestSpan(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		bad  bool
	}{
		{"90", 90 * time.Second, false},
		{"1min 30s", 90 * time.Second, false},
		{"1m30s", 90 * time.Second, false},
		{"500ms", 500 * time.Millisecond, false},
		{"0.5", 500 * time.Millisecond, false},
		{"2 h", 2 * time.Hour, false},
		{"infinity", 0, false},
		{"0", 0, false},
		{"", 0, true},
		{"soon", 0, true},
		{"5 parsecs", 0, true},
	}
	for _, tc := range tests {
		t.Run(fmt.Sprintf("%q", tc.text), func(t *testing.T) {
			got, err := parseSpan(tc.text)
			if got != tc.want || (err != nil) != tc.bad {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

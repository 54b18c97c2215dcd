package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRequirements(t *testing.T) {
	const running, dead = "loaded/active/running", "loaded/inactive/dead"
	tests := []struct {
		option           string
		refused          bool   // start while the other is absent
		x                string // then
		loadedX, loadedY string // start while the other is loaded
	}{
		{"Requires", true, dead, running, running},
		{"BindsTo", true, dead, running, running},
		{"Requisite", true, dead, dead, dead},
		{"Wants", false, running, running, running},
		{"Upholds", false, running, running, running},
		{"After", false, running, running, dead},
		{"PartOf", false, running, running, dead},
		{"Conflicts", false, running, running, dead},
	}
	for _, tc := range tests {
		t.Run(tc.option, func(t *testing.T) {
			w := NewWorld()
			m, other := machine(w, "a"), machine(w, "b")
			load(t, other, "y.service", serviceFile())
			start(t, other, "y.service") // on another machine it counts for nothing
			load(t, m, "x.service", serviceFile(tc.option+"=y.service"))
			if err := m.TriggerStart("x.service"); (err != nil) != tc.refused {
				t.Errorf("start: %v", err)
			}
			expect(t, m, "x.service", tc.x)
			stop(t, m, "x.service")
			load(t, m, "y.service", serviceFile())
			start(t, m, "x.service")
			expect(t, m, "x.service", tc.loadedX)
			expect(t, m, "y.service", tc.loadedY)
		})
	}
}

func TestHostUnitSatisfiesRequirement(t *testing.T) {
	m := machine(NewWorld(), "a")
	load(t, m, "x.service", serviceFile("Requires=docker.service network.target"))
	start(t, m, "x.service")
	expect(t, m, "x.service", "loaded/active/running")
}

func TestUnitThatShadowsHostUnit(t *testing.T) {
	m := machine(NewWorld(), "a")
	load(t, m, "docker.service", serviceFile())
	expect(t, m, "docker.service", "loaded/active/running")
}

func TestStopReachesDependents(t *testing.T) {
	for _, option := range []string{"Requires", "BindsTo", "Requisite", "PartOf", "Wants", "After"} {
		t.Run(option, func(t *testing.T) {
			w := NewWorld()
			m := machine(w, "a")
			load(t, m, "y.service", serviceFile())
			start(t, m, "y.service")
			load(t, m, "x.service", serviceFile(option+"=y.service"))
			start(t, m, "x.service")
			// fleet replaces in place so:
			stop(t, m, "y.service")
			if err := m.Unload("y.service"); err != nil {
				t.Fatal(err)
			}
			load(t, m, "y.service", serviceFile("Description=new"))
			start(t, m, "y.service")
			want := "loaded/inactive/dead"
			if option == "Wants" || option == "After" {
				want = "loaded/active/running"
			}
			expect(t, m, "x.service", want)
			expect(t, m, "y.service", "loaded/active/running")
		})
	}
}

// TestPulledInByOthers: what is pulled in pulls in others, but what runs already does not.
func TestPulledInByOthers(t *testing.T) {
	const running, dead = "loaded/active/running", "loaded/inactive/dead"
	for between, want := range map[string]string{running: dead, dead: running} {
		m := machine(NewWorld(), "a")
		load(t, m, "y.service", serviceFile())
		load(t, m, "x.service", serviceFile("Wants=y.service"))
		start(t, m, "x.service")
		stop(t, m, "y.service")
		if between == dead {
			stop(t, m, "x.service")
		}
		load(t, m, "z.service", serviceFile("Requires=x.service"))
		start(t, m, "z.service")
		expect(t, m, "x.service", running)
		expect(t, m, "y.service", want)
	}
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld()
		defer w.Close()
		m := machine(w, "a")
		addRule(t, w, Rule{Unit: "y.service", Delay: Duration(2 * time.Second)})
		load(t, m, "y.service", serviceFile())
		load(t, m, "x.service", serviceFile("Requires=y.service", "After=y.service"))
		load(t, m, "z.service", serviceFile("Before=x.service"))
		start(t, m, "x.service")
		expect(t, m, "x.service", "loaded/inactive/dead")
		expect(t, m, "y.service", "loaded/activating/start-pre")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expect(t, m, "x.service", "loaded/active/running")
		expect(t, m, "z.service", "loaded/inactive/dead")
	})
}

func TestRequirementThatFails(t *testing.T) {
	w := NewWorld()
	m := machine(w, "a")
	addRule(t, w, Rule{Unit: "y.service", Fail: true})
	load(t, m, "y.service", serviceFile())
	load(t, m, "x.service", serviceFile("Requires=y.service", "After=y.service"))
	start(t, m, "x.service")
	expect(t, m, "x.service", "loaded/inactive/dead")
	expect(t, m, "y.service", "loaded/failed/failed")
	if got := events(w, "x.service"); got != "load job-failed" {
		t.Errorf("events: %s", got)
	}
}

func TestBindsToFollowsCrash(t *testing.T) {
	w := NewWorld()
	m := machine(w, "a")
	load(t, m, "y.service", serviceFile())
	load(t, m, "x.service", serviceFile("BindsTo=y.service", "After=y.service"))
	start(t, m, "x.service")
	if n := w.Exit("a", "y.*", 9); n != 1 {
		t.Errorf("%d services ended", n)
	}
	expect(t, m, "y.service", "loaded/failed/failed")
	expect(t, m, "x.service", "loaded/inactive/dead")
}

func TestConflictStopsTheOther(t *testing.T) {
	m := machine(NewWorld(), "a")
	load(t, m, "y.service", serviceFile())
	load(t, m, "x.service", serviceFile("Conflicts=y.service"))
	start(t, m, "y.service")
	start(t, m, "x.service")
	expect(t, m, "y.service", "loaded/inactive/dead")
	start(t, m, "y.service")
	expect(t, m, "x.service", "loaded/inactive/dead")
}

package view

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with testdata/NAME, where escapes are written as <esc>.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "\x1b", "<esc>")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), text); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, d)
	}
}

func machines() []fleet.Machine {
	return []fleet.Machine{
		{ID: "aaaaaaaa1111", IP: "10.0.0.1", Metadata: map[string]string{"role": "back", "disk": "ssd"}},
		{ID: "bbbbbbbb2222", IP: "10.0.0.2"},
		{ID: "cccccccc3333"},
	}
}

// plan has a unit for every action, with text that tries to move the cursor.
func plan() *fleet.Plan {
	unit := func(name units.Name, action fleet.Action, said ...string) fleet.UnitPlan {
		u := fleet.UnitPlan{Change: fleet.Change{Unit: name, Action: action, From: units.Launched, To: units.Launched}, Consequences: said}
		u.Placement = fleet.Placement{Unit: name, Then: []string{"aaaaaaaa1111"}}
		return u
	}
	replaced := unit("b.service", fleet.Replace, "restarts in place on aaaaaaaa/10.0.0.1", "takes down x.service of stack \"other\", which names it in Requires= and is not started again")
	replaced.Options = []fleet.OptionChange{{Section: "Service", Name: "ExecStart", Old: []string{"/bin/b\x1b[2J"}, New: []string{"/bin/b2"}}}
	homeless := unit("h.service", fleet.Create, "no machine can run it")
	homeless.Placement = fleet.Placement{Unit: "h.service", Refused: []fleet.MachineRefusal{
		{Machine: "aaaaaaaa1111", Reason: "metadata role=back, needs role=front"}, {Machine: "cccccccc3333", Reason: "no metadata role, needs role=front"}}}
	removed := unit("e.service", fleet.Delete, "stops on bbbbbbbb/10.0.0.2 and is removed")
	removed.To, removed.Placement.Then = "", nil
	removed.Placement.Idle = true
	return &fleet.Plan{
		Stack: "shop", Machines: machines(),
		Units: []fleet.UnitPlan{
			unit("a.service", fleet.Create, "starts on aaaaaaaa/10.0.0.1 (prediction)"), replaced,
			unit("c.service", fleet.SetState, "starts on aaaaaaaa/10.0.0.1"), unit("d.service", fleet.Restart, "restarts on aaaaaaaa/10.0.0.1: it is dead"),
			removed, unit("f.service", fleet.Adopt, "is taken over from nobody as it is, and runs on"),
			unit("g.service", fleet.Orphan, "is not in the stack any more and stays; pruning removes it"), homeless, unit("i.service", fleet.None),
		},
		Waves: []fleet.Wave{
			{When: fleet.AtOnce, Steps: []fleet.Step{{Unit: "a.service", Do: fleet.PutUnit, State: units.Loaded}, {Unit: "b.service", Do: fleet.PutUnit}}},
			{When: fleet.AtOnce, Steps: []fleet.Step{{Unit: "e.service", Do: fleet.DeleteUnit}}},
			{When: fleet.WhenLoaded, Steps: []fleet.Step{{Unit: "a.service", Do: fleet.PutState, State: units.Launched}}},
		},
		Warnings: []fleet.Warning{{Text: "role back has the address 10.0.0.9"}, {Unit: "a.service", Text: "about a unit"}},
	}
}

func TestPlan(t *testing.T) {
	golden(t, "plan.txt", ansi.Strip(Plan(plan(), 0)))
	golden(t, "plan-60.txt", ansi.Strip(Plan(plan(), 60)))
	golden(t, "plan-colour.txt", Plan(plan(), 0))
	golden(t, "plan-empty.txt", Plan(&fleet.Plan{Stack: "none"}, 0))
}

func TestPlanFitsTheWidth(t *testing.T) {
	for width := 60; width < 140; width++ {
		warning := Warning(fleet.Warning{Unit: "a.service", Text: "a remark on it " + strings.Repeat("that goes on and on ", 10)}, width)
		if n := widest(warning); n > width || strings.Count(warning, "\n") < 2 {
			t.Errorf("width %d: %d columns in %q", width, n, warning)
		}
		rows, _, _ := strings.Cut(ansi.Strip(Plan(plan(), width)), "\n\n"+"no machine")
		for line := range strings.Lines(rows) {
			if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > width && strings.HasPrefix(line, "  ") {
				t.Errorf("width %d: %d columns in %q", width, n, line)
			}
		}
	}
}

func TestMachines(t *testing.T) {
	golden(t, "machines.txt", ansi.Strip(Machines(machines())))
}

func TestStatus(t *testing.T) {
	list := []Standing{
		{Unit: "a.service", State: fleet.Runs, Wanted: units.Launched, Desired: units.Launched, Current: units.Launched, Systemd: "loaded/active/running", Machine: "aaaaaaaa1111", Content: "same", Right: true},
		{Unit: "b.service", State: fleet.IsPending, Wanted: units.Launched, Desired: units.Launched, Current: units.Inactive, Content: "differs"},
		{Unit: "g.service", State: fleet.HasBroken, Desired: units.Launched, Global: true, Systemd: "loaded/failed/failed", Machine: "cccccccc3333"},
		{Unit: "m.service", State: fleet.IsMissing, Wanted: units.Launched, Content: "missing"},
	}
	golden(t, "status.txt", Status(machines(), list, 0))
	golden(t, "status-60.txt", ansi.Strip(Status(machines(), list, 60)))
	golden(t, "status-60-right.txt", ansi.Strip(Status(machines(), list[:1], 60)))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range list {
		since := now.Add(-time.Duration(i) * 100 * time.Second)
		list[i].Since = &since
	}
	golden(t, "status-watched.txt", ansi.Strip(Watched(machines(), list, now, 200)))
	golden(t, "status-watched-60.txt", ansi.Strip(Watched(machines(), list, now, 60)))
	if wide := Status(machines(), list, 0); Status(machines(), list, widest(wide)) != wide || Status(machines(), list, widest(wide)-1) == wide {
		t.Error("the short table is for where the long one does not fit")
	}
}

func outcome() fleet.Outcome {
	return fleet.Outcome{Elapsed: 83 * time.Second, Units: []fleet.UnitOutcome{
		{Unit: "a.service", Result: fleet.IsUp, Machines: []string{"aaaaaaaa1111", "bbbbbbbb2222"}},
		{Unit: "b.service", Result: fleet.HasFailed, Machines: []string{"cccccccc3333"}, Reason: "it has failed on cccccccc",
			Last: []fleet.UnitState{{Unit: "b.service", Machine: "cccccccc3333", Load: "loaded", Active: "failed", Sub: "failed"}}},
		{Unit: "c.service", Result: fleet.IsGone},
		{Unit: "d.service", Result: fleet.NotReached},
	}}
}

func TestOutcome(t *testing.T) {
	golden(t, "outcome.txt", Outcome(machines(), outcome(), 0)+Tally(outcome())+"\n")
	if got := Outcome(nil, fleet.Outcome{Units: []fleet.UnitOutcome{{Unit: "c.service", Result: fleet.IsGone}}}, 0); got != "" {
		t.Errorf("a run that only removes has no table, got %q", got)
	}
}

// events are one of each kind.
func events() []fleet.Event {
	wave := plan().Waves[0]
	return []fleet.Event{
		fleet.WaveBegun{Number: 1, Of: 3, Wave: wave},
		fleet.WaveBegun{Number: 1, Of: 1, Wave: wave},
		fleet.StepDone{Step: fleet.Step{Unit: "a.service", Do: fleet.PutUnit, State: units.Launched}},
		fleet.StepDone{Step: fleet.Step{Unit: "b.service", Do: fleet.PutState, State: units.Loaded}, Err: errors.New("the server answered 500")},
		fleet.StepDone{Step: fleet.Step{Unit: "e.service", Do: fleet.DeleteUnit}},
		fleet.UnitChanged{Unit: "i.service", Machine: "aaaaaaaa1111", To: "loaded/active/running", Verdict: units.Up},
		fleet.UnitChanged{Unit: "a.service", Machine: "aaaaaaaa1111", To: "loaded/activating/start-pre", Verdict: units.Waiting,
			WaitingFor: []fleet.PlanWait{{Subject: "db", Probe: "http://10.0.0.1:5432/ok"}, {Subject: "DEFAULT_IPV4"}}},
		fleet.UnitChanged{Unit: "b.service", Machine: "cccccccc3333", From: "x", To: "loaded/failed/failed", Verdict: units.Failed},
		fleet.UnitChanged{Unit: "e.service", Machine: "bbbbbbbb2222", From: "loaded/active/running"},
		fleet.Progress{Elapsed: 4 * time.Second, Done: 1, Total: 3, Waiting: []fleet.Pending{{Unit: "a.service", For: "waits for db (http://10.0.0.1:5432/ok) on aaaaaaaa/10.0.0.1", Since: 3 * time.Second}}},
		fleet.UnitDone{Outcome: outcome().Units[0]},
		fleet.UnitDone{Outcome: outcome().Units[1]},
		fleet.UnitDone{Outcome: outcome().Units[2]},
		fleet.Warned{Warning: fleet.Warning{Unit: "a.service", Text: "a remark"}},
	}
}

func TestEventLines(t *testing.T) {
	var b strings.Builder
	for _, e := range events() {
		b.WriteString(EventLine(plan(), e) + "\n")
		if p, ok := e.(fleet.Progress); ok {
			b.WriteString(Heartbeat(p) + "\n")
		}
	}
	golden(t, "events.txt", b.String())
}

func TestBoard(t *testing.T) {
	board := NewBoard(plan())
	var b strings.Builder
	picture := func(width, height int) {
		b.WriteString(ansi.Strip(strings.Join(board.Lines(width, height, 5*time.Second), "\n")) + "\n\n")
	}
	picture(100, 20)
	for _, e := range events() {
		if line := board.Take(e); line != "" {
			b.WriteString("above: " + ansi.Strip(line) + "\n")
		}
	}
	picture(100, 20)
	picture(40, 20)
	picture(100, 4)
	golden(t, "board.txt", b.String())
}

func TestBoardStaysInItsFrame(t *testing.T) {
	board := NewBoard(plan())
	for _, e := range events() {
		board.Take(e)
		for width := 20; width < 120; width += 7 {
			for height := 1; height < 15; height++ {
				lines := board.Lines(width, height, time.Minute)
				if len(lines) > max(height, 2) {
					t.Fatalf("%d lines in a height of %d", len(lines), height)
				}
				for _, line := range lines {
					if n := ansi.StringWidth(line); n > width {
						t.Fatalf("%d columns in a width of %d: %q", n, width, line)
					}
				}
			}
		}
	}
}

func TestTry(t *testing.T) {
	tests := []struct {
		try  fleet.Try
		want string
	}{
		{fleet.Try{Method: "GET", Path: "/fleet/v1/machines", Number: 1, Status: 200, Took: 1234 * time.Microsecond}, "GET /fleet/v1/machines: 200, 1.2ms"},
		{fleet.Try{Method: "PUT", Path: "/x", Number: 2, Err: errors.New("refused")}, "PUT /x (try 2): refused, 0s"},
	}
	for _, tt := range tests {
		if got := ansi.Strip(Try(tt.try)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestWrapped(t *testing.T) {
	tests := []struct {
		name, text string
		width      int
		want       []string
	}{
		{"short", "a b", 10, []string{"a b"}},
		{"at blanks", "starts on a and b", 10, []string{"starts on", "a and b"}},
		{"names stay whole", "remove kube-controller-manager.service now", 12, []string{"remove", "kube-controller-manager.service", "now"}},
		{"to the last column", "abcd efgh", 9, []string{"abcd efgh"}},
		{"nothing", "", 10, []string{""}},
		{"wide letters", "日本 日本", 8, []string{"日本", "日本"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, wrapped(tt.text, tt.width)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A table that a terminal of sixty columns does not hold puts its text below each row.
func TestNarrowTables(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	history := []state.Revision{
		{Number: 2, Who: "root", Host: "machine", Doing: "rollback to 1", Began: began, Units: 12, Changes: map[string]int{"replace": 3}, Outcome: state.Failed, Reason: "app@1.service timeout, app@2.service timeout, app@3.service timeout"},
		{Number: 1, Who: "root", Host: "machine", Doing: "submit", Began: began, Units: 12, Changes: map[string]int{"create": 12}, Outcome: state.Done},
	}
	libraries := []Library{
		{Source: "std:kubernetes/1.11/firewall", Name: "kubernetes-1.11-firewall", Version: "1.11.0", Description: "Kubernetes behind a firewall, without certificates: what others are made of"},
	}
	narrow := ansi.Strip(History(history, nil, 64) + Libraries(libraries, false, 80))
	if n := widest(narrow); n > 80 {
		t.Errorf("%d columns", n)
	}
	golden(t, "narrow.txt", narrow)
	golden(t, "wide.txt", ansi.Strip(History(history, nil, 0)+Libraries(libraries, false, 0)))
}

package fleet

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/units"
)

// How many random clusters TestPreviewTruth asks about, and how often fleet's engine
// may try each: in every run it takes the units in another order.
const (
	truthCases = 1000
	truthRuns  = 4
)

// TestPreviewTruth lets random stacks loose on random clusters, and compares what
// Place says with what fleet's own engine and agents make of them. A stack is handed
// over at one moment, with passes of the engine in between, or, in another round,
// unit by unit.
func TestPreviewTruth(t *testing.T) {
	t.Parallel() // it waits for the placer
	p := startPlacer(t)
	var whole, single tally
	for i := range truthCases {
		r := rand.New(rand.NewPCG(uint64(i), 17))
		c := p.drawCluster(t, r)
		want := set(drawStackOf(r)...)
		p.compare(t, &whole, fmt.Sprintf("case %d", i), c, want, truthRuns)
		if t.Failed() {
			return
		}
		if i%5 > 0 {
			continue
		}
		for k := range want.Units {
			one := set(want.Units[k])
			c.units = p.compare(t, &single, fmt.Sprintf("case %d, %s alone", i, want.Units[k].Name), c, one, truthRuns)
		}
	}
	t.Logf("%d stacks: %s", truthCases, whole)
	t.Logf("unit by unit: %s", single)
	for what, n := range map[string]int{"sure": whole.sure, "unsure": whole.unsure, "refused": whole.refusals, "unplaceable": whole.nowhere} {
		if n == 0 {
			t.Errorf("no unit was %s", what)
		}
	}
	// Where one unit comes alone, hardly anything is left to chance.
	if single.sure < 19*single.unsure {
		t.Errorf("unit by unit: %d sure, %d not", single.sure, single.unsure)
	}
}

// tally counts what was said and what came of it.
type tally struct {
	stacks, runs int
	// sure and unsure count units, varied the unsure ones that did end differently,
	// named and met the machines that were named for those and that had them.
	sure, unsure, varied, named, met int
	nowhere, refusals                int
}

func (c tally) String() string {
	return fmt.Sprintf("%d times, %d runs of fleet's engine; of %d units %d were sure (%d of them on no machine, %d reasons compared with fleet's) and all of these right; "+
		"%d were not sure, all within the machines named (%d, of which %d were seen), %d of them ended differently",
		c.stacks, c.runs, c.sure+c.unsure, c.sure, c.nowhere, c.refusals, c.unsure, c.named, c.met, c.varied)
}

// placer is fleet's engine as cmd/fleetbox/placer has it.
type placer struct {
	in  *json.Encoder
	out *json.Decoder
}

func startPlacer(t *testing.T) *placer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "placer")
	if out, err := exec.Command("go", "build", "-C", "../cmd/fleetbox", "-o", path, "./placer").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "GOGC=400") // it makes much and keeps nothing
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &placer{json.NewEncoder(in), json.NewDecoder(out)}
}

// placerUnit is a unit in the words of the placer.
type placerUnit struct {
	Name    string         `json:"name"`
	Options []units.Option `json:"options"`
	Desired units.State    `json:"desired"`
	Machine string         `json:"machine"`
}

type placerChange struct {
	Unit   *placerUnit `json:"unit,omitempty"`
	Delete string      `json:"delete,omitempty"`
}

// placerRun is what has become of a cluster.
type placerRun struct {
	Settled   bool
	Scheduled map[string]string
	Loaded    map[string][]string
	Refused   map[string]map[string]struct {
		Reason  string
		Clashes []string
	}
}

// truthCluster is machines, and units that are scheduled.
type truthCluster struct {
	machines []Machine
	units    []Unit
}

func (p *placer) ask(t *testing.T, c truthCluster, changes []placerChange, runs int) []placerRun {
	t.Helper()
	question := map[string]any{"changes": changes, "runs": runs, "seed": len(c.units)}
	var machines []map[string]any
	for _, m := range c.machines {
		machines = append(machines, map[string]any{"id": m.ID, "metadata": m.Metadata})
	}
	var list []placerUnit
	for _, u := range c.units {
		list = append(list, placerUnit{string(u.Name), u.Options, u.Desired, u.Machine})
	}
	question["machines"], question["units"] = machines, list
	if err := p.in.Encode(question); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Runs []placerRun }
	if err := p.out.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Runs
}

// drawCluster makes machines with what somebody has on them already, of which one or
// another may have died a moment ago.
func (p *placer) drawCluster(t *testing.T, r *rand.Rand) truthCluster {
	t.Helper()
	var c truthCluster
	for i := range 1 + r.IntN(7) {
		m := Machine{ID: fmt.Sprintf("%08x%024x", (i+3)*0x1234567%0xffffff, i), Metadata: map[string]string{}}
		for _, key := range []string{"role", "disk"} {
			if value := pick(r, "", "a", "a", "a", "b", "b"); value != "" {
				m.Metadata[key] = value
			}
		}
		c.machines = append(c.machines, m)
	}
	slices.SortFunc(c.machines, func(a, b Machine) int { return strings.Compare(a.ID, b.ID) })
	for _, u := range drawStackOf(r) {
		if r.IntN(3) > 0 {
			u.Name = "foreign-" + u.Name
			u.Options = slices.DeleteFunc(u.Options, func(o units.Option) bool { return o.Section == "X-Stackc" })
			if r.IntN(25) == 0 && len(u.Options) == 1 {
				u.Options = append(u.Options, units.Option{Section: "X-Fleet", Name: "Replaces", Value: pick(r, "a.service", "foreign-b.service")})
			}
		}
		c.units = append(c.units, live(u))
	}
	run := p.ask(t, c, nil, 1)[0]
	c.units = run.moved(c.units)
	for r.IntN(4) == 0 && len(c.machines) > 0 {
		k := r.IntN(len(c.machines))
		c.machines = slices.Delete(c.machines, k, k+1)
	}
	return c
}

// moved is the units where a run has put them.
func (run placerRun) moved(list []Unit) []Unit {
	list = slices.Clone(list)
	for i, u := range list {
		list[i].Machine = run.Scheduled[string(u.Name)]
	}
	return list
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// drawStackOf makes units with all the placement words that fleet takes together.
func drawStackOf(r *rand.Rand) []units.Unit {
	var list []units.Unit
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if r.IntN(2) == 0 {
			list = append(list, fleetUnit(name, drawWords(r)...))
		}
	}
	if count := r.IntN(8); count < 5 { // a counted unit, spread or not
		words := slices.DeleteFunc(drawWords(r), func(w string) bool { return !strings.HasPrefix(w, "MachineMetadata") })
		if r.IntN(2) == 0 {
			words = append(words, "Conflicts=w@*.service")
		}
		for i := range count {
			list = append(list, fleetUnit(fmt.Sprintf("w@%d", i+1), words...))
		}
	}
	for i := range list {
		list[i].Desired = []units.State{units.Launched, units.Launched, units.Launched, units.Launched, units.Loaded, units.Inactive}[r.IntN(6)]
	}
	return list
}

func drawWords(r *rand.Rand) []string {
	var words []string
	switch r.IntN(6) {
	case 0:
		words = append(words, "MachineMetadata=role="+pick(r, "a", "a", "b", "b", "c"))
	case 1:
		words = append(words, pick(r, `MachineMetadata="role=a" "disk=b"`, `MachineMetadata="disk=a"`))
	case 2:
		words = append(words, "MachineMetadata=role=a", "MachineMetadata=role=b")
	}
	conflict := "Conflicts=" + pick(r, "w@*", "a.service", "*c.service d.service", "foreign-*", "b.service", "?.service")
	leader := "MachineOf=" + pick(r, "a", "b", "b", "w@1", "w@1", "foreign-a", "foreign-d", "missing") + ".service"
	switch r.IntN(11) {
	case 0:
		words = append(words, "Global=true")
	case 1:
		words = append(words, "Global=true", conflict)
	case 2, 3:
		words = append(words, leader)
	case 4:
		words = append(words, leader, "Conflicts=x@*.service")
	case 5, 6:
		words = append(words, conflict)
	case 7:
		words = append(words, "MachineID="+fmt.Sprintf("%08x", (r.IntN(6)+3)*0x1234567%0xffffff))
	}
	return words
}

// compare hands a stack over, holds what Place said to what came of it, and returns
// the units as the first run has left them.
func (p *placer) compare(t *testing.T, n *tally, label string, c truthCluster, want *units.Set, runs int) []Unit {
	t.Helper()
	s := NewSnapshot(c.machines, c.units, nil)
	changes, refusals := Diff(s, want, DiffOptions{Adopt: true})
	if len(refusals) > 0 {
		t.Fatalf("%s: %v", label, refusals)
	}
	placements := Place(s, want, changes)
	var sent []placerChange
	for _, change := range changes {
		if u, ok := want.Lookup(change.Unit); ok && change.Action.Writes() {
			sent = append(sent, placerChange{Unit: &placerUnit{Name: string(u.Name), Options: u.Options, Desired: u.Desired}})
		}
	}
	outcomes := p.ask(t, c, sent, runs)
	n.stacks++
	n.runs += len(outcomes)
	after := changed(s, want, changes)
	for _, place := range placements {
		if place.Idle {
			continue
		}
		seen := map[string]bool{}
		for k, run := range outcomes {
			got := run.Loaded[string(place.Unit)]
			seen[strings.Join(got, " ")] = true
			asSaid := run.asSaid(s.Units, placements)
			if fault := place.against(run, got, asSaid); fault != "" {
				t.Errorf("%s, run %d: %s: %s\n%+v\n%s%+v", label, k, place.Unit, fault, place, describe(c, want), run)
				return nil
			}
		}
		n.count(place, seen, outcomes)
		if place.Sure && len(place.Then) == 0 && slices.ContainsFunc(outcomes, func(run placerRun) bool { return run.asSaid(s.Units, placements) }) {
			n.refusals += len(place.Refused)
		}
	}
	return outcomes[0].moved(after)
}

// asSaid reports whether every unit is where it was said to be, and those that the
// stack does not have are where they were. Why a machine cannot have a unit depends
// on what else it has.
func (run placerRun) asSaid(before []Unit, placements []Placement) bool {
	told := map[units.Name]bool{}
	for _, p := range placements {
		told[p.Unit] = true
		got := run.Loaded[string(p.Unit)]
		// One that the engine has put where the machine leaves it out is not told of.
		if !p.Idle && (!slices.Equal(got, p.Then) || len(got) == 0 && run.Scheduled[string(p.Unit)] != "") {
			return false
		}
	}
	for _, u := range before {
		if !told[u.Name] && run.Scheduled[string(u.Name)] != u.Machine {
			return false
		}
	}
	return true
}

// against tells what is wrong with a prediction, "" for nothing.
func (p Placement) against(run placerRun, got []string, asSaid bool) string {
	switch {
	case p.Sure && !slices.Equal(got, p.Then):
		return fmt.Sprintf("surely on %v, is on %v", p.Then, got)
	case p.Sure && !p.Global && len(got) == 0 && run.Scheduled[string(p.Unit)] == "":
		return p.misreasoned(run, asSaid)
	case p.Sure:
		return ""
	case slices.ContainsFunc(got, func(id string) bool { return !slices.Contains(p.Maybe, id) }):
		return fmt.Sprintf("maybe on %v, is on %v", p.Maybe, got)
	case run.Settled && !p.MayWait && !p.Global && len(got) != 1:
		return fmt.Sprintf("finds a machine, and is on %v", got)
	}
	return ""
}

// misreasoned compares the reasons why no machine can have a unit with fleet's own:
// all where everything else is as was said, otherwise those that lie in the machine.
func (p Placement) misreasoned(run placerRun, asSaid bool) string {
	fleets := run.Refused[string(p.Unit)]
	for id, theirs := range fleets {
		i := slices.IndexFunc(p.Refused, func(r MachineRefusal) bool { return r.Machine == id })
		if i < 0 {
			return fmt.Sprintf("no reason for %s, fleet says: %s", id, theirs.Reason)
		}
		ours := p.Refused[i].Reason
		var right bool
		switch other, _, _ := strings.Cut(strings.TrimPrefix(ours, "has "), ","); {
		case strings.HasPrefix(theirs.Reason, "agent ID "):
			right = strings.HasPrefix(ours, "it is not the machine ")
		case theirs.Reason == "local Machine metadata insufficient":
			right = strings.Contains(ours, "metadata ") && strings.Contains(ours, ", needs ")
		case strings.HasPrefix(theirs.Reason, "required peer Unit("):
			peer, _, _ := strings.Cut(strings.TrimPrefix(theirs.Reason, "required peer Unit("), ")")
			right = strings.HasPrefix(ours, peer+" (MachineOf) ") || peer == string(p.Unit) && ours == "MachineOf names the unit itself"
		case strings.HasPrefix(theirs.Reason, "found conflict "):
			right = strings.HasPrefix(ours, "has ") && slices.Contains(theirs.Clashes, other)
		}
		static := strings.HasPrefix(theirs.Reason, "agent ID ") || theirs.Reason == "local Machine metadata insufficient"
		if !right && (asSaid || static) {
			return fmt.Sprintf("%s: %q, fleet says %q %v", id, ours, theirs.Reason, theirs.Clashes)
		}
	}
	if len(fleets) != len(p.Refused) {
		return fmt.Sprintf("reasons for %d machines, fleet has them for %d", len(p.Refused), len(fleets))
	}
	return ""
}

func (c *tally) count(p Placement, seen map[string]bool, outcomes []placerRun) {
	if p.Sure {
		c.sure++
		if len(p.Then) == 0 {
			c.nowhere++
		}
		return
	}
	c.unsure++
	c.named += len(p.Maybe)
	met := map[string]bool{}
	for _, run := range outcomes {
		for _, id := range run.Loaded[string(p.Unit)] {
			met[id] = true
		}
	}
	c.met += len(met)
	if len(seen) > 1 {
		c.varied++
	}
}

// describe writes down a case.
func describe(c truthCluster, want *units.Set) string {
	var b strings.Builder
	words := func(options []units.Option) (list []string) {
		for _, o := range options {
			if o.Section == "X-Fleet" {
				list = append(list, o.Name+"="+o.Value)
			}
		}
		return list
	}
	for _, m := range c.machines {
		fmt.Fprintf(&b, "machine %s %v\n", m.ID, m.Metadata)
	}
	for _, u := range c.units {
		fmt.Fprintf(&b, "there  %s %s on %q %q\n", u.Name, u.Desired, u.Machine, words(u.Options))
	}
	for _, u := range want.Units {
		fmt.Fprintf(&b, "wanted %s %s %q\n", u.Name, u.Desired, words(u.Options))
	}
	return b.String()
}

package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// threeMachines are n1 with role=master, n2 and n3 with role=node.
func threeMachines() []Machine {
	var list []Machine
	for _, m := range fleettest.Machines(3) {
		list = append(list, Machine{ID: m.ID, IP: m.IP, Metadata: m.Metadata})
	}
	list[2].Metadata["disk"] = "ssd"
	return list
}

func fleetUnit(name string, placement ...string) units.Unit {
	items := []string{"ExecStart=/bin/x"}
	for _, p := range placement {
		items = append(items, "[X-Fleet] "+p)
	}
	return unit(name, items...)
}

func on(u units.Unit, machine string) Unit {
	l := live(u)
	l.Machine = machine
	return l
}

func TestPlace(t *testing.T) {
	tests := []struct {
		name string
		live []Unit
		want []units.Unit
		// place is one line for each change.
		place []string
	}{
		{name: "fewest units first, then the lowest ID", want: []units.Unit{fleetUnit("a"), fleetUnit("b"), fleetUnit("c"), fleetUnit("d")},
			place: []string{"a ->n1 (n1,n2,n3)",
				"b ->n2 (n1,n2,n3)",
				"c ->n3 (n1,n2,n3)",
				"d ->n1 (n1,n2,n3)"}},
		{name: "loaded units count, inactive ones do not", live: []Unit{on(loaded(fleetUnit("x")), "n1"), on(inactive(fleetUnit("y")), "")},
			want: []units.Unit{fleetUnit("a")}, place: []string{"a ->n2 sure",
				"x.service n1->n1 sure",
				"y.service -> idle"}},
		{name: "inactive global units count on the machines that match", live: []Unit{on(inactive(fleetUnit("x", "Global=true", "MachineMetadata=role=master")), "")},
			want: []units.Unit{fleetUnit("a")}, place: []string{"a ->n2 sure",
				"x.service -> global idle"}},
		{name: "metadata", want: []units.Unit{fleetUnit("a", "MachineMetadata=role=master"), fleetUnit("b", "MachineMetadata=role=node", "MachineMetadata=disk=ssd")},
			place: []string{"a ->n1 sure; n2: metadata role=node, needs role=master; n3: metadata role=node, needs role=master",
				"b ->n3 sure; n1: no metadata disk, needs disk=ssd; n2: no metadata disk, needs disk=ssd"}},
		{name: "metadata of nobody", want: []units.Unit{fleetUnit("a", "MachineMetadata=role=db", "MachineMetadata=role=cache")},
			place: []string{"a -> unplaceable sure; n1: metadata role=master, needs role=cache or role=db; n2: metadata role=node, needs role=cache or role=db; n3: metadata role=node, needs role=cache or role=db"}},
		{name: "global", want: []units.Unit{fleetUnit("a", "Global=true", "MachineMetadata=role=node")},
			place: []string{"a ->n2,n3 global sure; n1: metadata role=master, needs role=node"}},
		{name: "global of nobody", want: []units.Unit{fleetUnit("a", "Global=true", "MachineMetadata=disk=tape")},
			place: []string{"a -> global unplaceable sure; n1: no metadata disk, needs disk=tape; n2: no metadata disk, needs disk=tape; n3: metadata disk=ssd, needs disk=tape"}},
		{name: "machine ID", want: []units.Unit{fleetUnit("a", "MachineID=n2"), fleetUnit("b", "MachineID=n9")},
			place: []string{"a ->n2 sure; n1: it is not the machine n2; n3: it is not the machine n2",
				"b -> unplaceable sure; n1: it is not the machine n9; n2: it is not the machine n9; n3: it is not the machine n9"}},
		{name: "machine of a unit that comes later by name", want: []units.Unit{fleetUnit("a", "MachineOf=b.service"), fleetUnit("b", "MachineMetadata=role=master")},
			place: []string{"a ->n1 sure; n2: b.service (MachineOf) is on n1; n3: b.service (MachineOf) is on n1",
				"b ->n1 sure; n2: metadata role=node, needs role=master; n3: metadata role=node, needs role=master"}},
		{name: "a chain against the order of names", want: []units.Unit{fleetUnit("a", "MachineOf=b.service"), fleetUnit("b", "MachineOf=c.service"), fleetUnit("c", "MachineOf=d.service"), fleetUnit("d", "MachineID=n3")},
			place: []string{"a ->n3 sure",
				"b ->n3 sure",
				"c ->n3 sure",
				"d ->n3 sure"}},
		{name: "machine of itself", want: []units.Unit{fleetUnit("a", "MachineOf=a.service")},
			place: []string{"a -> unplaceable sure; n1: MachineOf names the unit itself; n2: MachineOf names the unit itself; n3: MachineOf names the unit itself"}},
		{name: "machine of nobody", want: []units.Unit{fleetUnit("a", "MachineOf=x.service")},
			place: []string{"a -> unplaceable sure; n1: x.service (MachineOf) is not in the cluster; n2: x.service (MachineOf) is not in the cluster; n3: x.service (MachineOf) is not in the cluster"}},
		{name: "machine of an inactive one", want: []units.Unit{fleetUnit("a", "MachineOf=b.service"), inactive(fleetUnit("b"))},
			place: []string{"a -> unplaceable sure; n1: b.service (MachineOf) is inactive; n2: b.service (MachineOf) is inactive; n3: b.service (MachineOf) is inactive",
				"b -> idle"}},
		{name: "machine of a global", want: []units.Unit{fleetUnit("a", "MachineOf=b.service"), fleetUnit("b", "Global=true", "MachineMetadata=role=node")},
			place: []string{"a ->n2 (n2,n3); n1: b.service (MachineOf) does not run there",
				"b ->n2,n3 global sure; n1: metadata role=master, needs role=node"}},
		{name: "follower does not pull the leader", want: []units.Unit{fleetUnit("a"), fleetUnit("b", "MachineOf=a.service", "MachineMetadata=role=node")},
			place: []string{"a ->n1 sure",
				"b -> unplaceable sure; n1: metadata role=master, needs role=node; n2: a.service (MachineOf) is on n1; n3: a.service (MachineOf) is on n1"}},
		{name: "conflicts", want: []units.Unit{fleetUnit("w@1", "Conflicts=w@*"), fleetUnit("w@2", "Conflicts=w@*"), fleetUnit("w@3", "Conflicts=w@*"), fleetUnit("w@4", "Conflicts=w@*")},
			place: []string{"w@1 ->n1 (n1,n2,n3 or none); n2: has w@2.service, and Conflicts=w@*; n3: has w@3.service, and Conflicts=w@*",
				"w@2 ->n2 (n1,n2,n3 or none); n1: has w@1.service, and Conflicts=w@*; n3: has w@3.service, and Conflicts=w@*",
				"w@3 ->n3 (n1,n2,n3 or none); n1: has w@1.service, and Conflicts=w@*; n2: has w@2.service, and Conflicts=w@*",
				"w@4 -> unplaceable (n1,n2,n3 or none); n1: has w@1.service, and Conflicts=w@*; n2: has w@2.service, and Conflicts=w@*; n3: has w@3.service, and Conflicts=w@*"}},
		{name: "somebody else's conflict", live: []Unit{on(marked(fleetUnit("x", "Conflicts=a.service"), "other"), "n1")}, want: []units.Unit{fleetUnit("a")},
			place: []string{"a ->n2 sure; n1: has x.service, which says Conflicts=a.service"}},
		{name: "stays", live: []Unit{on(fleetUnit("a"), "n3")}, want: []units.Unit{fleetUnit("a"), fleetUnit("b")},
			place: []string{"a n3->n3 sure",
				"b ->n1 sure"}},
		{name: "moves when it may not stay", live: []Unit{on(fleetUnit("a"), "n3")}, want: []units.Unit{fleetUnit("a", "MachineMetadata=role=master")},
			place: []string{"a n3->n1 sure; n2: metadata role=node, needs role=master; n3: metadata role=node, needs role=master"}},
		{name: "moves when its machine is gone", live: []Unit{on(fleetUnit("a"), "n9")}, want: []units.Unit{fleetUnit("a")}, place: []string{"a ->n1 sure"}},
		{name: "frees its machine", live: []Unit{on(fleetUnit("a"), "n1"), on(fleetUnit("b"), "n2"), on(fleetUnit("c"), "n3")}, want: []units.Unit{inactive(fleetUnit("a")), fleetUnit("b"), fleetUnit("c"), fleetUnit("d")},
			place: []string{"a n1-> idle",
				"b n2->n2 sure",
				"c n3->n3 sure",
				"d ->n1 sure"}},
		{name: "no machines match a global that was there", live: []Unit{on(fleetUnit("a", "Global=true"), "")}, want: []units.Unit{fleetUnit("a", "Global=true", "MachineMetadata=role=node")},
			place: []string{"a n1,n2,n3->n2,n3 global sure; n1: metadata role=master, needs role=node"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSnapshot(threeMachines(), tt.live, nil)
			want := set(tt.want...)
			changes, _ := Diff(s, want, DiffOptions{})
			var got []string
			for _, p := range Place(s, want, changes) {
				_, ours := want.Lookup(p.Unit)
				got = append(got, placeLine(p, ours))
			}
			for i := range got {
				if i < len(tt.place) && !strings.Contains(tt.place[i], ";") {
					got[i], _, _ = strings.Cut(got[i], ";") // not all tables care for the refusals
				}
			}
			if d := cmp.Diff(tt.place, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func placeLine(p Placement, ours bool) string {
	name := string(p.Unit)
	if ours {
		name = p.Unit.Base()
	}
	line := name + " " + strings.Join(p.Now, ",") + "->" + strings.Join(p.Then, ",")
	for word, holds := range map[string]bool{" global": p.Global} {
		if holds {
			line += word
		}
	}
	switch {
	case p.Idle:
		return line + " idle"
	case p.Unplaceable():
		line += " unplaceable"
	}
	switch {
	case p.Sure:
		line += " sure"
	case p.MayWait:
		line += " (" + strings.Join(p.Maybe, ",") + " or none)"
	default:
		line += " (" + strings.Join(p.Maybe, ",") + ")"
	}
	for _, r := range p.Refused {
		line += "; " + r.Machine + ": " + r.Reason
	}
	return line
}

// TestPlaceForeseesTheCluster lets random units loose on random clusters, where
// the scheduler is another one: it asks fleet's agent code about everything and
// works all out again after each move.
func TestPlaceForeseesTheCluster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		machines := drawMachines(t)
		c := fleettest.New(machines...)
		for _, u := range drawUnits(t, "old") {
			c.Submit(u)
		}
		c.Settle()
		before := snapshotOf(c, machines)
		want := set(drawUnits(t, "new")...)
		changes, _ := Diff(before, want, DiffOptions{Adopt: true, Prune: len(want.Units) > 0 && rapid.Bool().Draw(t, "prune")})
		placements := Place(before, want, changes)
		carryOut(c, want, changes)
		c.Settle()
		for i, p := range placements {
			got := c.MachinesOf(p.Unit)
			if changes[i].Action == Delete || p.Idle {
				continue
			}
			if !slices.Equal(got, p.Then) {
				t.Fatalf("%s: foreseen on %v, is on %v", p.Unit, p.Then, got)
			}
		}
	})
}

func drawMachines(t *rapid.T) []fleettest.Machine {
	list := make([]fleettest.Machine, rapid.IntRange(0, 5).Draw(t, "machines"))
	for i := range list {
		metadata := map[string]string{}
		for _, key := range []string{"role", "disk"} {
			if value := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, key); value != "" {
				metadata[key] = value
			}
		}
		list[i] = fleettest.Machine{ID: fmt.Sprintf("m%d", i), Metadata: metadata}
	}
	return list
}

// drawUnits makes units whose placement words are allowed together.
func drawUnits(t *rapid.T, label string) []units.Unit {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "w@1", "w@2", "w@3"}), 0, 8, rapid.ID).Draw(t, label)
	var list []units.Unit
	for _, name := range names {
		u := fleetUnit(name, drawPlacement(t)...)
		u.Desired = rapid.SampledFrom([]units.State{units.Launched, units.Launched, units.Loaded, units.Inactive}).Draw(t, "state")
		list = append(list, u)
	}
	return list
}

func drawPlacement(t *rapid.T) []string {
	metadata := rapid.SampledFrom([]string{"MachineMetadata=role=a", "MachineMetadata=role=b", `MachineMetadata="role=a" "disk=b"`})
	var words []string
	if rapid.IntRange(0, 2).Draw(t, "constrained") == 0 {
		words = append(words, metadata.Draw(t, "metadata"))
	}
	conflict := rapid.SampledFrom([]string{"Conflicts=w@*", "Conflicts=a.service", "Conflicts=c.service d.service"})
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		words = append(words, "Global=true")
	case 1:
		words = append(words, "Global=true", conflict.Draw(t, "conflict"))
	case 2:
		words = append(words, "MachineOf="+rapid.SampledFrom([]string{"a", "b", "w@1"}).Draw(t, "leader")+".service")
	case 3, 4:
		words = append(words, conflict.Draw(t, "conflict"))
	case 5:
		words = append(words, "MachineID="+rapid.SampledFrom([]string{"m0", "m1", "m9"}).Draw(t, "id"))
	}
	return words
}

// snapshotOf reads a cluster through its API.
func snapshotOf(c *fleettest.Cluster, machines []fleettest.Machine) *Snapshot {
	var list []Machine
	for _, m := range machines {
		list = append(list, Machine{ID: m.ID, Metadata: m.Metadata})
	}
	var all []Unit
	for _, u := range c.Units() {
		l := live(u.Unit)
		l.Machine = u.Machine
		all = append(all, l)
	}
	return NewSnapshot(list, all, nil)
}

// carryOut does to the cluster what the changes say, at one moment.
func carryOut(c *fleettest.Cluster, want *units.Set, changes []Change) {
	for _, change := range changes {
		u, _ := want.Lookup(change.Unit)
		switch change.Action {
		case Create, Replace, SetState:
			c.Submit(u)
		case Delete:
			c.Remove(change.Unit)
		}
	}
}

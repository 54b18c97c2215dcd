package fleet

import (
	"fmt"
	"testing"

	"github.com/stackc/stackc/units"
)

// BenchmarkPlan makes the first plan for n units on five machines.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var machines []Machine
			for i := range 5 {
				machines = append(machines, Machine{ID: fmt.Sprintf("m%d", i), Metadata: map[string]string{"role": "node"}})
			}
			var list []units.Unit
			for i := range n {
				items := []string{"[Unit] After=docker.service", "ExecStart=/bin/x", "Restart=always", "[X-Fleet] MachineMetadata=role=node"}
				if i%10 == 1 {
					items = append(items, fmt.Sprintf("[X-Fleet] MachineOf=u%05d.service", i-1))
				}
				list = append(list, unit(fmt.Sprintf("u%05d", i), items...))
			}
			s, want := NewSnapshot(machines, nil, nil), set(list...)
			for b.Loop() {
				changes, _ := Diff(s, want, DiffOptions{})
				if p := NewPlan(s, want, changes, Place(s, want, changes)); len(p.Unplaceable()) > 0 {
					b.Fatal("some unit has no place")
				}
			}
		})
	}
}

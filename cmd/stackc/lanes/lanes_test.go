package lanes

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// drawSet makes units that lean on each other in all ways, also in rings.
func drawSet(t *rapid.T) *units.Set {
	n := rapid.IntRange(0, 60).Draw(t, "units")
	var list []units.Unit
	name := func(i int) string { return fmt.Sprintf("unit-%d<&\">.service", i) }
	for i := range n {
		u := units.Unit{Name: units.Name(name(i)), Desired: units.Launched}
		for range rapid.IntRange(0, 3).Draw(t, "edges") {
			other := name(rapid.IntRange(0, n).Draw(t, "other")) // one of them is outside
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				u.Waits = append(u.Waits, units.Wait{Unit: units.Name(other), Subject: other})
			case 1:
				u.Options = append(u.Options, units.Option{Section: "X-Fleet", Name: "MachineOf", Value: other})
			case 2:
				u.Options = append(u.Options, units.Option{Section: "X-Fleet", Name: "Conflicts", Value: "unit-1*"})
			default:
				u.Options = append(u.Options, units.Option{Section: "Unit", Name: "After", Value: strings.NewReplacer("<", "", "\"", "").Replace(other)})
			}
		}
		role := rapid.SampledFrom([]string{"a", "b", "c&d", ""}).Draw(t, "role")
		if role != "" {
			u.Options = append(u.Options, units.Option{Section: "X-Fleet", Name: "MachineMetadata", Value: "role=" + role})
		}
		list = append(list, u)
	}
	return units.NewSet("s", list)
}

// TestDrawingLaws holds for any set: boxes neither overlap nor leave their lane,
// who starts later stands further to the right, the text is XML, and the same set
// gives the same drawing.
func TestDrawingLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t)
		g := New(set, Options{Title: "a & b"})
		l := arrange(g)
		for i, a := range l.boxes {
			if a.node == nil {
				continue
			}
			if top := l.laneTop[a.lane]; a.y-boxHeight/2 < top+laneHead/2 || a.y+boxHeight/2 > top+l.laneHeight[a.lane] || a.x-a.w/2 < 0 || a.x+a.w/2 > l.width {
				t.Fatalf("%s leaves its lane", a.node.ID)
			}
			for _, b := range l.boxes[i+1:] {
				if b.node != nil && abs(a.x-b.x) < (a.w+b.w)/2 && abs(a.y-b.y) < boxHeight {
					t.Fatalf("%s and %s overlap", a.node.ID, b.node.ID)
				}
			}
		}
		wave := map[string]int{}
		for _, n := range g.Nodes {
			wave[n.ID] = n.Wave
		}
		for _, e := range g.Edges {
			if last := g.Waves - 1; orders(e.Kind) && wave[e.From] >= wave[e.To] && wave[e.To] != last {
				t.Fatalf("%s stands in wave %d, %s in %d", e.From, wave[e.From], e.To, wave[e.To])
			}
		}
		svg := SVG(g, "x")
		if again := SVG(New(set, Options{Title: "a & b"}), "x"); again != svg {
			t.Fatal("the same set gives another drawing")
		}
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("no XML: %v", err)
			}
		}
		DOT(g)
		Mermaid(g)
	})
}

func abs(x float64) float64 { return max(x, -x) }

func TestFocus(t *testing.T) {
	wait := func(name, on string) units.Unit {
		u := units.Unit{Name: units.Name(name + ".service"), Desired: units.Launched}
		if on != "" {
			u.Waits = []units.Wait{{Unit: units.Name(on + ".service"), Subject: on}}
		}
		return u
	}
	set := units.NewSet("s", []units.Unit{wait("a", ""), wait("b", "a"), wait("c", "b"), wait("d", "a"), wait("e", "")})
	for focus, want := range map[string]string{"b": "a b c", "a": "a b c d", "e": "e", "d": "a d"} {
		var got []string
		for _, n := range New(set, Options{Focus: []units.Name{units.Name(focus + ".service")}}).Nodes {
			got = append(got, strings.TrimSuffix(n.ID, ".service"))
		}
		if text := strings.Join(slices.Sorted(slices.Values(got)), " "); text != want {
			t.Errorf("focus on %s leaves %q, want %q", focus, text, want)
		}
	}
}

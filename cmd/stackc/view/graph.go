package view

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/lanes"
)

// Graph writes a graph as a table, lane by lane: the wave in which a unit starts,
// what it starts after, and whom it must or must not share a machine with.
func Graph(g *lanes.Graph, width int) string {
	var b strings.Builder
	lane := ""
	var rows [][]string
	flush := func() {
		if len(rows) > 0 {
			b.WriteString(strong(clean(lane)) + "\n" + columns("  ", rows, width))
		}
		rows = nil
	}
	for _, r := range lanes.Rows(g) {
		if r.Lane != lane {
			flush()
			lane = r.Lane
		}
		var facts []string
		if r.Global {
			facts = append(facts, "on every machine")
		}
		for _, f := range []struct {
			what string
			list []string
		}{{"after ", r.After}, {"beside ", r.Beside}, {"never with ", r.Apart}} {
			if len(f.list) > 0 {
				facts = append(facts, f.what+strings.Join(f.list, ", "))
			}
		}
		rows = append(rows, []string{fmt.Sprint(r.Wave), clean(r.Unit), clean(orDash(strings.Join(facts, "; ")))})
	}
	flush()
	return b.String()
}

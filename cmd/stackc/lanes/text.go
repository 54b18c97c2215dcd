package lanes

import (
	"fmt"
	"slices"
	"strings"
)

// DOT writes the graph for Graphviz.
func DOT(g *Graph) string {
	var b strings.Builder
	b.WriteString("digraph stack {\n  rankdir=LR; compound=true; nodesep=0.25; ranksep=0.8;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eaf1fb\", color=\"#5b7db1\", fontname=\"Helvetica\", fontsize=11];\n  edge [color=\"#666666\", arrowsize=0.7];\n")
	for i, lane := range g.Lanes {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s; labeljust=l; style=\"rounded,filled\"; fillcolor=\"#f5f6f8\"; color=\"#c9ced6\";\n", i, quoteDOT(lane))
		for _, n := range g.Nodes {
			if n.Lane == lane {
				fmt.Fprintf(&b, "    %s [label=%s%s];\n", quoteDOT(n.ID), quoteDOT(n.Label), attributesDOT(n))
			}
		}
		b.WriteString("  }\n")
	}
	for _, e := range g.Edges {
		how := map[Kind]string{
			Waiter: "style=solid", Local: "style=dashed, color=\"#5b7db1\"", MachineOf: "style=dotted, color=\"#7a4fb5\", constraint=false",
			Conflict: "style=dashed, color=\"#c0392b\", dir=none, constraint=false",
		}[e.Kind]
		fmt.Fprintf(&b, "  %s -> %s [%s, tooltip=%s];\n", quoteDOT(e.From), quoteDOT(e.To), how, quoteDOT(e.String()))
	}
	b.WriteString("}\n")
	return b.String()
}

// quoteDOT writes a string of the DOT language, in which only the quote and the
// backslash mean something.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(s) + `"`
}

func attributesDOT(n Node) string {
	out := ""
	if n.Global {
		out += ", peripheries=2"
	}
	if n.Outside {
		out += `, fillcolor="#ffffff", color="#c9ced6"`
	}
	if colour, ok := map[string]string{"added": "#d9f2df", "removed": "#fbdedb", "restarts": "#fff1cf", "moves": "#fff1cf", "changed": "#fff1cf", "unplaceable": "#fbdedb", "dies": "#fbdedb"}[n.Mark]; ok {
		out += fmt.Sprintf(", fillcolor=%q", colour)
	}
	if n.Mark == "focus" {
		out += ", penwidth=2.5"
	}
	return out
}

// Mermaid writes the graph as GitHub and GitLab draw it in Markdown.
func Mermaid(g *Graph) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	id := map[string]string{}
	for i, n := range g.Nodes {
		id[n.ID] = fmt.Sprintf("n%d", i)
	}
	for i, lane := range g.Lanes {
		fmt.Fprintf(&b, "  subgraph l%d [%s]\n", i, quoteMermaid(lane))
		for _, n := range g.Nodes {
			if n.Lane != lane {
				continue
			}
			open, shut := "[", "]"
			switch {
			case n.Global:
				open, shut = "[[", "]]"
			case n.Outside:
				open, shut = "([", "])"
			}
			fmt.Fprintf(&b, "    %s%s%s%s\n", id[n.ID], open, quoteMermaid(n.Label), shut)
		}
		b.WriteString("  end\n")
	}
	for _, e := range g.Edges {
		arrow := map[Kind]string{Waiter: "-->", Local: "-.->", MachineOf: "-. same machine .->", Conflict: "x--x"}[e.Kind]
		fmt.Fprintf(&b, "  %s %s %s\n", id[e.From], arrow, id[e.To])
	}
	classes := map[string][]string{}
	for _, n := range g.Nodes {
		if n.Mark != "" {
			classes[n.Mark] = append(classes[n.Mark], id[n.ID])
		}
	}
	for _, c := range []struct{ mark, look string }{
		{"added", "fill:#d9f2df,stroke:#2e8b57,color:#000"}, {"removed", "fill:#fbdedb,stroke:#c0392b,color:#000"}, {"restarts", "fill:#fff1cf,stroke:#b7791f,color:#000"},
		{"moves", "fill:#fff1cf,stroke:#b7791f,color:#000,stroke-dasharray:5 2"}, {"changed", "fill:#fff1cf,stroke:#b7791f,color:#000"},
		{"unplaceable", "fill:#fbdedb,stroke:#c0392b,color:#000"}, {"dies", "fill:#fbdedb,stroke:#c0392b,color:#000"}, {"focus", "stroke-width:3px"},
	} {
		if list := classes[c.mark]; len(list) > 0 {
			fmt.Fprintf(&b, "  classDef %s %s\n  class %s %s\n", c.mark, c.look, strings.Join(list, ","), c.mark)
		}
	}
	return b.String()
}

func quoteMermaid(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s) + `"`
}

// Row is one unit in the graph as a table.
type Row struct {
	Wave           int
	Unit           string
	Lane           string
	After          []string
	Beside, Apart  []string
	Global, Beyond bool
}

// Rows gives the graph as a table, lane by lane.
func Rows(g *Graph) []Row {
	var rows []Row
	for _, n := range g.Nodes {
		r := Row{Wave: n.Wave + 1, Unit: n.Label, Lane: n.Lane, Global: n.Global, Beyond: n.Outside}
		for _, e := range g.Edges {
			switch {
			case e.To == n.ID && e.Kind == Waiter:
				r.After = append(r.After, e.From)
			case e.To == n.ID && e.Kind == Local:
				r.After = append(r.After, e.From+" (systemd)")
			case e.To == n.ID && e.Kind == MachineOf:
				r.Beside = append(r.Beside, e.From)
			case e.Kind == Conflict && e.To == n.ID:
				r.Apart = append(r.Apart, e.From)
			case e.Kind == Conflict && e.From == n.ID:
				r.Apart = append(r.Apart, e.To)
			}
		}
		slices.Sort(r.After)
		rows = append(rows, r)
	}
	return rows
}

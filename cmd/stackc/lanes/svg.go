package lanes

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// style has the colours of both themes. Classes begin with the letters of the
// package, since the drawing may stand in a page.
const style = `
.ln{--paper:#fff;--lane:#f5f6f8;--rim:#c9ced6;--ink:#1d2430;--soft:#57606d;--box:#eaf1fb;--line:#5b7db1;--wait:#6a7280;--of:#7a4fb5;--no:#c0392b;--good:#d9f2df;--goodline:#2e8b57;--warn:#fff1cf;--warnline:#b7791f;--bad:#fbdedb;--badline:#c0392b;font:11px "DejaVu Sans Mono",ui-monospace,Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){.ln{--paper:#14181f;--lane:#1c222c;--rim:#39414e;--ink:#e6e9ee;--soft:#a3acb9;--box:#22314a;--line:#7ea2dc;--wait:#8d97a6;--of:#b48ce6;--no:#ef7a6d;--good:#1d3a28;--goodline:#5fc48a;--warn:#43351a;--warnline:#e0ae55;--bad:#4a2422;--badline:#ef7a6d}}
.ln .paper{fill:var(--paper)}.ln .lane{fill:var(--lane);stroke:var(--rim)}.ln .head{fill:var(--soft);font-weight:bold;font-size:12px}.ln text{fill:var(--ink)}
.ln .box rect{fill:var(--box);stroke:var(--line)}.ln .outside rect{fill:var(--paper);stroke:var(--rim)}.ln .global rect.back{fill:var(--lane)}
.ln .added rect{fill:var(--good);stroke:var(--goodline)}.ln .removed rect,.ln .unplaceable rect,.ln .dies rect{fill:var(--bad);stroke:var(--badline)}.ln .removed text{text-decoration:line-through}
.ln .restarts rect,.ln .moves rect,.ln .changed rect{fill:var(--warn);stroke:var(--warnline);stroke-width:1.6}.ln .moves rect{stroke-dasharray:5 2}.ln .focus rect{stroke-width:2.5}
.ln path{fill:none}.ln .waiter{stroke:var(--wait)}.ln .local{stroke:var(--line);stroke-dasharray:5 3}.ln .machine_of{stroke:var(--of);stroke-dasharray:2 3}.ln .beside{stroke:var(--of);stroke-width:1.6}.ln .conflict{stroke:var(--no);stroke-dasharray:8 3 2 3}
.ln .tip{fill:var(--wait);stroke:none}.ln .box:focus{outline:none}.ln .box:focus rect,.ln .hot rect{stroke-width:3}.ln.dim path:not(.hot):not(.tip){opacity:.12}.ln.dim .box:not(.hot){opacity:.35}
`

// SVG draws the graph as one SVG document. id sets it apart from others in a page.
func SVG(g *Graph, id string) string {
	l := arrange(g)
	width := max(l.width, 620)
	legendTop := l.height
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" class="ln" id="%[1]s" role="img" aria-label="%[2]s" width="%.0[3]f" height="%.0[4]f" viewBox="0 0 %.0[3]f %.0[4]f"><style>%[5]s</style>`,
		escape(id), escape(g.Title), width, legendTop+30, style)
	fmt.Fprintf(&s, `<defs><marker id="%s-tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>`, escape(id))
	s.WriteString(`<rect class="paper" width="100%" height="100%"/>`)
	for i, lane := range g.Lanes {
		fmt.Fprintf(&s, `<rect class="lane" x="%.0f" y="%.1f" width="%.0f" height="%.1f" rx="8"/><text class="head" x="%.0f" y="%.1f">%s</text>`,
			margin/2, l.laneTop[i], width-margin, l.laneHeight[i], 2*margin, l.laneTop[i]+18, escape(lane))
	}
	for i, e := range g.Edges {
		if e.Kind != MachineOf || !g.ordered(e) {
			l.edge(&s, id, e, l.routes[i], g.beside(e))
		}
	}
	for _, b := range l.boxes {
		if b.node != nil {
			b.draw(&s, id)
		}
	}
	legend(&s, id, legendTop)
	s.WriteString("</svg>\n")
	return s.String()
}

func escape(s string) string { return html.EscapeString(s) }

// draw writes a box with its name.
func (b *box) draw(s *strings.Builder, id string) {
	class := "box"
	if b.node.Outside {
		class += " outside"
	}
	if b.node.Global {
		class += " global"
	}
	if b.node.Mark != "" {
		class += " " + b.node.Mark
	}
	x, y := b.x-b.w/2, b.y-boxHeight/2
	fmt.Fprintf(s, `<g class="%s" id="%s-n-%s" tabindex="0">`, escape(class), escape(id), escape(b.node.ID))
	title := b.node.ID
	if b.node.Global {
		title += ", on every machine of " + b.node.Lane
		fmt.Fprintf(s, `<rect class="back" x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="5"/>`, x+4, y-4, b.w-1, boxHeight)
	}
	if b.node.Note != "" {
		title += ": " + b.node.Note
	}
	fmt.Fprintf(s, `<title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="5"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text></g>`,
		escape(title), x, y, b.w, boxHeight, b.x, b.y+4, escape(b.node.Label))
}

// ordered reports whether the two also start one after the other: then one line
// tells both.
func (g *Graph) ordered(e Edge) bool {
	return slices.Contains(g.Edges, Edge{e.From, e.To, Waiter}) || slices.Contains(g.Edges, Edge{e.From, e.To, Local})
}

// beside reports whether an order is between units that share a machine.
func (g *Graph) beside(e Edge) bool {
	return orders(e.Kind) && slices.Contains(g.Edges, Edge{e.From, e.To, MachineOf})
}

// edge writes a line through its route.
func (l *layout) edge(s *strings.Builder, id string, e Edge, route []*box, beside bool) {
	var p strings.Builder
	from, to := route[0], route[len(route)-1]
	switch {
	case orders(e.Kind) && to.wave > from.wave:
		x, y := from.x+from.w/2, from.y
		fmt.Fprintf(&p, "M%.1f %.1f", x, y)
		for _, b := range route[1:] {
			nx := b.x - b.w/2
			dx := max(20, (nx-x)/2)
			fmt.Fprintf(&p, "C%.1f %.1f %.1f %.1f %.1f %.1f", x+dx, y, nx-dx, b.y, nx, b.y)
			x, y = nx, b.y
			if b.node == nil {
				x = b.x + b.w/2
				fmt.Fprintf(&p, "L%.1f %.1f", x, y)
			}
		}
	case from.x == to.x: // one below the other: around their left side
		x := from.x - from.w/2
		fmt.Fprintf(&p, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x, from.y, x-26, from.y, x-26, to.y, x, to.y)
	default:
		y1, y2 := edgeOf(from, to), edgeOf(to, from)
		fmt.Fprintf(&p, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", from.x, y1, from.x, (y1+y2)/2, to.x, (y1+y2)/2, to.x, y2)
	}
	tip := fmt.Sprintf(` marker-end="url(#%s-tip)"`, escape(id))
	if e.Kind == Conflict {
		tip = ""
	}
	class, title := string(e.Kind), e.String()
	if beside {
		class += " beside"
		title += ", and goes to its machine"
	}
	fmt.Fprintf(s, `<path class="%s" d="%s"%s data-from="%s" data-to="%s"><title>%s</title></path>`, class, p.String(), tip, escape(e.From), escape(e.To), escape(title))
}

// edgeOf is the upper or lower rim of a box, whichever is nearer to the other.
func edgeOf(b, other *box) float64 {
	if other.y > b.y {
		return b.y + boxHeight/2
	}
	return b.y - boxHeight/2
}

// String says what an edge means.
func (e Edge) String() string {
	switch e.Kind {
	case Waiter:
		return e.To + " waits for " + e.From
	case Local:
		return e.To + " starts after " + e.From + ", by systemd on one machine"
	case MachineOf:
		return e.To + " goes to the machine of " + e.From
	}
	return e.From + " and " + e.To + " cannot share a machine"
}

// legend explains the lines.
func legend(s *strings.Builder, id string, top float64) {
	x := 2 * margin
	for _, k := range []struct {
		kind Kind
		text string
	}{{Waiter, "waits until ready"}, {Local, "systemd's order"}, {Waiter + " beside", "same machine"}, {Conflict, "never together"}} {
		tip := ""
		if k.kind != Conflict {
			tip = fmt.Sprintf(` marker-end="url(#%s-tip)"`, escape(id))
		}
		fmt.Fprintf(s, `<path class="%s" d="M%.0f %.0fL%.0f %.0f"%s/><text x="%.0f" y="%.0f">%s</text>`, k.kind, x, top+10, x+28, top+10, tip, x+34, top+14, k.text)
		x += 34 + float64(len(k.text))*letter + 16
	}
}

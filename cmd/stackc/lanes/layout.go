package lanes

import (
	"slices"
	"unicode/utf8"
)

// The measures of a drawing, in pixels.
const (
	boxHeight  = 24.0
	rowHeight  = 32.0
	thinHeight = 10.0 // a row that a line only passes
	letter     = 6.75 // the width of a letter of the font, which is of one width
	boxPadding = 20.0
	gap        = 64.0 // between columns
	innerGap   = 14.0 // between boxes of one column that stand side by side
	margin     = 12.0
	laneHead   = 26.0
	lanePad    = 8.0
	// mostRows is how many boxes stand one below the other before a column is
	// broken into several.
	mostRows = 14
)

// box is a node, or a place where a long line passes a column.
type box struct {
	node       *Node
	lane, wave int
	x, y, w    float64 // its middle and width
	in, out    []*box
}

func (b *box) height() float64 {
	if b.node == nil {
		return thinHeight
	}
	return rowHeight
}

// layout is where everything stands.
type layout struct {
	width, height float64
	boxes         []*box
	byID          map[string]*box
	laneTop       []float64
	laneHeight    []float64
	// routes are the boxes that the line of each edge goes through.
	routes [][]*box
	// trunks are the places that the lines of one node pass together.
	trunks map[trunk]*box
}

// trunk is the part of a column that lines of one kind from one node pass.
type trunk struct {
	from       string
	kind       Kind
	lane, wave int
}

// arrange places the nodes: columns by wave from left to right, in each lane and
// column by where their neighbours stand (the barycentre, Sugiyama and others, 1981).
func arrange(g *Graph) *layout {
	l := &layout{byID: map[string]*box{}, trunks: map[trunk]*box{}}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		b := &box{node: n, lane: slices.Index(g.Lanes, n.Lane), wave: n.Wave, w: float64(utf8.RuneCountInString(n.Label))*letter + boxPadding}
		l.byID[n.ID] = b
		l.boxes = append(l.boxes, b)
	}
	for _, e := range g.Edges {
		l.routes = append(l.routes, l.route(e))
	}
	cells := l.cells(len(g.Lanes), g.Waves)
	l.lanes(cells)
	l.sortCells(cells)
	l.columns(cells, g.Waves)
	return l
}

// route makes the chain of boxes that an edge passes, and joins neighbours.
func (l *layout) route(e Edge) []*box {
	from, to := l.byID[e.From], l.byID[e.To]
	chain := []*box{from}
	if orders(e.Kind) {
		for w := from.wave + 1; w < to.wave; w++ {
			lane := to.lane
			if w <= (from.wave+to.wave)/2 {
				lane = from.lane
			}
			t := trunk{e.From, e.Kind, lane, w}
			if l.trunks[t] == nil {
				l.trunks[t] = &box{lane: lane, wave: w}
				l.boxes = append(l.boxes, l.trunks[t])
			}
			chain = append(chain, l.trunks[t])
		}
	}
	chain = append(chain, to)
	if orders(e.Kind) {
		for i := range chain[1:] {
			chain[i].out = append(chain[i].out, chain[i+1])
			chain[i+1].in = append(chain[i+1].in, chain[i])
		}
	}
	return chain
}

// cell is a lane's part of a column.
type cell []*box

func (l *layout) cells(lanes, waves int) [][]cell {
	cells := make([][]cell, lanes)
	for i := range cells {
		cells[i] = make([]cell, waves)
	}
	for _, b := range l.boxes {
		cells[b.lane][b.wave] = append(cells[b.lane][b.wave], b)
	}
	return cells
}

// rows is how many boxes of a cell stand one below the other, and in how many
// columns side by side.
func (c cell) rows() (rows, columns int) {
	n := 0
	for _, b := range c {
		if b.node != nil {
			n++
		}
	}
	columns = max(1, (n+mostRows-1)/mostRows)
	return (n + columns - 1) / columns, columns
}

func (c cell) height() float64 {
	rows, columns := c.rows()
	if columns > 1 {
		return float64(rows) * rowHeight // thin rows share those of boxes
	}
	h := 0.0
	for _, b := range c {
		h += b.height()
	}
	return h
}

// lanes gives each lane its height and place.
func (l *layout) lanes(cells [][]cell) {
	y := margin
	for _, lane := range cells {
		h := rowHeight
		for _, c := range lane {
			h = max(h, c.height())
		}
		l.laneTop = append(l.laneTop, y)
		l.laneHeight = append(l.laneHeight, h+laneHead+2*lanePad)
		y += h + laneHead + 2*lanePad + margin
	}
	l.height = y
	l.placeRows(cells)
}

// placeRows gives each box its height in the drawing, by its place in its cell.
func (l *layout) placeRows(cells [][]cell) {
	for i, lane := range cells {
		inner := l.laneHeight[i] - laneHead - 2*lanePad
		for _, c := range lane {
			y := l.laneTop[i] + laneHead + lanePad + (inner-c.height())/2
			rows, columns := c.rows()
			if columns > 1 {
				c.grid(y, rows)
				continue
			}
			for _, b := range c {
				b.y = y + b.height()/2
				y += b.height()
			}
		}
	}
}

// grid places boxes column by column, and lines that pass between the rows.
func (c cell) grid(top float64, rows int) {
	i := 0
	for _, b := range c {
		if b.node == nil {
			b.y = top + float64(i%rows)*rowHeight
			continue
		}
		b.y = top + (float64(i%rows)+0.5)*rowHeight
		i++
	}
}

// sweeps is how often the columns are sorted, alternately by the neighbours to the
// left and to the right.
const sweeps = 24

func (l *layout) sortCells(cells [][]cell) {
	middle := map[*box]float64{}
	for sweep := range sweeps {
		for _, lane := range cells {
			for _, c := range lane {
				for _, b := range c {
					middle[b] = b.barycentre(sweep%2 == 0)
				}
				slices.SortStableFunc(c, func(a, b *box) int {
					switch {
					case middle[a] < middle[b]:
						return -1
					case middle[a] > middle[b]:
						return 1
					}
					return 0
				})
			}
		}
		l.placeRows(cells)
	}
}

func (b *box) barycentre(left bool) float64 {
	neighbours := b.in
	if !left {
		neighbours = b.out
	}
	if len(neighbours) == 0 {
		return b.y
	}
	sum := 0.0
	for _, n := range neighbours {
		sum += n.y
	}
	return sum / float64(len(neighbours))
}

// columns gives the boxes of each column one width and their places side by side.
func (l *layout) columns(cells [][]cell, waves int) {
	x := 2 * margin
	for w := range waves {
		widest, most := 60.0, 1
		for _, lane := range cells {
			for _, b := range lane[w] {
				if b.node != nil {
					widest = max(widest, b.w)
				}
			}
			_, columns := lane[w].rows()
			most = max(most, columns)
		}
		for _, lane := range cells {
			rows, columns := lane[w].rows()
			i := 0
			for _, b := range lane[w] {
				b.w, b.x = widest, x+widest/2
				if b.node == nil {
					b.w = float64(most)*(widest+innerGap) - innerGap
					b.x = x + b.w/2
					continue
				}
				if columns > 1 {
					b.x += float64(i/rows) * (widest + innerGap)
				}
				i++
			}
		}
		x += float64(most)*(widest+innerGap) - innerGap + gap
	}
	l.width = x - gap + 2*margin
}

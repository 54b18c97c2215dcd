package review

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/lanes"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

//go:embed page.html
var pageText string

// page is what page.html needs.
type page struct {
	Title     string
	Report    *Report
	Chips     []chip
	Drawings  []drawing
	First     string // the drawing that is shown first
	Units     []pageUnit
	Order     []string
	Placement []placed
}

type chip struct {
	N    int
	Text string
}

type drawing struct {
	ID, Name string
	SVG      template.HTML // made of escaped texts by package lanes
}

type pageUnit struct {
	Unit       Unit
	Sign       string
	More       []string
	State      string
	Refused    []fleet.MachineRefusal
	Directives []block
}

// block is one directive as lines with a class each.
type block struct {
	Title, Place string
	Lines        []blockLine
}

type blockLine struct{ Class, Text string }

type placed struct{ Unit, Now, Then, Remark string }

// HTML writes a report as one page that needs nothing else.
func HTML(r *Report, old, new *units.Set) string {
	p := page{Title: "stack " + r.Stack, Report: r, First: "after"}
	for _, d := range []struct {
		id, name string
		set      *units.Set
	}{{"before", "before", old}, {"after", "after", new}} {
		g := lanes.New(d.set, lanes.Options{Title: r.Stack + " " + d.name, Mark: r.mark(d.id == "before")})
		p.Drawings = append(p.Drawings, drawing{d.id, d.name, template.HTML(lanes.SVG(g, d.id))})
	}
	for _, u := range r.Units {
		p.Units = append(p.Units, r.pageUnit(u))
		if row, ok := r.placed(u); ok {
			p.Placement = append(p.Placement, row)
		}
	}
	p.Chips, p.Order = r.chips(), r.order()
	return p.write()
}

// GraphPage writes one drawing as a page.
func GraphPage(g *lanes.Graph) string {
	p := page{Title: g.Title, First: "graph", Drawings: []drawing{{"graph", g.Title, template.HTML(lanes.SVG(g, "graph"))}}}
	return p.write()
}

func (p page) write() string {
	var b strings.Builder
	if err := template.Must(template.New("page").Parse(pageText)).Execute(&b, p); err != nil {
		panic(err) // the template and its data are both of this package
	}
	return b.String()
}

// mark gives the class and the note of a unit in a drawing.
func (r *Report) mark(before bool) func(units.Name) (string, string) {
	byName := map[units.Name]Unit{}
	for _, u := range r.Units {
		byName[u.Unit] = u
		if u.Was != "" {
			byName[u.Was] = u
		}
	}
	return func(name units.Name) (string, string) {
		u, ok := byName[name]
		switch {
		case !ok:
			return "", ""
		case u.Was == name, before && u.Change == compare.Removed:
			return "removed", strings.Join(u.Consequences, "; ")
		case !before && (u.Change == compare.Added || u.Was != ""):
			return "added", strings.Join(u.Consequences, "; ")
		case u.Effect.Fate == fleet.Untouched:
			return "", ""
		}
		return string(u.Effect.Fate), strings.Join(u.Consequences, "; ")
	}
}

// Sign is the mark of a change, as diffs have it.
func (u Unit) Sign() string {
	switch {
	case u.Effect.Fate == fleet.Unplaced || u.Effect.Fate == fleet.Dies:
		return "!"
	case u.Effect.Fate == fleet.Orphaned:
		return "?"
	case u.Action == fleet.Adopt:
		return "="
	case u.Change == compare.Added:
		return "+"
	case u.Change == compare.Removed:
		return "-"
	case u.Change == compare.Same && u.Action == fleet.None:
		return ">"
	}
	return "~"
}

func (r *Report) pageUnit(u Unit) pageUnit {
	p := pageUnit{Unit: u, Sign: u.Sign(), More: u.Consequences[1:]}
	if u.From != u.To && u.From != "" && u.To != "" {
		p.State = fmt.Sprintf("%s -> %s", u.From, u.To)
	}
	for _, refused := range u.Refused {
		refused.Machine = r.MachineName(refused.Machine)
		p.Refused = append(p.Refused, refused)
	}
	for _, d := range u.Directives {
		p.Directives = append(p.Directives, blockOf(d))
	}
	return p
}

func blockOf(d Directive) block {
	b := block{Title: "[" + d.Section + "] " + d.Name, Place: d.Where()}
	for _, l := range d.Before {
		b.Lines = append(b.Lines, blockLine{"ctx", "  " + l})
	}
	for _, e := range d.Edits {
		b.Lines = append(b.Lines, linesOfEdit(d, e)...)
	}
	for _, l := range d.After {
		b.Lines = append(b.Lines, blockLine{"ctx", "  " + l})
	}
	return b
}

// Where is where a directive is said, on the new side if it is there.
func (d Directive) Where() string {
	for _, e := range d.Edits {
		if e.NewPlace != nil {
			return e.NewPlace.String()
		}
	}
	for _, e := range d.Edits {
		if e.OldPlace != nil {
			return e.OldPlace.String()
		}
	}
	return ""
}

// Worded names a command of the compiler by what it does, any other value as it is
// and an empty one so that it is seen.
func Worded(value, step string) string {
	if step != "" {
		return "(" + step + ")"
	}
	return shown(value, true)
}

func linesOfEdit(d Directive, e Edit) []blockLine {
	old, new := Worded(e.Old, e.OldStep), Worded(e.New, e.NewStep)
	switch {
	case e.Op == compare.Add:
		return []blockLine{{"add", "+ " + new}}
	case e.Op == compare.Remove:
		return []blockLine{{"del", "- " + old}}
	case e.Op == compare.Move:
		return []blockLine{{"chg", "~ " + new + " at another place"}}
	case len(e.Args) > 0:
		var lines []blockLine
		if d.Compared == compare.AsCommands {
			lines = append(lines, blockLine{"ctx", "  " + e.Command()})
		}
		for _, a := range e.Args {
			lines = append(lines, blockLine{a.class(), a.signed()})
		}
		return lines
	case e.OldStep != "" && e.OldStep == e.NewStep:
		return []blockLine{{"chg", "~ " + new + " in other words"}}
	case e.Masked && e.Old == e.New:
		return []blockLine{{"chg", "~ " + new + ", another secret"}}
	}
	return []blockLine{{"del", "- " + old}, {"add", "+ " + new}}
}

// Command names the command whose parts changed.
func (e Edit) Command() string {
	if e.NewStep != "" {
		return "(" + e.NewStep + ")"
	}
	program, _, _ := strings.Cut(e.New, " ")
	return program + " …"
}

func (a Arg) class() string {
	switch {
	case a.Old == nil:
		return "add"
	case a.New == nil:
		return "del"
	}
	return "chg"
}

func (a Arg) signed() string {
	if a.Old == nil || a.New == nil {
		return a.String()
	}
	return "~ " + a.String()
}

func (r *Report) chips() []chip {
	var list []chip
	for _, f := range []fleet.Fate{fleet.Restarts, fleet.Moves, fleet.Starts, fleet.Stops, fleet.Dies, fleet.Loads, fleet.Stored, fleet.Unplaced, fleet.Orphaned, fleet.Untouched} {
		if n := r.Summary.Fates[f]; n > 0 {
			list = append(list, chip{n, string(f)})
		}
	}
	return list
}

// order tells in sentences what happens meanwhile.
func (r *Report) order() []string {
	var list []string
	if m := r.Meanwhile; len(m.Order) > 1 {
		for i, wave := range m.Order {
			list = append(list, fmt.Sprintf("comes up in wave %d: %s", i+1, joined(wave)))
		}
	}
	for _, h := range r.Meanwhile.Holding {
		text := fmt.Sprintf("%s waits for %s", h.Unit, h.For)
		if h.Probe != "" {
			text += " (" + h.Probe + ")"
		}
		list = append(list, text)
	}
	for _, w := range r.Meanwhile.Without {
		list = append(list, fmt.Sprintf("%s runs on, without %s for a while", w.Unit, joined(w.Of)))
	}
	return list
}

func joined(names []units.Name) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = string(n)
	}
	return strings.Join(list, ", ")
}

func (r *Report) placed(u Unit) (placed, bool) {
	if len(r.Machines) == 0 {
		return placed{}, false
	}
	p := placed{Unit: string(u.Unit), Now: r.machineList(u.Now), Then: r.machineList(u.Then)}
	switch {
	case u.Effect.Fate == fleet.Unplaced:
		p.Remark = "no machine can run it"
	case u.Effect.Why != "":
		p.Remark = u.Effect.Why
	case !u.Effect.Sure:
		p.Remark = "prediction"
	}
	return p, true
}

func (r *Report) machineList(ids []string) string {
	if len(ids) == 0 {
		return "-"
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = r.MachineName(id)
	}
	return strings.Join(names, ", ")
}

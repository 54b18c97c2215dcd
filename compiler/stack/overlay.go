package stack

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// overlay is a file that is laid over the stack file and its libraries: one
// environment's parameter values and changes.
type overlay struct {
	file *source.File
	tree *syntax.Table
}

// layers loads the stack file with its libraries, and the overlays over it.
func (l *loader) layers(file *source.File) {
	overlays := l.readOverlays()
	l.overlays = overlays
	scope := l.file(file, nil, append(l.overlaySettings(overlays), l.in.Settings...), nil)
	for _, o := range overlays {
		if scope != nil {
			l.overlay(o, scope)
		}
	}
	l.inventory()
	l.resolveNames()
	if len(overlays) < len(l.in.Overlays) { // what is missing may stand in the one that cannot be read
		*l.findings = slices.DeleteFunc(*l.findings, func(d diag.Diagnostic) bool { return d.Code == diag.MissingParameter })
	}
}

// readOverlays opens and parses the overlays. One that cannot be read is
// reported and left out.
func (l *loader) readOverlays() []overlay {
	var list []overlay
	for _, name := range l.in.Overlays {
		file, err := l.in.Opener.Open(name)
		if err != nil {
			missing := notFound(name, err)
			missing.Message = "the overlay cannot be read: " + missing.Message
			l.findings.Add(missing)
			continue
		}
		tree, findings := syntax.Parse(file)
		l.findings.Add(findings...)
		if tree != nil && !findings.HasErrors() {
			list = append(list, overlay{file: file, tree: tree})
		}
	}
	return list
}

// overlaySettings returns the parameter values that overlays give, of two for one
// parameter the later one's last.
func (l *loader) overlaySettings(list []overlay) []Setting {
	var settings []Setting
	for _, o := range list {
		d := &decoder{scope: &scope{}, findings: l.findings}
		d = d.at("params")
		for _, e := range d.tableOf(o.tree, "params").Entries {
			s := Setting{Name: e.Key, Span: e.KeySpan, Value: e.Value}
			if e.Value.Kind == syntax.KindTable {
				d.at(e.Key).errorf(diag.WrongType, e.Value.Span, "an overlay gives parameter %q a value and cannot declare it anew", e.Key).
					help("write %s = VALUE here; type, default and help stand in the stack file", e.Key)
				s.broken = true
			}
			settings = append(settings, s)
		}
	}
	return settings
}

// overlay merges one overlay over all that the stack holds. Its expressions see
// the parameters of the stack file, whose scope s is.
func (l *loader) overlay(o overlay, s *scope) {
	d := &decoder{scope: s, findings: l.findings}
	tree := d.onlyKeys(o.tree, "an overlay", overlayWords().Names())
	l.overlayHeader(d, tree)
	l.overlaid = true
	l.layer(d, tree)
}

// overlaidInventory reads what the overlays say of machines and networks, which the
// libraries' parameters may be made of. The parameters of the stack file have scope s.
func (l *loader) overlaidInventory(s *scope) {
	l.overlaid = true
	for _, o := range l.overlays {
		d := &decoder{scope: s, findings: l.findings}
		tree := corrected(o.tree, overlayWords().Names())
		l.network(d, tree)
		l.machines(d, tree)
	}
	l.overlaid = false
}

// overlayHeader reads what an overlay says of the stack as a whole.
func (l *loader) overlayHeader(d *decoder, tree *syntax.Table) {
	if e := tree.Get("stack"); e != nil {
		if name := d.at("stack").name(e.Value); name != "" && name != l.stack.Name {
			d.at("stack").errorf(diag.BadValue, e.Value.Span, "this is an overlay for stack %q, not for %q", name, l.stack.Name).
				note(l.stack.Pos.Span, "the stack is named here").
				help("leave the line out, or use the overlay that belongs to %q", l.stack.Name)
		}
	}
	l.wholeStack(d, tree)
}

// overlaidRole starts a role of an overlay from what the stack says of it, so that
// the overlay may change the address or the metadata alone.
func (l *loader) overlaidRole(name string) *Role {
	if l.overlaid {
		return l.stack.roles[name]
	}
	return nil
}

// mayChange reports whether the file of d may change or remove u: an overlay may
// change all, a file what it has brought in itself.
func (l *loader) mayChange(d *decoder, u *Unit) bool {
	return l.overlaid || uses(d.scope.use, l.from[u])
}

// removeFrom says where a unit was looked for that is not there to be removed.
func (l *loader) removeFrom(key string) string {
	if l.overlaid {
		return fmt.Sprintf("the stack has no unit %q to remove", key)
	}
	return fmt.Sprintf("no library used here has a unit %q to remove", key)
}

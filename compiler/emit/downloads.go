package emit

import (
	"fmt"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Download is a file that a unit fetches before it starts, with everything put in
// that the stack file leaves open.
type Download struct {
	Unit units.Name
	// Path is its logical place in the stack: "unit.web.download[0]".
	Path string
	// Source is what the stack file says.
	Source stack.Download
	URL    string
	To     string
	Origin string // where a mirror is filled from, "" for the URL itself
	SHA256 string // "" for a file that is not checked
}

// Downloads returns what the units of the stack fetch, unit by unit and in the
// order in which each does. What is wrong with them is found by [Units].
func Downloads(t *topology.Topology) []Download {
	aside := &emitter{t: t, origins: Origins{}, addresses: map[string]units.Address{}}
	var list []Download
	for _, n := range t.Nodes() {
		if n.Unit == nil || n.Unit.Name == "" || t.ByName(n.Name()) != n || n.Unit.Verbatim != nil {
			continue
		}
		for _, instance := range instances(n.Unit) {
			w := &writer{emitter: aside, node: n, unit: n.Unit, instance: instance, name: nameOf(n, instance), place: n.Path()}
			for i, d := range n.Unit.Downloads {
				list = append(list, w.downloaded(d, i))
			}
		}
	}
	return list
}

// downloaded is the i-th download of the unit, as its text has it.
func (w *writer) downloaded(d stack.Download, i int) Download {
	at := downloadAt(i)
	return Download{
		Unit: w.name, Path: w.path(at), Source: d,
		URL: w.expand(d.URL, at+".url"), To: w.expand(d.To, at+".to"),
		Origin: w.expand(d.Origin, at+".origin"), SHA256: w.expand(d.SHA256, at+".sha256"),
	}
}

// downloadAt is the logical place of the i-th download in its unit.
func downloadAt(i int) string { return fmt.Sprintf("download[%d]", i) }

package lint

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// hostUnits checks the directives that bootstrap writes for a unit of the hosts.
// networkd's sections are passed over: their directives are in no table here.
func hostUnits(c *checker, n *topology.Node) {
	if n.Host == nil || n.Host.Unit == "" {
		return
	}
	check := func(list []*stack.Section, path string) {
		for _, s := range list {
			if strings.HasPrefix(s.Name, "X-") || !slices.Contains(units.Sections(n.Host.Unit.Type()), s.Name) {
				continue
			}
			for _, d := range s.Directives {
				c.directive(n, s, d, path+"."+s.Name+"."+d.Name)
			}
		}
	}
	check(n.Host.Sections, n.Path())
	for _, in := range n.Host.DropIns {
		check(in.Sections, n.Path()+".drop_in."+stack.Key(in.Name))
	}
}

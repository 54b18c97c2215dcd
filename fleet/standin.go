package fleet

import "github.com/stackc/stackc/units"

func (p *Plan) planMachines(s *Snapshot, g group, members, left []units.Name) {}

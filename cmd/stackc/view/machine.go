package view

import (
	"maps"
	"slices"
	"strings"

	"github.com/stackc/stackc/fleet"
)

// Machines writes the members of the cluster in the columns of fleetctl
// list-machines, with whole IDs: unit files and flags want those.
func Machines(machines []fleet.Machine) string {
	rows := [][]string{head("MACHINE", "IP", "METADATA")}
	for _, m := range machines {
		rows = append(rows, []string{clean(m.ID), clean(orDash(m.IP)), clean(orDash(metadata(m)))})
	}
	return columns("", rows, 0)
}

func metadata(m fleet.Machine) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		pairs = append(pairs, key+"="+m.Metadata[key])
	}
	return strings.Join(pairs, ",")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// machineName writes a machine as fleetctl does: its short ID and its address.
func machineName(machines []fleet.Machine, id string) string {
	for _, m := range machines {
		if m.ID == id && m.IP != "" {
			return clean(m.Short() + "/" + m.IP)
		}
	}
	return clean(fleet.Machine{ID: id}.Short())
}

func machineNames(machines []fleet.Machine, ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = machineName(machines, id)
	}
	return strings.Join(names, ", ")
}

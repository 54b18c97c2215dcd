package fleet

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/pkg"

	"github.com/stackc/stackc/units"
)

// refusal words why a machine cannot run j, in the order in which fleet asks
// (agent/state.go, AbleToRun). It is "" when the machine could.
func (e *engine) refusal(h *host, j *simJob) string {
	if j.global {
		if reason := metadataRefusal(h, j); reason != "" {
			return reason
		}
		return conflictRefusal(h, j)
	}
	switch {
	case !h.able(j):
	case j.TargetMachineID == h.id() && h.runs[j.Name] == nil:
		return conflictRefusal(h, j)
	default:
		return ""
	}
	if j.targeted && !h.all.MState.MatchID(j.target) {
		return fmt.Sprintf("it is not the machine %s", j.target)
	}
	if reason := metadataRefusal(h, j); reason != "" {
		return reason
	}
	if reason := e.peerRefusal(h, j); reason != "" {
		return reason
	}
	if reason := conflictRefusal(h, j); reason != "" {
		return reason
	}
	_, fleets := h.all.AbleToRun(&j.Job)
	return fleets
}

// metadataRefusal says what the machine has and what is needed.
func metadataRefusal(h *host, j *simJob) string {
	needs := j.metadata
	for _, key := range slices.Sorted(maps.Keys(needs)) {
		has, ok := h.all.MState.Metadata[key]
		switch {
		case !ok:
			return fmt.Sprintf("no metadata %s, needs %s", key, choice(key, needs[key]))
		case !needs[key].Contains(has):
			return fmt.Sprintf("metadata %s=%s, needs %s", key, has, choice(key, needs[key]))
		}
	}
	return ""
}

// choice writes the allowed values of a key: "role=master or role=node".
func choice(key string, values pkg.Set) string {
	pairs := values.Values()
	slices.Sort(pairs)
	for i, value := range pairs {
		pairs[i] = key + "=" + value
	}
	return strings.Join(pairs, " or ")
}

// peerRefusal says where the units are whose machine j must share.
func (e *engine) peerRefusal(h *host, j *simJob) string {
	for _, peer := range j.peers {
		if h.has(peer) {
			continue
		}
		other := e.find(units.Name(peer))
		switch {
		case peer == j.Name:
			return "MachineOf names the unit itself"
		case other == nil:
			return fmt.Sprintf("%s (MachineOf) is not in the cluster", peer)
		case other.TargetState == job.JobStateInactive:
			return fmt.Sprintf("%s (MachineOf) is inactive", peer)
		case other.global:
			return fmt.Sprintf("%s (MachineOf) does not run there", peer)
		case !other.Scheduled():
			return fmt.Sprintf("%s (MachineOf) is on no machine", peer)
		}
		return fmt.Sprintf("%s (MachineOf) is on %s", peer, short(other.TargetMachineID))
	}
	return ""
}

// conflictRefusal names the unit there that does not stand j, or that j does not: one
// that the engine counts there, or else one that the machine runs; see agents.
func conflictRefusal(h *host, j *simJob) string {
	if reason := conflictAmong(slices.Sorted(maps.Keys(h.counts)), h.counts, j); reason != "" {
		return reason
	}
	return conflictAmong(slices.Sorted(maps.Keys(h.runs)), h.runs, j)
}

func conflictAmong(names []string, there map[string]*simJob, j *simJob) string {
	for _, name := range names {
		if name == j.Name {
			continue
		}
		if pattern, ok := matching(j.conflicts, name); ok {
			return fmt.Sprintf("has %s, and Conflicts=%s", name, pattern)
		}
		if pattern, ok := matching(there[name].conflicts, j.Name); ok {
			return fmt.Sprintf("has %s, which says Conflicts=%s", name, pattern)
		}
	}
	return ""
}

func matching(patterns []string, name string) (string, bool) {
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return pattern, true
		}
	}
	return "", false
}

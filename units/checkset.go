package units

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units/graph"
)

// SetError is a rule that a unit breaks together with others of its Set.
type SetError struct {
	Unit Name
	RuleError
}

// CheckPeers returns the units of the Set that MachineOf keeps from ever being
// placed, in the order of their names: a ring of units that wait for each other, a
// peer that stays inactive, a peer whose machines cannot be its own. A peer that is
// not in the Set may be on the cluster already and is not judged.
func (s *Set) CheckPeers() []SetError {
	var errors []SetError
	var peers graph.Graph[Name]
	for _, u := range s.Units {
		place := readPlacement(u.Name, u.Options)
		for _, peer := range place.MachineOf {
			leader, ok := s.Lookup(Name(peer))
			if !ok || leader.Name == u.Name {
				continue
			}
			peers.Edge(u.Name, leader.Name)
			if reason := apart(u, leader, place.Metadata); reason != "" {
				errors = append(errors, peerError(u, reason))
			}
		}
	}
	for _, ring := range peers.Cycles() {
		u, _ := s.Lookup(ring[0])
		errors = append(errors, peerError(u, ringText(ring)))
	}
	slices.SortStableFunc(errors, func(a, b SetError) int { return strings.Compare(string(a.Unit), string(b.Unit)) })
	return errors
}

func peerError(u Unit, reason string) SetError {
	r := rules{name: u.Name, opts: u.Options}
	return SetError{Unit: u.Name, RuleError: RuleError{Rule: RulePeer, Index: r.fleetOption(KeyMachineOf), Reason: reason}}
}

func ringText(ring []Name) string {
	var b strings.Builder
	for _, name := range ring {
		fmt.Fprintf(&b, "%s waits for the machine of ", name)
	}
	return b.String() + string(ring[0])
}

// apart tells why a follower can never be where its leader is.
func apart(u, leader Unit, metadata Metadata) string {
	if leader.Desired == Inactive && u.Desired != Inactive {
		return fmt.Sprintf("%s waits for the machine of %s, which is to stay inactive and has none", u.Name, leader.Name)
	}
	theirs := readPlacement(leader.Name, leader.Options).Metadata
	for _, key := range metadata.Keys() {
		values, ok := theirs[key]
		if ok && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(metadata[key], v) }) {
			return fmt.Sprintf("%s needs %s=%s and its peer %s needs %s=%s: no machine is both",
				u.Name, key, strings.Join(metadata[key], "|"), leader.Name, key, strings.Join(values, "|"))
		}
	}
	return ""
}

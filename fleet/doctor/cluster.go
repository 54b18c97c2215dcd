package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet"
)

// fewBeats is how many registrations of a machine tell whether it is one: of two
// with one ID, which overwrite each other, three come from both.
const fewBeats = 3

// registry looks at etcd itself, and at the contents in it.
func (e *examination) registry() {
	r := e.facts.Registry
	for _, c := range []Condition{NoLeader, NoContent, DeadContents, SameID, MixedVersions} {
		switch {
		case r == nil:
			e.unknown(c, e.facts.NoRegistry)
		case r.Unread[c] != "":
			e.unknown(c, r.Unread[c])
		case c == NoLeader:
			e.leader(r)
		case c == NoContent:
			e.noContent(r)
		case c == DeadContents:
			e.contents(r)
		case c == SameID:
			e.identities(r)
		case c == MixedVersions:
			e.versions(r)
		}
	}
}

func (e *examination) leader(r *Registry) {
	e.saw(NoLeader, "etcd at "+r.Endpoint)
	if r.NoLeader == "" {
		return
	}
	f := Finding{Condition: NoLeader, Subject: r.Endpoint,
		Evidence:    "a read that needs the majority of etcd's members ends with: " + r.NoLeader,
		Consequence: "nothing can be submitted, placed or stopped; machines whose registration runs out are taken for dead, and their units start elsewhere once there is a leader",
		Repair:      []string{"etcdctl --endpoints " + r.Endpoint + " cluster-health"}}
	var names []string
	for _, p := range r.Lost {
		names = append(names, strings.TrimSpace(p.Name+" at "+p.Host))
		f.Repair = append(f.Repair, ssh(p.Host, "sudo systemctl restart etcd2"))
	}
	if len(names) > 0 {
		f.Evidence += "; these members do not answer: " + strings.Join(names, ", ")
	}
	e.find(f)
}

// identities looks for machines that share an ID. The second one can register only
// when the first has lost its registration; from then on both renew the same key.
func (e *examination) identities(r *Registry) {
	beats := map[string][]Beat{}
	for _, b := range r.Beats {
		beats[b.ID] = append(beats[b.ID], b)
	}
	var scarce []string
	for _, m := range r.Members {
		list := beats[m.ID]
		if text := flapping(list); text != "" {
			e.sameID(m, list, text)
		} else if len(list) < fewBeats && !r.Began {
			scarce = append(scarce, machineName(e.facts.last(), m.ID))
		}
	}
	if len(scarce) > 0 {
		e.unknown(SameID, fmt.Sprintf("too few registrations of %s were seen; try again", list(scarce)))
	} else {
		e.saw(SameID, fmt.Sprintf("%s of %s", number(len(r.Beats), "registration"), number(len(r.Members), "machine")))
	}
	e.alike(r)
}

func (e *examination) sameID(m Member, beats []Beat, text string) {
	f := Finding{Condition: SameID, Subject: m.ID, Evidence: text,
		Consequence: "both run the units of that ID, each overwrites what the other publishes, and fleet counts them as one machine"}
	var addresses []string
	for _, b := range beats {
		if b.IP != "" && !slices.Contains(addresses, b.IP) {
			addresses = append(addresses, b.IP)
		}
	}
	// The one that registered last is not more of an intruder than the other; one new
	// ID is enough.
	for _, ip := range addresses[max(0, len(addresses)-1):] {
		f.Repair = append(f.Repair, ssh(ip, "'sudo rm /etc/machine-id && sudo systemd-machine-id-setup && sudo reboot'"))
	}
	e.find(f)
}

// flapping tells how registrations of one ID show that two machines make them, "" when
// they do not: they differ in turns, or come too often.
func flapping(beats []Beat) string {
	seen := map[string]bool{}
	turns, returned, last := 0, false, ""
	var hosts []string
	for _, b := range beats {
		if b.Whole != last {
			turns++
			returned = returned || seen[b.Whole]
			last = b.Whole
			if text := b.IP + " (fleet " + b.Version + ")"; !slices.Contains(hosts, text) {
				hosts = append(hosts, text)
			}
		}
		seen[b.Whole] = true
	}
	if returned {
		return fmt.Sprintf("it is registered in turns by %s: %d of the last %d registrations are another than the one before", list(hosts), turns-1, len(beats))
	}
	const enough = 5
	if len(beats) < enough || beats[0].Lasts <= 0 {
		return ""
	}
	recent := beats[len(beats)-enough:]
	each := recent[enough-1].At.Sub(recent[0].At) / (enough - 1)
	if each >= recent[0].Lasts*36/100 || recent[0].Whole != recent[enough-1].Whole {
		return ""
	}
	return fmt.Sprintf("it is registered every %s, and one machine does so every %s", each.Round(100*time.Millisecond), recent[0].Lasts/2)
}

// alike looks for IDs that are equal as far as fleet's short form shows them.
func (e *examination) alike(r *Registry) {
	byShort := map[string][]Member{}
	for _, m := range r.Members {
		short := fleet.Machine{ID: m.ID}.Short()
		byShort[short] = append(byShort[short], m)
	}
	for _, short := range slices.Sorted(maps.Keys(byShort)) {
		if same := byShort[short]; len(same) > 1 {
			e.find(Finding{Condition: SameID, Subject: short,
				Evidence:    fmt.Sprintf("the IDs of %d machines begin with it: %s and %s", len(same), same[0].ID, same[1].ID),
				Consequence: "MachineID= with eight characters means any of them, and no list tells them apart",
				Repair:      []string{ssh(same[len(same)-1].IP, "'sudo rm /etc/machine-id && sudo systemd-machine-id-setup && sudo reboot'")}})
		}
	}
}

func (e *examination) versions(r *Registry) {
	byVersion := map[string][]Member{}
	for _, m := range r.Members {
		byVersion[m.Version] = append(byVersion[m.Version], m)
	}
	versions := slices.SortedFunc(maps.Keys(byVersion), func(a, b string) int { return slices.Compare(parts(b), parts(a)) })
	e.saw(MixedVersions, fmt.Sprintf("%s of fleet %s", number(len(r.Members), "machine"), strings.Join(versions, ", ")))
	if len(versions) < 2 {
		return
	}
	f := Finding{Condition: MixedVersions, Subject: versions[0],
		Consequence: "whichever machine leads places by its own version's rules, and an older one does not know what a newer one writes: before 0.13 a changed unit is ignored"}
	var words []string
	for i, version := range versions {
		var names []string
		for _, m := range byVersion[version] {
			names = append(names, memberName(m))
			if i > 0 {
				f.Repair = append(f.Repair, ssh(m.IP, "sudo update_engine_client -update"))
			}
		}
		words = append(words, fmt.Sprintf("%s on %s", version, list(names)))
	}
	f.Evidence = strings.Join(words, "; ")
	e.find(f)
}

// parts are the numbers of a version, to compare by.
func parts(version string) []int {
	var list []int
	for _, word := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(word) // digits only; one that is too long counts as the greatest
		list = append(list, n)
	}
	return list
}

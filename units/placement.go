package units

import (
	"maps"
	"slices"
	"strings"
)

// FleetSection is the section that fleet reads its own options from. The name
// counts letter by letter: in [x-fleet] they are ignored.
const FleetSection = "X-Fleet"

// The options of [X-Fleet] (fleet v1.0.0 job/job.go).
const (
	KeyMachineID       = "MachineID"
	KeyMachineOf       = "MachineOf"
	KeyMachineMetadata = "MachineMetadata"
	KeyConflicts       = "Conflicts"
	KeyReplaces        = "Replaces"
	KeyGlobal          = "Global"
)

// The spellings that fleet still reads besides.
const (
	oldMachineID       = "X-ConditionMachineID"
	oldMachineBootID   = "X-ConditionMachineBootID"
	oldMachineOf       = "X-ConditionMachineOf"
	oldMachineMetadata = "X-ConditionMachineMetadata"
	oldConflicts       = "X-Conflicts"
)

// Placement is where fleet may run a unit: what its [X-Fleet] section says.
type Placement struct {
	// MachineID is the machine it must run on, as its full id or the first 8
	// characters; "" for any.
	MachineID string
	// MachineOf are the units whose machine it must share.
	MachineOf []string
	// Metadata is what the machine must have.
	Metadata Metadata
	// Conflicts are patterns (path.Match) of units it cannot share a machine with.
	Conflicts []string
	// Replaces are patterns of units that it drives off its machine.
	Replaces []string
	// Global is whether it runs on every machine that it may run on.
	Global bool
}

// Options writes the placement as [X-Fleet] options, one value each, in a fixed
// order: the keys of the metadata sorted, everything else as it stands.
func (p Placement) Options() []Option {
	var opts []Option
	add := func(name string, values ...string) {
		for _, v := range values {
			opts = append(opts, Option{Section: FleetSection, Name: name, Value: v})
		}
	}
	if p.MachineID != "" {
		add(KeyMachineID, p.MachineID)
	}
	add(KeyMachineOf, p.MachineOf...)
	for _, key := range p.Metadata.Keys() {
		for _, value := range p.Metadata[key] {
			add(KeyMachineMetadata, key+"="+value)
		}
	}
	add(KeyConflicts, p.Conflicts...)
	add(KeyReplaces, p.Replaces...)
	if p.Global {
		add(KeyGlobal, "true")
	}
	return opts
}

// Keys returns the metadata keys, sorted.
func (m Metadata) Keys() []string { return slices.Sorted(maps.Keys(m)) }

// String lists the constraint as fleetctl writes metadata: "disk=ssd,role=a|b".
func (m Metadata) String() string {
	var parts []string
	for _, key := range m.Keys() {
		parts = append(parts, key+"="+strings.Join(m[key], "|"))
	}
	return strings.Join(parts, ",")
}

// Add puts value among those allowed for key, if it is not there yet.
func (m Metadata) Add(key, value string) {
	if !slices.Contains(m[key], value) {
		m[key] = append(m[key], value)
	}
}

// Matches reports whether a machine with this metadata may run the unit: it must
// have, for every key, one of the values, letter by letter (fleet v1.0.0
// machine/machine.go, HasMetadata). No constraint matches every machine.
func (m Metadata) Matches(machine map[string]string) bool {
	for key, values := range m {
		value, ok := machine[key]
		if !ok || !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

// Expand replaces the specifiers that fleet knows in [X-Fleet] values: %n is the
// full name, %N the name without suffix, %p the prefix, %i the instance (fleet
// v1.0.0 job/job.go, unitPrintf). All others stay, also "%%".
func (n Name) Expand(s string) string {
	if strings.IndexByte(s, '%') < 0 || !strings.Contains(string(n), ".") {
		return s
	}
	instance, _ := n.Instance()
	s = strings.ReplaceAll(s, "%n", string(n))
	s = strings.ReplaceAll(s, "%N", n.Base())
	s = strings.ReplaceAll(s, "%p", n.Prefix())
	return strings.ReplaceAll(s, "%i", instance)
}

// splitFleet splits the value of an [X-Fleet] option as fleet v1.0.0 does
// (unit/unit.go, parseMultivalueLine): only a line that begins and ends with a
// double quote has several values, parted by single spaces outside the quotes. Two
// spaces make an empty value.
func splitFleet(line string) []string {
	if !strings.HasPrefix(line, `"`) || !strings.HasSuffix(line, `"`) {
		return []string{line}
	}
	var values []string
	var b strings.Builder
	quoted := false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			values = append(values, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(values, b.String())
}

// fleetTrue reports whether fleet takes s for true. "y" and "enabled" it does not
// (fleet v1.0.0 job/job.go, isTruthyValue).
func fleetTrue(s string) bool {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "on", "t":
		return true
	}
	return false
}

// requirements are the expanded values of [X-Fleet] by key, read as fleet does.
type requirements struct {
	machineID, oldMachineID, oldMachineBootID []string
	machineOf, oldMachineOf                   []string
	metadata, oldMetadata                     []string
	conflicts, oldConflicts                   []string
	replaces, global                          []string
}

// list is where the values of a key are gathered, nil for a key fleet does not know.
func (r *requirements) list(key string) *[]string {
	switch key {
	case KeyMachineID:
		return &r.machineID
	case KeyMachineOf:
		return &r.machineOf
	case KeyMachineMetadata:
		return &r.metadata
	case KeyConflicts:
		return &r.conflicts
	case KeyReplaces:
		return &r.replaces
	case KeyGlobal:
		return &r.global
	}
	return r.oldList(key)
}

func (r *requirements) oldList(key string) *[]string {
	switch key {
	case oldMachineID:
		return &r.oldMachineID
	case oldMachineBootID:
		return &r.oldMachineBootID
	case oldMachineOf:
		return &r.oldMachineOf
	case oldMachineMetadata:
		return &r.oldMetadata
	case oldConflicts:
		return &r.oldConflicts
	}
	return nil
}

// target is the machine that is asked for, by the first value of the newest
// spelling. It may be asked for and empty.
func (r *requirements) target() (id string, ok bool) {
	for _, ids := range [...][]string{r.machineID, r.oldMachineID, r.oldMachineBootID} {
		if len(ids) > 0 {
			return ids[0], true
		}
	}
	return "", false
}

// isGlobal is what the last Global says.
func (r *requirements) isGlobal() bool {
	return len(r.global) > 0 && fleetTrue(r.global[len(r.global)-1])
}

func readRequirements(name Name, opts []Option) requirements {
	var r requirements
	for _, o := range opts {
		if o.Section != FleetSection {
			continue
		}
		if list := r.list(o.Name); list != nil {
			for _, v := range splitFleet(o.Value) {
				*list = append(*list, name.Expand(v))
			}
		}
	}
	return r
}

// readPlacement reads [X-Fleet] exactly as fleet does, silent losses included.
func readPlacement(name Name, opts []Option) Placement {
	r := readRequirements(name, opts)
	p := Placement{
		MachineOf: append(r.oldMachineOf, r.machineOf...),
		Conflicts: append(fields(r.oldConflicts), fields(r.conflicts)...),
		Replaces:  r.replaces,
		Global:    r.isGlobal(),
	}
	p.MachineID, _ = r.target()
	for _, pair := range append(r.oldMetadata, r.metadata...) {
		if key, value, ok := cutPair(pair); ok {
			if p.Metadata == nil {
				p.Metadata = make(Metadata)
			}
			p.Metadata.Add(key, value)
		}
	}
	return p
}

// cutPair reads one metadata constraint: exactly one "=" with something on both
// sides. Everything else fleet drops without a word.
func cutPair(s string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(s, "=")
	return key, value, ok && key != "" && value != "" && !strings.Contains(value, "=")
}

// fields is every word of every value, parted at any Unicode white space.
func fields(values []string) []string {
	var words []string
	for _, v := range values {
		words = append(words, strings.Fields(v)...)
	}
	return words
}

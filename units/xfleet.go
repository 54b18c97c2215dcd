package units

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// Loss is the kind of a [PlacementError].
type Loss int

// What fleet accepts in [X-Fleet] and then loses, or never satisfies. The zero
// Loss is none.
const (
	// LossSection is a section whose name differs from "X-Fleet" in letter case or
	// by a typo: all of it is ignored.
	LossSection Loss = iota + 1
	// LossKey is an option fleet does not know: ignored, the unit runs anywhere.
	LossKey
	// LossMetadata is metadata without exactly one "=" and both its sides: ignored.
	LossMetadata
	// LossUnquoted is several values on one line that are not each in double
	// quotes: they are taken for one value.
	LossUnquoted
	// LossBlank is a blank, comma, semicolon or quote that becomes part of the
	// value: no machine and no unit has it.
	LossBlank
	// LossMachineID is a MachineID that is not a machine id (32 lower-case hex
	// digits) or its first 8 digits: the unit is never placed.
	LossMachineID
	// LossRepeated is a second MachineID: the first counts.
	LossRepeated
	// LossGlobal is a value of Global that means false to fleet but does not look it.
	LossGlobal
	// LossName is a MachineOf that is not a unit name: the unit waits for ever.
	LossName
	// LossPattern is a pattern that path.Match cannot read: it matches nothing.
	LossPattern
	// LossSpecifier is a specifier other than %n, %N, %p and %i: fleet leaves it.
	LossSpecifier
	// LossReplaces is Replaces: two units running at once push each other from
	// machine to machine for ever.
	LossReplaces
	// LossDeprecated is an old spelling. Nothing is lost; fleet still reads it.
	LossDeprecated
)

// PlacementError is one thing that fleet would lose silently.
type PlacementError struct {
	// Index is the option's place in the unit.
	Index  int
	Option Option
	Kind   Loss
	// Reason is a sentence without a full stop.
	Reason string
	// Suggestion is the section, key or value that was probably meant, or "".
	Suggestion string
}

func (e *PlacementError) Error() string {
	return fmt.Sprintf("[%s] %s=%s: %s", e.Option.Section, e.Option.Name, shorten(e.Option.Value, 60), e.Reason)
}

// ParsePlacement reads the [X-Fleet] section exactly as fleet v1.0.0 does
// (unit/unit.go, job/job.go), and tells what fleet thereby loses without a word.
// Specifiers are expanded for the unit of that name; an empty name leaves them.
func ParsePlacement(name Name, opts []Option) (Placement, []PlacementError) {
	c := placementCheck{name: name}
	for i, o := range opts {
		c.index, c.option = i, o
		if o.Section == FleetSection {
			c.check()
		} else if likeFleet(o.Section) {
			c.fail(LossSection, FleetSection, "fleet ignores [%s], it reads [%s] only", o.Section, FleetSection)
		}
	}
	return readPlacement(name, opts), c.errors
}

// likeFleet reports whether the section was probably meant to be [X-Fleet].
func likeFleet(section string) bool {
	switch strings.ToLower(strings.Trim(section, " \t")) {
	case "x-fleet", "xfleet", "x_fleet", "fleet":
		return true
	}
	return false
}

type placementCheck struct {
	name   Name
	index  int
	option Option
	errors []PlacementError
	// machineID is whether a MachineID was seen.
	machineID bool
}

func (c *placementCheck) fail(kind Loss, suggestion, format string, args ...any) {
	c.errors = append(c.errors, PlacementError{
		Index: c.index, Option: c.option, Kind: kind,
		Reason: fmt.Sprintf(format, args...), Suggestion: suggestion,
	})
}

// placementKeys are the options to suggest.
var placementKeys = [...]string{KeyMachineID, KeyMachineOf, KeyMachineMetadata, KeyConflicts, KeyReplaces, KeyGlobal}

func (c *placementCheck) check() {
	var known requirements
	key := c.option.Name
	if known.list(key) == nil {
		suggestion, _ := Suggest(key, placementKeys[:])
		c.fail(LossKey, suggestion, "fleet does not know %s= in [%s] and ignores it", key, FleetSection)
		return
	}
	if modern := strings.TrimPrefix(strings.TrimPrefix(key, "X-"), "Condition"); modern != key {
		key = modern
		c.fail(LossDeprecated, modern, "%s= is the old spelling of %s=", c.option.Name, modern)
	}
	for _, value := range splitFleet(c.option.Value) {
		c.value(key, value)
	}
}

// value checks one value of a key in its modern spelling.
func (c *placementCheck) value(key, value string) {
	if left := unknownSpecifier(value); left != "" {
		c.fail(LossSpecifier, "", "fleet expands %%n, %%N, %%p and %%i only and takes %q as it is", left)
		return
	}
	value = c.name.Expand(value)
	switch key {
	case KeyMachineMetadata:
		c.metadata(value)
	case KeyMachineID, "MachineBootID":
		c.id(value)
	case KeyMachineOf:
		c.machineOf(value)
	case KeyConflicts:
		c.conflicts(value)
	case KeyGlobal:
		if _, ok := falseOrTrue(value); !ok {
			c.fail(LossGlobal, "true", "fleet takes %q for false; it knows true, yes, on, t and 1", value)
		}
	case KeyReplaces:
		c.fail(LossReplaces, "", "units that replace each other are moved from machine to machine for ever")
	}
}

// unknownSpecifier returns the first specifier that fleet does not expand.
func unknownSpecifier(s string) string {
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+1 == len(s) || strings.IndexByte("nNpi", s[i+1]) < 0 {
			return s[i:min(i+2, len(s))]
		}
		i++
	}
	return ""
}

// falseOrTrue knows the words for false besides those that fleet knows for true.
func falseOrTrue(s string) (value, ok bool) {
	if fleetTrue(s) {
		return true, true
	}
	v, ok := ParseBool(s)
	return v, ok && !v
}

func (c *placementCheck) metadata(value string) {
	trimmed := strings.Trim(value, " \t,;\"'")
	pairs := strings.FieldsFunc(trimmed, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '"' })
	_, _, ok := cutPair(value)
	switch {
	case len(pairs) > 1 && strings.Count(trimmed, "=") > 1:
		c.fail(LossUnquoted, quoteEach(pairs), "fleet takes %q for one value; each pair needs double quotes of its own, or a line", value)
	case !ok:
		c.fail(LossMetadata, "", "fleet ignores %q: metadata is key=value with exactly one \"=\", the unit would run anywhere", value)
	case strings.ContainsFunc(value, unlikely):
		c.fail(LossBlank, strings.Join(pairs, ""), "no machine has the metadata %q: blanks, quotes and separators count as part of it", value)
	}
}

// unlikely reports whether r in a value was meant as decoration.
func unlikely(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(`"',;`, r)
}

func quoteEach(words []string) string {
	return `"` + strings.Join(words, `" "`) + `"`
}

func (c *placementCheck) id(value string) {
	if c.machineID {
		c.fail(LossRepeated, "", "fleet reads only the first MachineID")
	}
	c.machineID = true
	if (len(value) == 8 || len(value) == 32) && lowerHex(value) {
		return
	}
	suggestion := ""
	if lower := strings.ToLower(strings.Trim(value, ` "'`)); (len(lower) == 8 || len(lower) == 32) && lowerHex(lower) {
		suggestion = lower
	}
	c.fail(LossMachineID, suggestion, "no machine has the id %q: it is 32 lower-case hex digits, or the first 8 of them", value)
}

func lowerHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func (c *placementCheck) machineOf(value string) {
	if names := strings.FieldsFunc(value, unlikely); len(names) > 1 {
		c.fail(LossUnquoted, quoteEach(names), "fleet takes %q for the name of one unit; each needs double quotes of its own, or a line", value)
		return
	}
	if _, err := ParseName(value); err != nil {
		suggestion := ""
		if n, err := ParseName(Complete(strings.TrimFunc(value, unlikely))); err == nil {
			suggestion = string(n)
		}
		c.fail(LossName, suggestion, "MachineOf waits for ever: %v", err)
	}
}

func (c *placementCheck) conflicts(value string) {
	words := strings.Fields(value)
	if len(words) == 0 {
		c.fail(LossPattern, "", "Conflicts is empty and has no effect")
	}
	for _, word := range words {
		if bare := strings.Trim(word, `"',;`); bare != word {
			c.fail(LossBlank, bare, "the pattern %q matches no unit: quotes and separators count as part of it", word)
		} else if _, err := path.Match(word, ""); err != nil {
			c.fail(LossPattern, "", "%q is not a pattern that fleet can read", word)
		}
	}
}

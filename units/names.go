package units

import (
	"fmt"
	"strings"
)

// Name is the full name of a unit, with its suffix: "kube-apiserver.service".
// Its methods suppose a name that [ParseName] accepts; on other strings they
// give something harmless.
type Name string

// Type is the kind of a unit, which is the suffix of its name without the dot.
type Type string

// The unit types that systemd and fleet both know.
const (
	TypeService   Type = "service"
	TypeSocket    Type = "socket"
	TypeTimer     Type = "timer"
	TypePath      Type = "path"
	TypeDevice    Type = "device"
	TypeMount     Type = "mount"
	TypeAutomount Type = "automount"
	TypeTarget    Type = "target"
	TypeSwap      Type = "swap"
	TypeSlice     Type = "slice"
	TypeScope     Type = "scope"
	// TypeSnapshot and TypeBusName are accepted by fleet and unknown to systemd
	// since versions 228 and 235.
	TypeSnapshot Type = "snapshot"
	TypeBusName  Type = "busname"
)

// maxName is the longest name that systemd loads: UNIT_NAME_MAX counts the
// terminating NUL. fleet v1.0.0 lets 256 bytes pass, and such a unit then blocks
// every other unit of its machine.
const maxName = 255

// nameText says which characters a unit name may have.
const nameText = `letters, digits and ":", "-", "_", ".", "\", "@"`

// NameError tells why a string is not the name of a unit that fleet accepts and
// systemd loads.
type NameError struct {
	Name string
	// Reason says what is wrong and what would be right, as the end of a
	// sentence that begins with the name.
	Reason string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("unit name %q %s", shorten(e.Name, 60), e.Reason)
}

// ParseName checks s by the rules of fleet v1.0.0 (api/units.go, ValidateName)
// and of systemd (unit_name_is_valid) together: whoever passes both is loaded.
// The error is a *[NameError].
func ParseName(s string) (Name, error) {
	if reason := nameFault(s); reason != "" {
		return "", &NameError{Name: s, Reason: reason}
	}
	return Name(s), nil
}

func nameFault(s string) string {
	dot := strings.LastIndexByte(s, '.')
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxName:
		return fmt.Sprintf("has %d bytes, systemd loads at most %d", len(s), maxName)
	case dot < 0:
		return `has no suffix such as ".service"`
	case dot == 0:
		return "has nothing before its suffix"
	case s[0] == '@':
		return `begins with "@"; a template is called "name@.service"`
	}
	if reason := typeFault(Type(s[dot+1:])); reason != "" {
		return reason
	}
	for i, r := range s[:dot] {
		if r >= 0x80 || !nameByte(s[i]) && s[i] != '@' {
			return fmt.Sprintf("has the character %q; allowed are %s", r, nameText)
		}
	}
	return templateFault(s[:dot], Type(s[dot+1:]))
}

func typeFault(t Type) string {
	switch {
	case t == TypeSnapshot || t == TypeBusName:
		return fmt.Sprintf("is of the type %q, which systemd no longer loads", t)
	case !t.known():
		return fmt.Sprintf("has the unknown suffix %q; known are .service, .socket, .timer, .path, .mount, .automount, .device", "."+string(t))
	}
	return ""
}

// templateFault holds fleet's own rule: systemd would allow an "@" anywhere.
func templateFault(base string, t Type) string {
	if !strings.Contains(base, "@") {
		return ""
	}
	switch t {
	case TypePath, TypeService, TypeSocket, TypeTarget, TypeTimer:
		return ""
	}
	return fmt.Sprintf(`has "@", which fleet accepts in services, sockets, timers, paths and targets only, not in a %s`, t)
}

// nameByte reports whether systemd allows c in a name, "@" apart.
func nameByte(c byte) bool {
	return alphanumeric(c) || c == ':' || c == '-' || c == '_' || c == '.' || c == '\\'
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// known reports whether systemd loads units of this type.
func (t Type) known() bool {
	switch t {
	case TypeTarget, TypeSwap, TypeSlice, TypeScope:
		return true
	}
	return FleetType(t)
}

// FleetType reports whether fleet's agent manages units of type t from load to
// unload. Others it accepts, starts and then never unloads: their file and their
// processes stay after the unit is destroyed (fleet v1.0.0 unit/unit.go,
// RecognizedUnitType).
func FleetType(t Type) bool {
	switch t {
	case TypeService, TypeSocket, TypeTimer, TypePath, TypeDevice, TypeMount, TypeAutomount:
		return true
	}
	return false
}

// Complete gives s the suffix ".service" when it has none that fleet knows.
func Complete(s string) string {
	t := Name(s).Type()
	if t.known() || t == TypeSnapshot || t == TypeBusName {
		return s
	}
	return s + ".service"
}

// cut gives the name before its last dot, and the suffix after it.
func (n Name) cut() (base, suffix string) {
	s := string(n)
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return s, ""
	}
	return s[:dot], s[dot+1:]
}

// Type is the kind of unit that the suffix says, "" without a suffix.
func (n Name) Type() Type {
	_, suffix := n.cut()
	return Type(suffix)
}

// Base is the name without its suffix: "web@1" of "web@1.service".
func (n Name) Base() string {
	base, _ := n.cut()
	return base
}

// Prefix is what stands before the first "@", or the base: "web" of "web@1.service".
func (n Name) Prefix() string {
	prefix, _, _ := strings.Cut(n.Base(), "@")
	return prefix
}

// Instance is what stands after the first "@": "1" of "web@1.service". It is
// false for a template and for a name without "@".
func (n Name) Instance() (string, bool) {
	_, instance, _ := strings.Cut(n.Base(), "@")
	return instance, instance != ""
}

// IsTemplate reports whether the name is that of a template: "web@.service".
func (n Name) IsTemplate() bool {
	_, instance, at := strings.Cut(n.Base(), "@")
	return at && instance == ""
}

// Template is the template that an instance belongs to. It is false for a
// template itself and for a name without "@".
func (n Name) Template() (Name, bool) {
	if _, ok := n.Instance(); !ok {
		return "", false
	}
	return n.Of(""), true
}

// Of names an instance: "web@1.service" for "1" of "web@.service". On an
// instance it names a sibling, on a plain name an instance of a template of that
// name. The empty instance gives the template.
func (n Name) Of(instance string) Name {
	return Name(n.Prefix() + "@" + instance + "." + string(n.Type()))
}

// shorten cuts s to at most n bytes, for messages.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// Package stack gives a stack file its meaning: it reads the syntax tree into
// typed units, roles, hosts and parameters, merges the libraries that the file
// uses, and puts parameters in. It checks every word by itself; what depends on
// how units stand to each other is the business of later stages.
package stack

import (
	"time"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// Stack is one stack file with its libraries merged into it. It does not change
// after [Load].
type Stack struct {
	Name string
	Pos  Pos
	// Mark says whether units carry [X-Stackc] Stack=, which makes them ours.
	Mark bool
	// Systemd is the systemd version of the hosts, 0 when the stack does not say.
	Systemd  int
	Library  *Declared // what the stack file says of itself as a library, nil for nothing
	Exports  []string  // keys of the host entries and units that a file which uses it may name, hosts first
	Params   []*Param  // of the stack file itself, in its order
	Used     []Used    // the libraries, each before those that it uses itself
	Networks []*Param  // every parameter of type cidr that has a value, libraries' too
	Roles    []*Role
	Hosts    []*Host
	Units    []*Unit
	Checks   []*Check
	PXE      *PXE         // nil when the stack does not say
	Allow    []*Allowance // at the top of a file; they hold for the whole stack

	Machines  []*Machine // the inventory, the stack file's own first
	Network   *Network   // nil when the stack does not say
	Files     []*HostFile
	Bootstrap *Bootstrap    // nil when the stack does not say
	Mirror    []*MirrorFile // of all layers, the libraries' first

	roles    map[string]*Role
	hosts    map[string]*Host
	units    map[string]*Unit
	machines map[string]*Machine // nil for one that is left out
	files    map[string]*HostFile
}

// Role returns the role of that name, nil when there is none.
func (s *Stack) Role(name string) *Role { return s.roles[name] }

// Host returns the host unit under that key, nil when there is none.
func (s *Stack) Host(key string) *Host { return s.hosts[key] }

// Unit returns the unit under that key, nil when there is none.
func (s *Stack) Unit(key string) *Unit { return s.units[key] }

// Used is a library that is merged into the stack, with its parameters in its order.
type Used struct {
	Use    *Use
	Stack  string // the name of its stack
	Params []*Param
}

// Pos is where a thing stands and by which chain of `use` it came into the
// stack; Via is nil for what the stack file itself says.
type Pos struct {
	Span source.Span
	Via  *Use
}

// Word is a name, with its place.
type Word struct {
	Value string
	Pos   Pos
	// Hidden says that a library keeps what the name means to itself, which is reported.
	Hidden bool

	meant *meaning
}

// Given reports whether the stack says it.
func (w Word) Given() bool { return !w.Pos.Span.IsZero() }

// Flag is a boolean that may be left out.
type Flag struct {
	Set bool
	Pos Pos
}

// Int is a number that may be left out: it is given when Pos has a place.
type Int struct {
	Value int
	Pos   Pos
}

// Given reports whether the stack says it.
func (i Int) Given() bool { return !i.Pos.Span.IsZero() }

// Role is a set of machines by their fleet metadata.
type Role struct {
	Name     string
	Pos      Pos
	Metadata units.Metadata
	// Pairs are the key=value words in the order of the file.
	Pairs []Word
	// Address is where followers on other machines find what runs in the role,
	// the empty Text when the role does not say.
	Address Text
	// Systemd is the version of systemd on the role's machines, 0 when the role does not say.
	Systemd Int
	// Broken says that the metadata is at fault, which is reported: nothing is
	// known of where the role's units can be.
	Broken bool
}

// Host is something that is there before fleet and is never submitted: a unit of
// the hosts, or, without a Unit, an address outside of the cluster. A unit that the
// image does not have, or has otherwise, is written by bootstrap.
type Host struct {
	Key   string
	Pos   Pos
	Unit  units.Name
	Roles []Word
	Port  Int
	// Ports are those beside Port, or more about that one.
	Ports []Listening
	Ready *Ready
	// Addresses are where it is found from other machines; of several any will do.
	Addresses []Text
	After     []Word
	// StandIn says that it stands for something that a library needs: nothing of it is known.
	StandIn bool

	// Sections are the unit as bootstrap writes it, nil when the image has it.
	Sections []*Section
	DropIns  []*DropIn
	// Environment is what the unit's program finds in its environment.
	Environment []Variable
	// Env are variables that files on the machine give, which the unit waits for.
	Env []EnvVar
	// Mask says where the unit is kept from being started.
	Mask Mask
	// Enable and Start say what bootstrap has systemd do with it.
	Enable, Start Flag
	// Allow are findings about the entry that are right so.
	Allow []*Allowance
}

// Unit is one unit that the stack gives to fleet.
type Unit struct {
	Key  string
	Pos  Pos
	Name units.Name

	Roles     []Word
	Global    Flag
	MachineOf []Word
	Conflicts []Word
	MachineID Word
	Metadata  []Word

	After []Word
	Ready *Ready
	Port  Int
	// Ports are those beside Port, or more about that one.
	Ports []Listening
	// Listen is the address that the unit's program binds; "127.0.0.1" keeps
	// followers on other machines out, and the compiler says so.
	Listen Text
	// Announce lets followers elsewhere go with the unit from machine to machine,
	// nil when it does not.
	Announce  *Announce
	Downloads []Download
	Puts      []Put
	Env       []EnvVar
	// Wait bounds each waiter; 0 waits for ever.
	Wait    time.Duration
	WaitPos Pos
	State   units.State
	Count   Int
	Spread  Flag
	// Update says how a change is rolled out, nil when the stack does not say.
	Update *Update
	// Release names the release whose flags the unit's program knows: "kubernetes/0.15".
	Release Word

	Sections []*Section
	// Misplaced says that a word about its place is at fault, which is reported: on
	// which machines it runs is not known.
	Misplaced bool
	// Unread says that a section is at fault as a whole, which is reported: what
	// seems to be missing may stand in it.
	Unread bool
	Allow  []*Allowance
	// Verbatim is the unit's own text, nil for one that is written in tables. The
	// placement and the sections are then taken from it.
	Verbatim *Verbatim
}

// Counted reports whether the unit stands for several instances.
func (u *Unit) Counted() bool { return u.Count.Given() }

// Section is one raw section of a unit: systemd's own words, in the order of the file.
type Section struct {
	Name       string
	Pos        Pos
	Directives []*Directive
}

// Directive is one key of a raw section; an array gives it several values.
type Directive struct {
	Name   string
	Pos    Pos
	Values []Text
	Broken bool // a value is at fault, which is reported
}

// Section returns the raw section of that name, nil when the unit has none.
func (u *Unit) Section(name string) *Section {
	for _, s := range u.Sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Directive returns the directive of that section, nil when the unit has none.
func (u *Unit) Directive(section, name string) *Directive {
	if s := u.Section(section); s != nil {
		for _, d := range s.Directives {
			if d.Name == name {
				return d
			}
		}
	}
	return nil
}

// Value returns the last value of a directive as written, "" when there is none.
func (u *Unit) Value(section, name string) string {
	d := u.Directive(section, name)
	if d == nil || len(d.Values) == 0 {
		return ""
	}
	return d.Values[len(d.Values)-1].Source()
}

// ReadyKind is a way to learn that a unit is up.
type ReadyKind string

// The ways to learn that a unit is up, by the word that chooses them.
const (
	ReadyHTTP    ReadyKind = "http"
	ReadyHTTPS   ReadyKind = "https"
	ReadyTCP     ReadyKind = "tcp"
	ReadyFile    ReadyKind = "file"
	ReadyCommand ReadyKind = "command"
	ReadyEtcd    ReadyKind = "etcd"
	ReadyUnit    ReadyKind = "unit"
)

// Local reports whether the kind can be asked only on the unit's own machine.
func (k ReadyKind) Local() bool {
	return k == ReadyFile || k == ReadyCommand || k == ReadyUnit
}

// Ready is how a follower learns that a unit is up.
type Ready struct {
	Kind ReadyKind
	Pos  Pos
	// Target is the path or URL, the file, the command, or the key; empty for
	// tcp and unit, which need none.
	Target Text
	// Contains is text that the file must hold.
	Contains Text
	// CA is the file on the follower's machine by whose certificates https is
	// checked; empty for those that curl knows by itself.
	CA Text
	// Cert and Key are the files on the follower's machine with what it shows to the
	// server; empty when it shows nothing. One file may hold both, as Cert.
	Cert, Key Text
	// Broken says that the readiness is at fault, which is reported.
	Broken bool
}

// Download is a file fetched before the unit starts.
type Download struct {
	Pos Pos
	URL Text
	// Origin is where a mirror is filled from; the unit itself never asks there. It
	// is empty when URL is the place.
	Origin     Text
	To         Text
	SHA256     Text
	Mode       string
	Unverified bool
}

// Put is an etcd key that is put before the unit starts, if it is absent.
type Put struct {
	Pos   Pos
	Key   string
	Value Text
}

// EnvVar is an environment variable that a file on the machine gives.
type EnvVar struct {
	Name string
	Pos  Pos
	File Text
}

// Allowance is one entry of `allow = [...]`.
type Allowance struct {
	Code string
	Pos  Pos
}

// Param is one parameter of a stack file.
type Param struct {
	Name string
	Pos  Pos
	Type ParamType
	Help string
	// Values are all that the parameter may be, of a list all that its elements may
	// be; empty when the file does not say.
	Values []*syntax.Value
	// Default is the value that the file itself gives, nil when it gives none.
	Default *syntax.Value
	// Value is what the parameter stands for, nil when nothing gives one.
	Value *syntax.Value
	// From is where Value was given: the default, `use`, a file or the command line.
	From  Pos
	Allow []*Allowance

	meant *meaning // of the names in Value, nil for a default
}

// Required reports whether the parameter must be given a value from outside.
func (p *Param) Required() bool { return p.Default == nil }

// AtDefault reports whether nothing from outside has given the parameter its value.
func (p *Param) AtDefault() bool { return p.Value != nil && p.Value == p.Default }

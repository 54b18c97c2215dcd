// Package expect says as data what a cluster is like when all is well: which
// machines it has, what runs where, what answers at which port. The compiler makes
// the list of a stack, and package fleet/verify holds a cluster against it.
package expect

import "github.com/stackc/stackc/units"

// Kind is what a check is about.
type Kind string

// The kinds.
const (
	// Machine is a machine of the inventory: fleet has it, with its metadata.
	Machine Kind = "machine"
	// Machines is about the list as a whole: fleet has no machine that the inventory lacks.
	Machines Kind = "machines"
	// Role is a role without an inventory: at least one machine has its metadata.
	Role Kind = "role"
	// Networks are ranges that must not meet each other or the machines' addresses.
	Networks Kind = "networks"
	// Unit is a unit of the stack: its content, its place, its state.
	Unit Kind = "unit"
	// Ready is a port that must answer, as a follower of its unit asks it.
	Ready Kind = "ready"
	// Etcd is about the members of etcd and their leader.
	Etcd Kind = "etcd"
	// Declared is a check that the stack file itself says.
	Declared Kind = "check"
)

// Check is one fact that must hold. Which fields it has depends on its Kind.
type Check struct {
	Kind Kind
	// Name tells it from others of its kind: a machine's, a unit's, a role's name.
	Name string
	// Host is the machine that must be there.
	Host Host
	// Unit is the unit that must be there.
	Unit units.Name
	// Metadata is what at least one machine must have.
	Metadata units.Metadata
	// Networks are the ranges, with their names.
	Networks []Network
	// Ask is the question, of a check that asks over the network.
	Ask Ask
	// UDP are ports that nobody can ask, of a Ready without a question: "8472", or the
	// first and the last of several, "30000-32767".
	UDP string
	// Range are the first and the last of several ports of TCP, "30000-32767", of a Ready
	// without a question: nothing says at which of them something listens.
	Range string
	// Want is what the answer must be.
	Want Want
	// Help says what to do when it does not hold, "" for what the kind itself knows.
	Help string
}

// Host is a machine of the inventory.
type Host struct {
	Name string
	// ID is its machine id, "" when the inventory does not say.
	ID string
	// Addresses are where it is found, its own before its public one; none when only
	// the platform knows.
	Addresses []string
	Metadata  map[string]string
}

// Network is a range of addresses in CIDR notation.
type Network struct {
	Name, Range string
	// Machines says that it is where the machines' own addresses must be from.
	Machines bool
}

// Ask is a question to a port, on one machine or several.
type Ask struct {
	// Scheme is "http", "https" or "tcp".
	Scheme string
	// URL is the whole question, "" when it is Path at Port of the machines.
	URL  string
	Port int
	Path string
	// Key is the key that etcd is asked for, "" for another question.
	Key string
	// Where are the machines.
	Where Where
	// Loopback says that it is answered on the machine itself only.
	Loopback bool
	// Beside says that all who need it are on its machine, so that it may be closed to others.
	Beside bool
}

// Where are the machines that are asked: the first that is given counts.
type Where struct {
	// Hosts are constant addresses.
	Hosts []string
	// Unit means those on which it is.
	Unit units.Name
	// Metadata means all that have it; the empty one all there are.
	Metadata units.Metadata
}

// Want is what an answer must be. The zero value is content with any answer that is
// no error.
type Want struct {
	// Contains is text that it must hold.
	Contains string
	// Listed says that it is held against a list.
	Listed bool
	// List is where the list stands in JSON, "items[].id"; "" for the names below a key of etcd.
	List string
	// Set is what must be in the list, and nothing else.
	Set []string
	// Roles means the addresses of the machines that have any of them: those of the
	// inventory, which are Set then, or else those that fleet knows.
	Roles []units.Metadata
}

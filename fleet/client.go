package fleet

import (
	"context"

	"github.com/stackc/stackc/units"
)

// Client is what this package asks of fleet. All calls may be repeated without
// harm. *Conn is the one that speaks HTTP.
type Client interface {
	// Machines lists the machines that are alive.
	Machines(ctx context.Context) ([]Machine, error)
	// Units lists every unit that fleet holds. The server works through all units
	// for each page of 100, so this is the expensive call.
	Units(ctx context.Context) ([]Unit, error)
	// Unit returns one unit, or an error for which IsNotFound holds.
	Unit(ctx context.Context, name units.Name) (Unit, error)
	// States lists what the machines publish about their units' systemd states.
	States(ctx context.Context) ([]UnitState, error)
	// Put creates the unit or replaces its options, and sets its desired state.
	// A unit that runs keeps its machine.
	Put(ctx context.Context, name units.Name, options []units.Option, desired units.State) error
	// SetState sets the desired state of a unit that exists.
	SetState(ctx context.Context, name units.Name, desired units.State) error
	// Delete removes the unit. It runs on for some seconds afterwards.
	Delete(ctx context.Context, name units.Name) error
}

// Machine is a member of the cluster.
type Machine struct {
	ID string `json:"id"`
	// IP is the one address that the machine publishes (public_ip of fleet.conf).
	IP       string            `json:"ip,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Short is the machine's ID cut to the eight characters that fleet accepts in
// MachineID= and that fleetctl prints.
func (m Machine) Short() string { return short(m.ID) }

func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// Unit is a unit as fleet holds it.
type Unit struct {
	Name    units.Name
	Options []units.Option
	// Hash is fleet's identity of the options: the SHA-1 of their text, in order.
	Hash    string
	Desired units.State
	// Current is the state that fleet believes in, which is not systemd's. It is
	// empty for a global unit.
	Current units.State
	// Machine is the ID of the machine the unit is scheduled to; empty for a
	// global unit and for one that no machine has.
	Machine string
}

// Owner is the stack that the unit's text says it belongs to, or "". Snapshot.OwnerOf
// knows more.
func (u Unit) Owner() string { return ownerOf(u.Options) }

// UnitState is one row of what machines publish: a unit on a machine.
type UnitState struct {
	Unit    units.Name `json:"unit"`
	Machine string     `json:"machine"`
	Hash    string     `json:"hash,omitempty"`
	Load    string     `json:"load"`
	Active  string     `json:"active"`
	Sub     string     `json:"sub"`
}

// String gives the three states as fleetctl does: "loaded/active/running".
func (s UnitState) String() string { return s.Load + "/" + s.Active + "/" + s.Sub }

// ownerSection is the section in which a unit tells whose it is. systemd ignores
// sections that begin with X-, and fleet keeps them.
const ownerSection = "X-Stackc"

func ownerOf(options []units.Option) string {
	for _, o := range options {
		if o.Section == ownerSection && o.Name == "Stack" {
			return o.Value
		}
	}
	return ""
}

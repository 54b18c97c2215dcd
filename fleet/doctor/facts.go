package doctor

import (
	"time"

	"github.com/stackc/stackc/fleet"
)

// Facts are what is known of a cluster.
type Facts struct {
	// Looks are the whole cluster through fleet's API, at several moments if need be;
	// empty when fleet did not answer, and then NoFleet says why.
	Looks   []*fleet.Snapshot
	NoFleet string
	// Page is how long the slowest page of fleet's list of units took, 0 when that is
	// not known.
	Page time.Duration
	// Registry is what lies in etcd; nil when that could not be read, and then
	// NoRegistry says why.
	Registry   *Registry
	NoRegistry string
	// Clocks are those that could be seen.
	Clocks []Clock
}

// last is the newest look, nil without one.
func (f Facts) last() *fleet.Snapshot {
	if len(f.Looks) == 0 {
		return nil
	}
	return f.Looks[len(f.Looks)-1]
}

// Registry is what etcd tells of fleet, and of itself.
type Registry struct {
	// Endpoint is the member of etcd that was asked.
	Endpoint string
	// Contents tells of the unit contents.
	Contents Contents
	// Members are the machines as they are registered.
	Members []Member
	// Beats are registrations of machines, oldest first: each machine renews its own
	// twice within the time that it lasts.
	Beats []Beat
	// Began says that Beats go back to the beginning of this etcd.
	Began bool
	// Engine is the ID of the machine that places units, "" when none does.
	Engine string
	// NoLeader is the answer to a read that needs the majority of etcd's members, ""
	// when that succeeded; Lost are the members that do not answer then.
	NoLeader string
	Lost     []Peer
	// Unread says of a condition why what it needs could not be read.
	Unread map[Condition]string
}

// Contents counts the unit contents in fleet's registry.
type Contents struct {
	// Total is the number of all, Dead of those that no unit has; DeadBytes is their size.
	Total, Dead, DeadBytes int
	// Missing are the units whose content is not there, Prefix fleet's directory in etcd.
	Missing []string
	Prefix  string
	// Journal says that a gc has noted what it has removed.
	Journal bool
}

// Member is a machine as its fleetd has registered it.
type Member struct{ ID, IP, Version string }

// Beat is one registration of a machine.
type Beat struct {
	Member
	// Whole is all that was registered, to tell two machines apart.
	Whole string
	// At is when, by etcd's clock, and Lasts for how long.
	At    time.Time
	Lasts time.Duration
}

// Peer is a member of etcd.
type Peer struct{ Name, Host string }

// Clock is a clock beside that of this machine.
type Clock struct {
	// Where is the endpoint whose answers tell it.
	Where string
	// Ahead is between Least and Most: an answer tells whole seconds, and was on its
	// way for some time.
	Least, Most time.Duration
}

// NewClock reads the Date of an answer to a request that was sent and received at these
// times of this machine's clock.
func NewClock(where string, date, sent, received time.Time) Clock {
	return Clock{Where: where, Least: date.Sub(received), Most: date.Add(time.Second).Sub(sent)}
}

// Skew is by how much the clock is certainly ahead, or behind if negative.
func (c Clock) Skew() time.Duration {
	switch {
	case c.Least > 0:
		return c.Least
	case c.Most < 0:
		return c.Most
	}
	return 0
}

package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet/doctor"
	"github.com/stackc/stackc/units"
)

// read gathers all; what cannot be read is noted, and the rest goes on.
func (p *probe) read(ctx context.Context) *doctor.Registry {
	r := &doctor.Registry{Endpoint: p.endpoint, Unread: map[doctor.Condition]string{}}
	note := func(err error, of ...doctor.Condition) {
		for _, c := range of {
			if err != nil {
				r.Unread[c] = err.Error()
			}
		}
	}
	var err error
	r.Members, err = members(p.machines.Node)
	note(err, doctor.SameID, doctor.MixedVersions)
	r.Contents, err = p.contents(ctx)
	note(err, doctor.DeadContents, doctor.NoContent)
	r.Engine = p.engine(ctx)
	// What a follower tells without asking the others may be true for ever; a read that
	// needs a majority tells whether there is one.
	if _, err := p.get(ctx, p.endpoint, "/v2/keys"+p.key("machines"), "quorum=true"); err != nil && ctx.Err() == nil {
		r.NoLeader = err.Error()
		r.Lost = p.lost(ctx)
		note(errors.New("etcd has no leader, so that no machine can register"), doctor.SameID)
		return r
	}
	note(p.beats(ctx, r), doctor.SameID)
	return r
}

// machineState is what a machine registers (fleet v1.0.0 machine/state.go).
type machineState struct {
	ID, PublicIP, Version string
}

func memberOf(text string) (doctor.Member, error) {
	var m machineState
	err := json.Unmarshal([]byte(text), &m)
	return doctor.Member{ID: m.ID, IP: m.PublicIP, Version: m.Version}, err
}

func members(dir node) ([]doctor.Member, error) {
	var list []doctor.Member
	for _, machine := range dir.Nodes {
		for _, n := range machine.Nodes {
			if path.Base(n.Key) != "object" {
				continue
			}
			m, err := memberOf(n.Value)
			if err != nil {
				return nil, fmt.Errorf("the registration %s cannot be read", n.Key)
			}
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b doctor.Member) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// contents counts the contents, and those that no job refers to. The contents are read
// first: one that comes later is not counted, and one that a job has left is dead.
func (p *probe) contents(ctx context.Context) (doctor.Contents, error) {
	c := doctor.Contents{Prefix: p.Prefix}
	all, err := p.get(ctx, p.endpoint, "/v2/keys"+p.key("unit"), "recursive=true")
	if err != nil {
		return c, err
	}
	jobs, err := p.get(ctx, p.endpoint, "/v2/keys"+p.key("job"), "recursive=true")
	if err != nil {
		return c, err
	}
	used := map[string][]string{}
	for _, job := range jobs.Node.Nodes {
		for _, n := range job.Nodes {
			if path.Base(n.Key) != "object" {
				continue
			}
			name := path.Base(job.Key)
			switch hash, err := units.HashOfJob(n.Value); {
			case err != nil:
				return c, fmt.Errorf("what %s refers to cannot be read", n.Key)
			case hash == "":
				c.Missing = append(c.Missing, name)
			default:
				used[hash] = append(used[hash], name)
			}
		}
	}
	for _, n := range all.Node.Nodes {
		c.Total++
		if len(used[path.Base(n.Key)]) == 0 {
			c.Dead++
			c.DeadBytes += len(n.Value)
		}
		delete(used, path.Base(n.Key))
	}
	return c, p.missing(ctx, &c, used)
}

// missing looks again for contents that are not among those which were read before the
// jobs, by hash with the units that name them.
func (p *probe) missing(ctx context.Context, c *doctor.Contents, named map[string][]string) error {
	for hash, names := range named {
		a, err := p.get(ctx, p.endpoint, "/v2/keys"+p.key("unit", hash), "quorum=true")
		if err != nil {
			return err
		}
		if a.Code == missing {
			c.Missing = append(c.Missing, names...)
		}
	}
	if slices.Sort(c.Missing); len(c.Missing) == 0 {
		return nil
	}
	a, err := p.get(ctx, p.endpoint, "/v2/keys"+p.Journal, "")
	c.Journal = err == nil && len(a.Node.Nodes) > 0
	return err
}

// engine is the machine that places units, "" when none does or it is not told.
func (p *probe) engine(ctx context.Context) string {
	a, err := p.get(ctx, p.endpoint, "/v2/keys"+p.key("lease", "engine-leader"), "")
	if err != nil {
		return ""
	}
	var lease struct{ MachineID string }
	if json.Unmarshal([]byte(a.Node.Value), &lease) != nil {
		return ""
	}
	return lease.MachineID
}

// lost asks each member of etcd whether it is there.
func (p *probe) lost(ctx context.Context) []doctor.Peer {
	var all struct {
		Members []struct {
			ID, Name             string
			PeerURLs, ClientURLs []string
		}
	}
	var self struct{ ID string }
	if p.fetch(ctx, p.endpoint, "/v2/members", "", &all, nil) != nil || p.fetch(ctx, p.endpoint, "/v2/stats/self", "", &self, nil) != nil {
		return nil
	}
	var list []doctor.Peer
	for _, m := range all.Members {
		answers := m.ID == self.ID || slices.ContainsFunc(m.ClientURLs, func(at string) bool {
			var version any
			return p.fetch(ctx, at, "/version", "", &version, nil) == nil
		})
		if answers {
			continue
		}
		peer := doctor.Peer{Name: m.Name}
		for _, at := range m.PeerURLs {
			if u, err := url.Parse(at); err == nil {
				peer.Host = u.Hostname()
			}
		}
		list = append(list, peer)
	}
	return list
}

const (
	// history is how many changes etcd remembers (store/event_history.go).
	history = 1000
	// enough registrations of each machine tell whether it is one.
	enough = 3
	// cleared is etcd's code for changes that it has forgotten.
	cleared = 401
	// instant is how long an event that etcd remembers may take.
	instant = 500 * time.Millisecond
)

// beats reads the registrations that etcd remembers, and waits for more where these are
// too few.
func (p *probe) beats(ctx context.Context, r *doctor.Registry) error {
	now := p.machines.index
	next := uint64(1)
	if now > history {
		next = now - history + 1
	} else {
		r.Began = true
	}
	var end time.Time // of the wait for more, once it has begun
	for {
		patience := cmp.Or(p.instant, instant)
		if next > now {
			if r.Began || p.plenty(r) {
				return nil
			}
			if end.IsZero() {
				end = time.Now().Add(p.Watch)
				p.Watching(p.Watch)
			}
			patience = time.Until(end)
		}
		if patience <= 0 {
			return nil // too few are told as such
		}
		a, err := p.event(ctx, next, patience)
		var said *refusal
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &said) && said.code == cleared:
			next += 50 // other changes push the old ones out while we read
			continue
		case errors.Is(err, context.DeadlineExceeded):
			// Nothing of this directory up to now.
			next = max(next, now+1)
			continue
		case err != nil:
			return err
		}
		next = a.Node.ModifiedIndex + 1
		if b, ok := beatOf(a.Node); ok {
			r.Beats = append(r.Beats, b)
		}
	}
}

// plenty reports whether each machine has been seen often enough.
func (p *probe) plenty(r *doctor.Registry) bool {
	count := map[string]int{}
	for _, b := range r.Beats {
		count[b.ID]++
	}
	return !slices.ContainsFunc(r.Members, func(m doctor.Member) bool { return count[m.ID] < enough })
}

// event waits for the first change of a machine from an index on.
func (p *probe) event(ctx context.Context, index uint64, patience time.Duration) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	long := &probe{Config: p.Config, user: p.user}
	long.Timeout = patience
	return long.get(ctx, p.endpoint, "/v2/keys"+p.key("machines"), fmt.Sprintf("wait=true&recursive=true&waitIndex=%d", index))
}

// beatOf reads a registration; others are metadata that somebody has set.
func beatOf(n node) (doctor.Beat, bool) {
	if !strings.HasSuffix(n.Key, "/object") || n.Value == "" {
		return doctor.Beat{}, false
	}
	m, err := memberOf(n.Value)
	if err != nil || m.ID == "" {
		return doctor.Beat{}, false
	}
	lasts := time.Duration(n.TTL) * time.Second
	return doctor.Beat{Member: m, Whole: n.Value, At: n.Expiration.Add(-lasts), Lasts: lasts}, true
}

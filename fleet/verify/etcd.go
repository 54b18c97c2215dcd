package verify

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// The paths of etcd's v2 API, which fleet speaks: the client addresses of all members,
// separated by commas, from 0.4 on (etcd v2.3.8 etcdserver/api/v2http/client.go
// serveMachines), and a read that the leader must confirm.
const (
	membersPath = "/v2/machines"
	quorumPath  = "/v2/keys/?quorum=true"
	keysPath    = "/v2/keys"
)

// etcd asks each address for the members and for a leader. That an address does not answer
// at all is the matter of its own check.
func (e *eye) etcd(c expect.Check) {
	var told *Result
	for _, s := range e.spots(c.Ask, quorumPath) {
		r := Result{Name: "leader", On: s.on, Expected: "a read that a majority confirms"}
		a := Answer{Err: s.closed}
		if s.closed == "" {
			a = e.answer(s.question)
		}
		switch {
		case a.Err != "":
			r.Result, r.Seen = Unasked, a.Err
		default:
			r.Result, r.Seen = verdict(a.good()), a.String()
			r.Help = "without a leader fleet cannot work: etcdctl cluster-health, and journalctl -u etcd on each member"
		}
		e.tell(c, r)
	}
	for _, s := range e.spots(c.Ask, membersPath) {
		if s.closed != "" {
			continue
		}
		if a := e.answer(s.question); a.Err == "" && told == nil {
			r := e.members(c, a)
			told = &r
		}
	}
	if told == nil {
		told = &Result{Name: "members", Result: Unasked, Expected: "members at " + strings.Join(e.expectedMembers(c), ", "), Seen: "no etcd answers from here"}
	}
	e.tell(c, *told)
}

// expectedMembers are the addresses at which members are to be.
func (e *eye) expectedMembers(c expect.Check) []string {
	if len(c.Ask.Where.Hosts) > 0 {
		return c.Ask.Where.Hosts
	}
	return e.addresses(c.Want, []units.Metadata{c.Ask.Where.Metadata})
}

// addresses are those of roles, as the inventory or else fleet has them.
func (e *eye) addresses(w expect.Want, roles []units.Metadata) []string {
	if w.Set != nil {
		return w.Set
	}
	list := []string{}
	for _, m := range e.withMetadata(roles...) {
		list = append(list, e.addressOf(m))
	}
	slices.Sort(list)
	return list
}

// members compares the hosts of the client addresses. A member that tells its clients
// to ask the loopback address, which is etcd's own default, or a name counts and cannot be compared.
func (e *eye) members(c expect.Check, a Answer) Result {
	want := e.expectedMembers(c)
	r := Result{Name: "members", Expected: strings.Join(want, ", "), Result: Fails, Seen: a.String(),
		Help: "etcdctl member list on a member; one that is gone for good is removed there, one that is missing must be started or added"}
	if !a.good() {
		return r
	}
	var got []string
	vague := false
	for _, word := range strings.Split(string(a.Body), ",") {
		u, err := url.Parse(strings.TrimSpace(word))
		if err != nil || u.Host == "" {
			continue
		}
		host := u.Hostname()
		if host == "localhost" {
			host = "127.0.0.1"
		}
		ip, err := netip.ParseAddr(host)
		vague = vague || !slices.Contains(want, host) && (err != nil || ip.IsLoopback() || ip.IsUnspecified())
		if !slices.Contains(got, host) {
			got = append(got, host)
		}
	}
	slices.Sort(got)
	r.Seen = strings.Join(got, ", ")
	r.Result = verdict(sameSet(want, got))
	if r.Result == Fails && vague {
		r.Result, r.Seen = Unasked, r.Seen+": what members tell their clients cannot be compared"
	}
	return r
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

package bootstrap

import (
	"slices"

	"github.com/stackc/stackc/compiler/stack"
)

// Etcd is what other machines must know of the etcd that [Hosts] sets up.
type Etcd struct {
	Unit string
	// Ports are for clients, PeerPorts for members; the first of each is told to others.
	Ports, PeerPorts []int

	members, proxies []stack.Word
}

// EtcdOf returns the etcd of a stack. ok is false when bootstrap sets none up.
func EtcdOf(s *stack.Stack) (e Etcd, ok bool) {
	if s.Bootstrap == nil || s.Bootstrap.Etcd == nil {
		return Etcd{}, false
	}
	c := &common{stack: s, told: map[string]bool{}}
	return Etcd{Unit: c.etcdName(), Ports: c.clientPorts(), PeerPorts: c.peerPorts(), members: c.members(), proxies: s.Bootstrap.Etcd.Proxies}, true
}

// Member reports whether a machine with those roles is a member.
func (e Etcd) Member(roles []string) bool {
	return len(e.members) == 0 || hasOne(roles, e.members)
}

// Proxy reports whether a machine with those roles passes requests on to the members.
func (e Etcd) Proxy(roles []string) bool { return !e.Member(roles) && hasOne(roles, e.proxies) }

func hasOne(roles []string, of []stack.Word) bool {
	return slices.ContainsFunc(of, func(w stack.Word) bool { return slices.Contains(roles, w.Value) })
}

// Flannel reports whether machines with those roles run a flannel of the host's.
func Flannel(s *stack.Stack, roles []string) bool {
	if s.Bootstrap == nil || s.Bootstrap.Flannel == nil {
		return false
	}
	f := s.Bootstrap.Flannel
	return len(f.Roles) == 0 || hasOne(roles, f.Roles)
}

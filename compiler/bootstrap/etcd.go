package bootstrap

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

const (
	etcdUnit   = "etcd.service"        // etcd 0.4, as CoreOS has it
	etcd2Unit  = "etcd2.service"       // etcd 2
	memberUnit = "etcd-member.service" // etcd 3
	oldEtcd    = "etcd"                // its section
	newEtcd    = "etcd2"
	// clientCertAuth makes it ask clients for a certificate.
	clientCertAuth = "client-cert-auth"
)

// part is what a host is to the etcd cluster.
type part int

const (
	stranger part = iota // has no etcd
	member
	proxy
)

// part is what the host in question is, by what the stack says of its machine or role.
func (b *builder) part() part {
	e := b.stack.Bootstrap.Etcd
	switch {
	case e == nil:
		return stranger
	case b.is(b.members()):
		return member
	case b.has(e.Proxies):
		return proxy
	}
	return stranger
}

// members are the roles whose machines are members: those that the stack says, or
// those that the host entry of the same unit says.
func (c *common) members() []stack.Word {
	e := c.stack.Bootstrap.Etcd
	if e != nil && len(e.Members) > 0 {
		return e.Members
	}
	if h := c.etcdHost(); h != nil {
		return h.Roles
	}
	return nil
}

// etcdHost is the host entry of etcd, nil when there is none.
func (c *common) etcdHost() *stack.Host {
	for _, h := range c.stack.Hosts {
		if imageEtcd(h) || c.stack.Bootstrap.Etcd != nil && h.Unit != "" && h.Unit == c.stack.Bootstrap.Etcd.Unit {
			return h
		}
	}
	return nil
}

// etcdName is the unit of etcd.
func (c *common) etcdName() string {
	if e := c.stack.Bootstrap.Etcd; e != nil && e.Unit != "" {
		return string(e.Unit)
	}
	if h := c.etcdHost(); h != nil {
		return string(h.Unit)
	}
	return etcd2Unit
}

// memberMachines are the members of the inventory.
func (c *common) memberMachines() []*stack.Machine {
	roles := c.members()
	return slices.DeleteFunc(slices.Clone(c.stack.Machines), func(m *stack.Machine) bool {
		return len(roles) > 0 && !slices.ContainsFunc(roles, func(w stack.Word) bool { return m.Has(w.Value) })
	})
}

// clientPorts are those that clients are served on, at least one: what the stack says,
// what the host entry says, or what fleet asks.
func (c *common) clientPorts() []int {
	e, h := c.stack.Bootstrap.Etcd, c.etcdHost()
	asked := h != nil && h.Port.Given()
	list := numbers(e.Ports)
	switch {
	case len(list) > 0:
	case asked:
		return []int{h.Port.Value}
	case c.isOldEtcd():
		return []int{4001}
	default:
		return []int{2379, 4001} // what fleet asks by itself: 4001 before v0.11, 2379 since
	}
	if asked && !slices.Contains(list, h.Port.Value) {
		c.errorf(diag.UndeclaredPort, h.Port.Pos, "host."+h.Key+".port", "etcd does not listen on %d", h.Port.Value).
			note(e.Pos.Span, "its ports").help("add it to ports in [bootstrap.etcd], or correct it")
	}
	return list
}

// peerPorts are those that members serve each other on, at least one: what the stack
// says, or etcd's own choice (etcd Documentation, "Configuration flags").
func (c *common) peerPorts() []int {
	list := numbers(c.stack.Bootstrap.Etcd.PeerPorts)
	switch {
	case len(list) > 0:
		return list
	case c.isOldEtcd():
		return []int{7001}
	}
	return []int{2380}
}

func numbers(given []stack.Int) []int {
	list := make([]int, len(given))
	for i, n := range given {
		list[i] = n.Value
	}
	return list
}

// isOldEtcd reports whether the unit runs etcd 0.4, which has other flags and ports.
func (c *common) isOldEtcd() bool { return c.etcdName() == etcdUnit }

// urls are those of an etcd that bootstrap sets up.
func (c *common) urls(host string, ports ...int) string {
	scheme := "http://"
	if e := c.stack.Bootstrap.Etcd; e != nil && e.TLS() {
		scheme = "https://"
	}
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = scheme + hostPort(host, p)
	}
	return strings.Join(list, ",")
}

// hostPort joins the two; words that are put in later hold no IPv6 address.
func hostPort(host string, port int) string {
	if strings.HasPrefix(host, "$") {
		return host + ":" + strconv.Itoa(port)
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

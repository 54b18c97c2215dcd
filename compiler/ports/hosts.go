package ports

import (
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
)

// ranges notes the networks of the stack.
func (b *builder) ranges() {
	if p, ok := b.s.Network.PodRange(); ok {
		b.list.Pods = p.String()
	}
	if n := b.s.Network; n != nil {
		for _, p := range n.Machines {
			if p.Value != nil {
				b.list.Ranges = append(b.list.Ranges, p.Value.Str)
			}
		}
	}
}

// fleetSocket is where fleet's API listens: no port, unless the stack says one.
const fleetSocket = "fleet.socket"

// bootstrap notes what [bootstrap] has the machines run.
func (b *builder) bootstrap() {
	if e, ok := bootstrap.EtcdOf(b.s); ok {
		b.etcd(e)
	} else {
		b.givenEtcd()
	}
	boot := b.s.Bootstrap
	if boot == nil {
		return
	}
	if boot.Fleet != nil {
		for _, l := range boot.Fleet.Listen {
			if p, loopback, ok := listenStream(onMachine(l, nil)); ok {
				b.listen(b.list.Groups, tcp(p), fleetSocket, loopback)
				if !loopback {
					b.use(b.list.Groups, tcp(p), "", Use{Kind: Operator, Who: "stackc"})
				}
			}
		}
	}
	groups := b.list.groups(func(g *Group) bool { return bootstrap.Flannel(b.s, g.Roles) })
	if b.s.Network != nil {
		b.flannel(groups, "flannel", backend{Type: b.s.Network.Backend.Value})
	} else {
		b.flannel(groups, "flannel", backend{})
	}
}

// etcd notes the ports of the etcd that bootstrap sets up. Members talk to members; a
// proxy asks members at both ports, for it learns there who they are (etcd v3.3.27
// etcdmain/etcd.go startProxy); fleet and flannel on a machine without etcd ask members.
func (b *builder) etcd(e bootstrap.Etcd) {
	var members, proxies, strangers []*Group
	for _, g := range b.list.Groups {
		switch {
		case e.Member(g.Roles):
			members = append(members, g)
		case e.Proxy(g.Roles):
			proxies = append(proxies, g)
		default:
			strangers = append(strangers, g)
		}
	}
	from := func(groups []*Group, p port, who string) {
		for _, g := range groups {
			b.use(members, p, "", Use{Kind: Machines, Group: g, Who: who, Alone: true})
		}
	}
	for _, n := range e.PeerPorts {
		b.listen(members, tcp(n), e.Unit+", for members", false)
		from(members, tcp(n), "etcd")
		from(proxies, tcp(n), "etcd's proxy")
	}
	loopback := stack.Loopback(b.s.Bootstrap.Etcd.Listen.Literal())
	for _, n := range e.Ports {
		b.listen(append(slices.Clone(members), proxies...), tcp(n), e.Unit+", for clients", loopback)
		if loopback {
			continue
		}
		from(proxies, tcp(n), "etcd's proxy")
		from(strangers, tcp(n), "fleet")
		b.use(members, tcp(n), "", Use{Kind: Operator, Who: "stackc"})
	}
}

// isEtcd reports whether a unit is one of those that images have for etcd.
func isEtcd(unit string) bool {
	return unit == "etcd.service" || unit == "etcd2.service" || unit == "etcd-member.service"
}

// givenEtcd notes the ports of an etcd that is there without [bootstrap]: where it can
// be on several machines they are members of one cluster, by the port of their release
// (etcd 0.4: 7001, etcd 2 and 3: 2380).
func (b *builder) givenEtcd() {
	for _, n := range b.t.Nodes() {
		unit := string(n.Name())
		if n.Host == nil || !isEtcd(unit) {
			continue
		}
		p := tcp(2380)
		if unit == "etcd.service" {
			p = tcp(7001)
		}
		groups := b.on(n)
		for _, g := range b.list.Groups {
			if !slices.Contains(groups, g) {
				b.use(groups, tcp(n.Port().Value), label(n), Use{Kind: Machines, Group: g, Who: "fleet", Alone: true})
			}
		}
		if len(groups) == 1 && len(groups[0].Machines) == 1 {
			continue
		}
		b.listen(groups, p, unit+", for members", false)
		for _, g := range groups {
			b.use(groups, p, "", Use{Kind: Machines, Group: g, Who: "etcd", Alone: true})
		}
	}
}

// backend is how flannel carries packets, as its configuration in etcd says it.
type backend struct {
	Type string
	Port int
}

// flannelPort is the port of a backend. ok is false for those that need none, such as
// host-gw. Without a word it is udp (flannel v0.5.5 subnet/config.go); the kernel has
// vxlan at 8472, flannel itself udp at 8285 (Documentation/backends.md).
func flannelPort(k backend) (port, bool) {
	switch k.Type {
	case "", "udp":
		if k.Port > 0 {
			return udp(k.Port), true
		}
		return udp(8285), true
	case "vxlan":
		if k.Port > 0 {
			return udp(k.Port), true
		}
		return udp(8472), true
	}
	return port{}, false
}

// flannel notes that machines send each other packets of containers.
func (b *builder) flannel(groups []*Group, what string, k backend) {
	p, ok := flannelPort(k)
	if !ok || len(groups) == 0 {
		return
	}
	name := k.Type
	if name == "" {
		name = "udp"
	}
	b.listen(groups, p, what+", "+name, false)
	for _, g := range groups {
		b.use(groups, p, "", Use{Kind: Machines, Group: g, Who: "flannel", Alone: true})
	}
}

// flannelOf finds a flannel that fleet places by the configuration that it puts into
// etcd before it starts.
func (b *builder) flannelOf(n *topology.Node) {
	if n.Unit == nil {
		return
	}
	for _, p := range n.Unit.Puts {
		var config struct {
			Network string
			Backend backend
		}
		if !strings.HasSuffix(p.Key, "/network/config") || json.Unmarshal([]byte(p.Value.Literal()), &config) != nil {
			continue
		}
		if b.list.Pods == "" {
			b.list.Pods = config.Network
		}
		b.flannel(b.on(n), string(n.Name()), config.Backend)
	}
}

// socket is a port on which systemd listens for a unit.
type socket struct {
	port     port
	loopback bool
}

// sockets are those of the section [Socket] of a unit, or of one of the hosts.
func (b *builder) sockets(n *topology.Node) []socket {
	var sections []*stack.Section
	if n.Unit != nil {
		sections = n.Unit.Sections
	} else {
		sections = slices.Clone(n.Host.Sections)
		for _, d := range n.Host.DropIns {
			sections = append(sections, d.Sections...)
		}
	}
	var list []socket
	for _, s := range sections {
		if s.Name != "Socket" {
			continue
		}
		for _, d := range s.Directives {
			protocol := map[string]string{"ListenStream": "tcp", "ListenDatagram": "udp"}[d.Name]
			if protocol == "" {
				continue
			}
			for _, v := range d.Values {
				if p, loopback, ok := listenStream(onMachine(v, n)); ok {
					list = append(list, socket{port{p, p, protocol}, loopback})
				}
			}
		}
	}
	return list
}

// onMachine is a text with words of the machine in it, of which it only counts that
// they are no loopback address. n is the unit of self, nil for none.
func onMachine(t stack.Text, n *topology.Node) string {
	return t.Expand(func(r stack.Ref) string {
		switch {
		case n != nil && r.Subject == "self" && r.Field == "port":
			return strconv.Itoa(n.Port().Value)
		case n != nil && r.Subject == "self" && r.Field == "listen":
			return n.Listen()
		}
		return "0.0.0.0"
	})
}

// portOf is the port of a node: of UDP for a socket that takes datagrams there and no
// connections.
func (b *builder) portOf(n *topology.Node) port {
	has := func(p port) bool {
		return slices.ContainsFunc(b.sockets(n), func(s socket) bool { return s.port == p })
	}
	p := n.Port().Value
	if p > 0 && has(udp(p)) && !has(tcp(p)) {
		return udp(p)
	}
	return tcp(p)
}

// listenStream reads what a socket listens on (systemd.socket(5)); ok is false for
// what is no port, such as a path.
func listenStream(text string) (port int, loopback, ok bool) {
	host, number := "", text
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, number = h, p
	}
	n, err := strconv.Atoi(number)
	return n, stack.Loopback(host), err == nil && n > 0 && n < 1<<16
}

// pxe notes what the server of [pxe] has for machines that start over the network.
func (b *builder) pxe() {
	if b.s.PXE == nil {
		return
	}
	g := newGroup("server "+b.s.PXE.Server.Literal(), nil)
	b.list.Server = g
	for _, from := range b.list.Groups {
		if !slices.ContainsFunc(from.Machines, func(m *stack.Machine) bool { return m.MAC.Value != "" }) {
			continue
		}
		u := Use{Kind: Machines, Group: from, Who: "PXE", Alone: true}
		b.use([]*Group{g}, udp(67), "DHCP", u)
		b.use([]*Group{g}, udp(69), "TFTP", u)
		b.use([]*Group{g}, tcp(80), "HTTP", u)
	}
	g.sort()
}

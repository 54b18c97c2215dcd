package main

import (
	"net"
	"net/netip"
	"strings"
)

// interfaceAddress is one IPv4 address of this machine.
type interfaceAddress struct {
	name string
	addr netip.Addr
}

// interfaceAddresses lists the IPv4 addresses of the interfaces that are up.
func interfaceAddresses() ([]interfaceAddress, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []interfaceAddress
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
				all = append(all, interfaceAddress{i.Name, p.Addr()})
			}
		}
	}
	return all, nil
}

// networkEnvironment plays setup-network-environment: NAME_IPV4 per interface, and DEFAULT_IPV4. The real one takes the interface of the default route for the
// latter; a machine of the test cluster has one interface, and that is it.
func (p player) networkEnvironment() error {
	all, err := interfaceAddresses()
	if err != nil {
		return err
	}
	var b strings.Builder
	first := true
	for _, a := range all {
		b.WriteString(strings.ToUpper(strings.ReplaceAll(a.name, ".", "_")) + "_IPV4=" + a.addr.String() + "\n")
		if first && !a.addr.IsLoopback() {
			b.WriteString("DEFAULT_IPV4=" + a.addr.String() + "\n")
			first = false
		}
	}
	file := p.flags.or("o", "/etc/network-environment")
	p.logf("writes %s", file)
	return writeWhole(file, b.String())
}

// Package netlink is a stand-in for the package of that name that coreos-cloudinit
// was written against, which no module holds any more. coreos-cloudinit calls it
// for interfaces that a cloud describes, of which a cloud-config has none.
package netlink

import (
	"errors"
	"net"
)

// NetworkLinkDown says that it is no real one.
func NetworkLinkDown(*net.Interface) error {
	return errors.New("a stand-in for netlink: it takes no interface down")
}

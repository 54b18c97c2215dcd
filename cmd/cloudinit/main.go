// Command cloudinit applies a cloud-config to the machine that it runs on, by
// coreos-cloudinit's own code: what CoreOS does with one when it boots. It stands
// in for that program's main alone, whose sources of clouds' data no module holds
// any more.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/coreos/coreos-cloudinit/config"
	"github.com/coreos/coreos-cloudinit/datasource"
	"github.com/coreos/coreos-cloudinit/initialize"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cloudinit ADDRESS FILE: apply the cloud-config in FILE to this machine, whose address is ADDRESS")
		os.Exit(2)
	}
	if err := apply(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "cloudinit:", err)
		os.Exit(1)
	}
}

// apply does what coreos-cloudinit v1.14.0 coreos-cloudinit.go does with user-data.
func apply(address, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ip := net.ParseIP(address)
	if ip == nil {
		return fmt.Errorf("%q is not an address", address)
	}
	env := initialize.NewEnvironment("/", "", "/var/lib/coreos-cloudinit", initialize.DefaultSSHKeyName,
		datasource.Metadata{PrivateIPv4: ip, PublicIPv4: ip})
	parsed, err := initialize.ParseUserData(env.Apply(string(data)))
	if err != nil {
		return err
	}
	cloud, ok := parsed.(*config.CloudConfig)
	if !ok {
		return fmt.Errorf("%s is not a cloud-config", file)
	}
	return initialize.Apply(*cloud, nil, env)
}

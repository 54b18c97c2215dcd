package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// flannelConfig is the value of PREFIX/config (flannel README, "Configuration").
type flannelConfig struct {
	Network string
	Backend struct{ Type string }
}

// flannel plays flanneld: it waits for its configuration in etcd, takes a lease there, writes the subnet file, and only then says READY=1.
func (p player) flannel(ctx context.Context) error {
	outer, err := outerAddress(p.flags["iface"])
	if err != nil {
		return err
	}
	p.logf("uses %s as the outer address", outer)
	config, etcd, err := p.awaitConfig(ctx)
	if err != nil {
		return err
	}
	if !sleep(ctx, p.delay) {
		return nil
	}
	subnet, err := leaseFor(config.Network, outer)
	if err != nil {
		return err
	}
	if err := p.takeLease(ctx, etcd, subnet, outer); err != nil {
		return err
	}
	file := p.flags.or("subnet-file", "/run/flannel/subnet.env")
	if err := writeWhole(file, subnetEnv(subnet, config.Backend.Type, p.flags.or("ip-masq", "false"))); err != nil {
		return err
	}
	p.logf("has the lease %s, wrote %s", subnet.Masked(), file)
	if err := notifyReady(p.getenv("NOTIFY_SOCKET")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// etcdNode is the part of an answer of etcd's v2 keys API that is used here.
type etcdNode struct {
	Node struct{ Value string }
}

// awaitConfig asks each endpoint for the configuration until one has it, and returns that endpoint too.
func (p player) awaitConfig(ctx context.Context) (flannelConfig, string, error) {
	said := ""
	for {
		var last error
		for _, etcd := range endpoints(p.flags.or("etcd-endpoints", "http://127.0.0.1:4001,http://127.0.0.1:2379"), "") {
			config, err := p.readConfig(ctx, etcd)
			if err == nil {
				return config, etcd, nil
			}
			last = err
		}
		if ctx.Err() != nil {
			return flannelConfig{}, "", ctx.Err()
		}
		if last != nil && last.Error() != said {
			p.logf("waits for its configuration: %v", last)
			said = last.Error()
		}
		if !sleep(ctx, 500*time.Millisecond) {
			return flannelConfig{}, "", ctx.Err()
		}
	}
}

func (p player) key(etcd, name string) string {
	return etcd + "/v2/keys" + p.flags.or("etcd-prefix", "/coreos.com/network") + name
}

func (p player) readConfig(ctx context.Context, etcd string) (flannelConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	data, err := get(ctx, http.DefaultClient, p.key(etcd, "/config"))
	if err != nil {
		return flannelConfig{}, err
	}
	var node etcdNode
	var config flannelConfig
	if err := json.Unmarshal(data, &node); err != nil {
		return flannelConfig{}, err
	}
	if err := json.Unmarshal([]byte(node.Node.Value), &config); err != nil {
		return flannelConfig{}, fmt.Errorf("the configuration is not JSON: %w", err)
	}
	return config, nil
}

// takeLease records the subnet as flannel does, so that a test can read who has which.
func (p player) takeLease(ctx context.Context, etcd string, subnet netip.Prefix, outer netip.Addr) error {
	form := url.Values{"value": {fmt.Sprintf(`{"PublicIP":%q}`, outer)}, "ttl": {"86400"}}
	name := "/subnets/" + strings.ReplaceAll(subnet.Masked().String(), "/", "-")
	_, err := call(ctx, http.DefaultClient, http.MethodPut, p.key(etcd, name), "application/x-www-form-urlencoded", []byte(form.Encode()))
	return err
}

// leaseFor gives each machine the /24 of the network that its outer address ends in: no two machines of one subnet meet, and a test knows the answer.
func leaseFor(network string, outer netip.Addr) (netip.Prefix, error) {
	n, err := netip.ParsePrefix(network)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("configuration: Network: %w", err)
	}
	if !n.Addr().Is4() || n.Bits() > 16 {
		return netip.Prefix{}, fmt.Errorf("configuration: Network %s is smaller than a /16", network)
	}
	a, o := n.Masked().Addr().As4(), outer.As4()
	a[2], a[3] = o[3], 1
	return netip.PrefixFrom(netip.AddrFrom4(a), 24), nil
}

// subnetEnv is the file docker reads. The MTU is that of an outer 1500 less vxlan's 50 or udp's 28 bytes.
func subnetEnv(subnet netip.Prefix, backend, masq string) string {
	mtu := 1472
	if backend == "vxlan" {
		mtu = 1450
	}
	return fmt.Sprintf("FLANNEL_SUBNET=%s\nFLANNEL_MTU=%d\nFLANNEL_IPMASQ=%s\n", subnet, mtu, masq)
}

// writeWhole puts a file in place in one step, so that nobody reads half of it.
func writeWhole(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(temp, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// notifyReady tells systemd that a Type=notify unit is up (sd_notify(3)); without a socket there is nobody to tell.
func notifyReady(socket string) error {
	if socket == "" {
		return nil
	}
	// A leading @ is systemd's spelling of an abstract socket, and Go's too.
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("READY=1"))
	return err
}

// outerAddress is the address named by -iface, which may be an address or an interface; without one, the first address that is not loopback.
func outerAddress(iface string) (netip.Addr, error) {
	all, err := interfaceAddresses()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range all {
		if a.addr.String() == iface || a.name == iface || (iface == "" && !a.addr.IsLoopback()) {
			return a.addr, nil
		}
	}
	if iface == "" {
		return netip.Addr{}, errors.New("no interface but loopback has an address")
	}
	return netip.Addr{}, fmt.Errorf("no interface named %s or with that address", iface)
}

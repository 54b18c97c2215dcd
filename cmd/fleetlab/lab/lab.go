// Package lab brings up a real fleet cluster on one machine, for tests and for trying things out: systemd-nspawn nodes with real systemd as PID 1, real fleetd,
// one etcd and a mirror, each node in its own network namespace on a bridge that no host interface touches.
//
// All that a lab is lies in one directory, in network namespaces named after its id, and in one cgroup; Down removes them, also from another process and after
// the one that made the lab was killed. It needs root and Linux with cgroup v2 mounted or mountable; see Missing for the programs.
package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// DefaultDir is where labs are kept. It must allow executables and is not /run, which Debian mounts noexec.
const DefaultDir = "/var/lib/fleetlab"

// NoCluster is the environment variable that, set to 1, makes tests skip what needs a lab. Without it they fail where there can be none: a test that skips itself
// proves nothing.
const NoCluster = "STACKC_NO_CLUSTER"

// Addresses of the cluster, those of the guides for bare metal; every lab has the same, in namespaces of its own.
const (
	// MirrorAddress is where the mirror serves, on port 80.
	MirrorAddress = "10.20.30.242"
	// EtcdPort is the client port of etcd, on the master's address and on its loopback.
	EtcdPort = 4001
	// FleetPort is the TCP port of fleet's API on every node.
	FleetPort = 49153

	prefixBits = 24
)

// NodeConfig describes one machine.
type NodeConfig struct {
	Name     string // also the hostname
	Address  string // IPv4 in 10.20.30.0/24
	Metadata string // FLEET_METADATA, "key=value,key=value"
	Etcd     bool   // runs the cluster's etcd; exactly one node does
}

// DefaultNodes are one master, which runs etcd, and two nodes.
func DefaultNodes() []NodeConfig {
	return []NodeConfig{
		{Name: "master", Address: "10.20.30.40", Metadata: "role=master", Etcd: true},
		{Name: "node1", Address: "10.20.30.41", Metadata: "role=node"},
		{Name: "node2", Address: "10.20.30.42", Metadata: "role=node"},
	}
}

// Config says what lab to make. Only Binaries is needed.
type Config struct {
	Binaries Binaries     // from Build
	ID       string       // names directory, namespaces and cgroup; random when empty
	Dir      string       // DefaultDir when empty
	Nodes    []NodeConfig // DefaultNodes when empty
	Mirror   string       // directory to serve; an empty one inside the lab when empty

	// UserData are cloud-configs by the names of nodes. With them the nodes have what CoreOS's image has and are set up by their cloud-configs alone: no etcd,
	// no metadata and no unit of the lab's own. Up then returns when fleet lists the machines that the nodes' Metadata expect.
	UserData map[string]string

	// Network is called when the network is there and no machine has booted yet, for servers of the caller's own, which [Lab.Listen]; nil for none.
	Network func(context.Context, *Lab) error

	// Keep lets the lab outlive the process that made it. Without it the next Up on this machine removes it once that process is gone.
	Keep bool
	// EtcdOnNodes runs an etcd gateway as etcd.service on the other nodes, so that 127.0.0.1:4001 answers on every machine.
	EtcdOnNodes bool
	// DockerAfterFlannel makes docker.service wait for /run/flannel/subnet.env, as a host that runs docker on flannel does.
	DockerAfterFlannel bool
	// NetworkEnvironmentDelay is how long after boot /etc/network-environment appears; 3 s when zero.
	NetworkEnvironmentDelay time.Duration
	// FleetEnv are further variables for fleetd, for example FLEET_AGENT_TTL=10s.
	FleetEnv []string
	// Timeout bounds the whole of Up; 2 min when zero.
	Timeout time.Duration
	// Log is told what is being done, one line a step; nil for silence.
	Log func(format string, args ...any)
}

// Lab is a cluster that is up, or what is left of one.
type Lab struct {
	ID       string
	Dir      string // all files of this lab
	state    State
	nodes    []*Node
	cgroup   string // the lab's own cgroup directory
	log      func(string, ...any)
	downOnce sync.Once
	downErr  error
}

var validID = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

// Up makes a lab and returns when fleet on every node lists every machine. When it fails, or ctx ends, nothing is left behind. Labs of processes that are
// gone are removed first.
func Up(ctx context.Context, c Config) (*Lab, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if missing := Missing(); len(missing) > 0 {
		return nil, fmt.Errorf("packages are missing: apt-get install %s", strings.Join(missing, " "))
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("a lab needs root: namespaces, mounts and containers are made")
	}
	if err := Sweep(c.Dir); err != nil {
		return nil, fmt.Errorf("removing the labs of processes that are gone: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	l, err := create(c)
	if err != nil {
		return nil, err
	}
	if err := l.up(ctx, c); err != nil {
		return nil, errors.Join(fmt.Errorf("lab %s: %w", l.ID, err), l.Down())
	}
	return l, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.ID == "" {
		var b [3]byte
		// Read never fails (crypto/rand).
		_, _ = rand.Read(b[:])
		c.ID = hex.EncodeToString(b[:])
	}
	if !validID.MatchString(c.ID) {
		return c, fmt.Errorf("lab id %q: 1 to 12 lower case letters and digits are allowed", c.ID)
	}
	if c.Dir == "" {
		c.Dir = DefaultDir
	}
	if len(c.Nodes) == 0 {
		c.Nodes = DefaultNodes()
	}
	if c.NetworkEnvironmentDelay == 0 {
		c.NetworkEnvironmentDelay = 3 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	return c, checkNodes(c.Nodes)
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9]{0,9}$`)

func checkNodes(nodes []NodeConfig) error {
	etcd, seen := 0, map[string]bool{}
	for _, n := range nodes {
		if !validName.MatchString(n.Name) || seen[n.Name] {
			return fmt.Errorf("node name %q: want a unique name of up to 10 lower case letters and digits", n.Name)
		}
		seen[n.Name] = true
		if a, err := netip.ParseAddr(n.Address); err != nil || !a.Is4() {
			return fmt.Errorf("node %s: %q is no IPv4 address", n.Name, n.Address)
		}
		if n.Etcd {
			etcd++
		}
	}
	if etcd != 1 {
		return fmt.Errorf("%d nodes run etcd: want one", etcd)
	}
	return nil
}

// create claims the id by putting a directory with the state file in place, which is all that Down needs; nothing else exists yet. The directory gets its name
// when the file is in it, so that a lab is never without one.
func create(c Config) (*Lab, error) {
	temp, err := os.MkdirTemp(c.Dir, ".new-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	s, dir := newState(c), filepath.Join(c.Dir, c.ID)
	if err := errors.Join(s.write(temp), os.Chmod(temp, 0o755)); err != nil {
		return nil, err
	}
	// Renaming over a directory that is not empty fails.
	if err := os.Rename(temp, dir); err != nil {
		return nil, fmt.Errorf("lab %s exists already: %w", c.ID, err)
	}
	return attach(dir, s, c.Log), nil
}

// attach builds the handle of a lab from its state; it touches nothing.
func attach(dir string, s State, log func(string, ...any)) *Lab {
	if log == nil {
		log = func(string, ...any) {}
	}
	l := &Lab{ID: s.ID, Dir: dir, state: s, cgroup: cgroupPath(s.ID), log: log}
	for _, n := range s.Nodes {
		l.nodes = append(l.nodes, newNode(l, n))
	}
	return l
}

// Open returns a lab that another process made. An empty dir is DefaultDir.
func Open(dir, id string) (*Lab, error) {
	if dir == "" {
		dir = DefaultDir
	}
	if !validID.MatchString(id) {
		return nil, fmt.Errorf("%q is not the id of a lab", id)
	}
	s, err := readState(filepath.Join(dir, id))
	if err != nil {
		return nil, fmt.Errorf("no lab %s: %w", id, err)
	}
	return attach(filepath.Join(dir, id), s, nil), nil
}

func (l *Lab) up(ctx context.Context, c Config) error {
	var err error
	if l.cgroup, err = makeCgroup(l.ID); err != nil {
		return err
	}
	l.log("network: %s, switch and %d nodes", l.netns("*"), len(l.nodes))
	if err := l.makeNetwork(ctx); err != nil {
		return err
	}
	if err := l.writeOverlay(c.Binaries); err != nil {
		return err
	}
	if c.bare() {
		if err := l.writeImage(c.Binaries); err != nil {
			return err
		}
	}
	if err := l.startMirror(ctx); err != nil {
		return err
	}
	if c.Network != nil {
		if err := c.Network(ctx, l); err != nil {
			return err
		}
	}
	for _, n := range l.nodes {
		l.log("%s: boots at %s with %s", n.Name, n.Address, n.Metadata)
		if err := n.writeTree(c); err != nil {
			return fmt.Errorf("%s: root tree: %w", n.Name, err)
		}
		if err := n.boot(); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	if err := l.waitForMachines(ctx); err != nil {
		return err
	}
	l.log("up: %d machines", len(l.nodes))
	return nil
}

// Nodes returns the nodes in the order of the configuration.
func (l *Lab) Nodes() []*Node { return append([]*Node(nil), l.nodes...) }

// Node returns the node of that name, nil when there is none.
func (l *Lab) Node(name string) *Node {
	for _, n := range l.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Master returns the node that runs etcd.
func (l *Lab) Master() *Node {
	for _, n := range l.nodes {
		if n.Etcd {
			return n
		}
	}
	return nil
}

// Endpoint is fleet's API on the master as a unix socket that is reachable from the host: what stackc and fleetctl take as --endpoint.
func (l *Lab) Endpoint() string { return l.Master().Endpoint() }

// EtcdURL is etcd's address inside the lab's network.
func (l *Lab) EtcdURL() string { return fmt.Sprintf("http://%s:%d", l.Master().Address, EtcdPort) }

// MirrorURL is the mirror's address inside the lab's network.
func (l *Lab) MirrorURL() string { return "http://" + MirrorAddress }

// Down removes the lab: processes, network namespaces, cgroup, files. It is safe to call more than once and on half a lab; what cannot be removed is in the error.
func (l *Lab) Down() error {
	l.downOnce.Do(func() { l.downErr = l.down() })
	return l.downErr
}

func (l *Lab) down() error {
	errs := []error{removeCgroup(l.cgroup), unmountOwn(), l.removeNetwork()}
	for _, n := range l.nodes {
		errs = append(errs, n.removeTraces())
	}
	// A mount below the directory would make the removal reach into what is mounted.
	if err := noMountBelow(l.Dir); err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, os.RemoveAll(l.Dir))...)
}

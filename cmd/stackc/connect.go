package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/fleet/tunnel"
)

// connection says how to reach the cluster. Its flags and variables are those of
// fleetctl v1.0.0, so that what is set for fleetctl holds for stackc.
type connection struct {
	endpoint               string
	driver                 choice
	etcdPrefix             string
	ca, cert, key          string
	oldCA, oldCert, oldKey string // by the names that fleetctl had before
	timeout                duration
	verbose, debug         bool
	// etcd is where locks and history are, noState that nothing of that is wanted.
	etcd    string
	noState bool
	ssh     sshFlags

	way *tunnel.Tunnel // nil without --tunnel
	// stores are those that were opened, for the count of their requests.
	stores []*state.Store
	// network makes connections where there is no tunnel, nil for the usual way.
	network func(ctx context.Context, network, address string) (net.Conn, error)
}

func newConnection() *connection {
	return &connection{timeout: duration{fleet.DefaultTimeout}, driver: newChoice(driverAPI, driverAPI, driverEtcd), ssh: newSSHFlags()}
}

// The drivers, as fleetctl calls them.
const (
	driverAPI  = "API"
	driverEtcd = "etcd"
)

func (g *connection) flags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "endpoint", Destination: &g.endpoint, EnvVars: variable("ENDPOINT"), DefaultText: fleet.DefaultEndpoint,
			Usage: "reach fleet at `URL`: unix:///path, http://host:port or https://host:port; several with commas"},
		&cli.StringFlag{Name: "ca-file", Destination: &g.ca, EnvVars: variable("CA_FILE"),
			Usage: "trust the authorities in `FILE` for https"},
		&cli.StringFlag{Name: "cert-file", Destination: &g.cert, EnvVars: variable("CERT_FILE"),
			Usage: "client certificate in `FILE` for https"},
		&cli.StringFlag{Name: "key-file", Destination: &g.key, EnvVars: variable("KEY_FILE"),
			Usage: "key of the client certificate, in `FILE`"},
		&cli.StringFlag{Name: "etcd-endpoint", Destination: &g.etcd, EnvVars: []string{"STACKC_ETCD"}, DefaultText: "beside fleet",
			Usage: "keep locks and history in the etcd at `URL`; several with commas"},
		&cli.BoolFlag{Name: "no-state", Destination: &g.noState, DisableDefaultText: true, Usage: "do without lock and history"},
		&cli.GenericFlag{Name: "request-timeout", Value: &g.timeout, EnvVars: variable("REQUEST_TIMEOUT"),
			Usage: "give up a try of a request after `TIME`"},
	}, g.ssh.flags(), []cli.Flag{
		&cli.GenericFlag{Name: "driver", Value: &g.driver, EnvVars: variable("DRIVER"),
			Usage: "`WHAT` answers at the endpoints: API, which is fleet, or etcd"},
		&cli.StringFlag{Name: "etcd-key-prefix", Destination: &g.etcdPrefix, EnvVars: variable("ETCD_KEY_PREFIX"), DefaultText: fleet.DefaultEtcdPrefix,
			Usage: "fleet's `DIR` in etcd, for gc and with --driver=etcd"},
		&cli.BoolFlag{Name: "verbose", Destination: &g.verbose, DisableDefaultText: true, Usage: "count the requests to fleet and etcd"},
		&cli.BoolFlag{Name: "debug", Destination: &g.debug, EnvVars: variable("DEBUG"), DisableDefaultText: true, Usage: "show every request to fleet"},
	}, g.hiddenFlags())
}

// hiddenFlags are flags of fleetctl under older names, and one that has no effect any
// more.
func (g *connection) hiddenFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "etcd-cafile", Destination: &g.oldCA, EnvVars: variable("ETCD_CAFILE"), Hidden: true},
		&cli.StringFlag{Name: "etcd-certfile", Destination: &g.oldCert, EnvVars: variable("ETCD_CERTFILE"), Hidden: true},
		&cli.StringFlag{Name: "etcd-keyfile", Destination: &g.oldKey, EnvVars: variable("ETCD_KEYFILE"), Hidden: true},
		&cli.BoolFlag{Name: "experimental-api", Hidden: true},
	}
}

func variable(names ...string) []string {
	for i := range names {
		names[i] = "FLEETCTL_" + names[i]
	}
	return names
}

// dial prepares the connection to fleet, and opens the tunnel if there is to be one.
// fleet is sent nothing yet.
func (g *connection) dial(c *console, ctx *cli.Context) (*fleet.Conn, error) {
	config, err := g.config()
	if err != nil {
		return nil, err
	}
	if g.debug {
		config.Trace = func(t fleet.Try) { c.remark("%s", view.Try(t)) }
	}
	way, err := g.ssh.open(c)
	if err != nil {
		return nil, err
	}
	if way != nil {
		g.way, config.Dial = way, way.DialContext
	}
	conn, err := fleet.Dial(config)
	if err == nil && g.driver.value == driverAPI {
		conn.PastFleet(func(ctx context.Context) *fleet.Conn { return g.pastFleet(ctx, conn) })
	}
	if err == nil && way != nil {
		err = way.Connect(ctx.Context)
	}
	return conn, err
}

// close ends what dial has opened beside the connection itself.
func (g *connection) close() {
	if g.way != nil {
		g.way.Close()
	}
}

// config is what the flags say, with the files they name.
// The tunnel, if there is to be one, comes with dial.
func (g *connection) config() (fleet.Config, error) {
	config := fleet.Config{Endpoint: g.endpoint, Timeout: g.timeout.value, Dial: g.network}
	if g.driver.value == driverEtcd {
		config.Etcd = &fleet.EtcdConfig{Prefix: g.etcdPrefix}
	}
	var errs [3]error
	config.CA, errs[0] = readOptional(cmp.Or(g.ca, g.oldCA))
	config.Cert, errs[1] = readOptional(cmp.Or(g.cert, g.oldCert))
	config.Key, errs[2] = readOptional(cmp.Or(g.key, g.oldKey))
	return config, errors.Join(errs[:]...)
}

func readOptional(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readFile(path)
}

// pastFleet is a connection to the registry that fleet keeps in etcd, nil when it is not
// known where that is. It is the right one if it has the same machines.
func (g *connection) pastFleet(ctx context.Context, conn *fleet.Conn) *fleet.Conn {
	endpoints, reason := g.registryEndpoints(ctx, conn)
	if reason != "" {
		return nil
	}
	config, err := g.config()
	if err != nil {
		return nil
	}
	// Whatever fails here can be had from fleet, so nothing is tried twice.
	config.Endpoint, config.RetryFor = strings.Join(endpoints, ","), -1
	config.Etcd = &fleet.EtcdConfig{Prefix: g.etcdPrefix}
	if g.way != nil {
		config.Dial = g.way.DialContext
	}
	past, err := fleet.Dial(config)
	if err != nil {
		return nil
	}
	if there, err := past.Machines(ctx); err == nil {
		if here, err := conn.Machines(ctx); err == nil && sameMachines(there, here) {
			return past
		}
	}
	past.Close()
	return nil
}

func sameMachines(a, b []fleet.Machine) bool {
	ids := func(list []fleet.Machine) []string {
		var ids []string
		for _, m := range list {
			ids = append(ids, m.ID)
		}
		slices.Sort(ids)
		return ids
	}
	return len(a) > 0 && slices.Equal(ids(a), ids(b))
}

// account tells how many requests were made, when that was asked for.
func (g *connection) account(c *console, conn *fleet.Conn) {
	if !g.verbose {
		return
	}
	n := conn.Counts()
	c.remark("requests: %d list pages, %d single reads, %d writes, %d retries",
		n.UnitPages+n.StatePages+n.MachinePages, n.Gets, n.Writes(), n.Retries)
	kept := 0
	for _, s := range g.stores {
		kept += s.Requests()
	}
	if n.Etcd+kept > 0 {
		c.remark("requests to etcd: %d for long lists, %d for lock and history", n.Etcd, kept)
	}
}

package main

import (
	"cmp"
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
)

// connection says how to reach the cluster. Its flags and variables are those of
// fleetctl v1.0.0, so that what is set for fleetctl holds for stackc.
type connection struct {
	endpoint, driver, tunnel string
	ca, cert, key            string
	oldCA, oldCert, oldKey   string // by the names that fleetctl had before
	timeout                  duration
	verbose, debug           bool
}

func newConnection() *connection {
	return &connection{timeout: duration{fleet.DefaultTimeout}}
}

func (g *connection) flags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "endpoint", Destination: &g.endpoint, EnvVars: variable("ENDPOINT"), DefaultText: fleet.DefaultEndpoint,
			Usage: "reach fleet at `URL`: unix:///path, http://host:port or https://host:port"},
		&cli.StringFlag{Name: "ca-file", Destination: &g.ca, EnvVars: variable("CA_FILE"),
			Usage: "trust the authorities in `FILE` for https"},
		&cli.StringFlag{Name: "cert-file", Destination: &g.cert, EnvVars: variable("CERT_FILE"),
			Usage: "client certificate in `FILE` for https"},
		&cli.StringFlag{Name: "key-file", Destination: &g.key, EnvVars: variable("KEY_FILE"),
			Usage: "key of the client certificate, in `FILE`"},
		&cli.GenericFlag{Name: "request-timeout", Value: &g.timeout, EnvVars: variable("REQUEST_TIMEOUT"),
			Usage: "give up a try of a request after `TIME`"},
		&cli.BoolFlag{Name: "verbose", Destination: &g.verbose, DisableDefaultText: true, Usage: "count the requests to fleet"},
		&cli.BoolFlag{Name: "debug", Destination: &g.debug, EnvVars: variable("DEBUG"), DisableDefaultText: true, Usage: "show every request to fleet"},
	}, g.hiddenFlags()...)
}

// hiddenFlags are flags of fleetctl under older names, and those that have no effect yet. Those of the tunnel
// are refused on the command line only: without a tunnel, the variables mean
// nothing to fleetctl either.
func (g *connection) hiddenFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "etcd-cafile", Destination: &g.oldCA, EnvVars: variable("ETCD_CAFILE"), Hidden: true},
		&cli.StringFlag{Name: "etcd-certfile", Destination: &g.oldCert, EnvVars: variable("ETCD_CERTFILE"), Hidden: true},
		&cli.StringFlag{Name: "etcd-keyfile", Destination: &g.oldKey, EnvVars: variable("ETCD_KEYFILE"), Hidden: true},
		&cli.StringFlag{Name: "driver", Destination: &g.driver, EnvVars: variable("DRIVER"), Hidden: true},
		&cli.StringFlag{Name: "tunnel", Destination: &g.tunnel, EnvVars: variable("TUNNEL"), Hidden: true},
		&cli.BoolFlag{Name: "experimental-api", Hidden: true},
		&cli.BoolFlag{Name: "strict-host-key-checking", Hidden: true},
	}
	for _, name := range tunnelWords() {
		flags = append(flags, &cli.StringFlag{Name: name, Hidden: true})
	}
	return flags
}

// tunnelWords are the flags of tunnel and etcd driver that take a value.
func tunnelWords() []string {
	return []string{"ssh-username", "ssh-timeout", "known-hosts-file", "etcd-key-prefix"}
}

func variable(names ...string) []string {
	for i := range names {
		names[i] = "FLEETCTL_" + names[i]
	}
	return names
}

// supported refuses ways to the cluster that are not there yet.
func (g *connection) supported(ctx *cli.Context) error {
	const help = "give the address of fleet's API with --endpoint"
	if g.tunnel != "" {
		return misuse(help, "--tunnel (FLEETCTL_TUNNEL) is not supported yet")
	}
	if g.driver != "" && g.driver != "API" {
		return misuse(help, "--driver=%s (FLEETCTL_DRIVER) is not supported yet, only API is", g.driver)
	}
	for _, name := range append(tunnelWords(), "strict-host-key-checking") {
		if ctx.IsSet(name) {
			return misuse(help, "--%s is not supported yet", name)
		}
	}
	return nil
}

// dial prepares the connection to fleet. Nothing is sent.
func (g *connection) dial(c *console, ctx *cli.Context) (*fleet.Conn, error) {
	if err := g.supported(ctx); err != nil {
		return nil, err
	}
	config := fleet.Config{Endpoint: g.endpoint, Timeout: g.timeout.value}
	if g.debug {
		config.Trace = func(t fleet.Try) { c.remark("%s", view.Try(t)) }
	}
	var errs [3]error
	config.CA, errs[0] = readOptional(cmp.Or(g.ca, g.oldCA))
	config.Cert, errs[1] = readOptional(cmp.Or(g.cert, g.oldCert))
	config.Key, errs[2] = readOptional(cmp.Or(g.key, g.oldKey))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return fleet.Dial(config)
}

func readOptional(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return os.ReadFile(path)
}

// account tells how many requests were made, when that was asked for.
func (g *connection) account(c *console, conn *fleet.Conn) {
	if !g.verbose {
		return
	}
	n := conn.Counts()
	c.remark("requests: %d list pages, %d single reads, %d writes, %d retries",
		n.UnitPages+n.StatePages+n.MachinePages, n.Gets, n.Writes(), n.Retries)
}

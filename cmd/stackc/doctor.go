package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/doctor"
	etcdprobe "github.com/stackc/stackc/fleet/doctor/probe"
	"github.com/stackc/stackc/fleet/gc"
)

func (p *program) doctor() *cli.Command {
	form := newFormat()
	return &cli.Command{
		Name:      "doctor",
		Usage:     "say what slows or endangers the cluster, and how to mend it",
		ArgsUsage: " ",
		Description: `Looks at the whole cluster, whosever units it has: for contents that no unit has any
more, units at which their machine's agent ends its work, units without a machine, units
that run twice or are dead although fleet has launched them, machines with one ID,
several versions of fleet, an etcd without leader, clocks that differ. Tells of each what
was seen, what comes of it, and the command that mends it. What rests on states it looks
at again for some seconds. A condition that could not be looked at is named, with the
reason: most that is not about units needs etcd.

examples:
  stackc doctor --endpoint http://10.0.0.1:49153
  stackc doctor --etcd-endpoint http://10.0.0.1:2379 --output json

exit codes: 0 nothing found; 3 something is; 2 nothing is, and not everything could be
looked at; 1 error; 6 neither fleet nor etcd can be reached`,
		Flags: []cli.Flag{form.flag()},
		Action: func(ctx *cli.Context) error {
			if err := noArguments(ctx); err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				return p.examine(ctx.Context, conn, form)
			})
		},
	}
}

// examine gathers what can be known, and tells what it says.
func (p *program) examine(ctx context.Context, conn *fleet.Conn, form *format) error {
	var facts doctor.Facts
	look, err := fleet.TakeAll(ctx, conn, nil)
	switch {
	case err == nil:
		facts.Looks = append(facts.Looks, look)
	case fleet.IsDown(err):
		facts.NoFleet = err.Error()
	default:
		return err
	}
	p.probe(ctx, conn, &facts)
	if look == nil && facts.Registry == nil {
		return err
	}
	for _, t := range conn.Clocks(ctx) {
		facts.Clocks = append(facts.Clocks, doctor.NewClock(t.Endpoint, t.Date, t.Sent, t.Received))
	}
	if facts.Looks, err = lookUntilSettled(ctx, conn, facts.Looks); err != nil {
		return err
	}
	facts.Page = conn.SlowestList()
	report := doctor.Examine(facts)
	if form.isJSON() {
		err = p.json(report)
	} else {
		err = p.printf("%s", view.Doctor(report, p.textWidth()))
	}
	if err != nil {
		return err
	}
	return exitWith(codeOfReport(report))
}

// manyLooks bounds how often doctor looks at a cluster that does not come to rest.
const manyLooks = 2 * doctor.Steady

// lookUntilSettled looks at the cluster again while something is seen that may be over
// soon. A cluster that does not answer any more ends it.
func lookUntilSettled(ctx context.Context, conn *fleet.Conn, looks []*fleet.Snapshot) ([]*fleet.Snapshot, error) {
	for len(looks) < manyLooks && doctor.Unsettled(looks) {
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		look, err := fleet.TakeAll(ctx, conn, nil)
		if err != nil {
			return nil, err
		}
		looks = append(looks, look)
	}
	return looks, nil
}

// codeOfReport is how doctor ends.
func codeOfReport(r doctor.Report) int {
	switch {
	case len(r.Findings) > 0:
		return exitFailed
	case !r.Healthy:
		return exitChanges
	}
	return exitDone
}

// heartbeats bounds the wait for registrations of machines: each comes twice within the
// half minute that it lasts, and three are wanted.
const heartbeats = 45 * time.Second

// probe reads what lies in etcd, or says why it cannot.
func (p *program) probe(ctx context.Context, conn *fleet.Conn, facts *doctor.Facts) {
	endpoints, reason := p.cluster.registryEndpoints(ctx, conn)
	if reason != "" {
		facts.NoRegistry = reason
		return
	}
	client, err := p.cluster.httpClient()
	if err == nil {
		defer client.CloseIdleConnections()
		facts.Registry, facts.Clocks, err = etcdprobe.Registry(ctx, etcdprobe.Config{
			Client: client, Endpoints: endpoints, Prefix: cmp.Or(p.cluster.etcdPrefix, fleet.DefaultEtcdPrefix), Journal: gc.Journal,
			Timeout: p.cluster.timeout.value, Watch: heartbeats,
			Watching: func(d time.Duration) {
				p.remark("waiting for heartbeats of the machines, for up to %s", d)
			},
		})
	}
	if err != nil {
		facts.NoRegistry = fmt.Sprintf("etcd cannot be read: %v", err)
		return
	}
	if len(facts.Looks) > 0 && strange(facts.Looks[0], facts.Registry) {
		facts.NoRegistry = fmt.Sprintf("the etcd at %s is not that of this fleet", facts.Registry.Endpoint)
		facts.Registry = nil
	}
}

// strange reports whether a registry knows none of the machines that fleet has.
func strange(s *fleet.Snapshot, r *doctor.Registry) bool {
	return len(s.Machines) > 0 && !slices.ContainsFunc(r.Members, func(m doctor.Member) bool {
		_, known := s.Machine(m.ID)
		return known
	})
}

// registryEndpoints are the URLs of fleet's etcd, with their user if one was given, or
// the reason why none are known.
func (g *connection) registryEndpoints(ctx context.Context, conn *fleet.Conn) ([]string, string) {
	if g.noState {
		return nil, "with --no-state etcd is not asked"
	}
	named := g.etcd
	if named == "" && g.driver.value == driverEtcd {
		named = cmp.Or(g.endpoint, fleet.DefaultEtcdEndpoint)
	}
	if named != "" {
		var list []string
		for one := range strings.SplitSeq(named, ",") {
			list = append(list, strings.TrimSpace(one))
		}
		return list, ""
	}
	store, reason, err := g.memory(ctx, conn)
	switch {
	case err != nil:
		return nil, err.Error()
	case store != nil:
		defer store.Close()
		return store.Endpoints(), ""
	}
	return nil, reason + "; " + etcdHelp
}

// httpClient goes the same way as the connection to fleet.
func (g *connection) httpClient() (*http.Client, error) {
	config, err := g.config()
	if err != nil {
		return nil, err
	}
	tls, err := fleet.ClientTLS(config)
	if err != nil {
		return nil, misuse("", "%w", err)
	}
	transport := &http.Transport{TLSClientConfig: tls, DialContext: (&net.Dialer{}).DialContext}
	switch {
	case g.way != nil:
		transport.DialContext = g.way.DialContext
	case g.network != nil:
		transport.DialContext = g.network
	}
	return &http.Client{Transport: transport}, nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/gc"
	"github.com/stackc/stackc/units"
)

// What the registry of gc's measurement holds, and what is done with it.
const (
	gcRunning  = 100  // units that run all the time
	gcReplaced = 100  // units that are replaced again and again
	gcDead     = 5000 // replacements, each of which leaves a dead content
	gcStarted  = 50   // units that are started
	gcPatience = 10 * time.Minute
)

// collect measures on a real cluster how long units take to start while the registry
// is clean, after many replacements, and after stackc gc.
func (b *bench) collect() error {
	if why := noCluster(); why != "" {
		b.title("start of units before and after stackc gc: left out, %s", why)
		return nil
	}
	binaries, err := lab.Build(b.ctx, "")
	if err != nil {
		return err
	}
	cluster, err := lab.Up(b.ctx, lab.Config{Binaries: binaries})
	if err != nil {
		return err
	}
	err = b.collectOn(cluster)
	return errors.Join(err, cluster.Down())
}

// noCluster says why there can be no real cluster, or nothing.
func noCluster() string {
	if os.Getenv(lab.NoCluster) == "1" {
		return lab.NoCluster + "=1"
	}
	if missing := lab.Missing(); os.Geteuid() != 0 || len(missing) > 0 {
		return fmt.Sprintf("the real cluster needs root and `make deps` (packages that are missing: %v)", missing)
	}
	return ""
}

// registry is a cluster whose units are started and replaced.
type registry struct {
	*fleet.Conn
	ctx     context.Context
	nodes   []*lab.Node
	started int
}

// measured is the registry in one condition.
type measured struct {
	name        string
	start, list time.Duration
}

func (b *bench) collectOn(cluster *lab.Lab) error {
	ctx, cancel := context.WithTimeout(b.ctx, 2*gcPatience)
	defer cancel()
	conn, err := fleet.Dial(fleet.Config{Endpoint: cluster.Endpoint(), Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer conn.Close()
	r := &registry{Conn: conn, ctx: ctx, nodes: cluster.Nodes()}
	if err := r.put(gcRunning, "running", units.Launched, 0); err != nil {
		return err
	}
	// Units that no machine has: what is measured is the registry and not the machines.
	if err := r.put(gcReplaced, "replaced", units.Inactive, 0); err != nil {
		return err
	}
	if err := r.untilActive("running", gcRunning); err != nil {
		return err
	}
	clean, err := r.measure("a clean registry", b.rounds)
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range gcDead / gcReplaced {
		if err := r.put(gcReplaced, "replaced", units.Inactive, i+1); err != nil {
			return err
		}
	}
	made := time.Since(began)
	full, err := r.measure(fmt.Sprintf("%d replacements later", gcDead), b.rounds)
	if err != nil {
		return err
	}
	began = time.Now()
	report, err := b.runGC(ctx, cluster)
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := r.measure("after stackc gc", b.rounds)
	if err != nil {
		return err
	}
	b.title("start of %d units on a real cluster of three machines, where %d run, until systemd has all active", gcStarted, gcRunning)
	for _, m := range []measured{clean, full, after} {
		fmt.Fprintf(b.out, "%-28s %8s %6.2fx   list of units %s\n", m.name, m.start.Round(10*time.Millisecond), float64(m.start)/float64(clean.start), m.list.Round(time.Millisecond))
	}
	fmt.Fprintf(b.out, "\n%d replacements through fleet's API took %s\n", gcDead, made.Round(100*time.Millisecond))
	fmt.Fprintf(b.out, "stackc gc took %s: %d of %d contents removed, %d left, %d requests to etcd; a pass of an agent reads in %s, and then in %s\n",
		took.Round(100*time.Millisecond), report.Removed, report.Contents, report.Left, report.Requests,
		report.ListBefore.Round(time.Millisecond), report.ListAfter.Round(time.Millisecond))
	return nil
}

// runGC runs stackc gc in the network of the cluster.
func (b *bench) runGC(ctx context.Context, cluster *lab.Lab) (gc.Report, error) {
	program, err := filepath.Abs(filepath.Join(b.bin, "stackc"))
	if err != nil {
		return gc.Report{}, err
	}
	cmd := cluster.Master().NetnsCommand(ctx, program, "--endpoint", cluster.Endpoint(), "--etcd-endpoint", cluster.EtcdURL(), "gc", "--min-age", "0", "--output", "json")
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		return gc.Report{}, fmt.Errorf("stackc gc: %w\n%s%s", err, text, said.Bytes())
	}
	var report gc.Report
	return report, json.Unmarshal(text, &report)
}

// measure starts units, some times, and leaves them: for more than a minute after units
// were removed fleet's agents start nothing, whatever the registry holds.
func (r *registry) measure(name string, rounds int) (measured, error) {
	var starts, lists []time.Duration
	for range rounds {
		r.started++
		group := fmt.Sprintf("started%03d", r.started)
		began := time.Now()
		if err := r.put(gcStarted, group, units.Launched, 0); err != nil {
			return measured{}, err
		}
		if err := r.untilActive(group, gcStarted); err != nil {
			return measured{}, err
		}
		starts = append(starts, time.Since(began))
		began = time.Now()
		if _, err := r.Units(r.ctx); err != nil {
			return measured{}, err
		}
		lists = append(lists, time.Since(began))
	}
	// It takes minutes; whoever waits sees how far it is.
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, starts)
	return measured{name, median(starts), median(lists)}, nil
}

func unitName(group string, i int) units.Name {
	return units.Name(fmt.Sprintf("%s-%04d.service", group, i))
}

// put sends units of a group, whose contents differ by version. Their contents are of
// the size that units usually have, and the same in every group.
func (r *registry) put(n int, group string, desired units.State, version int) error {
	return r.each(n, func(i int) error {
		options := []units.Option{
			{Section: "Unit", Name: "Description", Value: fmt.Sprintf("Unit %d, version %d", i, version)},
			{Section: "Unit", Name: "Documentation", Value: "https://example.org/" + string(bytes.Repeat([]byte("documentation/"), 30))},
			{Section: "Service", Name: "ExecStart", Value: "/bin/sleep 100000"},
			{Section: "Service", Name: "Restart", Value: "always"},
		}
		if group == "replaced" {
			options[0].Value += ", replaced"
		}
		return r.Put(r.ctx, unitName(group, i), options, desired)
	})
}

// each does something for each of n, eight at a time.
func (r *registry) each(n int, do func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(8)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}

// untilActive waits until systemd of the machines has n units of a group active. What
// fleet says of them comes later, by as much as its agents are behind with publishing.
func (r *registry) untilActive(group string, n int) error {
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		counts := make([]int, len(r.nodes))
		var g errgroup.Group
		for i, node := range r.nodes {
			g.Go(func() error {
				text, err := node.Exec(r.ctx, "systemctl", "list-units", "--no-legend", "--plain", "--state=active", group+"-*")
				counts[i] = strings.Count(text, ".service ")
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		active := 0
		for _, c := range counts {
			active += c
		}
		if active >= n {
			return nil
		}
		if time.Since(began) > gcPatience {
			return fmt.Errorf("%d of %d units of %s are active after %s", active, n, group, gcPatience)
		}
	}
}

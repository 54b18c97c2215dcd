package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/doctor"
	"github.com/stackc/stackc/fleet/gc"
	"github.com/stackc/stackc/fleet/state"
)

// collecting are the flags of gc.
type collecting struct {
	form                      *format
	minAge                    duration
	dryRun, keepHistory, wait bool
	rate                      int
}

func (p *program) gc() *cli.Command {
	o := &collecting{form: newFormat(), minAge: duration{gc.DefaultMinAge}, rate: gc.DefaultRate}
	return &cli.Command{
		Name:      "gc",
		Usage:     "clear fleet's registry of the contents of units that are gone",
		ArgsUsage: " ",
		Description: `fleet keeps the content of every unit that was ever replaced or destroyed, and each
of its agents, its engine and every list read all of them, again and again. gc removes,
through etcd, what no unit has: nothing that is younger than --min-age, and nothing
that a unit takes meanwhile. Other clients may go on. etcd keeps
no times, so that a content is known to be old when an earlier gc has seen it; where
none ran yet, the first notes the time, or waits with --wait. Interrupted or killed at
any point, the next gc goes on from there.

examples:
  stackc gc --dry-run
  stackc gc --wait
  stackc gc --min-age 1h --keep-history

exit codes: 0 done, or nothing to do; 1 error; 2 there is something to remove (with
--dry-run); 5 another gc goes on; 6 unreachable; 130 interrupted`,
		Flags: []cli.Flag{
			o.form.flag(),
			&cli.BoolFlag{Name: "dry-run", Destination: &o.dryRun, DisableDefaultText: true, Usage: "only tell what there is, and write nothing"},
			&cli.GenericFlag{Name: "min-age", Value: &o.minAge, Usage: "remove nothing that is younger than `TIME`"},
			&cli.BoolFlag{Name: "wait", Destination: &o.wait, DisableDefaultText: true, Usage: "wait until what is there now is that old"},
			&cli.BoolFlag{Name: "keep-history", Destination: &o.keepHistory, DisableDefaultText: true, Usage: "leave what the recorded revisions of stacks have"},
			&cli.IntFlag{Name: "rate", Destination: &o.rate, Value: o.rate, Usage: "remove at most `N` in a second"},
		},
		Action: func(ctx *cli.Context) error {
			if err := noArguments(ctx); err != nil {
				return err
			}
			if o.rate < 1 {
				return misuse("", "--rate %d removes nothing; 1 is the least", o.rate)
			}
			return p.withState(ctx, func(store *state.Store) error { return p.collect(ctx.Context, store, o) })
		},
	}
}

// collectedReport is the JSON form of a run.
type collectedReport struct {
	gc.Report
	// Error tells why the run did not come to its end.
	Error *errorReport `json:"error,omitempty"`
}

func (p *program) collect(ctx context.Context, store *state.Store, o *collecting) error {
	who, host, pid := p.who()
	report, err := gc.Run(ctx, store, gc.Options{
		Prefix: p.cluster.etcdPrefix, MinAge: o.minAge.value, Wait: o.wait, KeepHistory: o.keepHistory, DryRun: o.dryRun, Rate: o.rate,
		Holder: state.Holder{Who: who, Host: host, PID: pid, Doing: "gc"},
	}, p.collecting(o.form))
	if err != nil && report.Removed+report.Restored+report.Pending == 0 {
		return notCollected(err, report)
	}
	f := &failure{code: exitDone}
	if err != nil {
		f = notCollected(err, report)
	} else if o.dryRun && report.Found > report.Kept {
		f.code = exitChanges
	}
	if o.form.isJSON() {
		if err := p.json(collectedReport{report, f.report()}); err != nil {
			return err
		}
		return exitWith(f.code) // the JSON says the rest
	}
	if err := p.printf("%s", view.Registry(report, o.minAge.value)); err != nil {
		return err
	}
	if f.err == nil {
		return exitWith(f.code)
	}
	return f
}

// notCollected judges why a run did not come to its end.
func notCollected(err error, report gc.Report) *failure {
	f := *judge(err)
	switch kind := state.KindOf(err); {
	case kind == state.Missing:
		f.help = etcdHelp + ", --etcd-key-prefix where fleet's keys are"
	case kind == state.Damaged:
		f.help = "nothing is removed while that cannot be read; stackc destroy, or fleetctl destroy, removes a unit"
	case kind == state.Unreachable:
		f.help = etcdHelp
	case kind == state.Lost:
		f.help = "another gc goes on by now"
	}
	if report.Pending > 0 && !errors.Is(err, context.Canceled) {
		f.help = fmt.Sprintf("%d are removed; the next stackc gc looks after the last %d, and goes on", report.Removed, report.Pending)
	} else if report.Removed > 0 {
		f.help = fmt.Sprintf("%d are removed; the next stackc gc goes on", report.Removed)
	}
	return &f
}

// tellEvery is how often a line tells how far it is.
const tellEvery = 5 * time.Second

// collecting shows how far a run is: a line at the beginning of each stage, and some in
// between. JSON has stdout for itself.
func (p *program) collecting(form *format) func(gc.Progress) {
	var w io.Writer = p.stdout()
	if form.isJSON() {
		w = p.stderr()
	}
	var stage gc.Stage
	var last time.Time
	return func(now gc.Progress) {
		if at := p.now(); now.Stage != stage || at.Sub(last) >= tellEvery {
			stage, last = now.Stage, at
			fmt.Fprintf(w, "%s %s\n", at.Format(time.TimeOnly), view.RegistryProgress(now))
		}
	}
}

// tellOfRegistry says when gc is due, by doctor's rule. Only where fleet's list is slow
// the contents are counted, which is one request for what fleet itself reads for each page.
func (p *program) tellOfRegistry(ctx context.Context, conn *fleet.Conn, store *state.Store, s *fleet.Snapshot) {
	if store == nil || s.Partial || conn.SlowestList() < doctor.SlowList {
		return
	}
	sizes, err := gc.Sizes(ctx, store, p.cluster.etcdPrefix)
	if err != nil {
		return // what the command is about goes on without
	}
	for _, u := range s.Units {
		delete(sizes, u.Hash)
	}
	if doctor.WorthRemoving(len(sizes), conn.SlowestList()) {
		p.remark("note: %s", view.DeadContents(sizes, conn.SlowestList()))
	}
}

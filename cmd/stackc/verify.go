package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/verify"
)

func (p *program) verify() *cli.Command {
	in, form, wait := newInput(), newFormat(), &duration{}
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a cluster is what a stack says, and that what runs there answers",
		ArgsUsage: "FILE",
		Description: `Checks one by one that the machines of the inventory are there with their metadata,
that networks stay apart, that etcd has its members and a leader, that each unit is
where it belongs, as compiled and up, that ports answer, and what [check.NAME] of the
file asks. Ports are asked from here or, with --tunnel, from the host at its end. No
command runs on any machine, and nothing is changed.

examples:
  stackc verify k8s.toml
  stackc verify k8s.toml --tunnel 10.20.30.40
  stackc verify k8s.toml --output json --wait 5m

exit codes: 0 every check holds, those left out that cannot be asked from here;
3 one does not; 1 error; 6 unreachable`,
		Flags: append(in.flags(), form.flag(),
			&cli.GenericFlag{Name: "wait", Value: wait, DefaultText: "look once", Usage: "look again until every check holds, for at most `TIME`"}),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			result, findings, err := in.loadResult(p.console, path, form)
			if err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				results, err := p.verified(ctx.Context, conn, result, wait.value)
				if err != nil {
					return err
				}
				return p.showVerified(result, findings, results, form)
			})
		},
	}
}

// verifyAgain lies between two looks of --wait.
const verifyAgain = 2 * time.Second

// verified goes through the checks, again and again for as long as wait says while one fails.
func (p *program) verified(ctx context.Context, conn *fleet.Conn, r *compiler.Result, wait time.Duration) ([]verify.Result, error) {
	until := time.Now().Add(wait)
	for {
		results, err := p.verifyOnce(ctx, conn, r)
		if err != nil || !verify.Failed(results) || time.Now().Add(verifyAgain).After(until) {
			return results, err
		}
		select {
		case <-time.After(verifyAgain):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *program) verifyOnce(ctx context.Context, conn *fleet.Conn, r *compiler.Result) ([]verify.Result, error) {
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
	if err != nil {
		return nil, err
	}
	asker, err := p.cluster.asker(ctx)
	if err != nil {
		return nil, err
	}
	cluster := verify.Cluster{Snapshot: snapshot, Here: asker.here}
	cluster.Answers = asker.ask(ctx, verify.Questions(r.Checks, r.Set, cluster))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return verify.Judge(r.Checks, r.Set, cluster), nil
}

// verifyReport is the JSON form of what verify found.
type verifyReport struct {
	Stack string `json:"stack"`
	// Right says that no check fails.
	Right    bool            `json:"right"`
	Checks   []verify.Result `json:"checks"`
	Findings []diag.Finding  `json:"findings"`
}

func (p *program) showVerified(r *compiler.Result, findings diag.List, results []verify.Result, form *format) error {
	right := !verify.Failed(results)
	var err error
	if form.isJSON() {
		err = p.json(verifyReport{Stack: r.Set.Stack, Right: right, Checks: append([]verify.Result{}, results...), Findings: diag.Findings(findings)})
	} else {
		err = p.printf("%s", view.Verified(results, p.textWidth()))
	}
	if err != nil {
		return err
	}
	if !right {
		return exitWith(exitFailed)
	}
	return nil
}

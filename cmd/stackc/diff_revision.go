package main

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/fleet"
)

// diffRevision compares the cluster with a revision of the history, which is what a
// rollback would change.
func (p *program) diffRevision(ctx *cli.Context, o *comparing) error {
	arg, err := oneFile(ctx, "FILE or STACK")
	switch {
	case err != nil:
		return err
	case o.old.given() != "" || o.new.given() != "":
		return misuse("leave it out", "%s is about a file that is compared, and a revision is compared with the cluster", cmp.Or(o.old.given(), o.new.given()))
	case o.revision < 1:
		return misuse("stackc history tells the numbers", "--revision %d: there is none", o.revision)
	}
	about, err := p.subject(arg, o.in, &format{newChoice("text", "text", "json")})
	if err != nil {
		return err
	}
	return p.withCluster(ctx, func(conn *fleet.Conn) error {
		store, err := p.remembered(ctx.Context, conn)
		if err != nil {
			return err
		}
		defer store.Close()
		set, err := p.revision(ctx.Context, store, about.stack, o.revision)
		if err != nil {
			return err
		}
		snapshot, err := fleet.TakeAll(ctx.Context, conn, set.Names())
		if err != nil {
			return err
		}
		snapshot = p.owned(ctx.Context, conn, snapshot, about.stack)
		s, err := surveyOn(snapshot, set, fleet.DiffOptions{Prune: o.prune, Adopt: o.adopt})
		if err != nil {
			return err
		}
		new := side{}
		new.Source = review.Source{Kind: "revision", Name: fmt.Sprintf("revision %d", o.revision)}
		new.Set = set
		return p.showReport(o, clusterSide(snapshot, about.stack, set.Names()), new, s.plan)
	})
}

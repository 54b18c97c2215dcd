package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
)

func (p *program) history() *cli.Command {
	in, form := newInput(), newFormat()
	return &cli.Command{
		Name:      "history",
		Usage:     "list what was submitted of a stack, or show one revision",
		ArgsUsage: "[show] FILE|STACK [N]",
		Description: `Lists the revisions of a stack, the newest first: when, by whom, with which command,
and how it ended. A revision that is pending belongs to a run that goes on or was
killed; of one that was sent with --no-wait nobody has seen how its units fare.
"history show" tells all of revision N, its units included.

examples:
  stackc history k8s.toml
  stackc history show k8s 3

exit codes: 0; 1 there is no such stack or revision; 6 unreachable`,
		Flags: append(in.flags(), form.flag()),
		Action: func(ctx *cli.Context) error {
			words, show := ctx.Args().Slice(), false
			if len(words) > 1 && words[0] == "show" {
				words, show = words[1:], true
			}
			if !show && len(words) == 2 {
				return misuse("", "write history show %s %s", words[0], words[1])
			}
			about, number, err := p.stackAndNumber(ctx, in, form, words, show)
			if err != nil {
				return err
			}
			return p.withState(ctx, func(store *state.Store) error {
				if show {
					return p.showRevision(ctx.Context, store, form, about.stack, number)
				}
				return p.showHistory(ctx.Context, store, form, about.stack)
			})
		},
	}
}

// withState gives do the store with locks and history.
func (p *program) withState(ctx *cli.Context, do func(*state.Store) error) error {
	return p.withCluster(ctx, func(conn *fleet.Conn) error {
		store, err := p.remembered(ctx.Context, conn)
		if err != nil {
			return err
		}
		defer store.Close()
		return do(store)
	})
}

// historyReport is the JSON form of a history.
type historyReport struct {
	Stack     string           `json:"stack"`
	Revisions []state.Revision `json:"revisions"`
}

func (p *program) showHistory(ctx context.Context, store *state.Store, form *format, stack string) error {
	list, err := store.Revisions(ctx, stack)
	if err != nil {
		return err
	}
	lock, err := store.Lock(ctx, stack)
	if err != nil {
		return err
	}
	switch {
	case len(list) == 0:
		return noHistory(ctx, store, stack)
	case form.isJSON():
		return p.json(historyReport{Stack: stack, Revisions: list})
	}
	return p.printf("%s", view.History(list, lock, p.textWidth()))
}

// noHistory says that nothing is recorded of a stack, and which may have been meant.
func noHistory(ctx context.Context, store *state.Store, stack string) error {
	known, err := store.Stacks(ctx)
	if err != nil {
		return err
	}
	return misuse(aboutFiles(stack), "there is no history of stack %q%s", stack, didYouMean(stack, known, ""))
}

// revisionReport is the JSON form of a revision.
type revisionReport struct {
	state.Revision
	Files []unitFile `json:"files"`
}

func (p *program) showRevision(ctx context.Context, store *state.Store, form *format, stack string, number int) error {
	list, err := store.Revisions(ctx, stack)
	if err != nil {
		return err
	}
	r, err := pick(stack, list, number)
	if err != nil {
		return err
	}
	set, err := setOf(ctx, store, r)
	if err != nil {
		return err
	}
	if form.isJSON() {
		return p.json(revisionReport{r, unitFiles(set)})
	}
	return p.printf("%s\n%s", view.Revision(r), joined(unitFiles(set)))
}

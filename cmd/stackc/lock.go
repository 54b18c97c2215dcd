package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet/state"
)

func (p *program) lock() *cli.Command {
	in, form, yes := newInput(), newFormat(), false
	return &cli.Command{
		Name:      "lock",
		Usage:     "show who changes a stack, or take the lock of a dead run away",
		ArgsUsage: "show|steal FILE|STACK",
		Description: `A submit, rollback or destroy holds the lock of its stack, so that no other changes
the same one. A run that was killed leaves it behind; it ends by itself 30 seconds
after it was refreshed for the last time, or at once by "lock steal". A run that is
alive sends nothing more when its lock is stolen. On a terminal steal asks first.

examples:
  stackc lock show k8s
  stackc lock steal k8s.toml --yes

exit codes: 0 done, or it is free; 1 error; 5 it has gone over to somebody else
meanwhile; 6 unreachable`,
		Flags: append(in.flags(), form.flag(),
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Destination: &yes, DisableDefaultText: true, Usage: "do not ask"}),
		Action: func(ctx *cli.Context) error {
			words := ctx.Args().Slice()
			verbs := []string{"show", "steal"}
			switch {
			case len(words) != 2:
				return wrongArguments(ctx, ctx.Command.ArgsUsage, words)
			case !slices.Contains(verbs, words[0]):
				return misuse("stackc lock --help shows an example", "lock cannot %q%s", words[0], didYouMean(words[0], verbs, "stackc lock "))
			}
			about, err := p.subject(words[1], in, form)
			if err != nil {
				return err
			}
			return p.withState(ctx, func(store *state.Store) error {
				if words[0] == "show" {
					return p.showLock(ctx.Context, store, form, about.stack)
				}
				return p.stealLock(ctx.Context, store, form, about.stack, yes)
			})
		},
	}
}

// lockReport is the JSON form of a lock; a free one is null.
type lockReport struct {
	Stack string      `json:"stack"`
	Lock  *state.Lock `json:"lock"`
	// Stolen says that this command has taken it away.
	Stolen bool `json:"stolen,omitempty"`
}

func (p *program) showLock(ctx context.Context, store *state.Store, form *format, stack string) error {
	lock, err := store.Lock(ctx, stack)
	if err != nil {
		return err
	}
	if form.isJSON() {
		return p.json(lockReport{Stack: stack, Lock: lock})
	}
	return p.printf("%s", view.Lock(stack, lock))
}

func (p *program) stealLock(ctx context.Context, store *state.Store, form *format, stack string, yes bool) error {
	lock, err := store.Lock(ctx, stack)
	if err != nil {
		return err
	}
	if lock == nil {
		return p.showLock(ctx, store, form, stack)
	}
	if !form.isJSON() {
		if err := p.printf("%s", view.Lock(stack, lock)); err != nil {
			return err
		}
	}
	if !yes && p.interactive() {
		if err := p.ask(ctx, "the lock stays"); err != nil {
			return err
		}
	}
	if err := store.Steal(ctx, lock); err != nil && state.KindOf(err) != state.Missing {
		return err
	}
	if form.isJSON() {
		return p.json(lockReport{Stack: stack, Lock: lock, Stolen: true})
	}
	return p.printf("the lock of %s is free\n", stack)
}

package main

import (
	"bufio"
	"context"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
)

// confirm asks a person before something that runs is stopped, and tells whether it
// has asked. Where nobody can answer it does not: there the caller has decided.
func (p *program) confirm(ctx context.Context, c carriage) (asked bool, err error) {
	if c.how.yes || !p.interactive() || !disturbs(c.plan) {
		return false, nil
	}
	return true, p.ask(ctx, "nothing is sent")
}

// confirmFirst asks a person who has seen the first changed units of a rollout. Where
// nobody can answer, the run ends there.
func (p *program) confirmFirst(c carriage, show progress) func(context.Context, []string) (bool, error) {
	if c.how.goOn == nil || c.how.yes {
		return nil
	}
	return func(ctx context.Context, groups []string) (bool, error) {
		if !p.interactive() {
			return false, nil
		}
		show.close()
		defer show.again()
		if err := p.printf("\n%s", view.FirstUnits(c.plan, groups)); err != nil {
			return false, err
		}
		err := p.ask(ctx, "")
		if ctx.Err() != nil {
			return false, err
		}
		return err == nil, nil
	}
}

// disturbs reports whether the plan stops, restarts or removes a unit that is on
// some machine.
func disturbs(plan *fleet.Plan) bool {
	for _, u := range plan.Units {
		if u.Action.Writes() && u.Action != fleet.Create && len(u.Placement.Now) > 0 {
			return true
		}
	}
	return false
}

// interactive reports whether somebody is there to be asked.
func (c *console) interactive() bool { return c.inTerminal && c.outTerminal }

// ask wants a yes; anything else is an error, and so is the end of ctx.
func (c *console) ask(ctx context.Context, otherwise string) error {
	if err := c.printf("\ngo on? [y/N] "); err != nil {
		return err
	}
	type line struct {
		text string
		err  error
	}
	answered := make(chan line, 1)
	go func() { // a read cannot be ended; the program does not outlast it
		text, err := bufio.NewReader(c.in).ReadString('\n')
		answered <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		c.printf("\n") // what follows does not stand behind the question
		return context.Cause(ctx)
	case l := <-answered:
		if l.err != nil && l.text == "" {
			c.printf("\n")
			return misuse("", "no answer; %s", otherwise)
		}
		if a := strings.ToLower(strings.TrimSpace(l.text)); a != "y" && a != "yes" {
			return misuse("", "not confirmed; %s", otherwise)
		}
		return nil
	}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/gc"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

// session is one change of a stack: its lock, and what is recorded of it. Without
// an etcd it does nothing.
type session struct {
	console *console
	store   *state.Store
	lease   *state.Lease
	claims  map[string]state.Claims
	record  *state.Record
	keep    int
	// wants says that others have been told which units the stack is about to have,
	// reserves that they have been told of its contents.
	wants, reserves bool
}

// begin takes the lock of a stack. Somebody else's is exit code 5: it is not for
// this command to change the stack now.
func (p *program) begin(ctx context.Context, conn *fleet.Conn, stack, doing string, keep int) (*session, error) {
	store, reason, err := p.cluster.memory(ctx, conn)
	if err != nil {
		return nil, err
	}
	s := &session{console: p.console, store: store, keep: keep}
	if store != nil && stack == "" { // nobody's units have no lock
		store.Close()
		s.store = nil
		return s, nil
	}
	if store == nil {
		if reason != "" {
			p.remark("note: %s: nothing keeps a second submit away, and there is no history to go back to; %s, --no-state says that it is meant", reason, etcdHelp)
		}
		return s, nil
	}
	who, host, pid := p.who()
	if s.lease, err = store.Acquire(ctx, stack, state.Holder{Who: who, Host: host, PID: pid, Doing: doing}); err != nil {
		store.Close()
		return nil, err
	}
	if s.claims, err = store.Claims(ctx); err != nil {
		s.end(ctx)
		return nil, err
	}
	if err := s.mend(ctx); err != nil {
		s.end(ctx)
		return nil, err
	}
	return s, nil
}

// mend brings back what a gc that was killed has left units without. fleet answers 500
// to whatever is asked of such a unit, even to a request that writes it anew.
func (s *session) mend(ctx context.Context) error {
	n, err := gc.Mend(ctx, s.store)
	if n > 0 {
		s.console.remark("%s", view.Mended(n))
	}
	return err
}

// reserve keeps contents that are about to be written from being removed by a gc.
func (s *session) reserve(ctx context.Context, hashes []string) error {
	if s.store == nil {
		return nil
	}
	s.reserves = true
	return gc.Reserve(ctx, s.store, s.lease, hashes, nil)
}

// end gives the lock back.
func (s *session) end(ctx context.Context) {
	if s.store == nil {
		return
	}
	defer s.store.Close()
	if s.wants {
		if err := s.store.Unwant(ctx, s.lease); err != nil {
			s.console.remark("note: %v", err)
		}
	}
	if s.reserves {
		if err := s.store.Withdraw(ctx, s.lease); err != nil {
			s.console.remark("note: %v", err)
		}
	}
	if err := s.lease.Release(ctx); err != nil {
		s.console.remark("note: %v: the lock ends by itself within %s", err, state.DefaultTTL)
	}
}

// want tells others which units the stack is about to have, before the cluster is
// looked at. That another stack is about to have one of them is an error.
func (s *session) want(ctx context.Context, names []units.Name) error {
	if s.store == nil {
		return nil
	}
	s.wants = true
	others, err := s.store.Want(ctx, s.lease, names)
	if err != nil {
		return err
	}
	var refusals []fleet.Refusal
	for _, name := range slices.Sorted(maps.Keys(others)) {
		refusals = append(refusals, fleet.Refusal{Unit: name, Stack: s.lease.Stack(), Owner: others[name],
			Text: fmt.Sprintf("unit %s of stack %q is in stack %q too, which is submitted just now; rename one of them", name, s.lease.Stack(), others[name])})
	}
	if len(refusals) > 0 {
		return refused(refusals)
	}
	return nil
}

// guard tells whether the lock is still held.
func (s *session) guard() error {
	if s.lease == nil {
		return nil
	}
	return s.lease.Err()
}

func claimList(claims map[string]state.Claims) []fleet.Claim {
	var list []fleet.Claim
	for _, stack := range slices.Sorted(maps.Keys(claims)) {
		for _, name := range slices.Sorted(maps.Keys(claims[stack])) {
			list = append(list, fleet.Claim{Unit: name, Stack: stack, Hash: claims[stack][name]})
		}
	}
	return list
}

func claimsOf(list []fleet.Claim) state.Claims {
	claims := state.Claims{}
	for _, c := range list {
		claims[c.Unit] = c.Hash
	}
	return claims
}

// taken names units of a saved plan that have been taken over by another stack
// since, which shows in no unit.
func (s *session) taken(p *fleet.Plan) error {
	var errs []error
	for _, c := range claimList(s.claims) {
		if u, ok := p.Unit(c.Unit); ok && c.Stack != p.Stack && u.OldHash == c.Hash && u.Owner != c.Stack {
			errs = append(errs, &fleet.Error{Op: "apply", Unit: c.Unit, Kind: fleet.Stale, Err: fmt.Errorf("the plan is out of date: the unit belongs to stack %q by now", c.Stack)})
		}
	}
	return errors.Join(errs...)
}

// open writes down what is about to be done, unless it is nothing: a run that
// writes nothing and leaves the same units as the newest revision is no revision.
func (s *session) open(ctx context.Context, job surveyed) error {
	if job.doing == "" { // what runs is changed, not what the units are
		return nil
	}
	if s.store == nil {
		if job.plan.Count(fleet.Adopt) > 0 {
			s.console.remark("note: without etcd it is recorded nowhere that units were taken over as they are; the next run needs --adopt again")
		}
		return nil
	}
	want := cmp.Or(job.set, job.plan.Set())
	list := state.Units(want)
	claims := claimsOf(job.plan.Claims(true))
	before, err := s.store.Revisions(ctx, job.plan.Stack)
	if err != nil {
		return err
	}
	if job.plan.Empty() && maps.Equal(claims, s.claims[job.plan.Stack]) && len(before) > 0 &&
		before[0].Outcome.Well() && before[0].Digest == state.Digest(list) {
		return nil
	}
	who, host, _ := s.console.who()
	r := state.Revision{Doing: job.doing, Who: who, Host: host, Program: buildVersion().Version, Source: job.source, Changes: changesOf(job.plan)}
	if s.record, err = s.store.Begin(ctx, s.lease, r, list); err != nil {
		return err
	}
	if err := s.store.Claim(ctx, s.lease, s.claims, claims); err != nil {
		s.finish(ctx, job, state.Stopped, err.Error())
		return err
	}
	s.claims[job.plan.Stack] = claims
	return nil
}

func changesOf(p *fleet.Plan) map[string]int {
	changes := map[string]int{}
	for _, u := range p.Units {
		if u.Action != fleet.None {
			changes[string(u.Action)]++
		}
	}
	return changes
}

// close writes down how it ended. The units are as they are; that it cannot be
// written down is told, and changes nothing else. Of units that were sent and not waited
// for nobody knows how they fare.
func (s *session) close(ctx context.Context, job surveyed, noWait bool, outcome fleet.Outcome, err error) {
	if s.record == nil {
		return
	}
	switch code := codeOf(outcome); {
	case err != nil:
		s.finish(ctx, job, state.Stopped, judge(err).Error())
	case outcome.Paused != nil && code == exitChanges:
		s.finish(ctx, job, state.Stopped, fmt.Sprintf("paused after step %d of %d", outcome.Paused.After, outcome.Paused.Of))
	case outcome.Back != nil:
		s.finish(ctx, job, state.Failed, badUnits(outcome)+"; rolled back")
	case code != exitDone:
		s.finish(ctx, job, state.Failed, badUnits(outcome))
	case noWait && len(outcome.Done) > 0:
		s.finish(ctx, job, state.Sent, "")
	default:
		s.finish(ctx, job, state.Done, "")
	}
}

func (s *session) finish(ctx context.Context, job surveyed, outcome state.Outcome, reason string) {
	ctx = context.WithoutCancel(ctx)
	err := s.record.Finish(ctx, outcome, reason, s.keep)
	if err == nil && outcome.Well() {
		err = s.store.Claim(ctx, s.lease, s.claims, claimsOf(job.plan.Claims(false)))
	}
	if err != nil {
		s.console.remark("note: the history is not complete: %v", err)
	}
}

// badUnits names what did not get to be as it should, in one line.
func badUnits(outcome fleet.Outcome) string {
	var parts []string
	for _, u := range outcome.Bad() {
		parts = append(parts, fmt.Sprintf("%s %s", u.Unit, u.Result))
	}
	return strings.Join(parts, ", ")
}

// revision is the number of the revision that was recorded, 0 for none.
func (s *session) revision() int {
	if s.record == nil {
		return 0
	}
	return s.record.Number
}

// stackAndNumber takes FILE or STACK and, behind it, the number of a revision; the
// number is 0 when it may be left out and is.
func (p *program) stackAndNumber(ctx *cli.Context, in *input, form *format, words []string, needed bool) (subject, int, error) {
	if len(words) == 0 || len(words) > 2 || needed && len(words) < 2 {
		return subject{}, 0, wrongArguments(ctx, ctx.Command.ArgsUsage, ctx.Args().Slice())
	}
	number := 0
	if len(words) == 2 {
		var err error
		if number, err = strconv.Atoi(words[1]); err != nil || number < 1 {
			return subject{}, 0, misuse("stackc history tells the numbers", "%q is not the number of a revision", words[1])
		}
	}
	about, err := p.subject(words[0], in, form)
	return about, number, err
}

// pick finds a revision by its number. With 0 it is the one to go back to: the
// newest that ended well and has other units than the newest of all.
func pick(stack string, list []state.Revision, number int) (state.Revision, error) {
	if len(list) == 0 {
		return state.Revision{}, misuse("", "there is no history of stack %q", stack)
	}
	for _, r := range list {
		if number == r.Number || number == 0 && r.Outcome.Well() && r.Digest != list[0].Digest {
			return r, nil
		}
	}
	if number == 0 {
		return state.Revision{}, misuse("", "stack %q has no earlier revision that ended well and has other units", stack)
	}
	return state.Revision{}, misuse(fmt.Sprintf("stackc history %s tells which there are", stack), "stack %q has no revision %d", stack, number)
}

// revision reads the units of one revision.
func (p *program) revision(ctx context.Context, store *state.Store, stack string, number int) (*units.Set, error) {
	list, err := store.Revisions(ctx, stack)
	if err != nil {
		return nil, err
	}
	r, err := pick(stack, list, number)
	if err != nil {
		return nil, err
	}
	return setOf(ctx, store, r)
}

// setOf reads the units of a revision.
func setOf(ctx context.Context, store *state.Store, r state.Revision) (*units.Set, error) {
	list, err := store.Read(ctx, r)
	if err != nil {
		return nil, err
	}
	return state.Set(r.Stack, list), nil
}

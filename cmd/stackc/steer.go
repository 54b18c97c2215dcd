package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// steering is one of the commands that change what runs and not what it is.
type steering struct {
	how          fleet.Steer
	usage, about string
}

func (p *program) start() *cli.Command {
	return p.steer(steering{fleet.Start, "start units that the cluster has",
		`Starts units of the cluster as they are there, and brings up those that have failed or
were left dead, which fleet never does by itself. It waits until they are up.`})
}

func (p *program) stop() *cli.Command {
	return p.steer(steering{fleet.Stop, "stop units and leave them on their machines",
		`Stops units and leaves them loaded, so that they keep their machines. The next submit
of the stack starts them again.`})
}

func (p *program) unload() *cli.Command {
	return p.steer(steering{fleet.Unload, "take units off their machines",
		`Stops units and takes them off their machines; fleet keeps their content. The next
submit of the stack starts them again, on machines that fleet chooses anew.`})
}

func (p *program) restart() *cli.Command {
	return p.steer(steering{fleet.Again, "restart units, counted ones one after the other",
		`Restarts units where they are. fleet takes no notice when it is told twice to launch
one, so each is stopped first. Of counted units the next one goes down when the one
before is up; behind a FILE in which they have an update, as many at a time as it
says. Units of the stack that systemd stops along with one are restarted too, and
those that do not run are started. A global unit restarts everywhere at once.`})
}

func (p *program) steer(st steering) *cli.Command {
	in, form, o := newInput(), newFormat(), newCarrying()
	name, paused := string(st.how), ""
	if st.how == fleet.Again {
		paused = " 2 paused, more is to be done;"
	}
	return &cli.Command{
		Name:      name,
		Usage:     st.usage,
		ArgsUsage: "FILE|STACK|UNIT...",
		Description: st.about + `
UNIT is a name, with or without .service, that of a counted unit, or a pattern with
*; behind a FILE these are units of FILE. Units of one stack go together. STACK is all
of its units, and goes with no other UNIT of it. On a terminal it asks before it stops
anything.

examples:
  stackc ` + name + ` web.service
  stackc ` + name + ` k8s.toml kube-apiserver --timeout 2m

exit codes: 0 done, or nothing to do; 1 error;` + paused + ` 3 a unit failed or timed out;
4 a unit cannot be placed, nothing is sent; 5 somebody else changes the stack;
6 unreachable; 130 interrupted`,
		Flags: append(append(in.flags(), form.flag()), o.flags()...),
		Action: func(ctx *cli.Context) error {
			about, words, err := p.unitArguments(ctx, in, form)
			if err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				return p.carrySteer(ctx, conn, st.how, about, words, form, o)
			})
		},
	}
}

// unitArguments takes a FILE, if there is one, from the words before units.
func (p *program) unitArguments(ctx *cli.Context, in *input, form *format) (subject, []string, error) {
	words := ctx.Args().Slice()
	if len(words) == 0 {
		return subject{}, nil, wrongArguments(ctx, "a FILE, a STACK or names of units", nil)
	}
	if !isFile(words[0]) {
		return subject{}, words, in.ofNoFile(words[0])
	}
	set, findings, err := in.load(p.console, words[0], form)
	if err != nil {
		return subject{}, nil, err
	}
	return subject{stack: set.Stack, set: set, findings: findings}, words[1:], nil
}

// isFile reports whether an argument is a stack file, and not a name.
func isFile(arg string) bool { return arg == "-" || strings.HasSuffix(arg, ".toml") }

func (p *program) carrySteer(cmd *cli.Context, conn *fleet.Conn, how fleet.Steer, about subject, words []string, form *format, o *carrying) error {
	ctx := cmd.Context
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
	if err != nil {
		return err
	}
	snapshot = p.owned(ctx, conn, snapshot, "")
	names, err := about.choose(snapshot, words)
	if err != nil {
		return err
	}
	stack, err := oneStack(snapshot, names)
	if err != nil {
		return err
	}
	session, err := p.begin(ctx, conn, stack, string(how), o.keep)
	if err != nil {
		return err
	}
	defer session.end(ctx)
	plan := fleet.PlanSteer(snapshot, stack, names, how, about.set)
	if how == fleet.Again {
		o.goOn = func(done fleet.Outcome) string { return p.restOf(cmd, names, done) }
	}
	// The lock was taken after the cluster was read, so it is read once more.
	return p.carry(ctx, carriage{conn, session, form, o, surveyed{snapshot: snapshot, plan: plan, findings: about.findings, verify: true}})
}

// choose finds the units that the words mean, all of which the cluster must have.
func (about subject) choose(s *fleet.Snapshot, words []string) ([]units.Name, error) {
	chosen, err := about.find(s, words)
	if err != nil {
		return nil, err
	}
	for _, name := range chosen {
		if _, there := s.Unit(name); !there {
			return nil, misuse("stackc submit brings it there", "%s is not in the cluster", name)
		}
	}
	return chosen, nil
}

// find finds the units that the words mean; without words those of the file.
func (about subject) find(s *fleet.Snapshot, words []string) ([]units.Name, error) {
	var chosen []units.Name
	if about.set != nil && len(words) == 0 {
		chosen = about.set.Names()
	}
	stack, whole := "", []units.Name(nil)
	for _, word := range words {
		found, isStack := about.matching(s, word)
		if len(found) == 0 {
			return nil, about.unknown(s, word)
		}
		if isStack {
			stack, whole = word, append(whole, found...)
			continue
		}
		chosen = append(chosen, found...)
	}
	for _, name := range chosen {
		if about.set == nil && slices.Contains(whole, name) {
			return nil, misuse(fmt.Sprintf("leave %q out to name units alone, or name nothing else for the whole stack", stack),
				"%q is the whole stack, and %s is one of its units", stack, name)
		}
	}
	chosen = append(chosen, whole...)
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// matching are the units of the file, or of the cluster, that a word means: a name, a
// unit of the stack file that was made into several, a pattern, or a stack, all of it.
func (about subject) matching(s *fleet.Snapshot, word string) (list []units.Name, isStack bool) {
	var stack []units.Name
	for _, name := range about.names(s) {
		if meant(word, name) {
			list = append(list, name)
		}
		if live, _ := s.Unit(name); about.set == nil && s.OwnerOf(live) == word {
			stack = append(stack, name)
		}
	}
	if len(list) == 0 {
		return stack, true
	}
	return list, false
}

// names are the units that words may mean.
func (about subject) names(s *fleet.Snapshot) []units.Name {
	if about.set != nil {
		return about.set.Names()
	}
	names := make([]units.Name, len(s.Units))
	for i, u := range s.Units {
		names[i] = u.Name
	}
	return names
}

// meant reports whether a word is the name of a unit, of its template, or a pattern.
func meant(word string, name units.Name) bool {
	full := units.Name(units.Complete(word))
	if template, ok := name.Template(); ok && full.Of("") == template && full.Prefix() == full.Base() {
		return true
	}
	matched, err := path.Match(string(full), string(name))
	return name == full || err == nil && matched
}

func (about subject) unknown(s *fleet.Snapshot, word string) error {
	known := []string{}
	for _, name := range about.names(s) {
		known = append(known, string(name), name.Base(), name.Prefix())
	}
	where := "the cluster has no unit and no stack"
	if about.set != nil {
		where = fmt.Sprintf("stack %s has no unit", about.stack)
	} else {
		known = append(known, s.Owners()...)
	}
	return misuse("", "%s %q%s", where, word, didYouMean(word, known, ""))
}

// oneStack returns the stack that all units belong to, "" for nobody's.
func oneStack(s *fleet.Snapshot, names []units.Name) (string, error) {
	stack := ""
	for i, name := range names {
		live, _ := s.Unit(name)
		owner := s.OwnerOf(live)
		if i > 0 && owner != stack {
			return "", misuse("name those of one stack", "%s belongs to %s and %s to %s", names[0], ownerWord(stack), name, ownerWord(owner))
		}
		stack = owner
	}
	return stack, nil
}

func ownerWord(stack string) string {
	if stack == "" {
		return "no stack"
	}
	return "stack " + stack
}

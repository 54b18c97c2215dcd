package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// isPlanFile tells plan files from stack files, by their names.
func isPlanFile(path string) bool { return strings.HasSuffix(path, ".json") }

// savePlan writes a plan. The file may have secrets of the units in it, so nobody
// else may read it; and it is there whole or not at all.
func (p *program) savePlan(path string, conn *fleet.Conn, s surveyed) error {
	who, host, _ := p.who()
	text, err := fleet.EncodePlan(fleet.SavedPlan{
		Program: buildVersion().Version, Made: p.now().UTC().Truncate(1e9), By: who + " on " + host, Endpoint: conn.Endpoint().Text,
		File: s.source.File, Source: s.source.Digest, Git: s.source.Git,
	}, s.plan)
	if err != nil {
		return err
	}
	fresh, err := beside(path, filepath.Base(path)+".new*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // once renamed, it is not there
	_, err = fresh.Write(text)
	if e := fresh.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}

func readPlan(path string) (*fleet.SavedPlan, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	saved, err := fleet.DecodePlan(text)
	if err != nil {
		return nil, misuse("", "%s cannot be carried out: %w", path, err)
	}
	return saved, nil
}

// undecided are the flags that say what a plan is to be; a plan that was saved is
// what it is.
func undecided(ctx *cli.Context) error {
	for _, name := range []string{"set", "params", "overlay", "strict", "prune", "adopt"} {
		if ctx.IsSet(name) {
			return misuse("give it to plan", "--%s says what to plan, and this is a plan already", name)
		}
	}
	return nil
}

// submitCommand writes the command that carries out what plan has shown: the same
// one, or the plan file's.
func (p *program) submitCommand(ctx *cli.Context, planFile string) string {
	arranged, err := arrange(ctx.App, p.args)
	if err != nil {
		return "" // cannot be: the command runs
	}
	at := slices.Index(arranged, ctx.Command.Name)
	global, own := arranged[:at], arranged[at+1:]
	words := []string{planFile}
	if planFile == "" {
		end := slices.Index(own, "--")
		words = append(slices.Clone(own[end+1:]), without(own[:end], "output", "o", "findings")...)
	}
	words = append(words, without(global, "verbose", "debug", "color")...)
	return "stackc submit " + shellWords(words)
}

// goOnCommand writes the command that goes on from where submit was paused: the
// same one without the pause. It finds the first units changed and asks no more.
func (p *program) goOnCommand(ctx *cli.Context) string {
	arranged, err := arrange(ctx.App, p.args)
	if err != nil {
		return "stackc submit" // cannot be: the command runs
	}
	at := slices.Index(arranged, ctx.Command.Name)
	own := arranged[at+1:]
	end := slices.Index(own, "--")
	words := append(slices.Clone(own[end+1:]), without(own[:end], "pause-after")...)
	words = append(words, arranged[:at]...)
	return "stackc submit " + shellWords(words)
}

// sameStack writes the FILE of a command that looks at one, with the flags by which it is
// compiled and the cluster is reached, as another command takes them. It is FileWord when
// there is none.
func (p *program) sameStack(ctx *cli.Context) string {
	arranged, err := arrange(ctx.App, p.args)
	if err != nil || !isFile(ctx.Args().First()) {
		return fleet.FileWord
	}
	at := slices.Index(arranged, ctx.Command.Name)
	own := arranged[at+1:]
	flags := without(own[:slices.Index(own, "--")], "output", "findings")
	return shellWords(slices.Concat([]string{ctx.Args().First()}, flags, without(arranged[:at], "verbose", "debug", "color")))
}

// restOf writes the command that restarts what a paused restart has left. Somebody has
// looked at the first units by then.
func (p *program) restOf(ctx *cli.Context, names []units.Name, o fleet.Outcome) string {
	arranged, err := arrange(ctx.App, p.args)
	if err != nil {
		return "stackc restart" // cannot be: the command runs
	}
	at := slices.Index(arranged, ctx.Command.Name)
	own := arranged[at+1:]
	words := []string{ctx.Args().First()}
	for _, name := range names {
		if slices.ContainsFunc(o.Left, func(s fleet.Step) bool { return s.Unit == name }) {
			words = append(words, string(name))
		}
	}
	words = append(words, own[:slices.Index(own, "--")]...)
	words = append(words, arranged[:at]...)
	return "stackc restart " + shellWords(append(words, "--yes"))
}

// without leaves out flags, and their values where those stand apart.
func without(args []string, names ...string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		name, _, inline := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") || !slices.Contains(names, name) {
			kept = append(kept, args[i])
			continue
		}
		if !inline && !slices.Contains([]string{"verbose", "debug", "yes", "y"}, name) {
			i++
		}
	}
	return kept
}

// plainWord is what a shell takes as it is.
var plainWord = pattern.New(`^[A-Za-z0-9_@%+=:,./-]+$`)

func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

func shellWord(s string) string {
	if plainWord().MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// savedPlan is what submit needs of a plan file.
func savedPlan(path string, saved *fleet.SavedPlan) surveyed {
	s := surveyed{plan: saved.Plan, saved: path, doing: "submit of a plan"}
	s.source.File, s.source.Digest, s.source.Git = saved.File, saved.Source, saved.Git
	return s
}

// planHint tells how to carry a plan out.
func planHint(command, planFile string) string {
	if planFile != "" {
		return fmt.Sprintf("\nwritten to %s; this carries out exactly that: %s\n", planFile, command)
	}
	return fmt.Sprintf("\nto carry it out: %s\n", command)
}

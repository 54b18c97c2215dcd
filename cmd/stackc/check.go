package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
)

func (p *program) check() *cli.Command {
	in, form, baseline := newInput(), newFormat(), ""
	return &cli.Command{
		Name:      "check",
		Usage:     "say what is wrong with stack files",
		ArgsUsage: "FILE...",
		Description: `Compiles each FILE ("-" is the standard input) and shows what was found.
Nothing is written, and no cluster is asked. With --baseline only those findings
count that an older version of the file does not have.

examples:
  stackc check k8s.toml
  stackc check --baseline k8s.toml k8s.toml
  stackc check --strict --set master=10.0.0.1 k8s.toml

exit codes: 0 when there is no error, otherwise 1`,
		Flags: append(in.flags(), form.flag(),
			&cli.StringFlag{Name: "baseline", Destination: &baseline, Usage: "leave out what the stack file `OLD` has too: a path, git:REV:PATH, or git:REV for FILE in that revision"},
		),
		Action: func(ctx *cli.Context) error {
			if !ctx.Args().Present() {
				return wrongArguments(ctx, "at least one FILE", nil)
			}
			return p.checkFiles(ctx.Context, in, form, baseline, ctx.Args().Slice())
		},
	}
}

// checked is the JSON form of a file that was checked.
type checked struct {
	fileResult
	// Known is how many findings the baseline has too.
	Known int `json:"known,omitempty"`
}

func (p *program) checkFiles(ctx context.Context, in *input, form *format, baseline string, paths []string) error {
	code := exitDone
	reports := []checked{}
	for _, path := range paths {
		result, findings := in.compile(p.console, path)
		findings, known, err := p.sinceBaseline(ctx, in, baseline, path, findings)
		if err != nil {
			return err
		}
		if findings.HasErrors() {
			code = exitError
		}
		if form.isJSON() {
			reports = append(reports, checked{fileReport(path, result, findings), known})
			continue
		}
		in.show(p.console, findings)
		if known > 0 && !findings.HasErrors() {
			if err := p.printf("%s: %s, and %d known\n", shownPath(path), cmp.Or(diag.Summary(findings), "nothing new"), known); err != nil {
				return err
			}
			continue
		}
		if err := p.verdict(path, result, findings); err != nil {
			return err
		}
	}
	if form.isJSON() {
		if err := p.json(reports); err != nil {
			return err
		}
	}
	return exitWith(code)
}

// sinceBaseline leaves out what the baseline has too. A revision that does not have
// the file has found nothing in it.
func (p *program) sinceBaseline(ctx context.Context, in *input, baseline, path string, findings diag.List) (diag.List, int, error) {
	if baseline == "" {
		return findings, 0, nil
	}
	word, missing := baseline, false
	if rest, ok := strings.CutPrefix(baseline, "git:"); ok && !strings.Contains(rest, ":") {
		word, missing = baseline+":"+path, true
	}
	old, err := p.readSide(ctx, in, word, missing)
	if err != nil {
		return nil, 0, err
	}
	for _, f := range old.findings {
		if f.Code == diag.FileNotFound && old.Set == nil {
			return nil, 0, misuse("", "--baseline %s: %s", baseline, f.Message)
		}
	}
	fresh, known := findings.Since(old.findings)
	return fresh, known, nil
}

// verdict writes one line on a file: on stdout when it can be used, else on stderr.
func (p *program) verdict(path string, result *compiler.Result, findings diag.List) error {
	summary := diag.Summary(findings)
	if result.Set == nil {
		p.remark("%s: %s", shownPath(path), summary)
		return nil
	}
	text := fmt.Sprintf("%s: stack %s, %s", shownPath(path), result.Set.Stack, plural(len(result.Set.Units), "unit", "units"))
	if summary != "" {
		text += ", " + summary
	}
	return p.printf("%s\n", text)
}

package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
)

func (p *program) check() *cli.Command {
	in, form := newInput(), newFormat()
	return &cli.Command{
		Name:      "check",
		Usage:     "say what is wrong with stack files",
		ArgsUsage: "FILE...",
		Description: `Compiles each FILE ("-" is the standard input) and shows what was found.
Nothing is written, and no cluster is asked.

examples:
  stackc check k8s.toml
  stackc check --strict --set master=10.0.0.1 k8s.toml

exit codes: 0 when there is no error, otherwise 1`,
		Flags:  append(in.flags(), form.flag()),
		Action: func(ctx *cli.Context) error { return p.checkFiles(in, form, ctx.Args().Slice()) },
	}
}

func (p *program) checkFiles(in *input, form *format, paths []string) error {
	if len(paths) == 0 {
		return misuse("stackc check --help shows an example", "check takes at least one FILE")
	}
	code := exitDone
	reports := []fileResult{}
	for _, path := range paths {
		result, findings := in.compile(p.console, path)
		if findings.HasErrors() {
			code = exitError
		}
		if form.isJSON() {
			reports = append(reports, fileReport(path, result, findings))
			continue
		}
		in.show(p.console, findings)
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

// verdict writes one line on a file: on stdout when it can be used, else on stderr.
func (p *program) verdict(path string, result *compiler.Result, findings diag.List) error {
	summary := diag.Summary(findings)
	if result.Set == nil {
		p.remark("%s: %s", path, summary)
		return nil
	}
	text := fmt.Sprintf("%s: stack %s, %d units", path, result.Set.Stack, len(result.Set.Units))
	if summary != "" {
		text += ", " + summary
	}
	return p.printf("%s\n", text)
}

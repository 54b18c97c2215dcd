package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/schema"
)

func (p *program) schema() *cli.Command {
	var overlay bool
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of stack files, for editors",
		ArgsUsage: " ",
		Description: `With the schema an editor for TOML completes keys and values, shows what they mean,
and marks what is wrong while it is typed. Write it beside the stack file and name
it in the first line of that: #:schema ./stackc.schema.json

examples:
  stackc schema > stackc.schema.json
  stackc schema --overlay > overlay.schema.json

exit codes: 0 done; 1 error`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "overlay", Destination: &overlay, DisableDefaultText: true, Usage: "the schema of overlays"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return wrongArguments(ctx, "no FILE, for it is the same for all", ctx.Args().Slice())
			}
			text := schema.Stack()
			if overlay {
				text = schema.Overlay()
			}
			_, err := p.out.Write(text)
			return err
		},
	}
}

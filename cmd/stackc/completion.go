package main

import (
	"embed"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"
)

// completionScripts are small: they ask stackc itself what may stand where the
// cursor is, see [completeWord].
//
//go:embed completion
var completionScripts embed.FS

// shells are those that there is a script for.
func shells() []string { return []string{"bash", "zsh", "fish"} }

func (p *program) completion() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that lets a shell complete stackc's command lines",
		ArgsUsage: "SHELL",
		Description: `SHELL is bash, zsh or fish. The shell then completes commands, flags and their values,
stack files, and of a stack file its units and parameters. make install puts the
scripts where shells look for them.

examples:
  stackc completion bash > /tmp/stackc.bash
  stackc completion fish

exit codes: 0 done; 1 error`,
		Action: func(ctx *cli.Context) error {
			shell, err := oneFile(ctx, "SHELL")
			if err != nil {
				return err
			}
			if !slices.Contains(shells(), shell) {
				return misuse("", "there is completion for %s, and none for %q%s", orList(shells()), shell, didYouMean(shell, shells(), ""))
			}
			text, err := completionScripts.ReadFile("completion/stackc." + shell)
			if err != nil {
				return fmt.Errorf("stackc was built without its script for %s: %w", shell, err)
			}
			_, err = p.out.Write(text)
			return err
		},
	}
}

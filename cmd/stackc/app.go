package main

import (
	"context"
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
)

// program is what all commands share.
type program struct {
	*console
	cluster *connection
}

// run carries out the command that the arguments give, and returns its exit code.
func run(p process) int {
	c := newConsole(p)
	ctx, stop := interruptible(context.Background())
	defer stop()
	return report(c, execute(ctx, c))
}

func execute(ctx context.Context, c *console) error {
	p := &program{console: c, cluster: newConnection()}
	app := newApp(p)
	if len(c.args) > 0 && c.args[0] == completeWord {
		return p.answerShell(app, c.args[1:])
	}
	args, err := arrange(app, c.args)
	if errors.Is(err, errNoCommand) {
		return showHelp(ctx, c, app)
	}
	if err != nil {
		return err
	}
	help := &keepError{to: app.Writer}
	app.Writer = help
	if err := app.RunContext(ctx, append([]string{app.Name}, args...)); err != nil {
		return err
	}
	return help.err
}

// keepError keeps the first error of a writer, for a library that writes help without
// looking whether it arrives.
type keepError struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (k *keepError) Write(p []byte) (int, error) {
	n, err := k.to.Write(p)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

// showHelp tells on stderr what there is, when it was not said what to do.
func showHelp(ctx context.Context, c *console, app *cli.App) error {
	app.Writer = c.stderr()
	if err := app.RunContext(ctx, []string{app.Name, "--help"}); err != nil {
		return err
	}
	return exitWith(exitError)
}

// newApp builds the tree of commands and flags. Errors come back from it as they
// are: the library must neither print nor exit by itself.
func newApp(p *program) *cli.App {
	app := &cli.App{
		Name:                  "stackc",
		Usage:                 "compile stack files into systemd units, and bring a fleet cluster to them",
		Flags:                 append([]cli.Flag{p.colourFlag()}, p.cluster.flags()...),
		HideHelpCommand:       true,
		HideVersion:           true,
		CustomAppHelpTemplate: appHelp,
		Writer:                p.stdout(),
		ErrWriter:             p.stderr(),
		ExitErrHandler:        func(*cli.Context, error) {},
		OnUsageError:          func(_ *cli.Context, err error, _ bool) error { return badValue(err) },
		Commands: []*cli.Command{
			p.init(),
			p.check(),
			p.fmt(),
			p.compile(),
			p.bootstrap(),
			p.ports(),
			p.pxe(),
			p.imports(),
			p.explain(),
			p.params(),
			p.graph(),
			p.diff(),
			p.plan(),
			p.submit(),
			p.status(),
			p.verify(),
			p.why(),
			p.start(),
			p.stop(),
			p.restart(),
			p.unload(),
			p.destroy(),
			p.machines(),
			p.doctor(),
			p.history(),
			p.rollback(),
			p.lock(),
			p.gc(),
			p.pki(),
			p.library(),
			p.mirror(),
			p.schema(),
			p.completion(),
			p.man(),
			p.version(),
		},
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true
		c.OnUsageError = app.OnUsageError
		c.CustomHelpTemplate = commandHelp
	}
	return app
}

func (p *program) colourFlag() cli.Flag {
	return &cli.GenericFlag{Name: "color", Value: &p.colour, Usage: "write colours: `WHEN` is auto, always or never"}
}

// fault writes an error on stderr.
func (c *console) fault(message, help string) {
	c.stderr().Write([]byte(view.Error(message, help)))
}

// The help texts. Flags are written by the library, in two columns.
const (
	appHelp = `stackc: {{.Usage}}

usage: stackc COMMAND [FLAGS] [FILE]

commands:
{{range .VisibleCommands}}  {{.Name}}{{"\t"}}{{.Usage}}
{{end}}
global flags, which hold for every command:
{{range .VisibleFlags}}  {{.}}
{{end}}
exit codes: 0 done, or nothing to do; 1 error in the input or the request;
2 there are changes (plan, diff); 3 a unit failed or timed out, or a check does not
hold; 4 a unit cannot be placed; 5 the plan is stale, or somebody else changes the
stack; 6 the cluster cannot be reached; 130 interrupted

stackc COMMAND --help tells more, with an example.
`
	commandHelp = `stackc {{.Name}}: {{.Usage}}

usage: stackc {{.Name}} {{.ArgsUsage}}

{{.Description}}
{{if .VisibleFlags}}
flags:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}
stackc --help lists the global flags and the exit codes.
`
)

// Command bench measures stackc beside the least that the same work can cost,
// and prints the figures of docs/performance.md. Every figure is a median, and
// what is compared is run in turns in one run, so that the ratios hold on any machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit code: 0 when everything could be measured.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	bin := flags.String("bin", "bin", "`DIR` with the binaries stackc, fleetbox and fleetctl")
	rounds := flags.Int("rounds", 5, "how often each thing is measured")
	once := flags.String("once", "", "measure one thing once, in this process: floor, compile, peakof COMMAND or costof COMMAND (the bench itself uses this)")
	only := flags.String("only", "", "measure one `PART`: compile, import, diff, startup, submit, unchanged, scale, cluster or gc")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := bench{ctx: ctx, out: out, bin: *bin, rounds: *rounds}
	if *once == "peakof" {
		return report(errs, tellPeakOf(out, flags.Args()))
	}
	if *once == "costof" {
		return report(errs, tellCostOf(out, flags.Args()))
	}
	if *once != "" {
		n, err := strconv.Atoi(flags.Arg(0))
		if err != nil {
			fmt.Fprintln(errs, "bench: --once needs a number of units")
			return 2
		}
		if err := onceOnly(*once, n); err != nil {
			return report(errs, err)
		}
		return report(errs, tellMemory(out))
	}
	known := false
	for _, part := range []struct {
		name    string
		measure func() error
	}{{"compile", b.compile}, {"import", b.imports}, {"diff", b.diff}, {"startup", b.startup}, {"submit", b.submit}, {"unchanged", b.unchanged}, {"scale", b.scale}, {"cluster", b.onCluster}, {"gc", b.collect}} {
		if *only != "" && *only != part.name {
			continue
		}
		known = true
		if err := part.measure(); err != nil {
			return report(errs, err)
		}
	}
	if !known {
		return report(errs, fmt.Errorf("there is no part %q", *only))
	}
	return 0
}

func report(errs io.Writer, err error) int {
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	ctx    context.Context
	out    io.Writer
	bin    string
	rounds int
}

func (b *bench) title(format string, args ...any) {
	fmt.Fprintf(b.out, "\n"+format+"\n\n", args...)
}

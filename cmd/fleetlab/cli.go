package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

const usage = `fleetlab brings up a real fleet cluster on this machine: three systemd-nspawn nodes with systemd and fleetd 1.0.0, etcd and a mirror,
in network namespaces of their own. It needs root.

Usage:
  fleetlab up [--keep] [--mirror DIR] [--id ID] [--docker-after-flannel] [--etcd-on-nodes]
  fleetlab status
  fleetlab exec [--id ID] NODE -- COMMAND...
  fleetlab down [--id ID | --all]

up makes a lab. With --keep it is left up; without, it is removed when fleetlab ends (Ctrl-C).
status lists the labs on this machine. exec runs a command inside a node. down removes a lab, also one whose maker was killed.

Examples:
  fleetlab up --keep
  fleetlab exec node1 -- systemctl status fleet
  fleetlab exec master -- /bin/bash
  fleetlab down

Exit codes: 0 done, 1 failed, 2 wrong usage; exec gives the command's own.
`

// defaultID is the lab that the commands mean when no --id is given.
const defaultID = "lab"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that makes no sense.
type usageError struct{ what string }

func (e *usageError) Error() string { return e.what }

// cli is what the commands share.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := cli{stdin, stdout, stderr}
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	err := c.command(ctx, args[0], args[1:])
	var wrong *usageError
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "fleetlab: %v\nrun 'fleetlab --help' for the usage\n", err)
		return exitUsage
	case args[0] == "exec" && errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintf(stderr, "fleetlab: %v\n", err)
	return exitFailed
}

func (c cli) command(ctx context.Context, name string, args []string) error {
	switch name {
	case "up":
		return c.up(ctx, args)
	case "down":
		return c.down(args)
	case "status":
		return c.status(args)
	case "exec":
		return c.exec(ctx, args)
	case "serve-mirror":
		return c.serveMirror(ctx, args)
	case "relay":
		return c.relay(ctx, args)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	}
	return &usageError{fmt.Sprintf("unknown command %q", name)}
}

// parse reads the flags of a command; the arguments behind them must number between min and max, max -1 being any.
func parse(f *flag.FlagSet, args []string, min, max int) error {
	f.SetOutput(io.Discard)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err.Error()}
	}
	if f.NArg() < min || (max >= 0 && f.NArg() > max) {
		return &usageError{fmt.Sprintf("%s: wrong number of arguments", f.Name())}
	}
	return nil
}

func (c cli) up(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("up", flag.ContinueOnError)
	keep := f.Bool("keep", false, "leave the lab up")
	mirror := f.String("mirror", "", "directory the mirror serves")
	id := f.String("id", defaultID, "name of the lab")
	docker := f.Bool("docker-after-flannel", false, "docker.service waits for flannel's subnet file")
	etcd := f.Bool("etcd-on-nodes", false, "etcd answers on 127.0.0.1:4001 of every node")
	sources := lab.Sources{}
	f.StringVar(&sources.FleetModule, "fleet-module", "", "module that builds fleetd")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	if err := lab.Sweep(""); err != nil {
		return err
	}
	if _, err := lab.Open("", *id); err == nil {
		return fmt.Errorf("lab %s is there already: 'fleetlab status' shows it, 'fleetlab down --id %s' removes it", *id, *id)
	}
	fmt.Fprintln(c.stderr, "building fleetd, fleetctl and the stand-ins")
	binaries, err := sources.Build(ctx)
	if err != nil {
		return err
	}
	log := func(format string, args ...any) { fmt.Fprintf(c.stderr, format+"\n", args...) }
	l, err := lab.Up(ctx, lab.Config{ID: *id, Keep: *keep, Mirror: *mirror, DockerAfterFlannel: *docker, EtcdOnNodes: *etcd, Binaries: binaries, Log: log})
	if err != nil {
		return err
	}
	if *mirror == "" {
		if err := fillMirror(binaries, l.MirrorDir()); err != nil {
			return errors.Join(err, l.Down())
		}
	}
	c.describe(l, *keep)
	if *keep {
		return nil
	}
	<-ctx.Done()
	fmt.Fprintln(c.stderr, "removing the lab")
	return l.Down()
}

// fillMirror serves the stand-ins of 0.15 where the guide has them, and those of each release under its name.
func fillMirror(b lab.Binaries, dir string) error {
	if _, err := b.BuildMirror(dir, "0.15"); err != nil {
		return err
	}
	for _, release := range lab.Releases() {
		if _, err := b.BuildMirror(filepath.Join(dir, release), release); err != nil {
			return err
		}
	}
	return nil
}

// describe says how the lab is reached.
func (c cli) describe(l *lab.Lab, kept bool) {
	fmt.Fprintf(c.stdout, "lab %s is up\n\n", l.ID)
	for _, n := range l.Nodes() {
		fmt.Fprintf(c.stdout, "  %-8s %s  %-12s %s\n", n.Name, n.Address, n.Metadata, n.Endpoint())
	}
	fmt.Fprintf(c.stdout, `
  mirror   %s (files in %s)
  etcd     %s, inside the lab's network

  stackc submit --endpoint %s stacks/k8s.toml
  %s
  fleetlab exec --id %s master -- fleetctl list-units
  fleetlab exec --id %s master -- /bin/bash
`, l.MirrorURL(), l.MirrorDir(), l.EtcdURL(), l.Endpoint(), strings.Join(l.FleetctlCommand(context.Background(), "list-machines").Args, " "), l.ID, l.ID)
	if kept {
		fmt.Fprintf(c.stdout, "  fleetlab down --id %s\n", l.ID)
	} else {
		fmt.Fprintln(c.stdout, "\nCtrl-C removes it.")
	}
}

func (c cli) down(args []string) error {
	f := flag.NewFlagSet("down", flag.ContinueOnError)
	id := f.String("id", defaultID, "name of the lab")
	all := f.Bool("all", false, "every lab on this machine")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	ids := []string{*id}
	if *all {
		states, err := lab.List("")
		if err != nil {
			return err
		}
		ids = nil
		for _, s := range states {
			ids = append(ids, s.ID)
		}
	}
	var errs []error
	for _, id := range ids {
		l, err := lab.Open("", id)
		if err == nil {
			err = l.Down()
		}
		if err == nil {
			fmt.Fprintf(c.stdout, "lab %s is removed\n", id)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c cli) status(args []string) error {
	if err := parse(flag.NewFlagSet("status", flag.ContinueOnError), args, 0, 0); err != nil {
		return err
	}
	states, err := lab.List("")
	if err != nil {
		return err
	}
	if len(states) == 0 {
		fmt.Fprintln(c.stdout, "no labs")
	}
	for _, s := range states {
		l, err := lab.Open("", s.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "lab %s, made %s by process %d\n", s.ID, s.Created.Format("2006-01-02 15:04:05"), s.Owner.PID)
		for _, n := range l.Nodes() {
			state := "down"
			if n.Running() {
				state = "running"
			}
			fmt.Fprintf(c.stdout, "  %-8s %s  %-12s %-8s %s\n", n.Name, n.Address, n.Metadata, state, n.Endpoint())
		}
	}
	return nil
}

func (c cli) exec(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("exec", flag.ContinueOnError)
	id := f.String("id", defaultID, "name of the lab")
	if err := parse(f, args, 2, -1); err != nil {
		return err
	}
	l, err := lab.Open("", *id)
	if err != nil {
		return err
	}
	name, argv := f.Arg(0), f.Args()[1:]
	if argv[0] == "--" {
		argv = argv[1:]
	}
	n := l.Node(name)
	if n == nil || len(argv) == 0 {
		return &usageError{fmt.Sprintf("exec: want NODE -- COMMAND, and a node of lab %s; there is no command or no node %q", *id, name)}
	}
	cmd, err := n.Command(ctx, argv...)
	if err != nil {
		return err
	}
	// A shell wants the terminal, which only the foreground process group may read.
	cmd.SysProcAttr, cmd.Cancel = nil, nil
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stdout, c.stderr
	return cmd.Run()
}

// serveMirror is what the lab runs in the namespace of its switch; not for people.
func (c cli) serveMirror(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("serve-mirror", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:8000", "address")
	if err := parse(f, args, 1, 1); err != nil {
		return err
	}
	return lab.ServeMirror(ctx, *listen, f.Arg(0), c.stdout)
}

// relay is what tests run as a balancer of several machines; not for people.
func (c cli) relay(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("relay", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:8000", "address")
	if err := parse(f, args, 1, -1); err != nil {
		return err
	}
	return lab.Relay(ctx, *listen, f.Args())
}

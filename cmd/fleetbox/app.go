package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/stackc/stackc/cmd/fleetbox/box"
	"github.com/stackc/stackc/cmd/fleetbox/control"
	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// options are the flags of the command line.
type options struct {
	machines, hostUnits, sockets, listen, rules list
	etcd, control, data                         string
	ttl                                         time.Duration
	fast, verbose, untilEOF                     bool
}

// list is a flag that can be given several times.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, " ") }

// Set implements flag.Value.
func (l *list) Set(v string) error {
	*l = append(*l, v)
	return nil
}

const usage = `fleetbox: a whole fleet cluster in one process, on simulated systemds

Usage:
  fleetbox [flags]
  fleetbox [flags] exec -- COMMAND [ARG]...
  fleetbox control ENDPOINT METHOD PATH [BODY]

Examples:
  fleetbox --socket /tmp/fleet.sock
  fleetbox --fast --machine role=master@10.20.30.40 --machine m2:role=node,disk=ssd --listen 127.0.0.1:49153
  fleetbox --rule '{"unit":"api.service","delay":"3s"}' exec -- fleetctl list-machines
  fleetbox control http://127.0.0.1:38229 POST /machines/n2/stop

It prints one line of JSON when it is ready: the endpoints of fleet, etcd and control, and the machines.
With exec it runs COMMAND instead, which finds them in FLEETCTL_ENDPOINT, FLEETBOX_ETCD (STACKC_ETCD
too, for stackc) and FLEETBOX_CONTROL, and ends when COMMAND ends, with its exit code.
The package documentation ("go doc ./cmd/fleetbox") describes the control API.

Flags:
`

func (o *options) flags(stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("fleetbox", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Var(&o.machines, "machine", "a machine, as `[NAME:]KEY=VALUE,...[@ADDRESS]`; may be repeated (default one role=master, two role=node)")
	set.Var(&o.hostUnits, "host-unit", "a `UNIT` or glob that runs on every machine before fleet comes; may be repeated (besides docker.service, etcd.service, dbus.service, *.target, *.slice)")
	set.Var(&o.sockets, "socket", "unix socket `PATH` of fleet's API; may be repeated")
	set.Var(&o.listen, "listen", "`HOST:PORT` of fleet's API, port 0 for any; may be repeated (default 127.0.0.1:0 if there is no --socket)")
	set.StringVar(&o.etcd, "etcd", "127.0.0.1:0", "`HOST:PORT` of etcd's client API")
	set.StringVar(&o.control, "control", "127.0.0.1:0", "`ADDRESS` of the control API: HOST:PORT or the path of a unix socket")
	set.StringVar(&o.data, "data", "", "`DIR` for etcd's data (default a temporary one in TMPDIR or /dev/shm, removed at the end)")
	set.DurationVar(&o.ttl, "ttl", 0, "how long a silent machine counts as alive (default 30s as in fleetd, 5s with --fast)")
	set.Var(&o.rules, "rule", "how units behave, as the `JSON` of a rule of the control API; may be repeated")
	set.BoolVar(&o.fast, "fast", false, "shorten fleet's intervals, for tests: a change takes effect in tenths of a second")
	set.BoolVar(&o.untilEOF, "until-eof", false, "end when standard input ends, so as not to outlive the parent")
	set.BoolVar(&o.verbose, "verbose", false, "show the logs of fleet and etcd on standard error")
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	return set
}

// defaultHostUnits run on every machine, as the units of the guides expect of a CoreOS host.
func defaultHostUnits() []string {
	return []string{"docker.service", "etcd.service", "dbus.service", "*.target", "*.slice"}
}

func (o *options) box() (box.Options, error) {
	if len(o.machines) == 0 {
		o.machines = list{"role=master", "role=node", "role=node"}
	}
	machines, err := box.ParseMachines(o.machines)
	if err != nil {
		return box.Options{}, err
	}
	listen := append(o.sockets, o.listen...)
	if len(listen) == 0 {
		listen = list{"127.0.0.1:0"}
	}
	timing := box.FleetTiming()
	if o.fast {
		timing = box.FastTiming()
	}
	if o.ttl != 0 {
		timing.TTL = o.ttl
	}
	if timing.TTL < 2*time.Second {
		return box.Options{}, errors.New("--ttl: etcd needs at least 2s") // it counts whole seconds
	}
	rules, err := o.parseRules()
	if err != nil {
		return box.Options{}, err
	}
	return box.Options{
		Machines: machines, HostUnits: append(defaultHostUnits(), o.hostUnits...),
		Listen: listen, Etcd: o.etcd, Data: o.data, Timing: timing, Rules: rules,
	}, nil
}

func (o *options) parseRules() ([]sim.Rule, error) {
	var out []sim.Rule
	for _, text := range o.rules {
		r, err := sim.ParseRule(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// run is the command; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if len(args) > 0 && args[0] == "control" {
		return call(args[1:], stdout, stderr)
	}
	var o options
	set := o.flags(stderr)
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	until := func(line ready) (int, error) { return o.wait(line, signals, stdin, stdout) }
	switch rest := set.Args(); {
	case len(rest) > 1 && rest[0] == "exec" && !o.untilEOF:
		until = func(line ready) (int, error) {
			return execute(command(rest[1:], line, stdin, stdout, stderr), signals)
		}
	case len(rest) > 0:
		fmt.Fprintf(stderr, "fleetbox: unexpected argument %q\n", rest[0])
		return exitUsage
	}
	code, err := o.serve(stderr, until)
	if err != nil {
		fmt.Fprintf(stderr, "fleetbox: %v\n", err)
		return exitError
	}
	return code
}

func call(args []string, stdout, stderr io.Writer) int {
	if len(args) != 3 && len(args) != 4 {
		fmt.Fprintln(stderr, "usage: fleetbox control ENDPOINT METHOD PATH [BODY]")
		return exitUsage
	}
	body := strings.Join(args[3:], "")
	if err := control.Call(context.Background(), args[0], args[1], args[2], body, stdout); err != nil {
		fmt.Fprintf(stderr, "fleetbox: %v\n", err)
		return exitError
	}
	return exitOK
}

// ready is the line printed when everything answers.
type ready struct {
	Fleet    []string      `json:"fleet"`
	Etcd     string        `json:"etcd"`
	Control  string        `json:"control"`
	Machines []box.Machine `json:"machines"`
	PID      int           `json:"pid"`
}

// serve runs a box until that returns, with the exit code.
func (o *options) serve(stderr io.Writer, until func(ready) (int, error)) (code int, err error) {
	opts, err := o.box()
	if err != nil {
		return exitError, err
	}
	var logs io.Writer
	if o.verbose {
		logs = stderr
	}
	box.SetUp(logs)
	// First of all the address of the control API: whether it can be had needs no box.
	listener, err := box.Listen(o.control)
	if err != nil {
		return exitError, err
	}
	defer listener.Close()
	b, err := box.Start(opts)
	if err != nil {
		return exitError, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	line := ready{Fleet: b.FleetURLs(), Etcd: b.EtcdURL(), Control: box.URL(listener), Machines: opts.Machines, PID: os.Getpid()}
	server := serveControl(listener, control.Handler(b, line))
	defer server.Close()
	return until(line)
}

// wait prints the ready line and waits for a signal or, with --until-eof, the end of stdin.
func (o *options) wait(line ready, signals <-chan os.Signal, stdin io.Reader, stdout io.Writer) (int, error) {
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return exitError, err
	}
	end := make(chan struct{})
	if o.untilEOF {
		go func() {
			io.Copy(io.Discard, stdin)
			close(end)
		}()
	}
	select {
	case <-signals:
	case <-end:
	}
	return exitOK, nil
}

func serveControl(l net.Listener, handler http.Handler) *http.Server {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	return server
}

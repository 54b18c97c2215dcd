package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Exit codes: a refused command line is 2, as with Go's flag package and with pflag's callers; a program that cannot do its work is 1.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// host is all that a stand-in knows of the machine it runs on.
type host struct {
	args    []string // args[0] says which program is played
	release string
	stdout  io.Writer
	stderr  io.Writer
	getenv  func(string) string
	etc     string // directory of the files that make a program late or let it fail
}

// player is one run of a stand-in.
type player struct {
	host
	program string
	flags   values
	delay   time.Duration
}

// logf writes one line of the journal.
func (h host) logf(format string, args ...any) {
	fmt.Fprintf(h.stderr, format+"\n", args...)
}

// run plays the program named by args[0] until ctx ends and returns the exit code.
func run(ctx context.Context, h host) int {
	program := filepath.Base(h.args[0])
	if program == "hyperkube" && h.release == "1.11" && len(h.args) > 1 {
		h.args = h.args[1:]
		program = played(h.args[0])
	}
	t, err := lookupTable(h.release, program)
	if asksForHelp(h.args[1:]) {
		h.help(program)
		return exitOK
	}
	if err != nil {
		h.logf("kube-standin: %v", err)
		return exitUsage
	}
	flags, rest, err := t.parse(h.args[1:])
	if err != nil {
		h.logf("stand-in for %s of release %s: %v", program, h.release, err)
		return exitUsage
	}
	if flags["version"] == "true" {
		fmt.Fprintln(h.stdout, h.banner(program))
		return exitOK
	}
	p := player{host: h, program: program, flags: flags}
	h.logf("%s", h.banner(program))
	if len(rest) > 0 {
		h.logf("ignores the words behind the flags, as the real program does: %s", strings.Join(rest, " "))
	}
	if name := t.missing(flags); name != "" {
		h.logf("cannot start: no --%s", name)
		return exitFailed
	}
	return p.play(ctx)
}

// played is the program that a word of hyperkube's means, with or without "kube-".
func played(word string) string {
	if word == "kubelet" || strings.HasPrefix(word, "kube-") || strings.HasPrefix(word, "-") {
		return word
	}
	return "kube-" + word
}

// banner says what this is, and what it is not.
func (h host) banner(program string) string {
	return fmt.Sprintf("stand-in for %s of release %s: not Kubernetes", program, h.release)
}

func asksForHelp(args []string) bool {
	for _, a := range args {
		if a == "--help" || a == "-help" || a == "-h" {
			return true
		}
	}
	return false
}

func (h host) help(program string) {
	fmt.Fprintf(h.stdout, `%s.

It plays the program it is installed as, one of
  %s
or, of release 1.11, as hyperkube by the first word. It takes the flags of release %s and exits 2 at any other, listens where they say, and answers /healthz with 200 once its delay is over and what the real
program needs answers. SIGTERM ends it with 0.

  %s/PROGRAM.delay   seconds before it is healthy (also KUBE_STANDIN_DELAY), 0.5 without
  %s/PROGRAM.fail    when the file is there, the program writes it to its log and exits 1

Example:
  ln kube-standin kube-apiserver
  ./kube-apiserver --address=127.0.0.1 --port=8080 --portal_net=10.100.0.0/16 --etcd_servers=http://127.0.0.1:4001
`, h.banner(program), strings.Join(programs, ", "), h.release, h.etc, h.etc)
}

// play does what the program does, after the two files that tests use have been looked at.
func (p player) play(ctx context.Context) int {
	if why, err := os.ReadFile(filepath.Join(p.etc, p.program+".fail")); err == nil {
		p.logf("told to fail: %s", strings.TrimSpace(string(why)))
		return exitFailed
	}
	delay, err := p.readDelay()
	if err != nil {
		p.logf("delay: %v", err)
		return exitFailed
	}
	p.delay = delay
	if err := p.work(ctx); err != nil && ctx.Err() == nil {
		p.logf("%v", err)
		return exitFailed
	}
	p.logf("ends")
	return exitOK
}

func (p player) work(ctx context.Context) error {
	switch p.program {
	case "flanneld", "flannel":
		return p.flannel(ctx)
	case "setup-network-environment":
		return p.networkEnvironment()
	case "kube-register":
		return p.register(ctx)
	}
	s, err := p.service()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if err := p.pods(ctx, p.flags["pod_manifest_path"], &running); err != nil {
		return err
	}
	return p.serve(ctx, s)
}

// readDelay returns how long the program stays unhealthy: the file of the program first, then the environment, then half a second.
func (p player) readDelay() (time.Duration, error) {
	text := p.getenv("KUBE_STANDIN_DELAY")
	if data, err := os.ReadFile(filepath.Join(p.etc, p.program+".delay")); err == nil {
		text = strings.TrimSpace(string(data))
	}
	if text == "" {
		return 500 * time.Millisecond, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

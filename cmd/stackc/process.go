package main

import (
	"cmp"
	"crypto/rand"
	"io"
	"os"
	"os/user"
	"strconv"
	"time"

	"golang.org/x/term"
)

// process is what the command has from outside: nothing else in the program asks
// the operating system for arguments, streams, the environment or the time.
type process struct {
	args   []string // without the program's name
	in     io.Reader
	out    io.Writer
	err    io.Writer
	getenv func(string) string
	now    func() time.Time
	random io.Reader // for serial numbers and tokens
	// who tells the user, the host and the process, for locks and history.
	who func() (user, host string, pid int)

	// inTerminal, outTerminal and errTerminal say which streams a person sees.
	inTerminal, outTerminal, errTerminal bool
	// size gives columns and rows of the terminal, 0 when there is none.
	size func() (columns, rows int)
}

func thisProcess() process {
	return process{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr,
		getenv: os.Getenv, now: time.Now, random: rand.Reader, who: whoami,
		inTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		size:        terminalSize,
	}
}

// whoami names the person behind sudo, as far as that is told.
func whoami() (string, string, int) {
	name, host := os.Getenv("SUDO_USER"), "an unknown host"
	if u, err := user.Current(); err == nil && name == "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return cmp.Or(name, "uid "+strconv.Itoa(os.Getuid())), host, os.Getpid()
}

// terminalSize asks whichever of the output streams is a terminal.
func terminalSize() (columns, rows int) {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil {
			return columns, rows
		}
	}
	return 0, 0
}

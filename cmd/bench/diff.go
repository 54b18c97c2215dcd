package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// diffUnits is how many units each of two stacks has that are compared.
const diffUnits = 5000

// diff measures the comparison of two big stacks beside diff -r of their compiled
// folders, which tells nothing but lines, and beside the two compiles that stackc
// cannot do without.
func (b *bench) diff() error {
	dir, err := os.MkdirTemp("", "bench-diff")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	old, new := filepath.Join(dir, "old.toml"), filepath.Join(dir, "new.toml")
	text := stackText(diffUnits)
	changed := text
	for i := range 50 { // 50 units get another version, one in a hundred
		changed = strings.Replace(changed, fmt.Sprintf("app:1.%d\"", i*100), fmt.Sprintf("app:2.%d\"", i*100), 1)
	}
	if err := errors.Join(os.WriteFile(old, []byte(text), 0o644), os.WriteFile(new, []byte(changed), 0o644)); err != nil {
		return err
	}
	for _, side := range []string{"old", "new"} {
		if err := b.command("stackc", "compile", filepath.Join(dir, side+".toml"), "-o", filepath.Join(dir, side)); err != nil {
			return err
		}
	}
	stackc, was, is := filepath.Join(b.bin, "stackc"), filepath.Join(dir, "old"), filepath.Join(dir, "new")
	ours, theirs, err := inTurns(b.rounds,
		func() error { return differs(stackc, "diff", old, new) },
		func() error { return differs("diff", "-r", was, is) })
	if err != nil {
		return err
	}
	compiles, folders, err := inTurns(b.rounds,
		func() error {
			return errors.Join(b.command("stackc", "compile", old, "--output", "json"), b.command("stackc", "compile", new, "--output", "json"))
		},
		func() error { return differs(stackc, "diff", was, is) })
	if err != nil {
		return err
	}
	ourPeak, err := peakOf(stackc, "diff", old, new)
	if err != nil {
		return err
	}
	theirPeak, err := peakOf("diff", "-r", was, is)
	if err != nil {
		return err
	}
	b.title("diff of two stacks of %d units, 50 of which differ", diffUnits)
	row := func(what string, took time.Duration, peak int64) {
		memory := "-"
		if peak > 0 {
			memory = fmt.Sprintf("%d MB", peak>>10)
		}
		fmt.Fprintf(b.out, "%-44s %8s %8s\n", what, took.Round(time.Millisecond), memory)
	}
	row("stackc diff OLD NEW", ours, ourPeak)
	row("stackc compile of both, one after the other", compiles, 0)
	row("stackc diff of the compiled folders", folders, 0)
	row("diff -r of the compiled folders", theirs, theirPeak)
	return nil
}

// differs runs a program that compares. That there are differences is no error; that
// there are none is.
func differs(name string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || !strings.Contains(out.String(), "app:2.") {
		return fmt.Errorf("%s %s: %v\n%.500s", name, args[0], err, out.String())
	}
	return nil
}

// peakOf runs a command in a process of its own and returns the most memory it
// held, in KiB. What the system accounts to a program begins with the memory of
// its parent, which therefore is a small one.
func peakOf(name string, args ...string) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command(self, append([]string{"--once", "peakof", name}, args...)...).Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// tellPeakOf runs a command and writes that number.
func tellPeakOf(out io.Writer, command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("the system does not tell how much memory a process took")
	}
	_, err := fmt.Fprintln(out, usage.Maxrss)
	return err
}

package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// command is the command line to run beside a box, told of it by its environment.
func command(line []string, box ready, stdin io.Reader, stdout, stderr io.Writer) *exec.Cmd {
	if line[0] == "--" {
		line = line[1:]
	}
	if len(line) == 0 {
		line = []string{""} // fails to start
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.Env = append(os.Environ(),
		"FLEETCTL_ENDPOINT="+box.Fleet[0], "STACKC_ETCD="+box.Etcd, "FLEETBOX_ETCD="+box.Etcd, "FLEETBOX_CONTROL="+box.Control)
	return cmd
}

// execute runs a command and returns its exit code. SIGTERM is passed on; an interrupt of the
// terminal reaches the command by itself.
func execute(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	if err := cmd.Start(); err != nil {
		return exitError, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				cmd.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exitCode(exit), nil
			}
			return exitOK, err
		}
	}
}

// exitCode is the code of a command that failed; one that a signal ended has 128 more than the
// signal's number, as in a shell.
func exitCode(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

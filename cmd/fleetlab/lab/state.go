package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stateFile is the file in a lab's directory that another process needs to use the lab or to remove it.
const stateFile = "state.json"

// State is what a lab writes down about itself before it makes anything.
type State struct {
	ID       string
	Created  time.Time
	Keep     bool         // outlives its owner
	Owner    Process      // the process that made it
	Nodes    []NodeConfig // as configured
	Mirror   string       // directory the mirror serves
	Binaries Binaries
}

// Process names a process in a way that survives the reuse of its number.
type Process struct {
	PID   int
	Start uint64 // clock ticks after boot, field 22 of proc_pid_stat(5)
	Boot  string // random id of the boot
}

func newState(c Config) State {
	mirror := c.Mirror
	if mirror == "" {
		mirror = filepath.Join(c.Dir, c.ID, "mirror")
	}
	return State{ID: c.ID, Created: time.Now().UTC(), Keep: c.Keep, Owner: thisProcess(), Nodes: c.Nodes, Mirror: mirror, Binaries: c.Binaries}
}

func (s State) write(dir string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stateFile), append(data, '\n'), 0o644)
}

func readState(dir string) (State, error) {
	var s State
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(data, &s)
	return s, err
}

// List returns the states of the labs in dir (DefaultDir when empty), those that are up and those that are left over.
func List(dir string) ([]State, error) {
	if dir == "" {
		dir = DefaultDir
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", stateFile))
	if err != nil {
		return nil, err
	}
	var all []State
	for _, f := range files {
		// A lab that is removed meanwhile is none, and one that has not got its name yet neither.
		if s, err := readState(filepath.Dir(f)); err == nil && s.ID == filepath.Base(filepath.Dir(f)) {
			all = append(all, s)
		}
	}
	return all, nil
}

// Sweep removes the labs whose makers are gone, unless they were to be kept. Two processes may sweep at once.
func Sweep(dir string) error {
	if dir == "" {
		dir = DefaultDir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(filepath.Join(dir, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	all, err := List(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range all {
		if s.Keep || s.Owner.alive() {
			continue
		}
		if err := attach(filepath.Join(dir, s.ID), s, nil).Down(); err != nil {
			errs = append(errs, fmt.Errorf("lab %s: %w", s.ID, err))
		}
	}
	return errors.Join(errs...)
}

func thisProcess() Process {
	pid := os.Getpid()
	return Process{PID: pid, Start: startTime(pid), Boot: bootID()}
}

func (p Process) alive() bool {
	return p.Start > 0 && p.Boot == bootID() && p.Start == startTime(p.PID)
}

// startTime is field 22 of /proc/PID/stat, 0 when there is no such process. The second field is in parentheses and may hold anything, so count from its end.
func startTime(pid int) uint64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return 0
	}
	t, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0
	}
	return t
}

func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// lockFile takes an exclusive lock that the kernel drops with the process.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

// noMountBelow refuses a directory that something is mounted in.
func noMountBelow(dir string) error {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			return fmt.Errorf("%s is still mounted, %s is left as it is", f[4], dir)
		}
	}
	return nil
}

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ownCgroupMount is where the unified hierarchy is mounted when the machine has not done so itself.
const ownCgroupMount = "/run/fleetlab-cgroup"

// cgroupMount returns a mount point of the unified hierarchy (cgroups(7)), empty when there is none. Machines with the old hierarchies in /sys/fs/cgroup have it
// in a directory there or nowhere.
func cgroupMount() string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(data), "\n") {
		mount, kind, ok := strings.Cut(line, " - ")
		if f := strings.Fields(mount); ok && len(f) > 4 && f[3] == "/" && strings.HasPrefix(kind, "cgroup2 ") {
			return f[4]
		}
	}
	return ""
}

// makeCgroup makes the cgroup that all processes of a lab are in, so that they can be found and killed whatever they have forked.
func makeCgroup(id string) (string, error) {
	if cgroupMount() == "" {
		if err := os.MkdirAll(ownCgroupMount, 0o755); err != nil {
			return "", err
		}
		if err := syscall.Mount("cgroup2", ownCgroupMount, "cgroup2", 0, ""); err != nil {
			return "", fmt.Errorf("mounting the unified cgroup hierarchy: %w", err)
		}
	}
	dir := cgroupPath(id)
	return dir, os.Mkdir(dir, 0o755)
}

// cgroupPath is where a lab's cgroup is, or would be.
func cgroupPath(id string) string {
	mount := cgroupMount()
	if mount == "" {
		mount = ownCgroupMount
	}
	return filepath.Join(mount, "fleetlab-"+id)
}

// unmountOwn takes our own mount of the hierarchy away when no lab is left in it.
func unmountOwn() error {
	if left, err := filepath.Glob(filepath.Join(ownCgroupMount, "fleetlab-*")); err != nil || len(left) > 0 || cgroupMount() != ownCgroupMount {
		return err
	}
	return errors.Join(syscall.Unmount(ownCgroupMount, 0), os.Remove(ownCgroupMount))
}

// processes returns the processes in a cgroup and below, by their numbers in this process's PID namespace.
func processes(cgroup string) []int {
	var pids []int
	// Cgroups vanish while they are walked; what is gone has no processes.
	_ = filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		data, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for _, word := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids
}

// killAll kills what is in the cgroup until it is empty.
func killAll(cgroup string) error {
	deadline := time.Now().Add(15 * time.Second)
	for {
		pids := processes(cgroup)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes of %s do not die: %v", len(pids), cgroup, pids)
		}
		for _, pid := range pids {
			// ESRCH: it was quicker.
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// removeCgroup kills what is in a cgroup and removes it with all below.
func removeCgroup(cgroup string) error {
	if err := killAll(cgroup); err != nil {
		return err
	}
	var dirs []string
	_ = filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	var errs []error
	for i := len(dirs) - 1; i >= 0; i-- {
		errs = append(errs, removeEmptyCgroup(dirs[i]))
	}
	return errors.Join(errs...)
}

// removeEmptyCgroup tries for a while: a cgroup stays busy until its last dead process has been reaped.
func removeEmptyCgroup(dir string) error {
	var err error
	for range 200 {
		if err = syscall.Rmdir(dir); err == nil || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s: %w", dir, err)
}

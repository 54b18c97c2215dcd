package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Node is one machine of a lab.
type Node struct {
	NodeConfig
	lab *Lab
}

func newNode(l *Lab, c NodeConfig) *Node { return &Node{NodeConfig: c, lab: l} }

// MachineID is the node's /etc/machine-id and so its id in fleet. It is made of the address, so that the order in which fleet places units (lowest id first
// among equals) is the same in every run: 10.20.30.40 begins with 10203040.
func (n *Node) MachineID() string {
	var b strings.Builder
	for _, part := range strings.Split(n.Address, ".") {
		fmt.Fprintf(&b, "%02s", part[max(0, len(part)-2):])
	}
	return b.String() + strings.Repeat("0", 24)
}

// Root is the node's root directory as the host sees it: /etc, /opt, /srv and /var are there; /run and /tmp are not, they are the node's own tmpfs, and /usr is empty.
func (n *Node) Root() string { return filepath.Join(n.lab.Dir, n.Name, "root") }

// Path is the host's name of a file of the node, for writing its configuration or reading what it left; not for /run, /tmp and /usr.
func (n *Node) Path(inside string) string { return filepath.Join(n.Root(), inside) }

// Socket is fleet's unix socket as the host sees it. It is a second listener of fleet.socket on the node's disk, because /run is hidden from the host.
func (n *Node) Socket() string { return n.Path(hostSocket) }

// Endpoint is Socket as a URL.
func (n *Node) Endpoint() string { return "unix://" + n.Socket() }

// TCPEndpoint is fleet's API inside the lab's network.
func (n *Node) TCPEndpoint() string { return fmt.Sprintf("http://%s:%d", n.Address, FleetPort) }

// Console is the file that holds what systemd and nspawn said, over all boots.
func (n *Node) Console() string { return filepath.Join(n.lab.Dir, n.Name, "console.log") }

// consoleTail is the end of the console and of the journal, for an error message: the files themselves go with the lab.
func (n *Node) consoleTail() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	journal, err := n.Exec(ctx, "journalctl", "--no-pager", "--quiet", "--lines=60", "--output=short-monotonic")
	if err != nil {
		journal = err.Error()
	}
	return n.consoleFile() + "its journal:\n" + journal
}

func (n *Node) consoleFile() string {
	data, err := os.ReadFile(n.Console())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4096):])
}

func (n *Node) netns() string   { return n.lab.netns(n.Name) }
func (n *Node) machine() string { return n.lab.netns(n.Name) }
func (n *Node) port() string    { return "port-" + n.Name }
func (n *Node) cgroup() string  { return filepath.Join(n.lab.cgroup, n.Name) }

// boot starts systemd as PID 1 of the node's own container.
//
// The machine's own cgroup layout does not matter: the container's view of /sys/fs/cgroup is the unified hierarchy, bound over it in a mount namespace that only
// nspawn has. nspawn cannot see that the systemd in an empty /usr is new enough for it, so it is told.
func (n *Node) boot() error {
	if err := os.Mkdir(n.cgroup(), 0o755); err != nil {
		return err
	}
	group, err := os.Open(n.cgroup())
	if err != nil {
		return err
	}
	defer group.Close()
	console, err := os.OpenFile(n.Console(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()
	script := `mount --bind "$1" /sys/fs/cgroup && shift && exec "$@"`
	args := append([]string{"-c", script, "sh", filepath.Dir(n.lab.cgroup), "systemd-nspawn"}, n.nspawnArgs()...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Env = []string{"PATH=" + nodePath, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1"}
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Its end is seen in the cgroup; reap it.
	go func() { _ = cmd.Wait() }()
	return nil
}

func (n *Node) nspawnArgs() []string {
	return []string{
		"--quiet", "--boot",
		// There is no systemd on the host to register with.
		"--register=no", "--keep-unit",
		"--machine=" + n.machine(), "--hostname=" + n.Name,
		"--directory=" + n.Root(),
		"--network-namespace-path=" + filepath.Join(netnsDir, n.netns()),
		// The host's programs, and before them those of the lab.
		"--overlay-ro=/usr:" + n.lab.overlay() + ":/usr",
		// The node is thrown away: what it writes need not reach the disk.
		"--suppress-sync=yes",
		"--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe",
	}
}

// Kill ends the node as a power cut does: every process of it is killed at once. Its disk stays.
func (n *Node) Kill() error { return removeCgroup(n.cgroup()) }

// removeTraces removes what nspawn leaves in /run when it is killed: a directory named after the machine and a lock named after the root directory's inode.
func (n *Node) removeTraces() error {
	const run = "/run/systemd/nspawn"
	err := os.RemoveAll(filepath.Join(run, "propagate", n.machine()))
	var st syscall.Stat_t
	if syscall.Stat(n.Root(), &st) != nil {
		return err // never had a root
	}
	return errors.Join(err, os.RemoveAll(filepath.Join(run, "locks", fmt.Sprintf("inode-%d:%d", st.Dev, st.Ino))))
}

// Start boots a node that was killed, with the disk it had, and returns when its systemd can be reached.
func (n *Node) Start(ctx context.Context) error {
	if len(processes(n.cgroup())) > 0 {
		return fmt.Errorf("%s is running", n.Name)
	}
	if err := n.boot(); err != nil {
		return err
	}
	return poll(ctx, func() error {
		_, err := n.Exec(ctx, "systemctl", "show", "--property=Version")
		return err
	})
}

// Running says whether the node's systemd is there.
func (n *Node) Running() bool {
	_, err := n.leader()
	return err == nil
}

// leader is the host's number of the node's PID 1.
func (n *Node) leader() (int, error) {
	for _, pid := range processes(n.cgroup()) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			// NSpid lists the numbers from the outermost namespace to the innermost (proc_pid_status(5)).
			if f := strings.Fields(line); len(f) > 2 && f[0] == "NSpid:" && f[len(f)-1] == "1" {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("%s is not running", n.Name)
}

// nodePath is where programs are looked for inside a node.
const nodePath = "/usr/sbin:/usr/bin:/sbin:/bin"

// Command prepares a program to be run inside the node, in all namespaces of its PID 1 and with a clean environment.
func (n *Node) Command(ctx context.Context, argv ...string) (*exec.Cmd, error) {
	pid, err := n.leader()
	if err != nil {
		return nil, err
	}
	args := []string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
		"/usr/bin/env", "-i", "PATH=" + nodePath, "HOME=/root", "LANG=C.UTF-8"}
	return groupCommand(ctx, "nsenter", append(args, argv...)...), nil
}

// NetnsCommand prepares a program of the host, with the host's files, to be run in the node's network namespace: the node's addresses are its own, 127.0.0.1 too.
func (n *Node) NetnsCommand(ctx context.Context, argv ...string) *exec.Cmd {
	return groupCommand(ctx, "nsenter", append([]string{"--net=" + filepath.Join(netnsDir, n.netns()), "--"}, argv...)...)
}

// groupCommand makes a command whose whole process group dies with ctx: nsenter forks.
func groupCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Exec runs a program inside the node and returns its standard output. A failure is an *exec.ExitError in an error that also has the standard error.
func (n *Node) Exec(ctx context.Context, argv ...string) (string, error) {
	cmd, err := n.Command(ctx, argv...)
	if err != nil {
		return "", err
	}
	return output(cmd, n.Name, argv)
}

// ExecNetns runs a program of the host in the node's network namespace and returns its standard output.
func (n *Node) ExecNetns(ctx context.Context, argv ...string) (string, error) {
	return output(n.NetnsCommand(ctx, argv...), n.Name, argv)
}

func output(cmd *exec.Cmd, where string, argv []string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %s: %w: %s", where, strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Journal returns the log of one unit of the node, of its present boot; of the whole node when unit is empty.
func (n *Node) Journal(ctx context.Context, unit string) (string, error) {
	argv := []string{"journalctl", "--no-pager", "--quiet", "--output=short-monotonic"}
	if unit != "" {
		argv = append(argv, "--unit="+unit)
	}
	return n.Exec(ctx, argv...)
}

// WriteFile writes a file of the node, and the directories above it, from the host.
func (n *Node) WriteFile(inside, content string, mode os.FileMode) error {
	return writeFile(n.Path(inside), content, mode)
}

func writeFile(path, content string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return err
	}
	// WriteFile keeps the mode of a file that was there.
	return os.Chmod(path, mode)
}

// poll calls f until it succeeds or ctx ends; then the last failure is told.
func poll(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// netnsDir is where ip-netns(8) keeps the namespaces it names.
const netnsDir = "/run/netns"

// switchName is the namespace of the bridge; the mirror listens there.
const switchName = "switch"

// netns is the name of one of the lab's network namespaces.
func (l *Lab) netns(of string) string { return "fl-" + l.ID + "-" + of }

// makeNetwork makes a namespace for the bridge and one per node, joined by veth pairs. No end of any of them is in the host's namespace, so nothing on the host
// can reach or be reached, and any number of labs may use the same addresses.
func (l *Lab) makeNetwork(ctx context.Context) error {
	sw := l.netns(switchName)
	steps := []string{
		"netns add " + sw,
		"-n " + sw + " link set lo up",
		"-n " + sw + " link add br0 type bridge forward_delay 0 stp_state 0",
		fmt.Sprintf("-n %s address add %s/%d dev br0", sw, MirrorAddress, prefixBits),
		"-n " + sw + " link set br0 up",
	}
	for _, n := range l.nodes {
		ns, port := n.netns(), n.port()
		steps = append(steps,
			"netns add "+ns,
			"-n "+ns+" link set lo up",
			fmt.Sprintf("-n %s link add %s type veth peer name eth0 netns %s", sw, port, ns),
			fmt.Sprintf("-n %s link set %s master br0 up", sw, port),
			fmt.Sprintf("-n %s address add %s/%d dev eth0", ns, n.Address, prefixBits),
			"-n "+ns+" link set eth0 up",
			// There is nothing behind it; programs that look for the interface of the default route find one.
			"-n "+ns+" route add default via "+MirrorAddress,
		)
	}
	for _, step := range steps {
		if err := ip(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// removeNetwork removes the lab's namespaces, and with them all devices in them.
func (l *Lab) removeNetwork() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	found, err := filepath.Glob(filepath.Join(netnsDir, l.netns("*")))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range found {
		if err := ip(ctx, "netns delete "+filepath.Base(path)); err != nil {
			// What a killed "netns add" leaves is a file that is no namespace.
			errs = append(errs, err, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}

// ip runs ip(8) with the words of one line.
func ip(ctx context.Context, line string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ip", strings.Fields(line)...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", line, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// CutNetwork takes the node's cable out: it runs on, and nothing reaches it or hears of it but what goes through its unix socket and Exec.
func (n *Node) CutNetwork(ctx context.Context) error {
	return ip(ctx, fmt.Sprintf("-n %s link set %s down", n.lab.netns(switchName), n.port()))
}

// HealNetwork puts the cable back.
func (n *Node) HealNetwork(ctx context.Context) error {
	return ip(ctx, fmt.Sprintf("-n %s link set %s up", n.lab.netns(switchName), n.port()))
}

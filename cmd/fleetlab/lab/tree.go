package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// hostSocket is where a node's fleet.socket listens for the host's sake.
const hostSocket = "/srv/fleet.sock"

// overlay is the directory that is laid over the host's /usr on every node.
func (l *Lab) overlay() string { return filepath.Join(l.Dir, "usr") }

// dockerScript is /usr/bin/docker of a node. Its "version" is what a stack asks to learn whether docker is up.
const dockerScript = `#!/bin/sh
# A stand-in for docker: not Docker. "docker -d" runs as docker.service and does nothing; "docker version" succeeds while that unit is active.
case "$1" in
-d) echo "stand-in for docker: not Docker"; exec /usr/bin/sleep infinity ;;
version)
	if /usr/bin/systemctl --quiet is-active docker.service; then echo "stand-in for docker: not Docker"; exit 0; fi
	echo "stand-in for docker: docker.service is not active" >&2
	exit 1 ;;
esac
echo "stand-in for docker: knows only -d and version" >&2
exit 2
`

// writeOverlay lays out what the nodes have in /usr beside the host's own files: fleet's programs and the stand-in for docker. The host's /usr/local is hidden.
func (l *Lab) writeOverlay(b Binaries) error {
	bin := filepath.Join(l.overlay(), "bin")
	local := filepath.Join(l.overlay(), "local")
	for _, dir := range []string{bin, local} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// An opaque directory hides those of the layers below (Linux Documentation/filesystems/overlayfs.rst).
	if err := syscall.Setxattr(local, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		return fmt.Errorf("hiding /usr/local: %w", err)
	}
	if err := copyFile(b.Fleetd, filepath.Join(bin, "fleetd")); err != nil {
		return err
	}
	if err := copyFile(b.Fleetctl, filepath.Join(bin, "fleetctl")); err != nil {
		return err
	}
	return writeFile(filepath.Join(bin, "docker"), dockerScript, 0o755)
}

// copyFile links where it can: binaries are never changed in place.
func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// writeTree writes the node's root directory: a Debian without packages of its own, /usr is mounted by nspawn.
func (n *Node) writeTree(c Config) error {
	for _, dir := range []string{"dev", "etc/systemd/system", "home", "mnt", "opt/standin", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var/lib", "var/log", "var/tmp"} {
		if err := os.MkdirAll(n.Path(dir), 0o755); err != nil {
			return err
		}
	}
	links := map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run", "var/lock": "../run/lock",
		"opt/standin/docker": "/usr/bin/docker"}
	for name, target := range links {
		if err := os.Symlink(target, n.Path(name)); err != nil {
			return err
		}
	}
	if c.bare() {
		if err := n.WriteFile(userData, c.UserData[n.Name], 0o600); err != nil {
			return err
		}
	}
	for name, content := range n.etcFiles(c) {
		if err := n.WriteFile(filepath.Join("/etc", name), content, 0o644); err != nil {
			return err
		}
	}
	if err := n.copyFromHost(); err != nil {
		return err
	}
	return n.writeUnits(c)
}

// etcFiles are the node's own files in /etc.
func (n *Node) etcFiles(c Config) map[string]string {
	files := map[string]string{
		"machine-id":    n.MachineID() + "\n",
		"hostname":      n.Name + "\n",
		"hosts":         "127.0.0.1 localhost " + n.Name + "\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
		"passwd": `root:x:0:0:root:/root:/bin/sh
messagebus:x:100:100::/nonexistent:/usr/sbin/nologin
etcd:x:101:101::/var/lib/etcd:/usr/sbin/nologin
core:x:500:500::/home/core:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`,
		"group":  "root:x:0:\nadm:x:4:\ntty:x:5:\nutmp:x:43:\nmessagebus:x:100:\netcd:x:101:\ncore:x:500:\nsystemd-journal:x:102:\nnogroup:x:65534:\n",
		"shadow": "root:*:19000:0:99999:7:::\n",
		// What CoreOS's cloud-init writes, read by the older guide's units.
		"environment": fmt.Sprintf("COREOS_PRIVATE_IPV4=%s\nCOREOS_PUBLIC_IPV4=%s\n", n.Address, n.Address),
	}
	if c.bare() {
		delete(files, "environment")
	}
	return files
}

// copyFromHost takes over the few files of the host's /etc that its /usr cannot do without.
func (n *Node) copyFromHost() error {
	for _, name := range []string{"/etc/os-release", "/etc/ld.so.cache"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := n.WriteFile(name, string(data), 0o644); err != nil {
			return err
		}
	}
	links, err := filepath.Glob("/etc/alternatives/*")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.Path("/etc/alternatives"), 0o755); err != nil {
		return err
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // alternatives(8) keeps a README there too
		}
		if err := os.Symlink(target, n.Path(link)); err != nil {
			return err
		}
	}
	return nil
}

// writeUnits writes the units that are there before fleet, masks what a container has no use for, and enables ours.
func (n *Node) writeUnits(c Config) error {
	dir := n.Path("/etc/systemd/system")
	for _, name := range maskedUnits {
		if err := os.Symlink("/dev/null", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := os.Symlink("/usr/lib/systemd/system/multi-user.target", filepath.Join(dir, "default.target")); err != nil {
		return err
	}
	wants := filepath.Join(dir, "multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return err
	}
	for name, content := range n.hostUnits(c) {
		if content == "" {
			if err := os.Symlink("/dev/null", filepath.Join(dir, name)); err != nil {
				return err
			}
			continue
		}
		if err := writeFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
		if !strings.HasSuffix(name, ".service") {
			continue
		}
		if err := os.Symlink("../"+name, filepath.Join(wants, name)); err != nil {
			return err
		}
	}
	return nil
}

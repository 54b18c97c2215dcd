package lab

import (
	"fmt"
	"strings"
)

// maskedUnits are units of the host's /usr that a node has no use for, or that need what a container lacks: devices, logins, its own network set-up.
var maskedUnits = []string{
	"console-getty.service", "container-getty@.service", "getty.target", "getty@.service",
	"dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
	"proc-sys-fs-binfmt_misc.automount", "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
	"systemd-binfmt.service", "systemd-firstboot.service", "systemd-hwdb-update.service", "systemd-journal-flush.service", "systemd-logind.service",
	"systemd-machine-id-commit.service", "systemd-modules-load.service", "systemd-networkd.service", "systemd-networkd.socket", "systemd-pcrphase.service",
	"systemd-pcrphase-sysinit.service", "systemd-pstore.service", "systemd-random-seed.service", "systemd-remount-fs.service", "systemd-resolved.service",
	"systemd-sysctl.service", "systemd-sysusers.service", "systemd-timesyncd.service", "systemd-tmpfiles-clean.timer", "systemd-udev-trigger.service",
	"systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udevd.service", "systemd-update-utmp-runlevel.service",
	"systemd-update-utmp.service", "systemd-user-sessions.service", "modprobe@.service", "remote-fs.target", "e2scrub_reap.service",
}

// hostUnits are the units that are on a node before fleet, as a cloud-config puts them there: what stacks wait for and never submit. An empty text masks the name.
func (n *Node) hostUnits(c Config) map[string]string {
	if c.bare() {
		return map[string]string{"user-cloudinit.service": n.cloudinitService()}
	}
	return map[string]string{
		"fleet.socket":                      n.fleetSocket(),
		"fleet.service":                     n.fleetService(c),
		"etcd.service":                      n.etcdService(c),
		"docker.service":                    dockerService(c.DockerAfterFlannel),
		"setup-network-environment.service": n.networkEnvironmentService(c),
	}
}

func (n *Node) fleetSocket() string {
	return fmt.Sprintf(`[Unit]
Description=fleet API

[Socket]
ListenStream=/var/run/fleet.sock
# The same API on the node's disk, where the host can open it.
ListenStream=%s
ListenStream=%s:%d
`, hostSocket, n.Address, FleetPort)
}

// fleetService is the guides' fleet.service; the master asks its own etcd through loopback, the others the master's.
func (n *Node) fleetService(c Config) string {
	etcd := n.lab.EtcdURL()
	after := "fleet.socket"
	if n.Etcd {
		etcd, after = fmt.Sprintf("http://127.0.0.1:%d", EtcdPort), "fleet.socket etcd.service"
	}
	env := []string{"FLEET_ETCD_SERVERS=" + etcd, "FLEET_METADATA=" + n.Metadata, "FLEET_PUBLIC_IP=" + n.Address}
	var lines strings.Builder
	for _, e := range append(env, c.FleetEnv...) {
		fmt.Fprintf(&lines, "Environment=%q\n", e)
	}
	return fmt.Sprintf(`[Unit]
Description=fleet daemon
Wants=fleet.socket
After=%s

[Service]
%sExecStart=/usr/bin/fleetd
Restart=always
RestartSec=1s
`, after, lines.String())
}

// etcdService is etcd itself on one node. On the others it is masked, as in the guide, or a gateway to it.
func (n *Node) etcdService(c Config) string {
	switch {
	case n.Etcd:
		return fmt.Sprintf(`[Unit]
Description=etcd

[Service]
Type=notify
User=etcd
StateDirectory=etcd
ExecStart=/usr/bin/etcd --name=%[1]s --data-dir=/var/lib/etcd --enable-v2 \
  --listen-client-urls=http://%[2]s:%[3]d,http://127.0.0.1:%[3]d --advertise-client-urls=http://%[2]s:%[3]d \
  --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=%[1]s=http://127.0.0.1:2380
Restart=always
RestartSec=1s
`, n.Name, n.Address, EtcdPort)
	case c.EtcdOnNodes:
		return fmt.Sprintf(`[Unit]
Description=gateway to the cluster's etcd

[Service]
ExecStart=/usr/bin/etcd gateway start --listen-addr=127.0.0.1:%d --endpoints=%s:%d
Restart=always
RestartSec=1s
`, EtcdPort, n.lab.Master().Address, EtcdPort)
	}
	return ""
}

// dockerService runs the stand-in for docker.
func dockerService(afterFlannel bool) string {
	wait := ""
	if afterFlannel {
		wait = `TimeoutStartSec=0
ExecStartPre=/bin/sh -c 'until grep -qs FLANNEL_MTU= /run/flannel/subnet.env; do echo waiting for /run/flannel/subnet.env; sleep 1; done'
`
	}
	return `[Unit]
Description=stand-in for docker: not Docker

[Service]
` + wait + `ExecStart=/usr/bin/docker -d
Restart=always
RestartSec=1s
`
}

// networkEnvironmentService writes the node's own address some seconds after boot, as the program that the guide downloads does. The file is taken away first: the
// guide's machines run from RAM.
func (n *Node) networkEnvironmentService(c Config) string {
	return fmt.Sprintf(`[Unit]
Description=Setup Network Environment

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/bin/rm -f /etc/network-environment
ExecStartPre=/bin/sleep %.1f
ExecStartPre=/bin/sh -c 'printf "ETH0_IPV4=%%%%s\\nDEFAULT_IPV4=%%%%s\\n" %[2]s %[2]s > /etc/.network-environment'
ExecStart=/bin/mv /etc/.network-environment /etc/network-environment
`, c.NetworkEnvironmentDelay.Seconds(), n.Address)
}

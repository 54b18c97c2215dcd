package lab

import (
	"fmt"
	"os"
	"path/filepath"
)

// userData is where a node's own cloud-config lies.
const userData = "/srv/user-data.yml"

// bare reports whether the nodes are set up by cloud-configs and nothing else.
func (c Config) bare() bool { return len(c.UserData) > 0 }

// imageUnits are what CoreOS's image has of units that a cloud-config builds on. None of them is enabled: a cloud-config starts what its machine needs.
var imageUnits = map[string]string{
	"etcd2.service": `[Unit]
Description=etcd2
Conflicts=etcd.service

[Service]
User=etcd
Type=notify
Environment=ETCD_DATA_DIR=/var/lib/etcd2
Environment=ETCD_NAME=%m
StateDirectory=etcd2
ExecStart=/usr/bin/etcd2
Restart=always
RestartSec=1s
LimitNOFILE=40000
`,
	// The interface of Container Linux's unit (coreos-overlay app-admin/etcd-wrapper) without what it says to rkt.
	"etcd-member.service": `[Unit]
Description=etcd (not in a container: there is no rkt)
Wants=network-online.target network.target
After=network-online.target
Conflicts=etcd.service
Conflicts=etcd2.service

[Service]
Type=notify
Restart=on-failure
RestartSec=10s
TimeoutStartSec=0
LimitNOFILE=40000
Environment="ETCD_IMAGE_TAG=v3.3.12"
Environment="ETCD_NAME=%m"
Environment="ETCD_USER=etcd"
Environment="ETCD_DATA_DIR=/var/lib/etcd"
ExecStart=/usr/lib/coreos/etcd-wrapper $ETCD_OPTS

[Install]
WantedBy=multi-user.target
`,
	"fleet.socket": `[Unit]
Description=Fleet API Socket
PartOf=fleet.service

[Socket]
ListenStream=/var/run/fleet.sock
`,
	// The same API on the node's disk, where the host can open it.
	"fleet.socket.d/lab.conf": "[Socket]\nListenStream=" + hostSocket + "\n",
	"fleet.service": `[Unit]
Description=fleet daemon
Wants=fleet.socket
After=etcd.service etcd2.service fleet.socket

[Service]
ExecStart=/usr/bin/fleetd
Restart=always
RestartSec=1s
`,
	"docker.service": `[Unit]
Description=stand-in for docker: not Docker

[Service]
EnvironmentFile=-/run/flannel_docker_opts.env
ExecStart=/usr/bin/docker -d
Restart=always
RestartSec=1s
`,
	"update-engine.service": "[Unit]\nDescription=stand-in for update-engine\n\n[Service]\nExecStart=/usr/bin/sleep infinity\n",
	"locksmithd.service":    "[Unit]\nDescription=stand-in for locksmithd\n\n[Service]\nExecStart=/usr/bin/sleep infinity\n",
}

// imageFiles are its programs and settings, by their paths below /usr.
var imageFiles = map[string]struct {
	text string
	mode os.FileMode
}{
	// CoreOS had etcd 2; what Debian has speaks its protocol when told to.
	"bin/etcd2": {"#!/bin/sh\nETCD_ENABLE_V2=true exec /usr/bin/etcd \"$@\"\n", 0o755},
	// Its etcd 3.3 had the API of etcd 2 without being told to.
	"lib/coreos/etcd-wrapper": {`#!/bin/sh -e
# A stand-in for etcd-wrapper: no rkt, no image and no files of its own. It asks for the
# variables that the real one asks for, and runs Debian's etcd as their user.
: "${ETCD_IMAGE:-${ETCD_IMAGE_TAG:?is not set}}" "${ETCD_USER:?is not set}" "${ETCD_DATA_DIR:?is not set}"
if [ ! -e "$ETCD_DATA_DIR" ]; then mkdir -p "$ETCD_DATA_DIR"; chown "$ETCD_USER" "$ETCD_DATA_DIR"; fi
ETCD_ENABLE_V2=true exec /usr/bin/setpriv --reuid="$ETCD_USER" --regid="$ETCD_USER" --clear-groups /usr/bin/etcd "$@"
`, 0o755},
	"bin/update-ssh-keys": {`#!/bin/sh
# A stand-in for update-ssh-keys: it keeps the keys of one name only.
mkdir -p /home/core/.ssh && exec cat >/home/core/.ssh/authorized_keys
`, 0o755},
	"share/coreos/update.conf": {"GROUP=stable\n", 0o644},
}

// writeImage lays out what the image of a bare machine has in /usr, with coreos-cloudinit's code as the program that sets the machine up.
func (l *Lab) writeImage(b Binaries) error {
	if err := copyFile(b.Cloudinit, filepath.Join(l.overlay(), "bin", "cloudinit")); err != nil {
		return err
	}
	for name, text := range imageUnits {
		if err := writeFile(filepath.Join(l.overlay(), "lib/systemd/system", name), text, 0o644); err != nil {
			return err
		}
	}
	for name, f := range imageFiles {
		if err := writeFile(filepath.Join(l.overlay(), name), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// cloudinitService sets the machine up by its cloud-config at every boot, as CoreOS's user-cloudinit@.service does.
func (n *Node) cloudinitService() string {
	return fmt.Sprintf(`[Unit]
Description=Load the machine's cloud-config
Requires=dbus.service
After=dbus.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=0
ExecStart=/usr/bin/cloudinit %s %s
`, n.Address, userData)
}

package bootstrap

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

const (
	fleetUnit   = "fleet.service"
	fleetSocket = "fleet.socket"
	fleetSock   = "/var/run/fleet.sock"
	flannelUnit = "flanneld.service"
	dockerUnit  = "docker.service"
	subnetFile  = "/run/flannel/subnet.env"
	// configKey is where flannel reads its network (flannel v0.5.5 Documentation).
	configKey = "/coreos.com/network/config"
)

// sectionUnit is the unit whose program coreos-cloudinit tells what stands in a section
// (coreos-cloudinit v1.14.0 system/etcd.go, etcd2.go, fleet.go, flannel.go). It
// has no section for etcd-member.service.
func sectionUnit(section string) string {
	return map[string]string{oldEtcd: etcdUnit, newEtcd: etcd2Unit, "fleet": fleetUnit, "flannel": flannelUnit}[section]
}

// programs are etcd, fleet and flannel, as far as the host has them. A program that
// has a unit of its own or another than its section's, or learns its address late, is
// told in that unit.
func (b *builder) programs(metadata []string) []Program {
	var list []Program
	tell := func(p *Program) {
		if p == nil {
			return
		}
		u := b.unit(p.Unit)
		if !u.whole && p.Unit == sectionUnit(p.Section) && b.way() != stack.AddressProgram {
			list = append(list, *p)
			return
		}
		into := "20-stackc.conf"
		if u.whole {
			into = ""
		}
		b.environment(u, into, *p)
	}
	tell(b.etcd())
	tell(b.fleet(metadata))
	tell(b.flannel())
	return list
}

// fleet is what fleet is told. It asks etcd again and again by itself, so that
// nothing has to be waited for.
func (b *builder) fleet(metadata []string) *Program {
	f := b.stack.Bootstrap.Fleet
	p := &Program{Section: "fleet", Unit: fleetUnit, Prefix: "FLEET_"}
	u := b.unit(fleetUnit)
	u.start = true
	if len(metadata) > 0 {
		p.Settings = append(p.Settings, Setting{"metadata", strings.Join(metadata, ",")})
	}
	public := "private"
	if f != nil {
		public = side(f.PublicIP)
	}
	p.Settings = append(p.Settings, Setting{"public-ip", b.own(public)})
	if e := b.endpoints(); e != "" {
		files, _ := b.etcdFiles()
		p.Settings = append(append(p.Settings, Setting{"etcd-servers", e}), files...)
	}
	if f == nil {
		return p
	}
	if f.Command.Given() {
		u.program("fleet", b.text(f.Command))
		u.enable = true
		u.follow("", fleetSocket)
		if b.part() != stranger {
			u.follow("", b.etcdName())
		}
		s := b.unit(fleetSocket)
		s.whole, s.enable, s.start = true, true, true
		s.add("Unit", "Description", "fleet's API")
		s.add("Socket", "ListenStream", fleetSock)
		for _, l := range f.Listen {
			s.add("Socket", "ListenStream", b.text(l))
		}
		s.add("Install", "WantedBy", "sockets.target")
		b.before(fleetSocket, fleetUnit)
	} else {
		for _, l := range f.Listen {
			b.unit(fleetSocket).addTo("30-listen.conf", "Socket", "ListenStream", b.text(l))
			b.before(fleetSocket, fleetUnit)
		}
	}
	return p
}

// flannelHere is flannel's unit on the host, "" when it has none of its own.
func (b *builder) flannelHere() string {
	f := b.stack.Bootstrap.Flannel
	switch {
	case f == nil || !b.is(f.Roles):
		return ""
	case f.Unit != "":
		return string(f.Unit)
	}
	return flannelUnit
}

// flannel is what flannel is told, nil for a host without it. The network is put
// into etcd if it is not there yet, by whoever comes first.
func (b *builder) flannel() *Program {
	f, name := b.stack.Bootstrap.Flannel, b.flannelHere()
	if name == "" {
		return nil
	}
	p := &Program{Section: "flannel", Unit: name, Prefix: "FLANNELD_"}
	p.Settings = append(p.Settings, Setting{"interface", b.own(side(f.Interface))})
	endpoints := b.endpoints()
	files, curl := b.etcdFiles()
	if endpoints != "" {
		p.Settings = append(append(p.Settings, Setting{"etcd-endpoints", endpoints}), files...)
	}
	pods, ok := b.stack.Network.PodRange()
	if !ok {
		b.errorf(diag.MissingKey, f.Pos, "bootstrap.flannel", "flannel has no network to give out").help(`add [network] pods = "10.244.0.0/16"`)
		return nil
	}
	u := b.unit(name)
	u.start = true
	into := "50-network-config.conf"
	if f.Command.Given() {
		u.program("flannel, an overlay network", b.text(f.Command))
		u.enable, into = true, ""
	}
	if b.part() != stranger {
		u.follow(into, b.etcdName())
	}
	u.addTo(into, "Service", "TimeoutStartSec", "0")
	u.addTo(into, "Service", "Restart", "always")
	u.addTo(into, "Service", "RestartSec", "10")
	type backend struct{ Type string }
	config := struct {
		Network   string
		SubnetLen int      `json:",omitempty"`
		Backend   *backend `json:",omitempty"`
	}{Network: pods.String(), SubnetLen: b.stack.Network.Subnet.Value}
	if w := b.stack.Network.Backend.Value; w != "" {
		config.Backend = &backend{w}
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	u.addTo(into, "Service", "ExecStartPre", units.ShellCommand(emit.Until(units.Name(name), 0, putKey(curl, endpoints, string(text)), "etcd to take key "+configKey)))
	return p
}

// putKey is the shell's test that a key is in etcd, put there if it was absent; options
// are further ones of curl's, each with a blank behind it.
func putKey(options, endpoints, value string) string {
	var tests []string
	for _, url := range strings.Split(endpoints, ",") {
		tests = append(tests, fmt.Sprintf(`{ c=$(curl %s-s -o /dev/null --max-time 5 -w '%%{http_code}' -X PUT --data-urlencode %s %s); [ "$c" = 201 ] || [ "$c" = 412 ]; }`,
			options, units.ShellQuote("value="+value), units.ShellQuote(url+"/v2/keys"+configKey+"?prevExist=false")))
	}
	return strings.Join(tests, " || ")
}

// docker gives the hosts' docker its part of flannel's network. Whoever starts it,
// it waits until flannel has one for this machine.
func (b *builder) docker() {
	d := b.stack.Bootstrap.Docker
	if d == nil || !b.is(d.Roles) {
		return
	}
	name := dockerUnit
	if d.Unit != "" {
		name = string(d.Unit)
	}
	u := b.unit(name)
	const into = "40-flannel.conf"
	flannel := b.flannelHere()
	if flannel != "" {
		u.follow(into, flannel)
		b.before(flannel, name)
		u.start = true
	} // else fleet brings flannel, and who waits for docker here would keep fleet from starting
	u.addTo(into, "Service", "TimeoutStartSec", "0")
	u.addTo(into, "Service", "EnvironmentFile", "-"+subnetFile)
	u.addTo(into, "Service", "ExecStartPre", b.waitFor(name, "FLANNEL_MTU", subnetFile))
	if d.Command.Given() {
		u.addTo(into, "Service", "ExecStart", "")
		u.addTo(into, "Service", "ExecStart", b.text(d.Command))
		return
	}
	// The image's own command takes these (CoreOS, docker.service).
	const options = "/run/flannel_docker_opts.env"
	u.addTo(into, "Service", "EnvironmentFile", "-"+options)
	u.addTo(into, "Service", "ExecStartPre", units.ShellCommand(". "+subnetFile+`; printf '%s\n' "DOCKER_OPT_BIP=--bip=$FLANNEL_SUBNET" "DOCKER_OPT_MTU=--mtu=$FLANNEL_MTU" >`+options))
}

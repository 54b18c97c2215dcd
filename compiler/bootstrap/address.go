package bootstrap

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// Where a machine finds its own address.
const (
	environmentFile = "/etc/environment"         // written by coreos-cloudinit, or from the inventory
	networkFile     = "/etc/network-environment" // written by setup-network-environment
	networkUnit     = "setup-network-environment.service"
	addressVariable = "DEFAULT_IPV4"
)

// The words that coreos-cloudinit puts addresses in for
// (coreos-cloudinit v1.14.0 initialize/env.go).
const (
	privateWord = "$private_ipv4"
	publicWord  = "$public_ipv4"
)

// way is how this host knows its own address.
func (b *builder) way() string {
	if w := b.stack.Bootstrap.Address.Value; w != "" {
		return w
	}
	if b.machine != nil && b.machine.Address.Given() {
		return stack.AddressInventory
	}
	return stack.AddressPlatform
}

// own is the host's own address in a text, "public" or "private".
func (b *builder) own(side string) string {
	switch b.way() {
	case stack.AddressProgram:
		return "${" + addressVariable + "}"
	case stack.AddressInventory:
		return b.listed(side)
	}
	if b.options.Format != CloudConfig {
		pos := b.stack.Bootstrap.Pos
		if b.machine != nil {
			pos = b.machine.Pos
		}
		b.errorf(diag.NoAddress, pos, "bootstrap.address", "Ignition puts no address in for %s, and the inventory does not have it", b.what()).
			help(`give the machine an address, say address = %q in [bootstrap], or write a cloud-config`, stack.AddressProgram)
	}
	if side == "public" {
		return publicWord
	}
	return privateWord
}

// listed is the address that the inventory has.
func (b *builder) listed(side string) string {
	switch {
	case b.machine == nil:
		b.errorf(diag.NoAddress, b.stack.Bootstrap.Address.Pos, "bootstrap.address", "%s is of several machines, and the inventory has an address for each", b.what()).
			help(`ask for one machine, or say address = %q`, stack.AddressPlatform)
		return ""
	case !b.machine.Address.Given():
		b.errorf(diag.NoAddress, b.machine.Pos, "machine."+b.machine.Name, "machine %q has no address", b.machine.Name).
			note(b.stack.Bootstrap.Address.Pos.Span, "the inventory is to say it").help("add address = \"…\" to it")
		return ""
	case side == "public" && b.machine.Public.Given():
		return b.machine.Public.Expand(nil)
	}
	return b.machine.Address.Expand(nil)
}

// what is the host in a message.
func (b *builder) what() string {
	switch {
	case b.machine != nil:
		return "machine \"" + b.machine.Name + "\""
	case b.role != nil:
		return "role \"" + b.role.Name + "\""
	}
	return "every machine"
}

// ownAddress writes what the machine's programs learn its address from: the files
// that units read, or the program that makes them.
func (b *builder) ownAddress() {
	switch b.way() {
	case stack.AddressProgram:
		b.networkProgram()
	case stack.AddressInventory:
		private, public := b.listed("private"), b.listed("public")
		b.files = append(b.files, File{
			Path: environmentFile, Mode: "0644", Owner: "root",
			Content: "COREOS_PRIVATE_IPV4=" + private + "\nCOREOS_PUBLIC_IPV4=" + public + "\n",
		})
		if b.reads(networkFile) {
			b.files = append(b.files, File{Path: networkFile, Mode: "0644", Owner: "root", Content: addressVariable + "=" + private + "\n"})
		}
	}
}

// reads reports whether a unit of the stack or of the hosts reads a file of the machine.
func (b *builder) reads(path string) bool {
	of := func(list []stack.EnvVar) bool {
		return slices.ContainsFunc(list, func(v stack.EnvVar) bool { return v.File.Source() == path })
	}
	return slices.ContainsFunc(b.stack.Units, func(u *stack.Unit) bool { return of(u.Env) }) ||
		slices.ContainsFunc(b.stack.Hosts, func(h *stack.Host) bool { return of(h.Env) })
}

// networkProgram is the unit that asks the kernel for the address at every boot.
// The download is tried until it comes, as the network may be late.
func (b *builder) networkProgram() {
	dl := b.stack.Bootstrap.Network
	u := b.unit(networkUnit)
	u.whole = true
	u.add("Unit", "Description", "addresses of this machine, in "+networkFile)
	u.add("Unit", "Wants", "network-online.target")
	u.add("Unit", "After", "network-online.target")
	u.add("Service", "Type", "oneshot")
	u.add("Service", "RemainAfterExit", "yes")
	program := "/opt/bin/setup-network-environment"
	if dl == nil {
		b.errorf(diag.MissingKey, b.stack.Bootstrap.Address.Pos, "bootstrap.setup_network_environment", "where setup-network-environment comes from is not said").
			help(`add setup_network_environment = { url = "http://…", to = %q, sha256 = "…" }`, program)
	} else {
		program = b.text(dl.To)
		u.add("Service", "ExecStartPre", units.ShellCommand(emit.Fetch(networkUnit, b.text(dl.URL), program, b.text(dl.SHA256), dl.Mode)))
	}
	u.add("Service", "ExecStart", program)
	u.add("Install", "WantedBy", "multi-user.target")
	u.enable, u.start = true, true
}

// environment gives a unit settings as environment variables. Values with the
// machine's own address, which only a file has, are written when the unit starts.
func (b *builder) environment(u *unit, into string, p Program) {
	late := slices.ContainsFunc(p.Settings, func(s Setting) bool { return strings.Contains(s.Value, "${"+addressVariable+"}") })
	if !late {
		for _, s := range p.Settings {
			u.addTo(into, "Service", "Environment", units.QuoteWords(p.Variable(s)+"="+s.Value))
		}
		return
	}
	file := "/run/stackc/" + p.Unit + ".env"
	u.follow(into, networkUnit)
	u.addTo(into, "Service", "EnvironmentFile", "-"+file)
	u.addTo(into, "Service", "TimeoutStartSec", "0")
	// The image's etcd runs as a user of its own, who may not write there.
	u.addTo(into, "Service", "PermissionsStartOnly", "true")
	u.addTo(into, "Service", "ExecStartPre", b.waitFor(p.Unit, addressVariable, networkFile))
	var lines strings.Builder
	for _, s := range p.Settings {
		lines.WriteString(` "` + p.Variable(s) + "=" + s.Value + `"`)
	}
	u.addTo(into, "Service", "ExecStartPre", units.ShellCommand(". "+networkFile+"; mkdir -p /run/stackc; printf '%s\\n'"+lines.String()+" >"+file))
}

// waitFor is the command that waits until a file gives a variable.
func (b *builder) waitFor(unit, variable, file string) string {
	return units.ShellCommand(emit.Until(units.Name(unit), 0, emit.HasVariable(variable, file), variable+" in "+file))
}

// text puts the words of the machine into a text.
func (b *builder) text(t stack.Text) string {
	if !t.Given() {
		return ""
	}
	return t.Expand(func(r stack.Ref) string { return b.word(t, r) })
}

// word is what the machine is called in a text.
func (b *builder) word(t stack.Text, r stack.Ref) string {
	pos := stack.Pos{Span: r.Span, Via: t.Pos.Via}
	switch {
	case r.Field == "address":
		return b.own("private")
	case r.Field == "public":
		return b.own("public")
	case b.machine == nil:
		b.errorf(diag.BadExpression, pos, r.Subject+"."+r.Field, "%s.%s is another on each machine of %s", r.Subject, r.Field, b.what()).help("ask for one machine")
		return ""
	case r.Field == stack.RoutesField:
		return b.stack.Routes(r.Subject, b.machine)
	}
	value := b.machine.Word(r.Field)
	if value == "" {
		b.errorf(diag.UnknownName, pos, "machine."+r.Field, "machine %q has no %s", b.machine.Name, r.Field).
			note(b.machine.Pos.Span, "declared here").help("add %s = \"…\" to it", r.Field)
	}
	return value
}

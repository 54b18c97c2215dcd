package bootstrap

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// unit is a unit while it is made.
type unit struct {
	name    string
	whole   bool // the image has none
	options []units.Option
	pieces  []*piece
	needs   []string // units that come before it
	pos     stack.Pos
	path    string

	mask, enable, start bool
}

// piece is a drop-in while it is made.
type piece struct {
	name    string
	options []units.Option
}

// unit returns the unit of that name; everything that is said of one is put together.
func (b *builder) unit(name string) *unit {
	u := b.units[name]
	if u == nil {
		u = &unit{name: name, pos: b.stack.Bootstrap.Pos, path: "bootstrap"}
		b.units[name] = u
		b.order = append(b.order, name)
	}
	return u
}

// add puts a line into the unit itself, addTo into the drop-in of that name; into ""
// is the unit itself.
func (u *unit) add(section, name, value string) { u.addTo("", section, name, value) }

func (u *unit) addTo(into, section, name, value string) {
	o := units.Option{Section: section, Name: name, Value: value}
	if into == "" {
		u.options = append(u.options, o)
		return
	}
	at := slices.IndexFunc(u.pieces, func(p *piece) bool { return p.name == into })
	if at < 0 {
		at = len(u.pieces)
		u.pieces = append(u.pieces, &piece{name: into})
	}
	u.pieces[at].options = append(u.pieces[at].options, o)
}

// follow makes the unit start another and come after it, whichever of the two is
// started first.
func (u *unit) follow(into, other string) {
	if slices.Contains(u.needs, other) {
		return
	}
	u.needs = append(u.needs, other)
	u.addTo(into, "Unit", "Wants", other)
	u.addTo(into, "Unit", "After", other)
}

// program makes the unit a whole one that runs a command for ever.
func (u *unit) program(description, command string) {
	u.whole = true
	u.add("Unit", "Description", description)
	u.add("Unit", "Wants", "network-online.target")
	u.add("Unit", "After", "network-online.target")
	u.add("Service", "ExecStart", command)
	u.add("Service", "Restart", "always")
	u.add("Service", "RestartSec", "10")
	u.add("Install", "WantedBy", "multi-user.target")
}

// before says that one unit is listed before another.
func (b *builder) before(first, then string) {
	b.unit(first)
	u := b.unit(then)
	if !slices.Contains(u.needs, first) {
		u.needs = append(u.needs, first)
	}
}

// hostUnits are the host entries of the stack that say how their unit is written.
func (b *builder) hostUnits() {
	for _, h := range b.stack.Hosts {
		if h.Unit == "" {
			continue
		}
		if h.Mask.On(b.roles) {
			b.unit(string(h.Unit)).mask = true
		}
		if h.On(b.roles) && h.Generated() && !b.unit(string(h.Unit)).mask {
			b.hostUnit(h)
		}
	}
}

func (b *builder) hostUnit(h *stack.Host) {
	u := b.unit(string(h.Unit))
	u.pos, u.path = h.Pos, "host."+stack.Key(h.Key)
	into := "60-stackc.conf"
	if len(h.Sections) > 0 {
		if u.whole || len(u.pieces) > 0 {
			b.errorf(diag.HostUnit, h.Sections[0].Pos, u.path, "unit %q is written by [bootstrap] as well", h.Unit).
				help(`say what is different as a piece: [host.%s.drop_in."60-own.conf".%s]`, stack.Key(h.Key), h.Sections[0].Name)
		}
		u.whole, into = true, ""
		b.sections(u, "", h.Sections)
	}
	for _, in := range h.DropIns {
		b.sections(u, in.Name, in.Sections)
	}
	for _, v := range h.Environment {
		u.addTo(into, "Service", "Environment", units.QuoteWords(v.Name+"="+b.text(v.Value)))
	}
	for i, v := range h.Env {
		file := b.text(v.File)
		if i == 0 {
			u.addTo(into, "Service", "TimeoutStartSec", "0")
		}
		if !slices.ContainsFunc(h.Env[:i], func(o stack.EnvVar) bool { return b.text(o.File) == file }) {
			u.addTo(into, "Service", "EnvironmentFile", "-"+file)
		}
		if maker := b.maker(file); maker != "" {
			u.follow(into, maker)
		}
		u.addTo(into, "Service", "ExecStartPre", b.waitFor(u.name, v.Name, file))
	}
	for _, w := range h.After {
		if other := b.stack.Host(w.Value); other != nil && other.Unit != "" && other.On(b.roles) && other != h {
			u.follow(into, string(other.Unit))
		}
	}
	u.enable, u.start = u.enable || h.Enable.Set, u.start || h.Start.Set
}

// maker is the unit of the host that writes a file, "" for none.
func (b *builder) maker(file string) string {
	switch {
	case file == networkFile && b.way() == stack.AddressProgram:
		return networkUnit
	case file == subnetFile:
		return b.flannelHere()
	}
	return ""
}

// sections writes raw sections into a unit or a drop-in.
func (b *builder) sections(u *unit, into string, list []*stack.Section) {
	for _, s := range list {
		for _, d := range s.Directives {
			for _, v := range d.Values {
				u.addTo(into, s.Name, d.Name, stack.Fold(b.text(v)))
			}
		}
	}
}

// The units that fetch what comes from a server: the stack's own files, and
// certificates with their keys.
const (
	filesUnit = "stackc-files.service"
	keysUnit  = "stackc-keys.service"
)

// stackFiles are the files that the stack gives the host.
func (b *builder) stackFiles() {
	for _, f := range b.stack.Files {
		name := ""
		if b.machine != nil {
			name = b.machine.Name
		}
		if !f.On(name, b.roles) {
			continue
		}
		mode, owner := f.Mode, f.Owner.Value
		if mode == "" {
			mode = "0644"
		}
		if len(mode) == 3 {
			mode = "0" + mode
		}
		if owner == "" {
			owner = "root"
		}
		if f.Remote() {
			b.fetched(filesUnit, f.Pos, "file."+stack.Key(f.Path), Extra{
				File: File{Path: f.Path, Mode: mode, Owner: owner}, URL: b.text(f.Source), SHA256: b.text(f.SHA256),
			})
			continue
		}
		content := b.text(f.Content)
		if f.Source.Given() {
			content = b.local(f)
		}
		b.files = slices.DeleteFunc(b.files, func(o File) bool { return o.Path == f.Path }) // the stack's own counts
		b.files = append(b.files, File{Path: f.Path, Content: content, Mode: mode, Owner: owner})
	}
}

// extraFiles are those that the machine is given beside the stack's own. Those that it
// fetches are there before etcd, which may serve with one, and before fleet, which
// starts what reads them.
func (b *builder) extraFiles() {
	if b.machine == nil {
		return
	}
	for _, f := range b.options.Extra[b.machine.Name] {
		if f.URL != "" {
			b.fetched(keysUnit, b.machine.Pos, "machine."+stack.Key(b.machine.Name), f)
			continue
		}
		b.files = slices.DeleteFunc(b.files, func(o File) bool { return o.Path == f.Path })
		b.files = append(b.files, f.File)
	}
	if b.units[keysUnit] == nil || !b.units[keysUnit].whole {
		return
	}
	for _, name := range []string{b.etcdName(), fleetUnit} {
		if u := b.units[name]; u != nil && !u.mask {
			into := "10-keys.conf"
			if u.whole {
				into = ""
			}
			u.follow(into, keysUnit)
		}
	}
}

// fetched adds a file of a server to a unit that fetches them, one after the other and
// each until it comes. pos and where are what gives it.
func (b *builder) fetched(by units.Name, pos stack.Pos, where string, f Extra) {
	u := b.unit(string(by))
	if !u.whole {
		u.whole, u.enable, u.start = true, true, true
		u.pos, u.path = pos, where
		u.add("Unit", "Description", map[units.Name]string{filesUnit: "files", keysUnit: "certificates and keys"}[by]+" that this machine fetches")
		u.add("Unit", "Wants", "network-online.target")
		u.add("Unit", "After", "network-online.target")
		u.add("Service", "Type", "oneshot")
		u.add("Service", "RemainAfterExit", "yes")
		u.add("Install", "WantedBy", "multi-user.target")
	}
	script := emit.Fetch(by, f.URL, f.Path, f.SHA256, f.Mode)
	if strings.HasSuffix(f.Mode, "00") {
		// Nobody else reads it while it comes, either; the folder may hold what is not root's.
		script = "mkdir -p " + units.ShellQuote(path.Dir(f.Path)) + "; umask 077; " + script
	}
	u.add("Service", "ExecStart", units.ShellCommand(script))
	if f.Owner != "root" {
		u.add("Service", "ExecStart", units.ExecQuote("/bin/chown", f.Owner, f.Path))
	}
}

// local reads a file that is put in.
func (b *builder) local(f *stack.HostFile) string {
	name := b.text(f.Source)
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(f.Source.Pos.Span.File().Name()), name)
	}
	if b.options.Opener == nil {
		return ""
	}
	file, err := b.options.Opener.Open(name)
	if err != nil {
		b.errorf(diag.FileNotFound, f.Source.Pos, "file."+stack.Key(f.Path)+".source", "file %q cannot be read: %s", name, err).
			help("the path is seen from the stack file")
		return ""
	}
	if want := f.SHA256.Source(); want != "" && want != sumOf(file.Text()) {
		b.errorf(diag.BadValue, f.SHA256.Pos, "file."+stack.Key(f.Path)+".sha256", "%q has the SHA-256 %s", name, sumOf(file.Text())).
			help("correct the sum if the file is the right one")
	}
	return file.Text()
}

// written gives the units their text, each behind those that it needs.
func (b *builder) written() []Unit {
	var list []Unit
	for _, name := range b.sorted() {
		u := b.units[name]
		if u.mask {
			list = append(list, Unit{Name: name, Mask: true})
			continue
		}
		w := Unit{Name: name, Enable: u.enable, Start: u.start}
		if u.whole {
			w.Content = b.format(u, u.options)
		}
		slices.SortFunc(u.pieces, func(x, y *piece) int { return strings.Compare(x.name, y.name) })
		for _, p := range u.pieces {
			w.DropIns = append(w.DropIns, DropIn{Name: p.name, Content: b.format(u, p.options)})
		}
		if w.Content != "" || w.DropIns != nil || w.Enable || w.Start {
			list = append(list, w)
		}
	}
	return list
}

// sorted are the names of the units, each behind what it needs; what needs nothing
// stays where it was named first.
func (b *builder) sorted() []string {
	var list []string
	var visit func(name string, under []string)
	visit = func(name string, under []string) {
		u := b.units[name]
		if u == nil || slices.Contains(list, name) {
			return
		}
		if slices.Contains(under, name) {
			b.errorf(diag.DependencyCycle, u.pos, u.path, "units of the hosts wait for each other: %s", strings.Join(append(under, name), " -> ")).
				help("take one after away")
			return
		}
		for _, n := range u.needs {
			visit(n, append(under, name))
		}
		list = append(list, name)
	}
	for _, name := range b.order {
		visit(name, nil)
	}
	return list
}

// format writes a unit file, and reports what cannot be written.
func (b *builder) format(u *unit, options []units.Option) string {
	text, err := units.Format(options)
	var faults *units.FormatError
	if errors.As(err, &faults) {
		for _, f := range faults.Faults {
			code := diag.ValueText
			if f.Fault == units.FaultTooLong {
				code = diag.LineTooLong
			}
			b.errorf(code, u.pos, u.path, "%s cannot be written: %s", u.name, fmt.Sprint(&f)).help("write it shorter, or into a file of the machine")
		}
	}
	return text
}

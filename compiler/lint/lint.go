// Package lint finds what systemd and fleet accept and then do something else
// with: one small rule for each mistake. Rules only report; nothing that they
// say changes what is compiled.
package lint

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Stack runs every rule over a stack.
func Stack(t *topology.Topology) diag.List {
	c := &checker{t: t, makers: makers(t), stray: map[*topology.Node]bool{}}
	ofNodes, ofUnits, ofTexts := nodeRules(), unitRules(), textRules()
	for _, n := range t.Nodes() {
		for _, rule := range ofNodes {
			rule(c, n)
		}
		if n.Unit == nil || n.Unit.Name == "" {
			continue
		}
		for _, rule := range ofUnits {
			rule(c, n)
		}
		c.eachText(n, func(x text) {
			for _, rule := range ofTexts {
				rule(c, x)
			}
		})
		unusedDependencies(c, n)
	}
	c.networks()
	c.inventory()
	c.machineless()
	c.pxe()
	return c.findings
}

// nodeRules look at a unit or a host entry.
func nodeRules() []func(*checker, *topology.Node) {
	return []func(*checker, *topology.Node){hostAfterFleet, portClash, twinUnits, hostUnits}
}

// unitRules look at one unit of the stack.
func unitRules() []func(*checker, *topology.Node) {
	return []func(*checker, *topology.Node){
		directives, escapedNames, otherSecrets, installSection, noRestart, downloadAsUser, timeouts, relations, localAfter, triggers, firstTime, release,
	}
}

// textRules look at one value of a raw directive.
func textRules() []func(*checker, text) {
	return []func(*checker, text){
		secret, commandLine, tomlEscape, unexpandedVariable, emptyArgument, endlessLoop, bareProbe, rawDownload, waitsForFile,
		pathTypo, oddCharacter, commentLine, flagRelease, flagValue, openDoor, addresses, files, socketDescriptors,
	}
}

// checker collects the findings of one stack.
type checker struct {
	t        *topology.Topology
	makers   []*topology.Node
	findings diag.List
	stray    map[*topology.Node]bool // that talk to a port which nobody declares
}

func (c *checker) add(d diag.Diagnostic) { c.findings.Add(d) }

// text is one value of a raw directive, with where it stands.
type text struct {
	node      *topology.Node
	section   string
	directive string
	value     stack.Text
	source    string     // the value as written, on one line
	line      stack.Line // the same with what is put in
}

func (x text) path() string { return x.node.Path() + "." + x.section + "." + x.directive }

// exec reports whether the value is a command line.
func (x text) exec() bool { return strings.HasPrefix(x.directive, "Exec") }

// report begins a finding at the first occurrence of word in the value.
func (x text) report(sev diag.Severity, code diag.Code, word, format string, args ...any) diag.Diagnostic {
	pos := stack.Pos{Span: x.value.Find(word), Via: x.value.Pos.Via}
	return stack.Finding(sev, code, pos, x.path(), format, args...)
}

func (c *checker) eachText(n *topology.Node, visit func(text)) {
	eachValue(n, func(section, directive string, v stack.Text) {
		visit(text{node: n, section: section, directive: directive, value: v, source: stack.Fold(v.Source()), line: v.Line(unknownPart)})
	})
}

// eachValue visits the values of a unit's raw directives.
func eachValue(n *topology.Node, visit func(section, directive string, v stack.Text)) {
	for _, s := range n.Unit.Sections {
		for _, d := range s.Directives {
			for _, v := range d.Values {
				visit(s.Name, d.Name, v)
			}
		}
	}
}

// unitFinding begins a finding about a unit as a whole.
func unitFinding(sev diag.Severity, code diag.Code, n *topology.Node, format string, args ...any) diag.Diagnostic {
	return stack.Finding(sev, code, n.Pos(), n.Path(), format, args...)
}

// services reports whether n is a service.
func service(n *topology.Node) bool { return n.Unit.Name.Type() == "service" }

// noRestart: a program that ends once is never started again, neither by systemd nor by fleet.
func noRestart(c *checker, n *topology.Node) {
	kind := n.Unit.Value("Service", "Type")
	restart := n.Unit.Value("Service", "Restart")
	if !service(n) || kind == "oneshot" || (restart != "" && restart != "no") || c.startedByOther(n) {
		return
	}
	if n.Unit.Section("Service") == nil || mistyped(n.Unit, "Restart", "Type") || n.Unit.Directive("Service", "ExecStart") == nil {
		return // said already, or not known
	}
	d := unitFinding(diag.Warning, diag.NoRestart, n, "%q is not started again when it ends: fleet never restarts a failed unit", n.Key)
	if r := n.Unit.Directive("Service", "Restart"); r != nil {
		d.Span = r.Pos.Span
	}
	c.add(d.WithHelp(`add Restart = "always" and RestartSec = 10, or Type = "oneshot" for a job that ends`))
}

// startedByOther reports whether a timer, socket or path of the stack starts the service.
func (c *checker) startedByOther(n *topology.Node) bool {
	for _, kind := range []units.Type{"timer", "socket", "path"} {
		if c.t.ByName(units.Name(n.Unit.Name.Base()+"."+string(kind))) != nil {
			return true
		}
	}
	return false
}

// installSection: fleet from 1.0 on enables the unit when it loads it, and
// systemd then starts what fleet takes to be stopped (fleet v1.0.0 systemd/manager.go).
func installSection(c *checker, n *topology.Node) {
	s := n.Unit.Section("Install")
	if s == nil {
		return
	}
	c.add(stack.Finding(diag.Warning, diag.InstallSection, s.Pos, n.Path()+".Install", "fleet starts units by itself; with [Install] systemd also starts %q when fleet takes it to be stopped", n.Key).
		WithHelp("leave the section out"))
}

// downloadAsUser: a program that does not run as root cannot write where binaries go.
func downloadAsUser(c *checker, n *topology.Node) {
	user := n.Unit.Value("Service", "User")
	if len(n.Unit.Downloads) == 0 || user == "" || user == "root" || user == "0" {
		return
	}
	if asRoot, ok := units.ParseBool(n.Unit.Value("Service", "PermissionsStartOnly")); ok && asRoot {
		return
	}
	d := n.Unit.Downloads[0]
	c.add(stack.Finding(diag.Error, diag.DownloadAsUser, d.Pos, n.Path()+".download[0]", "the download runs as user %q, who may not write %s", user, d.To.Source()).
		WithNote(n.Unit.Directive("Service", "User").Pos.Span, "the user").
		WithHelp("add PermissionsStartOnly = true: the preparations run as root, the program as the user"))
}

// timeouts: a limit on the start ends waiters that would wait longer.
func timeouts(c *checker, n *topology.Node) {
	if len(n.Unit.After) == 0 && len(n.Unit.Downloads) == 0 && len(n.Unit.Env) == 0 && len(n.Unit.Puts) == 0 {
		return
	}
	for _, name := range []string{"TimeoutStartSec", "TimeoutSec"} {
		d := n.Unit.Directive("Service", name)
		if d == nil {
			continue
		}
		if v := n.Unit.Value("Service", name); v != "0" && v != "infinity" {
			c.add(stack.Finding(diag.Warning, diag.EndlessLoop, d.Pos, n.Path()+".Service."+name, "%s=%s ends the unit's waiters and downloads, each after that time", name, v).
				WithHelp("leave it out, or bound the waiters with wait = \"…\", which says in the journal what was missing"))
		}
	}
}

// hostAfterFleet: fleet stops its units when it stops, and a host unit that waits for one hangs.
func hostAfterFleet(c *checker, n *topology.Node) {
	if n.Host == nil {
		return
	}
	for i, e := range n.Edges {
		if e.To.Unit != nil {
			c.add(stack.Finding(diag.Warning, diag.HostAfterFleet, e.Word.Pos, fmt.Sprintf("%s.after[%d]", n.Path(), i), "the host's %q waits for %q, which fleet places and stops whenever fleetd stops", n.Host.Unit, e.To.Key).
				WithNote(e.To.Pos().Span, "the unit of the stack").
				WithHelp("the host's unit needs a waiter of its own and must survive a restart of that unit"))
		}
	}
}

// portClash: two programs cannot listen on one port of one machine.
func portClash(c *checker, n *topology.Node) {
	p := n.Port()
	if p.Value == 0 {
		return
	}
	if n.Unit != nil && n.Unit.Count.Value > 1 && !n.Unit.Spread.Set {
		c.add(stack.Finding(diag.Warning, diag.PortClash, p.Pos, n.Path()+".port", "two instances of %q can be placed on one machine, where port %d is free once", n.Key, p.Value).
			WithNote(n.Unit.Count.Pos.Span, "counted here").WithHelp("add spread = true"))
	}
	for _, other := range c.t.OnPort(p.Value) {
		if other == n {
			return
		}
		there, why := c.t.Local(n, other)
		if !there {
			there, why = c.t.Local(other, n)
		}
		if there {
			c.add(stack.Finding(diag.Error, diag.PortClash, p.Pos, n.Path()+".port", "%q and %q listen on port %d of one machine: %s", other.Key, n.Key, p.Value, why).
				WithNote(other.Port().Pos.Span, "the other one"))
		}
	}
}

// twins are names under which one program is known.
var twins = map[string]string{"flannel": "flanneld", "etcd": "etcd2"}

// twinUnits: both names of one program on a machine run it twice, on the same ports.
func twinUnits(c *checker, n *topology.Node) {
	twin, ok := twins[n.Name().Base()]
	if !ok {
		return
	}
	other := c.t.ByName(units.Name(twin + ".service"))
	if other == nil {
		return
	}
	later, other := other, n
	if later.Unit == nil && other.Unit != nil {
		later, other = other, later
	}
	c.add(unitFinding(diag.Warning, diag.TwinUnits, later, "%q and %q are two names of one program: where both run, they want the same ports and files", other.Name(), later.Name()).
		WithNote(other.Pos().Span, "the other one").WithHelp("keep one of them; mask the host's own unit before fleet starts"))
}

// networks: ranges that meet give one address to two things.
func (c *checker) networks() {
	nets := c.t.Stack.Networks
	for i, a := range nets {
		for _, b := range nets[:i] {
			c.overlap(b, a)
		}
	}
}

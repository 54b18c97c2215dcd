package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// readiness is how the stack says that followers learn that a unit is up.
type readiness struct {
	ready string // as TOML
	port  int
}

// outside is a thing that loops wait for and that is no unit anybody knows.
type outside struct{ key, address string }

// knownFiles are files of programs that unit files seldom name (flannel's
// -subnet-file, setup-network-environment's -o, docker's socket).
var knownFiles = map[string][]string{
	"/run/flannel/subnet.env":  {"flanneld.service", "flannel.service"},
	"/etc/network-environment": {"setup-network-environment.service"},
	"/var/run/docker.sock":     {"docker.service"},
	"/run/docker.sock":         {"docker.service"},
}

// knownPorts are the ports on which programs listen when nothing says another.
var knownPorts = map[int][]string{
	2379: {"etcd2.service", "etcd.service", "etcd-member.service"}, 4001: {"etcd.service", "etcd2.service", "etcd-member.service"},
	2375: {"docker.service"},
}

// liftWaits turns loops that wait into a readiness of the other and an after.
func (i *importer) liftWaits(u *unit) {
	for n, l := range u.parsed.Lines {
		if l.Section != "Service" || l.Name != "ExecStartPre" && l.Name != "ExecStartPost" {
			continue
		}
		p, reason := recognise(l.Value)
		if l.Name == "ExecStartPost" {
			if p != nil || reason != "" {
				i.leave(u, l.Line, "a loop in ExecStartPost= watches the unit itself; ready in this unit and after in the others say that")
			}
			continue
		}
		if p == nil {
			if reason != "" {
				i.leave(u, l.Line, "%s", reason)
			}
			continue
		}
		if before := u.earlier(n, p.mentions); before != 0 {
			i.leave(u, l.Line, "the loop that waits for %s: line %d is about the same, and a waiter would come before it", p, before)
			continue
		}
		key, reason := i.provider(u, p)
		if reason == "" {
			reason = i.say(key, p)
		}
		if reason != "" {
			i.leave(u, l.Line, "the loop that waits for %s: %s", p, reason)
			continue
		}
		r := i.ready[key]
		u.idiom.lifts = append(u.idiom.lifts, &lift{
			word: "after", target: key, lines: []int{n}, wait: p,
			message: fmt.Sprintf("after = [%s], whose ready = %s, says the loop that waits for %s", quote(key), r.ready, p),
		})
	}
}

// earlier is the line of a command before line n that stays and that is about the same.
func (u *unit) earlier(n int, same func(string) bool) int {
	for k, l := range u.parsed.Lines[:n] {
		if l.Name == "ExecStartPre" && !u.idiom.gone(k) && same(l.Value) {
			return l.Line
		}
	}
	return 0
}

// node is a unit or host entry of the stack.
type node struct {
	key  string
	name units.Name
	unit *unit
}

func (i *importer) nodes() (list []node) {
	for _, u := range i.units {
		list = append(list, node{u.key, u.name, u})
	}
	for _, h := range i.hosts {
		list = append(list, node{h.key, h.name, nil})
	}
	return list
}

// provider finds what a loop waits for.
func (i *importer) provider(u *unit, p *probe) (key, reason string) {
	var found []node
	for _, n := range i.candidates(p) {
		if n.unit != u {
			found = append(found, n)
		}
	}
	if len(found) > 1 {
		if near := slices.DeleteFunc(slices.Clone(found), func(n node) bool { return !u.leans(n.name) }); len(near) == 1 {
			found = near
		}
	}
	switch {
	case len(found) == 1:
		return i.at(found[0], p)
	case len(found) > 1:
		return "", fmt.Sprintf("%s and %s may both be meant", found[0].name, found[1].name)
	case (p.kind == probeHTTP || p.kind == probeTCP) && !p.local():
		return i.elsewhere(p), ""
	}
	return "", "no unit is known that brings it about"
}

// subject is what a probe is about, whoever asks.
type subject struct {
	kind   probeKind
	port   int
	target string
}

// candidates are the units and host entries that may bring about what a probe
// asks for. Many loops ask for the same.
func (i *importer) candidates(p *probe) []node {
	about := subject{kind: p.kind, port: p.port}
	if p.port == 0 {
		about.target = p.target
	}
	if found, ok := i.found[about]; ok {
		return found
	}
	fits := p.fits()
	var found []node
	for _, n := range i.nodes() {
		if fits(n) {
			found = append(found, n)
		}
	}
	i.found[about] = found
	return found
}

// fits tells whether a unit or host entry brings about what the probe asks for.
func (p *probe) fits() func(n node) bool {
	switch p.kind {
	case probeActive:
		return func(n node) bool { return string(n.name) == p.target }
	case probeEtcd:
		return func(n node) bool { return slices.Contains(knownPorts[2379], string(n.name)) }
	case probeDocker:
		return func(n node) bool { return n.name == "docker.service" }
	case probeNamed:
		named := regexp.MustCompile(`--name[= ]"?` + regexp.QuoteMeta(p.target) + `"?(?:\s|$)`)
		return func(n node) bool { return n.unit.runs(p.target, named) }
	case probeKey:
		key := strings.TrimPrefix(p.target, "/")
		writes := regexp.MustCompile(`etcdctl .*\b(?:set|mk|update)\b.* /?` + regexp.QuoteMeta(key) + `(?:\s|$)`)
		return func(n node) bool { return n.unit.runs(key, writes) }
	case probeFile, probeCommand:
		named := regexp.MustCompile(`(?:^|[\s="'>:])` + regexp.QuoteMeta(p.target) + `(?:$|[\s"':;])`)
		return func(n node) bool {
			return slices.Contains(knownFiles[p.target], string(n.name)) || n.unit.makes(p.target, named)
		}
	}
	port := strconv.Itoa(p.port)
	listens := regexp.MustCompile(`(?:-p|--publish)[ =](?:[0-9.]+:)?` + port + `:|(?:port|listen|addr|address|bind)[a-z_-]*[= ](?:[^\s,]*:)?` + port + `(?:\D|$)`)
	return func(n node) bool {
		return slices.Contains(knownPorts[p.port], string(n.name)) || n.unit.runs(port, listens)
	}
}

// at checks that a unit of the stack is found where the loop looks for it.
func (i *importer) at(n node, p *probe) (key, reason string) {
	if p.kind != probeHTTP && p.kind != probeTCP || p.local() {
		return n.key, ""
	}
	if n.unit == nil {
		return i.elsewhere(p), ""
	}
	role := n.unit.role()
	if role == "" {
		return "", fmt.Sprintf("it looks for %s at %s, and that has no role to which an address belongs", n.name, p.host)
	}
	if have := i.addresses[role]; have != "" && have != p.host {
		return "", fmt.Sprintf("role %s has the address %s already", role, have)
	}
	i.addresses[role] = p.host
	return n.key, ""
}

var notInKey = pattern.New(`[^A-Za-z0-9]+`)

// elsewhere makes a host entry of an address that is outside as far as the units tell.
func (i *importer) elsewhere(p *probe) string {
	key := notInKey().ReplaceAllString(fmt.Sprintf("at-%s-%d", p.host, p.port), "-")
	if !slices.ContainsFunc(i.outside, func(o outside) bool { return o.key == key }) {
		i.outside = append(i.outside, outside{key, p.host})
	}
	return key
}

// say gives a unit or host entry its readiness; a second one must be the same.
func (i *importer) say(key string, p *probe) (reason string) {
	var r readiness
	switch p.kind {
	case probeHTTP:
		r = readiness{ready: fmt.Sprintf("{ %s = %s }", p.scheme, quote(escapeExpressions(p.target))), port: p.port}
	case probeTCP:
		r = readiness{ready: "{ tcp = true }", port: p.port}
	case probeFile:
		r = readiness{ready: fmt.Sprintf("{ file = %s }", quote(escapeExpressions(p.target)))}
	case probeActive:
		r = readiness{ready: "{ unit = true }"}
	case probeKey:
		r = readiness{ready: fmt.Sprintf("{ etcd = %s }", quote(escapeExpressions(p.target)))}
	default:
		r = readiness{ready: fmt.Sprintf("{ command = %s }", quote(escapeExpressions(p.command)))}
	}
	have := i.ready[key]
	switch {
	case have == nil:
		i.ready[key] = &r
	case have.ready != r.ready || have.port != r.port:
		return fmt.Sprintf("ready of %q is %s already", key, have.ready)
	}
	if p.kind == probeKey {
		return i.etcdPort()
	}
	return ""
}

// etcdPort gives the etcd entry a port, which whoever asks for keys needs.
func (i *importer) etcdPort() (reason string) {
	for _, n := range i.nodes() {
		if n.key != "etcd" {
			continue
		}
		if i.ready["etcd"] == nil {
			i.ready["etcd"] = &readiness{}
		}
		if r := i.ready["etcd"]; r.port == 0 {
			if r.port = 2379; n.name == "etcd.service" {
				r.port = 4001
			}
		}
		return ""
	}
	return `no unit or host entry is called "etcd"`
}

// runs reports whether a command of the unit, if there is one, has a text in it and
// matches.
func (u *unit) runs(text string, pattern *regexp.Regexp) bool {
	return u != nil && slices.ContainsFunc(u.parsed.Lines, func(l units.Line) bool {
		return strings.HasPrefix(l.Name, "Exec") && strings.Contains(l.Value, text) && pattern.MatchString(l.Value)
	})
}

// makes reports whether a command of the unit names a file and does not wait for it.
func (u *unit) makes(file string, pattern *regexp.Regexp) bool {
	return u != nil && slices.ContainsFunc(u.parsed.Lines, func(l units.Line) bool {
		if !strings.HasPrefix(l.Name, "Exec") || !strings.Contains(l.Value, file) || !pattern.MatchString(l.Value) {
			return false
		}
		p, _ := recognise(l.Value)
		return p == nil
	})
}

// leans reports whether the unit names another in its relations.
func (u *unit) leans(name units.Name) bool {
	return slices.ContainsFunc(units.Edges(u.name, u.parsed.Options()), func(e units.Edge) bool { return e.Target == name })
}

// awaited reports whether a lift that holds needs the readiness of a key.
func (i *importer) awaited(key string) bool {
	for _, u := range i.units {
		for _, l := range u.idiom.alive() {
			if l.wait != nil && (l.target == key || key == "etcd" && l.wait.kind == probeKey) {
				return true
			}
		}
	}
	return false
}

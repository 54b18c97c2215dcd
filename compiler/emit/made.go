package emit

import (
	"fmt"
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

const (
	// lease is for how many seconds a key lasts that is not put again: fleet takes
	// about as long to give up a machine that is gone (fleet v1.0.0, agent_ttl 30s).
	lease = 20
	// renewal is how many seconds lie between two puts of it.
	renewal = 5
)

// machinesKey is where fleet keeps what it knows of each machine (fleet v1.0.0
// registry/machine.go, with the usual etcd_key_prefix).
const machinesKey = "/_coreos.com/fleet/machines/"

// why returns the rule by which the lines of a unit are there that is made.
func why(m *topology.Made) string {
	if m.Follows {
		return fmt.Sprintf("keeps the address of %q on the machines of those that follow it", m.For.Key)
	}
	return fmt.Sprintf("publishes the address of %q while it is up", m.For.Key)
}

// madeUnit writes what is in [Unit] of a unit that the compiler makes.
func (w *writer) madeUnit() {
	m := w.node.Made
	if m == nil {
		return
	}
	text := "address of " + m.For.Key + ", announced in etcd"
	if m.Follows {
		text = "address of " + m.For.Key + ", as etcd has it"
	}
	w.line("Unit", "Description", units.EscapeSpecifiers(text), w.origin(w.unit.Pos, "", why(m)))
}

// madeService writes the command of a unit that the compiler makes.
func (w *writer) madeService() {
	m := w.node.Made
	if m == nil {
		return
	}
	script, ok := w.announceScript(m.For)
	if m.Follows {
		script, ok = w.followScript(m)
	}
	if !ok {
		script = "false" // why is reported; the command is not missing on top of that
	}
	o := w.origin(w.unit.Pos, "", why(m))
	w.line("Service", "ExecStart", units.ShellCommand(script), o)
	w.line("Service", "Restart", "always", o)
	w.line("Service", "RestartSec", "5", o)
}

// say is a shell function that writes a line to the journal unless it is the same
// as the last one.
func (w *writer) say() string {
	return fmt.Sprintf(`s=; say() { [ "$1" = "$s" ] || echo %s": $1"; s=$1; }; `, units.ShellQuote(string(w.name)))
}

// announceScript holds a key in etcd as long as x is up, as a lease: one that
// another machine holds is left alone, so that of two for the time that fleet needs
// to tidy up, as after a cut network, one is followed. It ends with the unit.
func (w *writer) announceScript(x *topology.Node) (script string, ok bool) {
	a := w.announcementOf(x)
	begin, pick, ok := w.findEtcd(a.key)
	test, known := w.upTest(x)
	if !ok || !known {
		return "", false
	}
	address, value, where := "", "HOST=$h", "$h"
	if p := x.Port(); p.Given() {
		address = fmt.Sprintf("a=$b:%d; ", p.Value)
		value += fmt.Sprintf(" ADDRESS=$a URL=%s://$a", schemeOf(x))
		where = "$a"
	}
	name := units.ShellQuote(x.Key)
	var b strings.Builder
	b.WriteString(begin + "v=; " + w.say())
	b.WriteString(`off() { [ -z "$v" ] || ask -o /dev/null -G -X DELETE --data-urlencode "prevValue=$v" "$k"; v=; }; `)
	fmt.Fprintf(&b, `put() { ask -o /dev/null -w '%%{http_code}' -X PUT -d ttl=%d --data-urlencode "value=$n" --data-urlencode "$1" "$k"; }; `, lease)
	host, unknown := ownAddress(x)
	b.WriteString(`trap 'off; exit 0' TERM; while :; do ` + pick)
	fmt.Fprintf(&b, `h=%s; case $h in *:*) b="[$h]";; *) b=$h;; esac; %sn="%s"; `, host, address, value)
	fmt.Fprintf(&b, `if [ -z "$h" ]; then say %s; elif ! { %s; }; then say %s" is not up, or not at %s"; else `, units.ShellQuote(unknown), test, name, where)
	b.WriteString(`[ "$n" = "$v" ] || off; c=$(put "prevValue=$n"); [ "$c" = 200 ] || c=$(put prevExist=false); `)
	fmt.Fprintf(&b, `case $c in 20?) v=$n; say "announces $n";; 412) v=; say 'another machine announces '%s;; *) say "etcd does not take the key ($c)";; esac; fi; sleep %d; done`, name, renewal)
	return b.String(), true
}

// ownAddress returns how the shell learns the address of its machine, and what to
// say while there is none.
func ownAddress(x *topology.Node) (shell, unknown string) {
	if env := x.Unit.Announce.Env; env != nil {
		return "$" + env.Name, env.Name + " is empty"
	}
	return `$(ask -f "$e` + keysPath + machinesKey + `$(cat /etc/machine-id)/object" | sed -n 's/.*\\"PublicIP\\":\\"\([0-9A-Fa-f.:]*\)\\".*/\1/p')`,
		"fleet has put no address of this machine into etcd"
}

// findEtcd returns how a script that goes on for ever asks etcd, with the function
// ask, and finds it, as $e, and a key in it, as $k: what it begins with, and what
// it does in each round, which is to choose one that answers where there are several.
func (w *writer) findEtcd(key string) (begin, round string, ok bool) {
	keys, ok := w.etcdURLs(key, "", w.unit.Pos, "")
	if !ok {
		return "", "", false
	}
	var bases []string
	for _, k := range keys {
		base, path, _ := strings.Cut(k, keysPath)
		key = keysPath + path
		bases = append(bases, units.ShellQuote(base))
	}
	ask := fmt.Sprintf(`ask() { %s -s --max-time 5 "$@"; }; `, w.etcdCurl())
	set := "k=$e" + units.ShellQuote(key) + "; "
	if len(bases) == 1 {
		return ask + "e=" + bases[0] + "; " + set, "", true
	}
	return ask, fmt.Sprintf(`for e in %s; do ask -fo /dev/null "$e"/version && break; done; %s`, strings.Join(bases, " "), set), true
}

// upTest returns the shell test that x is up, asked at the address that others
// shall have where it is asked over the network.
func (w *writer) upTest(x *topology.Node) (test string, ok bool) {
	test, _, ok = w.announcedTest(x, "$h", "$a")
	if test != "" || !ok {
		return test, ok
	}
	edge := w.node.Waits(x)
	if edge == nil {
		return "", false // its name is at fault, which is reported
	}
	if r := x.Ready(); r != nil {
		test, _, ok = w.test(edge, r, "")
		return test, ok
	}
	test, _, ok = w.unitTest(edge)
	return test, ok
}

// followScript keeps a file with the address that is announced, and starts again
// those that have taken another one from it. What is missing from etcd takes
// nothing away: the last address may still be right. A file beside tells which
// address all have, so that nobody is forgotten when the script is ended half-way.
func (w *writer) followScript(m *topology.Made) (script string, ok bool) {
	a := w.announcementOf(m.For)
	begin, pick, ok := w.findEtcd(a.key)
	if !ok {
		return "", false
	}
	name := units.ShellQuote(m.For.Key)
	var b strings.Builder
	fmt.Fprintf(&b, "set -f; %sf=%s; %s", begin, units.ShellQuote(a.file), w.say())
	again := ""
	if len(m.Readers) > 0 {
		fmt.Fprintf(&b, `again() { l=$(systemctl list-units --no-legend --full --state=active,activating,reloading %s) && echo "$l" | while read -r u _; do [ -z "$u" ] || systemctl --no-block try-restart "$u" || exit 1; done; }; `, patterns(m.Readers))
		again = `{ [ $new = 0 ] || again; } && `
	}
	fmt.Fprintf(&b, `mkdir -p %s; while :; do %s`, units.ShellQuote(path.Dir(a.file)), pick)
	b.WriteString(`v=$(ask -f "$k" | sed -n 's/.*"value":"\([][A-Za-z0-9.:\/= _-]*\)".*/\1/p'); `)
	b.WriteString(`if [ -z "$v" ]; then say 'etcd has no address of '` + name + `; elif [ "$v" = "$(cat "$f".seen 2>/dev/null)" ]; then say ` + name + `" is at $v"; else `)
	fmt.Fprintf(&b, `[ -s "$f" ]; new=$((1-$?)); printf '%s_%%s\n' $v >"$f".new && mv -f "$f".new "$f" && %s`, a.prefix, again)
	fmt.Fprintf(&b, `echo "$v" >"$f".seen && say %s" is at $v"; fi; sleep %d; done`, name, pause)
	return b.String(), true
}

// patterns are the names of units for systemctl; of a counted one, which instances
// of it are on a machine is for fleet to decide.
func patterns(nodes []*topology.Node) string {
	var words []string
	for _, n := range nodes {
		name := n.Name()
		if n.Unit.Counted() {
			name = name.Of("*")
		}
		words = append(words, units.ShellQuote(string(name)))
	}
	return strings.Join(words, " ")
}

package stack

import (
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// unitWords are stackc's own words in a unit. What is not among them and begins
// with a capital letter is a section of systemd's.
var unitWords = []keyword[Unit]{
	listKey("role", names(), func(u *Unit) *[]Word { return &u.Roles },
		"the role on whose machines it runs, or several: any of them", `"node"`),
	key("global", flag(), func(u *Unit) *Flag { return &u.Global },
		"true: once on every machine that fits", `true`),
	listKey("machine_of", names(), func(u *Unit) *[]Word { return &u.MachineOf },
		"units whose machine it must share", `"web"`),
	listKey("conflicts", names(), func(u *Unit) *[]Word { return &u.Conflicts },
		"units, or full names and patterns of other stacks', that it may not share a machine with", `["web@*.service"]`),
	key("machine_id", oneName(), func(u *Unit) *Word { return &u.MachineID },
		"the id of its machine, or the first 8 digits of it", `"8b9a3c1f"`),
	listKey("metadata", pairs(), func(u *Unit) *[]Word { return &u.Metadata },
		"further key=value pairs of fleet's metadata that its machine must have", `"disk=ssd"`),
	listKey("after", names(), func(u *Unit) *[]Word { return &u.After },
		"units and host entries that must be ready before it starts, wherever they are", `["etcd", "api"]`),
	key("ready", readiness(), func(u *Unit) **Ready { return &u.Ready },
		"how those that follow it learn that it is up", `{ http = "/healthz" }`).besideText(),
	key("port", port(), func(u *Unit) *Int { return &u.Port },
		"the port it listens on, for ready and ${{ X.address }}", `8080`).besideText(),
	listKey("ports", listenings(), func(u *Unit) *[]Listening { return &u.Ports },
		"further ports that it listens on, and who uses them, for stackc ports", `[{ port = 10248, from = "api" }]`).besideText(),
	key("listen", address(), func(u *Unit) *Text { return &u.Listen },
		"the address its program binds; 127.0.0.1 keeps followers on other machines out", `"127.0.0.1"`).besideText(),
	key("announce", announceForm(), func(u *Unit) **Announce { return &u.Announce },
		"true: its machine puts its address into etcd, and followers elsewhere go with it from machine to machine", `true`).besideText(),
	listKey("download", form[[]Download]{manyShape(downloadShape()), (*decoder).downloads}, func(u *Unit) *[]Download { return &u.Downloads },
		"files that are fetched before it starts, if they are not there yet",
		`[{ url = "http://10.0.0.1/agent", to = "/opt/bin/agent", unverified = true }]`),
	key("etcd_put", form[[]Put]{mapShape(slashPattern, Shape{}), (*decoder).puts}, func(u *Unit) *[]Put { return &u.Puts },
		"keys that are put into etcd before it starts, if they are absent; what is no string becomes JSON", `{ "/agent/level" = "9" }`),
	key("env", form[[]EnvVar]{mapShape(envPattern, stringShape(slashPattern)), (*decoder).env}, func(u *Unit) *[]EnvVar { return &u.Env },
		"environment variables and the files on the machine that give them, which are waited for", `{ DEFAULT_IPV4 = "/etc/network-environment" }`),
	{Keyword{Name: "wait", Help: "the longest that each of its waiters may take, in seconds when it is a number", Shape: durationShape(), Example: `"5m"`},
		func(d *decoder, u *Unit, v *syntax.Value) { u.Wait, u.WaitPos = d.duration(v), d.pos(v.Span) }},
	key("state", form[units.State]{choiceShape(states()...), (*decoder).state}, func(u *Unit) *units.State { return &u.State },
		"what fleet is asked for; launched when it is not said", `"loaded"`).besideText(),
	key("count", number(0, 10000), func(u *Unit) *Int { return &u.Count },
		"so many instances, NAME@1 to NAME@N", `3`),
	key("spread", flag(), func(u *Unit) *Flag { return &u.Spread },
		"true: no two of its instances on one machine", `true`),
	key("update", updateForm(), func(u *Unit) **Update { return &u.Update },
		"how a change of it is rolled out; it is no part of the unit itself", `{ max_unavailable = 1, healthy_for = "10s" }`).besideText(),
	key("release", oneName(), func(u *Unit) *Word { return &u.Release },
		"the release whose flags its program knows", `"kubernetes/0.15"`).besideText(),
	listKey("allow", allowances(), func(u *Unit) *[]*Allowance { return &u.Allow },
		"codes of findings that are right as they are in this unit", `["no-restart"]`).besideText(),
	{Keyword{Name: "text", Help: "the unit file itself, which is compiled as it stands", Shape: Shape{Kind: ShapeString}, Example: `"[Service]\nExecStart=/opt/bin/web\n"`, BesideText: true},
		(*decoder).verbatim},
}

// UnitWords returns stackc's own words in a unit, in the order in which they are documented.
func UnitWords() []string { return keywordsOf(unitWords).Names() }

// unit reads the table of one unit over what u already holds: a library's unit
// that the using file changes keeps every key that the file does not name.
func (d *decoder) unit(u *Unit, t *syntax.Table) {
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if isSection(e.Key) {
			d.section(u, e)
			continue
		}
		i := unitWord(e.Key)
		if i >= 0 {
			before := len(*d.findings)
			unitWords[i].read(d, u, e.Value)
			if places(e.Key) && (len(*d.findings) > before || d.lost(e.Value)) {
				u.Misplaced = true
			}
			continue
		}
		d.unknownUnitWord(u, e)
		if meant, ok := suggestion(e.Key, UnitWords()); ok && t.Get(meant) == nil {
			right := *e
			right.Key = meant
			unitWords[unitWord(meant)].read(d.quiet(&right), u, e.Value)
		}
	}
	d.besideText(u, t)
}

// places reports whether a word says on which machines a unit runs.
func places(word string) bool {
	return slices.Contains([]string{"role", "global", "machine_of", "machine_id", "metadata"}, word)
}

// unitWord returns the index of a lower-case key of a unit, -1 for an unknown one.
func unitWord(key string) int {
	return slices.IndexFunc(unitWords, func(w keyword[Unit]) bool { return w.Name == key })
}

func (d *decoder) unknownUnitWord(u *Unit, e *syntax.Entry) {
	f := d.errorf(diag.UnknownKey, e.KeySpan, "a unit has no key %q", e.Key)
	if meant := lowerSection(e); meant != "" {
		u.Unread = true
		f.help("sections of systemd are written with a capital letter: [unit.….%s]", meant)
		right := *e
		right.Key = meant
		d.section(u, &right)
		return
	}
	f.suggest(e.Key, UnitWords()).orHelp("systemd's own directives stand in a table named as their section, like [unit.….Service]")
}

// states are the words for what fleet is asked for.
func states() []string {
	return []string{string(units.Launched), string(units.Loaded), string(units.Inactive)}
}

func (d *decoder) state(v *syntax.Value) units.State {
	s := d.name(v)
	if s != "" && !slices.Contains(states(), s) {
		d.errorf(diag.BadValue, v.Span, "fleet knows no state %q", s).suggest(s, states()).orHelp("the states are %s", oneOf(states()))
		return ""
	}
	return units.State(s)
}

package compare

import (
	"regexp"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// Verb is what a command of the compiler does.
type Verb string

// The verbs.
const (
	// Wait holds the unit until something is ready.
	Wait Verb = "wait"
	// Download fetches a file.
	Download Verb = "download"
	// Put puts a key into etcd if it is absent.
	Put Verb = "put"
)

// Step is a command that the compiler has written, by what it does. It is read
// from the text alone, so that units that come from a cluster have it too.
type Step struct {
	Verb Verb
	// Subject is what a person calls it: "kube-apiserver", the file that is
	// downloaded, a key.
	Subject string
	// Probe is what is asked, or the URL of a download; "" for what asks nothing.
	Probe string
	// Facts are its further particulars, in a fixed order.
	Facts []Fact
	// script is the command with the unit's own name taken out.
	script string
}

// Fact is one particular of a Step.
type Fact struct{ Name, Value string }

// String says what the step does: "wait for etcd: http://10.0.0.1:4001/version",
// "download /opt/bin/x from http://mirror/x", "put etcd key /a".
func (s Step) String() string {
	switch s.Verb {
	case Download:
		return "download " + s.Subject + " from " + s.Probe
	case Put:
		return "put etcd key " + s.Subject
	}
	if s.Probe == "" {
		return "wait for " + s.Subject
	}
	return "wait for " + s.Subject + ": " + s.Probe
}

func (s Step) key() string { return s.script }

var (
	echoed   = pattern.New(`echo ('(?:[^']|'\\'')*') \$n; sleep [0-9]+; done`)
	gaveUp   = pattern.New(`: gave up waiting for .* after ([^' ]+)'; exit 1`)
	target   = pattern.New(`^f=('(?:[^']|'\\'')*'|\S+); t=`)
	checksum = pattern.New(`echo "([0-9a-f]{64})  \$1" \| sha256sum`)
	mode     = pattern.New(`chmod ([0-7]+) "\$t"`)
	putValue = pattern.New(`--data-urlencode ('value=(?:[^']|'\\'')*'|value=\S*) `)
)

// ReadStep recognises a command that the compiler writes before the program of
// the unit of that name: it tells in the journal what it waits for.
func ReadStep(name units.Name, value string) (Step, bool) {
	if !strings.HasPrefix(value, "/bin/sh -c ") || !strings.Contains(value, ": waiting for ") {
		return Step{}, false
	}
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 || len(commands[0].Words) != 3 {
		return Step{}, false
	}
	script, ok := commands[0].Words[2].Literal()
	if !ok {
		return Step{}, false
	}
	m := echoed().FindStringSubmatch(script)
	if m == nil {
		return Step{}, false
	}
	what, ok := strings.CutPrefix(unquoteShell(m[1]), string(name)+": waiting for ")
	what, ok2 := strings.CutSuffix(what, ", try")
	if !ok || !ok2 {
		return Step{}, false
	}
	s := stepOf(what, script)
	s.script = strings.ReplaceAll(script, string(name), "%n")
	return s, true
}

func stepOf(what, script string) Step {
	if url, ok := strings.CutPrefix(what, "download "); ok && strings.HasPrefix(script, "f=") {
		s := Step{Verb: Download, Subject: url, Probe: url}
		if m := target().FindStringSubmatch(script); m != nil {
			s.Subject = unquoteShell(m[1])
		}
		s.fact("sha256", checksum(), script)
		s.fact("mode", mode(), script)
		return s
	}
	if key, ok := strings.CutPrefix(what, "etcd to take key "); ok {
		s := Step{Verb: Put, Subject: key}
		s.fact("value", putValue(), script)
		return s
	}
	s := Step{Verb: Wait, Subject: what}
	if subject, probe, ok := strings.Cut(what, " ("); ok && strings.HasSuffix(probe, ")") {
		s.Subject, s.Probe = subject, strings.TrimSuffix(probe, ")")
	} else if variable, file, ok := strings.Cut(what, " in "); ok {
		s.Subject, s.Probe = variable, "file "+file
	}
	s.fact("for at most", gaveUp(), script)
	return s
}

func (s *Step) fact(name string, pattern *regexp.Regexp, script string) {
	if m := pattern.FindStringSubmatch(script); m != nil {
		s.Facts = append(s.Facts, Fact{name, strings.TrimPrefix(unquoteShell(m[1]), "value=")})
	}
}

// unquoteShell undoes units.ShellQuote.
func unquoteShell(s string) string {
	if !strings.HasPrefix(s, "'") {
		return s
	}
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(s, "'"), "'"), `'\''`, "'")
}

// changes lists the particulars in which two steps about the same differ. When it
// is none of them, the shell alone was written anew.
func (s Step) changes(to Step) []Arg {
	var args []Arg
	if s.Probe != to.Probe {
		name := "asks"
		if s.Verb == Download {
			name = "from"
		}
		args = append(args, Arg{Name: name, Old: s.Probe, New: to.Probe})
	}
	for _, f := range s.Facts {
		value, ok := to.factOf(f.Name)
		switch {
		case !ok:
			args = append(args, Arg{Name: f.Name, Old: f.Value, Gone: true})
		case value != f.Value:
			args = append(args, Arg{Name: f.Name, Old: f.Value, New: value})
		}
	}
	for _, f := range to.Facts {
		if _, had := s.factOf(f.Name); !had {
			args = append(args, Arg{Name: f.Name, New: f.Value, Fresh: true})
		}
	}
	return args
}

func (s Step) factOf(name string) (string, bool) {
	for _, f := range s.Facts {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// WithWaits gives the units of a set that came without them their waits, as their
// commands tell. What a waiter names is the unit of the set of that name, if there
// is one.
func WithWaits(s *units.Set) *units.Set {
	list := make([]units.Unit, len(s.Units))
	for i, u := range s.Units {
		if u.Waits == nil {
			u.Waits = waitsOf(s, u)
		}
		list[i] = u
	}
	return units.NewSet(s.Stack, list, s.Addresses...)
}

func waitsOf(s *units.Set, u units.Unit) []units.Wait {
	var waits []units.Wait
	for _, o := range u.Options {
		if o.Section != "Service" || o.Name != "ExecStartPre" {
			continue
		}
		step, ok := ReadStep(u.Name, o.Value)
		if !ok || step.Verb != Wait {
			continue
		}
		w := units.Wait{Subject: step.Subject, Probe: step.Probe}
		if _, ok := s.Lookup(units.Name(units.Complete(step.Subject))); ok {
			w.Unit = units.Name(units.Complete(step.Subject))
		}
		waits = append(waits, w)
	}
	return waits
}

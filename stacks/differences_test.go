package stacks_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/units"
)

// A difference between a guide's unit and the compiled one is written on one line,
// with the reason behind a number sign:
//
//	- Unit.After=docker.service # P07: …
//	+ Unit.Wants=etcd.service # P04: …
//	+ Service.ExecStartPre: wait for etcd (http://127.0.0.1:4001/version) # P06: …
//	- ExecStart --etcd-servers=http://10.20.30.40:4001 # P34: …
//	~ ExecStart --port=10250 -> --port=10255 # P43: …

// listed is one line of a .differences file.
type listed struct {
	difference string
	reasons    []string // entries of the list of pitfalls: P07
	place      string
}

var reason = regexp.MustCompile(`^(.*\S) # (P\d\d(?:, P\d\d)*): \S.*$`)

// ownMark is the one line that no pitfall of the guides is the reason for: it says
// whose unit it is.
var ownMark = regexp.MustCompile(`^(\+ X-Stackc\.Stack=\S+) # stackc: \S.*$`)

// readListed reads a .differences file; blank lines and lines that begin with # are remarks.
func readListed(t *testing.T, file string) []listed {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("every unit that fleet places has its differences listed: %v", err)
	}
	var list []listed
	for i, line := range strings.Split(string(text), "\n") {
		place := fmt.Sprintf("%s:%d", path.Base(file), i+1)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := ownMark.FindStringSubmatch(line); m != nil {
			list = append(list, listed{difference: m[1], place: place})
		} else if m := reason.FindStringSubmatch(line); m != nil {
			list = append(list, listed{difference: m[1], reasons: strings.Split(m[2], ", "), place: place})
		} else {
			t.Errorf("%s: no reason behind the difference, such as # P07: why: %s", place, line)
		}
	}
	return list
}

// differences lists what is in only one of two units: options by their text,
// ExecStart argument by argument, and what the compiler put before it by what it
// does. The order within a list of arguments must be the guide's, else that is a
// difference too.
func differences(t *testing.T, guide []units.Option, compiled units.Unit) []string {
	t.Helper()
	list := onlyIn(settings(guide), append(settings(compiled.Options), preparations(t, compiled)...))
	return append(list, argumentDifferences(arguments(t, guide), arguments(t, compiled.Options))...)
}

// onlyIn lists the texts that only one side has, each as often as it has it more.
func onlyIn(old, now []string) []string {
	var list []string
	rest := slices.Clone(now)
	for _, s := range old {
		if i := slices.Index(rest, s); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			list = append(list, "- "+s)
		}
	}
	for _, s := range rest {
		list = append(list, "+ "+s)
	}
	return list
}

// settings are all options but ExecStart and the commands that the compiler writes.
func settings(opts []units.Option) []string {
	var list []string
	for _, o := range opts {
		if o.Name != "ExecStart" && !strings.HasPrefix(o.Value, "/bin/sh -c ") {
			list = append(list, o.Section+"."+o.Name+"="+o.Value)
		}
	}
	return list
}

var (
	putValue     = regexp.MustCompile(`--data-urlencode '?value=([^']*?)'? `)
	downloadPath = regexp.MustCompile(`^f=(\S+); `)
)

// preparations says what each ExecStartPre that the compiler wrote does. Its
// waits are in the order of these commands.
func preparations(t *testing.T, u units.Unit) []string {
	t.Helper()
	var list []string
	for _, o := range u.Options {
		if o.Name != "ExecStartPre" {
			continue
		}
		if len(list) == len(u.Waits) {
			t.Fatalf("%s: no wait belongs to ExecStartPre=%s", u.Name, o.Value)
		}
		list = append(list, "Service.ExecStartPre: "+preparation(t, u.Waits[len(list)], script(t, o.Value)))
	}
	if len(list) != len(u.Waits) {
		t.Fatalf("%s: %d waits and %d ExecStartPre", u.Name, len(u.Waits), len(list))
	}
	return list
}

func preparation(t *testing.T, wait units.Wait, script string) string {
	t.Helper()
	key, put := strings.CutPrefix(wait.Probe, "etcd key ")
	probe := wait.Probe
	if file, ok := strings.CutPrefix(probe, "file "); ok {
		probe = file
	} else if command, ok := strings.CutPrefix(probe, "command "); ok {
		probe = command
	} else if put {
		probe = key
	}
	if !strings.Contains(script, probe) {
		t.Errorf("the command has nothing of %q in it: %s", probe, script)
	}
	switch {
	case put:
		return fmt.Sprintf("put %s if absent: %s", key, submatch(t, putValue, script))
	case wait.Subject == "download":
		return fmt.Sprintf("download %s to %s", wait.Probe, submatch(t, downloadPath, script))
	}
	return fmt.Sprintf("wait for %s (%s)", wait.Subject, wait.Probe)
}

func submatch(t *testing.T, re *regexp.Regexp, s string) string {
	t.Helper()
	m := re.FindStringSubmatch(s)
	if m == nil {
		t.Fatalf("%s is not in: %s", re, s)
	}
	return m[1]
}

// script is the shell text of an ExecStartPre as the shell gets it.
func script(t *testing.T, value string) string {
	t.Helper()
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 || len(commands[0].Words) != 3 {
		t.Fatalf("not /bin/sh -c SCRIPT: %s (%v)", value, err)
	}
	text, ok := commands[0].Words[2].Literal()
	if !ok {
		t.Fatalf("systemd would change the script: %s", value)
	}
	return text
}

// argument is one argument of a program: a flag with its value, or another word.
type argument struct{ name, text string }

// arguments splits the one ExecStart. The program itself is the first argument. A
// flag's value may be the next word.
func arguments(t *testing.T, opts []units.Option) []argument {
	t.Helper()
	value, ok := units.Last(opts, "Service", "ExecStart")
	commands, err := units.SplitExec(value)
	if !ok || err != nil || len(commands) != 1 {
		t.Fatalf("not one command: ExecStart=%s (%v)", value, err)
	}
	var list []argument
	for i, w := range commands[0].Words {
		last := len(list) - 1
		switch flag, _, _ := strings.Cut(w.Text, "="); {
		case i == 0:
			list = append(list, argument{"program", w.Text})
		case strings.HasPrefix(w.Text, "-"):
			list = append(list, argument{flagName(flag), w.Text})
		case strings.HasPrefix(list[last].text, "-") && !strings.Contains(list[last].text, "="):
			list[last].text += " " + w.Text
		default:
			list = append(list, argument{w.Text, w.Text})
		}
	}
	return list
}

// flagName is the name of a flag without regard to its spelling.
func flagName(flag string) string {
	return strings.ReplaceAll(strings.TrimLeft(flag, "-"), "_", "-")
}

func argumentDifferences(old, now []argument) []string {
	var list, order []string
	for _, a := range old {
		i := slices.IndexFunc(now, func(b argument) bool { return b.name == a.name })
		switch {
		case i < 0:
			list = append(list, "- ExecStart "+a.text)
			continue
		case now[i].text != a.text:
			list = append(list, "~ ExecStart "+a.text+" -> "+now[i].text)
		}
		order = append(order, a.name)
	}
	var kept []string
	for _, b := range now {
		if slices.ContainsFunc(old, func(a argument) bool { return a.name == b.name }) {
			kept = append(kept, b.name)
		} else {
			list = append(list, "+ ExecStart "+b.text)
		}
	}
	if !slices.Equal(order, kept) {
		list = append(list, "~ ExecStart order "+strings.Join(order, " ")+" -> "+strings.Join(kept, " "))
	}
	return list
}

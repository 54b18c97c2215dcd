package emit

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// announcement is how the address of a unit that announces itself travels: from
// its own machine to a key in etcd, and from there to a file on the machines of its
// followers, which gives their commands variables.
type announcement struct {
	key    string // of etcd
	file   string
	prefix string // of the variables
}

// announcementOf names what stands for the address of to.
func (w *writer) announcementOf(to *topology.Node) announcement {
	return announcement{
		key:    path.Join("/stackc", w.t.Stack.Name, "announce", to.Key),
		file:   path.Join("/run/stackc", w.t.Stack.Name, to.Key+".env"),
		prefix: "STACKC_" + variableName(to.Key),
	}
}

// variable is the name of the variable that holds a word of the address: host,
// address, or url.
func (a announcement) variable(field string) string { return a.prefix + "_" + strings.ToUpper(field) }

// variableName makes the name of a variable of a key.
func variableName(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

// addresserIn returns how the address of another unit is said in a directive: in
// a command as a variable where it is announced.
func (w *writer) addresserIn(s *stack.Section, d *stack.Directive, v stack.Text) addresser {
	if s.Name != "Service" || !strings.HasPrefix(d.Name, "Exec") || w.name.Type() != "service" {
		return w.addressOf
	}
	return func(t stack.Text, r stack.Ref, to *topology.Node, path string) string {
		if !w.t.AddressOf(w.node, to).Announced {
			return w.addressOf(t, r, to, path)
		}
		if r.Field != "host" && w.portOf(t, r, to, path) == "" {
			return ""
		}
		if why := noVariables(v); why != "" {
			w.add(w.problem(diag.AnnouncedAddress, t, r, path, "the address of %q is a variable here, and %s", to.Key, why).
				WithNote(to.Unit.Announce.Pos.Span, "announced here").
				WithHelp("let a command that systemd finds by a fixed path take it as an argument"))
			return ""
		}
		return "${" + w.announcementOf(to).variable(r.Field) + "}"
	}
}

// noVariables returns why systemd puts no variables into a command line, or into
// the word of it that holds an expression, "" when it does (systemd.service(5)).
func noVariables(v stack.Text) string {
	const mark = "\x00"
	words := strings.Fields(v.Expand(func(stack.Ref) string { return mark }))
	if len(words) == 0 {
		return ""
	}
	program := strings.TrimLeft(words[0], "@-:+!")
	switch {
	case strings.Contains(program, mark):
		return "systemd takes none in the path of the program"
	case strings.Contains(words[0][:len(words[0])-len(program)], ":"):
		return "the \":\" before the program tells systemd to put none in"
	}
	return ""
}

// announcedElsewhere reports the address of a unit that announces itself in a
// text that is fixed when the unit is written.
func (w *writer) announcedElsewhere(t stack.Text, r stack.Ref, to *topology.Node, path string) {
	help := "take it in a command of [Service], where systemd puts variables in"
	if strings.HasPrefix(path, "Service.Environment") {
		help = fmt.Sprintf("let the command set it: ExecStart = \"/usr/bin/env NAME=${{ %s.%s }} …\"", r.Subject, r.Field)
	}
	w.add(w.problem(diag.AnnouncedAddress, t, r, path, "the address of %q is not known before it runs, and this text is fixed", to.Key).
		WithNote(to.Unit.Announce.Pos.Span, "announced here").WithHelp(help))
}

// announcedFiles names the files that give the variables of the commands.
func (w *writer) announcedFiles(announced []*topology.Node) {
	of := map[string]*topology.Node{}
	for _, to := range announced {
		prefix := w.announcementOf(to).prefix
		if other := of[prefix]; other != nil {
			w.add(stack.Finding(diag.Error, diag.AnnouncedAddress, to.Unit.Announce.Pos, to.Path()+".announce", "%q and %q are both announced, and %q would have one variable for the addresses of both", other.Key, to.Key, w.node.Key).
				WithNote(other.Unit.Announce.Pos.Span, "the other one").WithHelp("rename one of them"))
		}
		of[prefix] = to
		file := "-" + units.EscapeSpecifiers(w.announcementOf(to).file)
		for i, edge := range w.node.Edges {
			if edge.To == to && !w.says("Service", "EnvironmentFile", file) {
				w.line("Service", "EnvironmentFile", file, w.origin(edge.Word.Pos, fmt.Sprintf("after[%d]", i), "the address as it is announced"))
			}
		}
	}
}

// announcedWaiter waits for a unit whose address this machine learns from etcd.
// It reads that anew at each try, so that it follows while it waits.
func (w *writer) announcedWaiter(edge *topology.Edge, i int) (preparation, bool) {
	to, ready := edge.To, edge.To.Ready()
	at := fmt.Sprintf("after[%d]", i)
	if to.Unit.Announce.Broken || ready != nil && ready.Broken {
		return preparation{}, false
	}
	a := w.announcementOf(to)
	test, probe, ok := w.announcedTest(to, "$"+a.variable("host"), "$"+a.variable("address"))
	if ready != nil && ready.Kind == stack.ReadyEtcd {
		test, probe, ok = w.etcdTest(edge, ready, at)
	} else if test == "" && ok { // it is announced while it is up
		test, probe, ok = w.keyTest(a.key, edge.Word.Pos, at)
	}
	if !ok {
		return preparation{}, false
	}
	file := units.ShellQuote(a.file)
	return preparation{
		script: w.until(fmt.Sprintf("[ -s %s ] && . %s && %s", file, file, test), fmt.Sprintf("%s (%s)", to.Key, probe)),
		origin: w.edgeOrigin(edge, i, "waiter"),
		wait:   units.Wait{Subject: to.Key, Probe: probe, Unit: to.Name()},
	}, true
}

// announcedTest returns the shell test of a readiness that is asked at an address
// that stands in variables of the shell, and what to call it; test is "" for one
// that is not asked over the network.
func (w *writer) announcedTest(to *topology.Node, host, address string) (test, probe string, ok bool) {
	r := to.Ready()
	if r == nil || r.Kind.Local() || r.Kind == stack.ReadyEtcd {
		return "", "", true
	}
	asked := ""
	if r.Kind != stack.ReadyTCP {
		asked = w.of(to, r.Target)
		if strings.Contains(asked, "://") {
			return w.curl(to, r) + units.ShellQuote(asked), asked, true
		}
	}
	port := to.Port()
	if !port.Given() {
		w.noPort(to)
		return "", "", false
	}
	if r.Kind == stack.ReadyTCP {
		return fmt.Sprintf(`timeout 5 /bin/bash -c ": </dev/tcp/%s/%d" 2>/dev/null`, host, port.Value), "tcp " + strconv.Itoa(port.Value) + " where it is announced", true
	}
	return fmt.Sprintf(`%s"%s://%s"%s`, w.curl(to, r), r.Kind, address, units.ShellQuote(asked)), fmt.Sprintf("%s %s where it is announced", r.Kind, asked), true
}

package emit

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// preparation is one ExecStartPre that the compiler adds.
type preparation struct {
	script string
	origin Origin
	wait   units.Wait // zero for what waits for nothing that has a name
}

// preparations returns what runs before the program: the environment, downloads
// (which take long and need nobody), the units waited for, and etcd keys.
func (w *writer) preparations() []preparation {
	var list []preparation
	for _, v := range w.unit.Env {
		list = append(list, w.envWaiter(v))
	}
	for i, d := range w.unit.Downloads {
		list = append(list, w.download(d, i))
	}
	for i, edge := range w.node.Edges {
		if p, ok := w.edgeWaiter(edge, i); ok {
			list = append(list, p)
		}
	}
	for _, put := range w.unit.Puts {
		if p, ok := w.put(put); ok {
			list = append(list, p)
		}
	}
	return list
}

// until is the loop around a test, as long as the unit's wait says.
func (w *writer) until(test, what string) string { return Until(w.name, w.unit.Wait, test, what) }

// envWaiter waits until a file on the machine gives a variable a value that is not empty.
func (w *writer) envWaiter(v stack.EnvVar) preparation {
	at := "env." + v.Name
	file := w.expand(v.File, at)
	probe := fmt.Sprintf("%s in %s", v.Name, file)
	test := HasVariable(v.Name, file)
	return preparation{
		script: w.until(test, probe),
		origin: w.origin(v.Pos, at, "the program must not start while the variable is empty"),
		wait:   units.Wait{Subject: v.Name, Probe: "file " + file},
	}
}

// download fetches a file, checks it, and moves it into place in one step.
func (w *writer) download(d stack.Download, i int) preparation {
	at, all := downloadAt(i), w.downloaded(d, i)
	from, to, sum := all.URL, all.To, all.SHA256
	o := w.origin(d.Pos, at, "fetched before the program starts, unless the right file is there")
	return preparation{script: Fetch(w.name, from, to, sum, d.Mode), origin: o, wait: units.Wait{Subject: "download", Probe: from}}
}

// edgeWaiter waits for the other end of an edge, when it has a readiness to wait for.
func (w *writer) edgeWaiter(edge *topology.Edge, i int) (preparation, bool) {
	at := fmt.Sprintf("after[%d]", i)
	ready := edge.To.Ready()
	if w.t.AddressOf(w.node, edge.To).Announced {
		return w.announcedWaiter(edge, i)
	}
	switch {
	case ready == nil && !edge.Local:
		w.notReady(edge, at)
		return preparation{}, false
	case ready == nil || ready.Broken:
		return preparation{}, false
	}
	test, probe, ok := w.test(edge, ready, at)
	if !ok {
		return preparation{}, false
	}
	wait := units.Wait{Subject: edge.To.Key, Probe: probe}
	if targets := w.targets(edge.To); edge.To.Unit != nil && len(targets) == 1 && (edge.Local || !edge.To.Unit.Counted()) {
		wait.Unit = targets[0]
	}
	return preparation{
		script: w.until(test, fmt.Sprintf("%s (%s)", edge.To.Key, probe)),
		origin: w.edgeOrigin(edge, i, "waiter"),
		wait:   wait,
	}, true
}

func (w *writer) notReady(edge *topology.Edge, at string) {
	kind, _, _ := strings.Cut(edge.To.Path(), ".")
	section := kind + "." + stack.Key(edge.To.Key)
	help := fmt.Sprintf(`add to [%s], for example: port = 8080, ready = { http = "/healthz" } or { tcp = true }`, section)
	if u := edge.To.Unit; u != nil && u.Value("Service", "Type") == "oneshot" { // it ends, and then nothing answers
		help = fmt.Sprintf(`put both on one machine with machine_of, or let its command put a key into etcd at the end and add to [%s]: ready = { etcd = "/KEY" }`, section)
	}
	w.add(stack.Finding(diag.Error, diag.NotReady, edge.Word.Pos, w.path(at), "%q cannot tell when %q is up: %s, and systemd orders units within one machine only", w.node.Key, edge.To.Key, edge.Why).
		WithNote(edge.To.Pos().Span, "it says no readiness here").
		WithHelp(help))
}

// test returns the shell test of a readiness, and what to call it.
func (w *writer) test(edge *topology.Edge, r *stack.Ready, at string) (test, probe string, ok bool) {
	switch r.Kind {
	case stack.ReadyHTTP, stack.ReadyHTTPS:
		return w.httpTest(edge, r, at)
	case stack.ReadyTCP:
		return w.tcpTest(edge, at)
	case stack.ReadyEtcd:
		return w.etcdTest(edge, r, at)
	}
	if !edge.Local {
		w.add(stack.Finding(diag.Error, diag.RemoteReadiness, edge.Word.Pos, w.path(at), "ready = { %s = … } can only be asked on the machine of %q, and %s", r.Kind, edge.To.Key, edge.Why).
			WithNote(r.Pos.Span, "the readiness").
			WithHelp("give it a readiness that can be asked from elsewhere: http, https, tcp or etcd"))
		return "", "", false
	}
	switch r.Kind {
	case stack.ReadyFile:
		return w.fileTest(edge, r)
	case stack.ReadyCommand:
		command := w.of(edge.To, r.Target)
		return fmt.Sprintf("timeout 10 /bin/sh -c %s >/dev/null 2>&1", units.ShellQuote(command)), "command " + command, true
	}
	return w.unitTest(edge)
}

// unitTest asks for each unit by itself: systemctl is content with one of several.
func (w *writer) unitTest(edge *topology.Edge) (test, probe string, ok bool) {
	var tests, names []string
	for _, target := range w.targets(edge.To) {
		tests = append(tests, "systemctl is-active --quiet "+units.ShellQuote(string(target)))
		names = append(names, string(target))
	}
	return strings.Join(tests, " && "), "unit " + strings.Join(names, " "), len(tests) > 0
}

// of expands a text of another unit: its self is that unit.
func (w *writer) of(n *topology.Node, t stack.Text) string {
	there := &writer{emitter: w.emitter, node: n, unit: n.Unit, name: n.Name(), place: n.Path()}
	switch {
	case n.Unit == nil:
		there.unit = &stack.Unit{Port: n.Host.Port}
	case n.Unit.Counted():
		there.instance, there.name = w.instance, nameOf(n, w.instance)
	}
	return there.expand(t, "ready")
}

func (w *writer) httpTest(edge *topology.Edge, r *stack.Ready, at string) (test, probe string, ok bool) {
	asked := []string{w.of(edge.To, r.Target)}
	if !strings.Contains(asked[0], "://") {
		bases, ok := w.endpoints(edge, at)
		if !ok {
			return "", "", false
		}
		path := asked[0]
		asked = nil
		for _, base := range bases {
			asked = append(asked, string(r.Kind)+"://"+base+path)
		}
	}
	var tests []string
	for _, url := range asked {
		tests = append(tests, w.curl(edge.To, r)+units.ShellQuote(url))
	}
	return anyOf(tests), strings.Join(asked, " or "), true
}

// anyOf is the shell test that is content with one of several.
func anyOf(tests []string) string {
	if len(tests) == 1 {
		return tests[0]
	}
	return "{ " + strings.Join(tests, " || ") + "; }"
}

// curl is the command that asks a URL of to, which stands behind it, whether to is up.
func (w *writer) curl(to *topology.Node, r *stack.Ready) string {
	return "curl -fs -o /dev/null --max-time 5 " + w.tlsOf(to, r)
}

// tlsOf are the options of curl that name the certificates by which to is checked, and
// what is shown to it, each with a blank behind it.
func (w *writer) tlsOf(to *topology.Node, r *stack.Ready) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	for _, o := range []struct {
		option string
		file   stack.Text
	}{{"--cacert ", r.CA}, {"--cert ", r.Cert}, {"--key ", r.Key}} {
		if o.file.Given() {
			b.WriteString(o.option + units.ShellQuote(w.of(to, o.file)) + " ")
		}
	}
	return b.String()
}

// etcdCurl is the command with which etcd is asked.
func (w *writer) etcdCurl() string {
	etcd := w.t.Node(etcdKey)
	return strings.TrimSpace("curl " + w.tlsOf(etcd, etcd.Ready()))
}

func (w *writer) tcpTest(edge *topology.Edge, at string) (test, probe string, ok bool) {
	endpoints, ok := w.endpoints(edge, at)
	if !ok {
		return "", "", false
	}
	var tests []string
	for _, endpoint := range endpoints {
		host, port, _ := net.SplitHostPort(endpoint)
		tests = append(tests, fmt.Sprintf("timeout 5 /bin/bash -c %s 2>/dev/null", units.ShellQuote(": </dev/tcp/"+host+"/"+port)))
	}
	return anyOf(tests), "tcp " + strings.Join(endpoints, " or "), true
}

// endpoints returns host:port of the other end of an edge, or several of which any will do.
func (w *writer) endpoints(edge *topology.Edge, at string) ([]string, bool) {
	port := edge.To.Port()
	if !port.Given() {
		w.noPort(edge.To)
		return nil, false
	}
	hosts, ok := w.hostsOf(edge.To, edge.Word.Pos, at)
	for i, host := range hosts {
		hosts[i] = net.JoinHostPort(host, strconv.Itoa(port.Value))
	}
	return hosts, ok
}

// noPort reports a readiness that is asked at a port of which nothing is said.
func (w *writer) noPort(to *topology.Node) {
	w.add(stack.Finding(diag.Error, diag.NoAddress, to.Ready().Pos, to.Path()+".ready", "%q says how to ask whether it is up, and no port to ask", to.Key).
		WithHelp("add port = … to it"))
}

func (w *writer) fileTest(edge *topology.Edge, r *stack.Ready) (test, probe string, ok bool) {
	file := w.of(edge.To, r.Target)
	if !r.Contains.Given() {
		return "[ -s " + units.ShellQuote(file) + " ]", "file " + file, true
	}
	text := w.of(edge.To, r.Contains)
	return fmt.Sprintf("grep -qsF -e %s %s", units.ShellQuote(text), units.ShellQuote(file)), fmt.Sprintf("%s in file %s", text, file), true
}

// etcdKey is the node that holds keys: the host entry or unit called etcd.
const etcdKey = "etcd"

// etcdURLs returns the URLs of a key with a query, seen from this unit, of which
// any will do.
func (w *writer) etcdURLs(key, query string, pos stack.Pos, at string) ([]string, bool) {
	etcd := w.t.Node(etcdKey)
	if etcd == nil || !etcd.Port().Given() {
		w.add(stack.Finding(diag.Error, diag.NoAddress, pos, w.path(at), "a key needs to know where etcd is").
			WithHelp(`declare it: [host.etcd] unit = "etcd.service", port = 4001 (2379 for etcd2), role = "…"`))
		return nil, false
	}
	hosts, ok := w.hostsOf(etcd, pos, at)
	for i, host := range hosts {
		where := url.URL{Scheme: schemeOf(etcd), Host: net.JoinHostPort(host, strconv.Itoa(etcd.Port().Value)), Path: keysPath + key, RawQuery: query}
		hosts[i] = where.String()
	}
	return hosts, ok
}

// keysPath is where etcd's v2 API has its keys.
const keysPath = "/v2/keys"

// keyTest is the shell test that etcd has a key.
func (w *writer) keyTest(key string, pos stack.Pos, at string) (test, probe string, ok bool) {
	asked, ok := w.etcdURLs(key, "", pos, at)
	var tests []string
	for _, url := range asked {
		tests = append(tests, w.etcdCurl()+" -fs -o /dev/null --max-time 5 "+units.ShellQuote(url))
	}
	return anyOf(tests), "etcd key " + key, ok
}

func (w *writer) etcdTest(edge *topology.Edge, r *stack.Ready, at string) (test, probe string, ok bool) {
	return w.keyTest(w.of(edge.To, r.Target), r.Pos, at)
}

// put writes a key when it is absent (etcd v2 API, prevExist=false: 201 when it
// was put, 412 when it was there), again and again until etcd answers so.
func (w *writer) put(p stack.Put) (preparation, bool) {
	at := "etcd_put." + strconv.Quote(p.Key)
	targets, ok := w.etcdURLs(p.Key, "prevExist=false", p.Pos, at)
	if !ok {
		return preparation{}, false
	}
	value := w.expand(p.Value, at)
	var tests []string
	for _, target := range targets {
		test := fmt.Sprintf(`c=$(%s -s -o /dev/null --max-time 5 -w '%%{http_code}' -X PUT --data-urlencode %s %s); [ "$c" = 201 ] || [ "$c" = 412 ]`,
			w.etcdCurl(), units.ShellQuote("value="+value), units.ShellQuote(target))
		if len(targets) > 1 {
			test = "{ " + test + "; }"
		}
		tests = append(tests, test)
	}
	return preparation{
		script: w.until(anyOf(tests), "etcd to take key "+p.Key),
		origin: w.origin(p.Pos, at, "put if absent, until etcd answers"),
		wait:   units.Wait{Subject: "etcd", Probe: "etcd key " + p.Key},
	}, true
}

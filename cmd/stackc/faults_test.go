package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// The two versions of a stack between which the faults happen: one unit changes, one
// is new and needs some seconds to start, one goes and one stays.
const (
	faultsBefore = `
stack = "shop"
[unit.db.Service]
ExecStart = "/usr/bin/db --level=1"
Restart = "always"
[unit.log.Service]
ExecStart = "/usr/bin/log"
Restart = "always"
[unit.web.Service]
ExecStart = "/usr/bin/web"
Restart = "always"
`
	faultsAfter = `
stack = "shop"
[unit.db.Service]
ExecStart = "/usr/bin/db --level=2"
Restart = "always"
[unit.new.Service]
ExecStart = "/usr/bin/new"
Restart = "always"
[unit.web.Service]
ExecStart = "/usr/bin/web"
Restart = "always"
`
)

// outage is something that goes wrong with every request from some moment on.
type outage struct {
	when  string // reading, writing, waiting
	lasts time.Duration
	fault fleettest.Fault
	// later, if any, takes the place of fault half way.
	later *fleettest.Fault
	// refuse lets nobody connect, beside what the fault does to open connections.
	refuse bool
	// once is done when it begins.
	once func()
}

// trouble is an outage that may have begun.
type trouble struct {
	outage
	writes int
	span
}

// span is the time of an outage.
type span struct {
	mu    sync.Mutex
	began time.Time
	over  bool
}

// hit reports whether it has begun.
func (o *span) hit() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.began.IsZero()
}

// end lets all go well again.
func (o *span) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
}

// goesOn reports whether it has begun and its time is not over.
func (o *span) goesOn(lasts time.Duration) bool {
	return !o.over && !o.began.IsZero() && time.Since(o.began) < lasts
}

const forEver = time.Duration(1 << 62)

// active reports whether it goes wrong now.
func (o *trouble) active() bool { return o.goesOn(o.lasts) }

func (o *trouble) begin() {
	if o.began.IsZero() {
		o.began = time.Now()
		if o.once != nil {
			o.once()
		}
	}
}

// rule is the outage as the cluster asks for it, with each request.
func (o *trouble) rule(r fleettest.Request) *fleettest.Fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Writes() {
		o.writes++
	}
	const all = 3 // writes that the change needs
	if o.when == "reading" || o.when == "writing" && o.writes >= 2 || o.when == "waiting" && o.writes >= all && r.Kind == "state" {
		o.begin()
	}
	if !o.active() {
		return nil
	}
	f := o.fault
	if o.later != nil && time.Since(o.began) > o.lasts/2 {
		f = *o.later
	}
	return &f
}

// dial is the network while the outage may come.
func (o *trouble) dial(c *fleettest.Cluster) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if o.refuses() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return c.Dial(ctx, network, address)
	}
}

// refuses reports whether nobody can connect now.
func (o *trouble) refuses() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.when == "reading" {
		o.begin()
	}
	return o.refuse && o.active()
}

// result is how a run of stackc ended.
type result struct {
	code     int
	out, err string
}

// runInside runs stackc in this process, on a network of its own that has no etcd.
func runInside(network func(context.Context, string, string) (net.Conn, error), now func() time.Time, args ...string) result {
	return runOn(network, now, append(args, "--no-state")...)
}

// runOn runs stackc in this process, on a network of its own.
func runOn(network func(context.Context, string, string) (net.Conn, error), now func() time.Time, args ...string) result {
	var out, err bytes.Buffer
	c := newConsole(process{args: args, in: strings.NewReader(""), out: &out, err: &err, getenv: func(string) string { return "" }, now: now, size: func() (int, int) { return 0, 0 },
		who: func() (string, string, int) { return "anna", "desk", 1 }})
	p := &program{console: c, cluster: newConnection()}
	p.cluster.network = network
	app := newApp(p)
	arranged, fault := arrange(app, args)
	if fault == nil {
		fault = app.RunContext(context.Background(), append([]string{app.Name}, arranged...))
	}
	code := report(c, fault)
	return result{code, out.String(), err.String()}
}

// faultCase is one fault at one moment.
type faultCase struct {
	outage
	now  func() time.Time
	args []string
}

// meet lets a submit meet the fault, looks at what is left, and submits once more.
func (f *faultCase) meet(t *testing.T) (r result) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.toml"), filepath.Join(dir, "after.toml")
	write(t, before, faultsBefore)
	write(t, after, faultsAfter)
	synctest.Test(t, func(t *testing.T) {
		c := fleettest.New(fleettest.Machines(3)...)
		defer c.Close()
		if first := runInside(c.Dial, time.Now, "submit", before); first.code != exitDone {
			t.Fatalf("the first submit ends with %d:\n%s%s", first.code, first.out, first.err)
		}
		c.Behave("new.service", fleettest.Phases(fleettest.Phase{For: 5 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		if f.now == nil {
			f.now = time.Now
		}
		if f.once == nil && f.lasts == 0 {
			t.Fatal("nothing goes wrong")
		}
		o := &trouble{outage: f.outage}
		c.Fail(o.rule)
		submit := append([]string{"submit", after, "--prune"}, f.args...)
		r = runInside(o.dial(c), f.now, submit...)
		if !o.hit() {
			t.Fatalf("nothing went wrong:\n%s%s", r.out, r.err)
		}
		consistent(t, c)
		o.end()
		if again := runInside(c.Dial, time.Now, "submit", after, "--prune"); again.code != exitDone {
			t.Errorf("the next submit ends with %d:\n%s%s", again.code, again.out, again.err)
		}
		time.Sleep(2 * time.Minute) // requests that were given up may still take effect
		converged(t, c)
	})
	return r
}

// hashes are the contents of a stack's units.
func hashes(t *testing.T, text string) map[units.Name]string {
	t.Helper()
	compiled, findings := compiler.Compile("stack.toml", compiler.Options{Opener: source.Map{"stack.toml": text}, Std: stacks.Library{}})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	list := map[units.Name]string{}
	for _, u := range compiled.Set.Units {
		list[u.Name] = u.Hash()
	}
	return list
}

// consistent wants every unit to be as it was or as it is to be, none of those that
// stay to be away, and no unit on two machines.
func consistent(t *testing.T, c *fleettest.Cluster) {
	t.Helper()
	old, wanted := hashes(t, faultsBefore), hashes(t, faultsAfter)
	there := map[units.Name]bool{}
	for _, u := range c.Units() {
		there[u.Name] = true
		if hash := u.Hash(); hash != old[u.Name] && hash != wanted[u.Name] || u.Desired != units.Launched {
			t.Errorf("%s is neither as it was nor as it is to be: %s, %s", u.Name, u.Desired, hash)
		}
		if machines := c.MachinesOf(u.Name); len(machines) > 1 {
			t.Errorf("%s is on %v", u.Name, machines)
		}
	}
	for name := range old {
		if _, stays := wanted[name]; stays && !there[name] {
			t.Errorf("%s is lost", name)
		}
	}
}

// converged wants the cluster to be as the file says.
func converged(t *testing.T, c *fleettest.Cluster) {
	t.Helper()
	wanted := hashes(t, faultsAfter)
	for _, u := range c.Units() {
		if wanted[u.Name] != u.Hash() || u.Desired != units.Launched || len(c.MachinesOf(u.Name)) != 1 {
			t.Errorf("%s is %s, %s on %v", u.Name, u.Hash(), u.Desired, c.MachinesOf(u.Name))
		}
		delete(wanted, u.Name)
	}
	for name := range wanted {
		t.Errorf("%s is not there", name)
	}
}

// said is the error that a run has ended with, without what depends on the run.
func (r result) said() string {
	lines := regexp.MustCompile(`(?m)^(?:error: | help: )(.*)$`).FindAllStringSubmatch(r.err, -1)
	if len(lines) == 0 {
		return ""
	}
	text := strings.ReplaceAll(lines[0][1], "unix:///var/run/fleet.sock: ", "")
	// Which of several requests is the first to fail is not told beforehand.
	text = regexp.MustCompile(`^(?:put|delete|get|list|set state)( \S+)?: `).ReplaceAllString(text, "")
	return regexp.MustCompile(`begins with "\{.*"`).ReplaceAllString(text, `begins with "{…"`)
}

// faults are what can go wrong between stackc and fleet, for all requests.
var faults = []struct {
	name   string
	outage outage
	args   []string
}{
	{"nobody listens", outage{refuse: true, fault: fleettest.Fault{Reset: true}}, nil},
	{"connection breaks before the answer", outage{fault: fleettest.Fault{Reset: true, After: true}}, nil},
	{"connection breaks in the answer", outage{fault: fleettest.Fault{Cut: true}}, nil},
	{"no answer", outage{fault: fleettest.Fault{Hang: true, After: true}}, nil},
	{"500 without a message", outage{fault: fleettest.Fault{Status: 500}}, nil},
	{"503, etcd is away", outage{fault: fleettest.Fault{Status: 503, Message: "fleet server unable to communicate with etcd"}}, nil},
	{"not JSON", outage{fault: fleettest.Fault{Garbage: true}}, nil},
	{"half a page", outage{fault: fleettest.Fault{Half: true}}, nil},
	{"each answer takes 30 s", outage{fault: fleettest.Fault{Delay: 30 * time.Second}}, nil},
	{"each takes 30 s, `--request-timeout 1m`", outage{fault: fleettest.Fault{Delay: 30 * time.Second}}, []string{"--request-timeout", "1m"}},
}

// TestFaultTable meets every fault at three moments, for 20 seconds and for ever, and
// holds the table of docs/reliability.md to how that ends.
func TestFaultTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| fault | for 20 s | for ever | and says |\n|---|---|---|---|\n")
	for _, f := range faults {
		codes, said := map[time.Duration][]string{}, ""
		for _, lasts := range []time.Duration{20 * time.Second, forEver} {
			for _, when := range []string{"reading", "writing", "waiting"} {
				t.Run(fmt.Sprintf("%s/%v/%s", f.name, lasts == forEver, when), func(t *testing.T) {
					c := faultCase{outage: f.outage, args: f.args}
					c.when, c.lasts = when, lasts
					r := c.meet(t)
					codes[lasts] = append(codes[lasts], fmt.Sprint(r.code))
					if lasts == forEver && when == "writing" {
						said = r.said()
					}
				})
			}
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", f.name, strings.Join(codes[20*time.Second], " "), strings.Join(codes[forEver], " "), cmp.Or(said, "-"))
	}
	holdSection(t, "faults", table.String())
}

// TestFaultEvents has things happen to the cluster in the middle of a submit.
func TestFaultEvents(t *testing.T) {
	events := []struct {
		name  string
		setup func(c *faultCase)
	}{
		{"fleetd restarts: 3 s without an answer", func(c *faultCase) {
			c.outage = outage{when: "writing", lasts: 3 * time.Second, refuse: true, fault: fleettest.Fault{Reset: true, After: true}}
		}},
		{"etcd without a leader for 20 s: 500, then 503", func(c *faultCase) {
			c.outage = outage{when: "writing", lasts: 20 * time.Second, fault: fleettest.Fault{Status: 500},
				later: &fleettest.Fault{Status: 503, Message: "fleet server unable to communicate with etcd"}}
		}},
		{"the clock of this machine jumps an hour ahead", func(c *faultCase) { c.jump(time.Hour) }},
		{"the clock of this machine jumps an hour back", func(c *faultCase) { c.jump(-time.Hour) }},
	}
	var table strings.Builder
	table.WriteString("| event | exit code |\n|---|---|\n")
	for _, e := range events {
		t.Run(e.name, func(t *testing.T) {
			c := &faultCase{}
			e.setup(c)
			fmt.Fprintf(&table, "| %s | %d |\n", e.name, c.meet(t).code)
		})
	}
	t.Run("machine", func(t *testing.T) {
		fmt.Fprintf(&table, "| the machine of a unit dies between two requests | %d |\n", killMachine(t))
	})
	holdSection(t, "events", table.String())
}

// jump moves the clock that stackc tells the time by at the second write.
func (f *faultCase) jump(by time.Duration) {
	var jumped atomic.Bool
	f.outage = outage{when: "writing", once: func() { jumped.Store(true) }}
	f.now = func() time.Time {
		if jumped.Load() {
			return time.Now().Add(by).Round(0) // without the monotonic reading
		}
		return time.Now()
	}
}

// killMachine has the machine of web.service die while a submit is on its way.
func killMachine(t *testing.T) int {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.toml"), filepath.Join(dir, "after.toml")
	write(t, before, faultsBefore)
	write(t, after, faultsAfter)
	code := 0
	synctest.Test(t, func(t *testing.T) {
		c := fleettest.New(fleettest.Machines(3)...)
		defer c.Close()
		if first := runInside(c.Dial, time.Now, "submit", before); first.code != exitDone {
			t.Fatal(first)
		}
		machine := c.MachinesOf("web.service")[0]
		o := &trouble{outage: outage{when: "writing", once: func() { time.AfterFunc(0, func() { c.KillMachine(machine) }) }}}
		c.Fail(o.rule)
		r := runInside(c.Dial, time.Now, "submit", after, "--prune")
		code = r.code
		if !o.hit() || slices.Contains(c.MachinesOf("web.service"), machine) || len(c.MachinesOf("web.service")) != 1 {
			t.Errorf("web.service is on %v\n%s%s", c.MachinesOf("web.service"), r.out, r.err)
		}
		converged(t, c)
		if again := runInside(c.Dial, time.Now, "submit", after, "--prune"); again.code != exitDone {
			t.Error(again)
		}
	})
	return code
}

// holdSection compares a table with the part of docs/reliability.md between
// <!-- NAME --> and <!-- /NAME -->, or writes it.
func holdSection(t *testing.T, name, table string) {
	t.Helper()
	path := repository("docs/reliability.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	head, rest, found := strings.Cut(string(text), begin)
	old, foot, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("docs/reliability.md has no section between %q and %q", begin, end)
	}
	switch {
	case old == table || t.Failed():
	case *update:
		write(t, path, head+begin+table+end+foot)
	default:
		t.Errorf("docs/reliability.md says\n%sand it is\n%s", old, table)
	}
}

package fleet

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// bubble runs a test against a cluster of n machines, in which time is the test's.
func bubble(t *testing.T, n int, test func(t *testing.T, c *fleettest.Cluster, conn *Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := fleettest.New(fleettest.Machines(n)...)
		defer c.Close()
		conn := dial(t, c, Config{})
		defer conn.Close()
		test(t, c, conn)
	})
}

func dial(t *testing.T, c *fleettest.Cluster, config Config) *Conn {
	t.Helper()
	config.Dial = c.Dial
	conn, err := Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// options reads a unit's options from items such as "Type=oneshot", which is of
// [Service], and "[Unit] After=b.service".
func options(items ...string) []units.Option {
	var list []units.Option
	for _, item := range items {
		section := "Service"
		if strings.HasPrefix(item, "[") {
			section, item, _ = strings.Cut(item[1:], "] ")
		}
		name, value, _ := strings.Cut(item, "=")
		list = append(list, units.Option{Section: section, Name: name, Value: value})
	}
	return list
}

// unit makes a launched unit of the stack "s".
func unit(name string, items ...string) units.Unit {
	if len(items) == 0 {
		items = []string{"ExecStart=/bin/" + name}
	}
	return units.Unit{Name: units.Name(units.Complete(name)), Desired: units.Launched,
		Options: append(options(items...), units.Option{Section: "X-Stackc", Name: "Stack", Value: "s"})}
}

func loaded(u units.Unit) units.Unit   { u.Desired = units.Loaded; return u }
func inactive(u units.Unit) units.Unit { u.Desired = units.Inactive; return u }

func waits(u units.Unit, names ...string) units.Unit {
	for _, n := range names {
		u.Waits = append(u.Waits, units.Wait{Unit: units.Name(n), Subject: strings.TrimSuffix(n, ".service"), Probe: "tcp 10.0.0.1:80"})
	}
	return u
}

func set(list ...units.Unit) *units.Set { return units.NewSet("s", list) }

// plan makes the plan for a set on a cluster as it is.
func planFor(t *testing.T, conn Client, want *units.Set, o DiffOptions) *Plan {
	t.Helper()
	s, err := TakeAll(context.Background(), conn, want.Names())
	if err != nil {
		t.Fatal(err)
	}
	changes, refusals := Diff(s, want, o)
	if len(refusals) > 0 {
		t.Fatalf("refused: %v", refusals)
	}
	return NewPlan(s, want, changes, Place(s, want, changes))
}

// recorder keeps what Apply tells.
type recorder struct{ events []Event }

func (r *recorder) tell(e Event) { r.events = append(r.events, e) }

// changes lists the states a unit was told to be in.
func (r *recorder) states(name units.Name) []string {
	var list []string
	for _, e := range r.events {
		if c, ok := e.(UnitChanged); ok && c.Unit == name {
			list = append(list, c.To)
		}
	}
	return list
}

// waiting lists the different things a unit was said to be waited for.
func (r *recorder) waiting(name units.Name) []string {
	var list []string
	for _, e := range r.events {
		p, ok := e.(Progress)
		if !ok {
			continue
		}
		for _, w := range p.Waiting {
			if w.Unit == name && (len(list) == 0 || list[len(list)-1] != w.For) {
				list = append(list, w.For)
			}
		}
	}
	return list
}

func apply(t *testing.T, conn Client, p *Plan, o ApplyOptions) (Outcome, *recorder) {
	t.Helper()
	r := &recorder{}
	out, err := Apply(context.Background(), conn, p, o, r.tell)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return out, r
}

// submit brings the cluster to the set and expects that all is well.
func submit(t *testing.T, conn Client, want *units.Set) Outcome {
	t.Helper()
	out, _ := apply(t, conn, planFor(t, conn, want, DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute})
	if bad := out.Bad(); len(bad) > 0 {
		t.Fatalf("submit ended badly: %+v", bad)
	}
	return out
}

// remarks lists the warnings of a plan, each behind its unit.
func remarks(p *Plan) []string {
	var list []string
	for _, w := range p.Warnings {
		list = append(list, string(w.Unit)+" "+w.Text)
	}
	return list
}

func results(o Outcome) string {
	var list []string
	for _, u := range o.Units {
		list = append(list, fmt.Sprintf("%s %s", u.Unit, u.Result))
	}
	return strings.Join(list, ", ")
}

// writes lists the requests that wrote, in order; those of one moment by name.
func writes(c *fleettest.Cluster) []string {
	list := c.Writes()
	slices.SortStableFunc(list, func(a, b fleettest.Request) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.String(), b.String()))
	})
	var lines []string
	for _, r := range list {
		lines = append(lines, r.String())
	}
	return lines
}

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// splitState cuts "load/active/sub".
func splitState(text string) (load, active, sub string) {
	words := strings.Split(text, "/")
	return words[0], words[1], words[2]
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/fleet/state"
)

// stateAddress is where the etcd of these tests is.
const stateAddress = "10.0.0.9:2379"

// stateTrouble is an outage of the etcd that has the lock and the history.
type stateTrouble struct {
	when   string // asking, recording, sending, finishing
	lasts  time.Duration
	fault  fleettest.Fault
	refuse bool

	etcd *fleettest.Etcd
	span
}

// at tells that a moment has come; answers whether it goes wrong now.
func (o *stateTrouble) at(moments ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.began.IsZero() && slices.Contains(moments, o.when) {
		o.began = time.Now()
		o.etcd.Break()
	}
	return o.goesOn(o.lasts)
}

// rule is the outage as the etcd asks for it.
func (o *stateTrouble) rule(r *http.Request) *fleettest.Fault {
	moments := []string{"asking"}
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/texts/") {
		moments = append(moments, "recording")
	}
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/heads/") && r.URL.Query().Get("prevIndex") != "" {
		moments = append(moments, "finishing")
	}
	if !o.at(moments...) {
		return nil
	}
	f := o.fault
	return &f
}

// dial is the network: fleet and the etcd, to which nobody may be able to connect.
func (o *stateTrouble) dial(c *fleettest.Cluster) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case address != stateAddress:
			return c.Dial(ctx, network, address)
		case o.at("asking") && o.refuse:
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return o.etcd.Dial(ctx, network, address)
	}
}

// meet lets a submit meet the outage, looks at what is left, and submits once more.
func (o *stateTrouble) meet(t *testing.T) (r result) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.toml"), filepath.Join(dir, "after.toml")
	write(t, before, faultsBefore)
	write(t, after, faultsAfter)
	synctest.Test(t, func(t *testing.T) {
		c := fleettest.New(fleettest.Machines(3)...)
		defer c.Close()
		o.etcd = fleettest.NewEtcd()
		defer o.etcd.Close()
		submit := func(args ...string) result {
			return runOn(o.dial(c), time.Now, append([]string{"submit", "--etcd-endpoint", "http://" + stateAddress}, args...)...)
		}
		calm := o.when
		o.when = "" // nothing yet
		if first := submit(before); first.code != exitDone {
			t.Fatalf("the first submit ends with %d:\n%s%s", first.code, first.out, first.err)
		}
		o.when = calm
		// Long enough for the lock to be lost, if etcd stays away.
		c.Behave("new.service", fleettest.Phases(fleettest.Phase{For: 45 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		o.etcd.Fail(o.rule)
		c.Fail(func(r fleettest.Request) *fleettest.Fault {
			if r.Writes() {
				o.at("sending")
			}
			return nil
		})
		writes := len(c.Writes())
		r = submit(after, "--prune")
		if !o.hit() {
			t.Fatalf("nothing went wrong:\n%s%s", r.out, r.err)
		}
		if sent := len(c.Writes()) - writes; (o.when == "asking" || o.when == "recording") && r.code != exitDone && sent > 0 {
			t.Errorf("%d requests were sent to fleet without a record of it", sent)
		}
		consistent(t, c)
		o.end()
		time.Sleep(state.DefaultTTL + time.Second) // by then a lock has ended that could not be given back
		if again := submit(after, "--prune"); again.code != exitDone {
			t.Errorf("the next submit ends with %d:\n%s%s", again.code, again.out, again.err)
		}
		time.Sleep(2 * time.Minute)
		converged(t, c)
		remembered(t, o.etcd)
	})
	return r
}

// remembered wants the history to end well, and nobody to have the lock.
func remembered(t *testing.T, etcd *fleettest.Etcd) {
	t.Helper()
	values := etcd.Values("/stackc/v1/stacks/shop/")
	newest := ""
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch {
		case strings.HasSuffix(key, "/lock"):
			t.Errorf("somebody has the lock: %s", values[key])
		case strings.Contains(key, "/heads/"):
			newest = values[key]
		}
	}
	var r state.Revision
	if err := json.Unmarshal([]byte(newest), &r); err != nil || r.Outcome != state.Done {
		t.Errorf("the newest revision is %q (%v)", newest, err)
	}
}

// stateFaults are what can go wrong between stackc and etcd.
var stateFaults = []struct {
	name   string
	refuse bool
	fault  fleettest.Fault
}{
	{"nobody listens", true, fleettest.Fault{Reset: true}},
	{"no leader: error 300 of etcd", false, fleettest.Fault{Status: 500, Message: "etcdserver: no leader"}},
	{"no answer", false, fleettest.Fault{Hang: true, After: true}},
	{"each answer takes 3 s", false, fleettest.Fault{Delay: 3 * time.Second}},
	{"each answer takes 30 s", false, fleettest.Fault{Delay: 30 * time.Second}},
	{"connection breaks in the answer", false, fleettest.Fault{Cut: true}},
	{"not JSON", false, fleettest.Fault{Garbage: true}},
}

var noteLine = regexp.MustCompile(`(?m)^note: (.*)$`)

// TestStateFaultTable meets every fault of the etcd with the lock and the history at
// four moments, for 20 seconds and for ever, and holds the table of
// docs/reliability.md to how that ends.
func TestStateFaultTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| fault of etcd | for 20 s | for ever | and says |\n|---|---|---|---|\n")
	for _, f := range stateFaults {
		codes, said := map[time.Duration][]string{}, ""
		for _, lasts := range []time.Duration{20 * time.Second, forEver} {
			for _, when := range []string{"asking", "recording", "sending", "finishing"} {
				t.Run(fmt.Sprintf("%s/%v/%s", f.name, lasts == forEver, when), func(t *testing.T) {
					o := stateTrouble{when: when, lasts: lasts, fault: f.fault, refuse: f.refuse}
					r := o.meet(t)
					codes[lasts] = append(codes[lasts], fmt.Sprint(r.code))
					if testing.Verbose() {
						t.Logf("%d: %s %q", r.code, r.said(), noteLine.FindAllString(r.err, -1))
					}
					if lasts == forEver && when == "recording" {
						said = r.said()
					}
				})
			}
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", f.name, strings.Join(codes[20*time.Second], " "), strings.Join(codes[forEver], " "), cmp.Or(said, "-"))
	}
	holdSection(t, "statefaults", table.String())
}

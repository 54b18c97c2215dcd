package gc

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/fleet/schema"
	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

var rounds = flag.Int("rounds", 50, "how often gc runs against clients")

// What the clients choose from. The contents are few, so that what is removed is wanted
// again at once.
const (
	carefulPrefix = "careful-"
	raceNames     = 3
	raceTexts     = 24
	racePause     = 20 * time.Millisecond
	steadyText    = 0
	raceClients   = 6
)

// errand tracks when the things that clients do have begun, and holds all of them up
// between two.
type errand struct {
	all sync.RWMutex

	mu    sync.Mutex
	began map[int]time.Time
}

func (e *errand) do(client int, what func()) {
	e.all.RLock()
	defer e.all.RUnlock()
	e.mu.Lock()
	e.began[client] = time.Now()
	e.mu.Unlock()
	what()
	e.mu.Lock()
	delete(e.began, client)
	e.mu.Unlock()
}

// over reports whether nothing goes on that went on at a moment.
func (e *errand) over(since time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, began := range e.began {
		if !began.After(since) {
			return false
		}
	}
	return true
}

// writer creates, replaces and destroys units.
type writer interface {
	create(name string, number int)
	destroy(name string)
}

// slow is fleet's registry code, with a pause between its steps.
type slow struct {
	t     *testing.T
	keys  etcd.KeysAPI
	pause time.Duration
}

func (s slow) create(name string, number int) {
	create(s.t, &gate{KeysAPI: s.keys, between: func() { time.Sleep(rand.N(s.pause)) }}, name, text(number))
}

func (s slow) destroy(name string) { destroy(s.t, s.keys, name) }

// careful writes as slow does, and as stackc does: it has the lock of its stack, and
// reserves what it writes.
type careful struct {
	slow
	store  *state.Store
	stack  string
	waited *atomic.Int64 // for a batch to end
}

func (c careful) create(name string, number int) {
	lease, err := c.store.Acquire(c.t.Context(), c.stack, state.Holder{Who: "anna", Host: "n1", Doing: "submit"})
	if err != nil {
		c.t.Error(err)
		return
	}
	if err := Reserve(c.t.Context(), c.store, lease, []string{hashOf(c.t, number)}, func() { c.waited.Add(1) }); err != nil {
		c.t.Error(err)
	}
	c.slow.create(name, number)
	if err := errors.Join(c.store.Withdraw(c.t.Context(), lease), lease.Release(c.t.Context())); err != nil {
		c.t.Error(err)
	}
}

// api is fleet's HTTP API.
type api struct {
	t     *testing.T
	url   string
	again *atomic.Int64 // requests that were sent once more
}

func (a api) create(name string, number int) {
	body, err := json.Marshal(schema.Unit{Name: name, DesiredState: "launched", Options: []*schema.UnitOption{
		{Section: "Service", Name: "ExecStart", Value: fmt.Sprintf("/usr/bin/work --number=%d", number)}}})
	if err != nil {
		a.t.Error(err)
	}
	a.send(http.MethodPut, name, body)
}

func (a api) destroy(name string) { a.send(http.MethodDelete, name, nil) }

// send repeats what is answered with 500, as stackc's own client does: fleet says so of a
// unit whose content is just not there.
func (a api) send(method, name string, body []byte) {
	for range 100 {
		req, err := http.NewRequest(method, a.url+"/fleet/v1/units/"+name, bytes.NewReader(body))
		if err != nil {
			a.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			a.t.Error(err)
			return
		}
		answer.Body.Close()
		switch {
		case answer.StatusCode/100 == 2:
			return
		case answer.StatusCode != http.StatusInternalServerError:
			a.t.Errorf("%s %s: %s", method, name, answer.Status)
			return
		}
		a.again.Add(1)
		time.Sleep(racePause)
	}
	a.t.Errorf("%s %s: fleet says 500 for ever", method, name)
}

// client works on units of its own until told to stop. held has what each is to have.
type client struct {
	writer
	number  int
	careful bool
	held    map[string]int
}

func (c *client) work(e *errand, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		name := fmt.Sprintf("race-%d-%d.service", c.number, rand.IntN(raceNames))
		if c.careful {
			name = carefulPrefix + name
		}
		e.do(c.number, func() {
			if _, there := c.held[name]; there && rand.IntN(3) == 0 {
				c.destroy(name)
				delete(c.held, name)
				return
			}
			number := rand.IntN(raceTexts)
			c.create(name, number)
			c.held[name] = number
		})
		time.Sleep(rand.N(racePause / 4))
	}
}

// TestRace lets gc race clients, of which four are stopped between the steps of fleet's
// own code. Those that reserve what they write never miss a content, not for a moment.
// Of the others each unit has its content whenever all of them are between two errands;
// and a content that some unit has all the time is never touched.
func TestRace(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	changes := record(t, b.Etcd)
	over := api{t, b.Fleet[0], &atomic.Int64{}}
	for _, name := range []string{"steady-a.service", "steady-b.service"} {
		over.create(name, steadyText)
	}
	before := contentOf(t, keys, steadyText)
	e := &errand{began: map[int]time.Time{}}
	stop := make(chan struct{})
	var working sync.WaitGroup
	clients := make([]*client, raceClients)
	var waited atomic.Int64
	for i := range clients {
		clients[i] = &client{writer: over, number: i, held: map[string]int{}}
		switch i % 3 {
		case 1:
			clients[i].writer = slow{t, keys, racePause}
		case 2:
			clients[i].writer, clients[i].careful = careful{slow{t, keys, 8 * racePause}, store, fmt.Sprintf("stack-%d", i), &waited}, true
		}
		working.Go(func() { clients[i].work(e, stop) })
	}
	var sum Report
	for round := range *rounds {
		r := run(t, store, func(o *Options) { o.settled = e.over })
		sum.Removed, sum.Restored, sum.Spared = sum.Removed+r.Removed, sum.Restored+r.Restored, sum.Spared+r.Spared
		if r.Pending != 0 {
			t.Errorf("round %d leaves %d in the journal", round, r.Pending)
		}
		e.all.Lock()
		wantContents(t, round, keys, clients)
		e.all.Unlock()
		if t.Failed() {
			break
		}
	}
	close(stop)
	working.Wait()
	if after := contentOf(t, keys, steadyText); after.CreatedIndex != before.CreatedIndex || after.ModifiedIndex != before.ModifiedIndex {
		t.Errorf("the content that two units had all the time was made at %d, and again at %d", before.CreatedIndex, after.CreatedIndex)
	}
	t.Logf("%d rounds: %d removed, %d spared, %d brought back; %d requests to fleet were answered with 500, and %d careful writers waited for a batch",
		*rounds, sum.Removed, sum.Spared, sum.Restored, over.again.Load(), waited.Load())
	wantGaps(t, changes.gaps(t))
	if sum.Removed < *rounds || sum.Restored == 0 || waited.Load() == 0 {
		t.Error("gc and the clients have not met")
	}
}

// contentOf reads a content as it is.
func contentOf(t *testing.T, keys etcd.KeysAPI, number int) *etcd.Node {
	t.Helper()
	answer, err := keys.Get(t.Context(), newRegistry(nil, "").key(unitDir, hashOf(t, number)), &etcd.GetOptions{Quorum: true})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Node
}

// wantContents holds what etcd has against what the clients have asked for.
func wantContents(t *testing.T, round int, keys etcd.KeysAPI, clients []*client) {
	t.Helper()
	jobs, err := keys.Get(t.Context(), newRegistry(nil, "").key(jobDir), &etcd.GetOptions{Recursive: true, Quorum: true})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, dir := range jobs.Node.Nodes {
		for _, node := range dir.Nodes {
			if hash, err := reference(node); err == nil {
				named[dir.Key[len(jobs.Node.Key)+1:]] = hash
			}
		}
	}
	contents, err := keys.Get(t.Context(), newRegistry(nil, "").key(unitDir), &etcd.GetOptions{Recursive: true, Quorum: true})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, node := range contents.Node.Nodes {
		there[node.Key[len(contents.Node.Key)+1:]] = true
	}
	for _, c := range clients {
		for name, number := range c.held {
			switch hash := hashOf(t, number); {
			case named[name] != hash:
				t.Errorf("round %d: %s has %s, want %s", round, name, named[name], hash)
			case !there[hash]:
				t.Errorf("round %d: %s has lost its content %s", round, name, hash)
			}
		}
	}
}

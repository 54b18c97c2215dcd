package gc

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

// childEtcd says to this program that it is a gc on the etcd with that URL.
const childEtcd = "STACKC_GC_CHILD"

// child is what TestKilled kills.
func child(url string) int {
	store, err := state.Open(state.Config{Endpoints: []string{url}})
	if err == nil {
		_, err = Run(context.Background(), store, Options{Observe: time.Nanosecond, Settle: 100 * time.Millisecond, Rate: 1e6}, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Of the contents of a round some are wanted by nobody, some by clients who write the
// job as soon as the content is removed, some by clients who do so when gc is killed or
// has removed all.
const (
	idle    = 3
	eager   = 3
	patient = 3
)

// killer stands between gc and etcd. The request with a certain number is done, and
// then gc is killed before it hears of it.
type killer struct {
	etcd   http.Handler
	at     int
	kill   func()
	remove func(hash string)

	mu     sync.Mutex
	seen   int
	killed bool
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("wait") == "true" { // a watch, which changes nothing by itself
		k.etcd.ServeHTTP(w, r)
		return
	}
	// One at a time, so that the number means something.
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.killed {
		panic(http.ErrAbortHandler)
	}
	k.seen++
	answer := httptest.NewRecorder()
	k.etcd.ServeHTTP(answer, r)
	if _, hash, ok := strings.Cut(r.URL.Path, "/fleet/unit/"); ok && r.Method == http.MethodDelete {
		k.remove(hash)
	}
	if k.seen == k.at {
		k.killed = true
		k.kill()
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// between are clients of fleet's own code that have found their content there, and have
// not written their job yet.
type between struct {
	gates map[string]chan struct{} // by hash
	done  sync.WaitGroup
}

// step lets the clients of contents go on, and waits until they have written their jobs.
func (b *between) step(hashes ...string) {
	for _, hash := range hashes {
		close(b.gates[hash])
	}
}

// TestKilled kills gc with SIGKILL after each of its requests, while clients are between
// the steps in which fleet writes a unit. The next command that changes a stack brings
// back what they miss, and the next run leaves nothing behind.
func TestKilled(t *testing.T) {
	b := startBox(t)
	missed, killed := 0, 0
	for at := 1; ; at++ {
		n, again := killedRound(t, b, at)
		missed += n
		if !again || t.Failed() {
			break
		}
		killed++
	}
	t.Logf("killed after %d different requests; %d units had no content until they were mended", killed, missed)
	if killed < 10 || missed == 0 {
		t.Error("gc was not killed at any moment that matters")
	}
}

// killedRound is one kill, after the request with that number. It tells how many units
// missed their content then, and whether gc was killed at all.
func killedRound(t *testing.T, b *box, at int) (missed int, killed bool) {
	store, keys := b.store(t), b.keys(t)
	defer store.Close()
	// All contents are made, and then dead.
	var all []int
	for i := range idle + eager + patient {
		number := at*100 + i
		all = append(all, number)
		create(t, keys, "old.service", text(number))
	}
	destroy(t, keys, "old.service")
	clients := &between{gates: map[string]chan struct{}{}}
	for i, number := range all[idle:] {
		gate := &gate{KeysAPI: keys}
		opened, entered := make(chan struct{}), make(chan struct{})
		gate.between = func() { close(entered); <-opened }
		clients.gates[hashOf(t, number)] = opened
		clients.done.Go(func() { create(t, gate, fmt.Sprintf("new-%d.service", i), text(number)) })
		<-entered
	}
	name := func(numbers []int) (list []string) {
		for _, number := range numbers {
			list = append(list, hashOf(t, number))
		}
		return list
	}
	early, late := name(all[idle:idle+eager]), name(all[idle+eager:])
	left := map[string]bool{}
	for _, hash := range name(all) {
		left[hash] = true
	}
	target, err := url.Parse(b.Etcd)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	proxy.Transport = transport
	var cmd *exec.Cmd
	started := make(chan struct{})
	k := &killer{etcd: proxy, at: at, kill: func() { <-started; cmd.Process.Kill() }, remove: func(hash string) {
		for _, one := range early {
			if one == hash {
				clients.step(hash)
				waitJob(t, keys, hash)
			}
		}
		if delete(left, hash); len(left) == 0 && len(late) > 0 {
			clients.step(late...)
			late = nil
			clients.done.Wait()
		}
	}}
	server := httptest.NewServer(k)
	defer server.Close()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEtcd+"="+server.URL)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err = cmd.Wait()
	k.mu.Lock()
	killed = k.killed
	k.mu.Unlock()
	if !killed && err != nil {
		t.Errorf("gc was not killed, and ended with %v: %s", err, said.String())
	}
	for _, hash := range append(early, late...) {
		select {
		case <-clients.gates[hash]:
		default:
			clients.step(hash)
		}
	}
	clients.done.Wait()
	missed = len(missing(t, store))
	// Whoever writes next looks after them, while the lock of the dead run lasts.
	if n, err := Mend(t.Context(), store); err != nil || n != missed {
		t.Errorf("killed after request %d: %d units miss their content, and %d are mended, %v", at, missed, n, err)
	}
	if list := missing(t, store); len(list) > 0 {
		t.Errorf("killed after request %d: units miss their contents %v after they were mended", at, list)
	}
	freeLock(t, keys)
	run(t, store, nil)
	if list := missing(t, store); len(list) > 0 {
		t.Errorf("killed after request %d: units have lost their contents %v", at, list)
	}
	wantClean(t, store, at, eager+patient)
	for i := range eager + patient {
		destroy(t, keys, fmt.Sprintf("new-%d.service", i))
	}
	return missed, killed
}

// waitJob waits until some job names a content.
func waitJob(t *testing.T, keys etcd.KeysAPI, hash string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		answer, err := keys.Get(context.Background(), newRegistry(nil, "").key(jobDir), &etcd.GetOptions{Recursive: true, Quorum: true})
		if err != nil {
			continue
		}
		for _, dir := range answer.Node.Nodes {
			for _, node := range dir.Nodes {
				if named, err := reference(node); err == nil && named == hash {
					return
				}
			}
		}
	}
	t.Errorf("no job names %s", hash)
}

// freeLock takes the lock of a run that was killed away; it would end by itself after
// 30 seconds.
func freeLock(t *testing.T, keys etcd.KeysAPI) {
	t.Helper()
	if _, err := keys.Delete(context.Background(), "/stackc/v1/registry/lock", nil); err != nil && !etcd.IsKeyNotFound(err) {
		t.Fatal(err)
	}
}

// wantClean wants that many contents, and an empty journal.
func wantClean(t *testing.T, store *state.Store, at, n int) {
	t.Helper()
	r := newRegistry(store, "")
	now, err := r.read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(now.contents) != n || len(now.live) != n {
		t.Errorf("killed after request %d: %d contents for %d units, want %d", at, len(now.contents), len(now.live), n)
	}
	if list, err := r.journal(context.Background()); err != nil || len(list) > 0 {
		t.Errorf("killed after request %d: %d entries are left in the journal, %v", at, len(list), err)
	}
	if s, err := readSign(context.Background(), store); err != nil || s != nil {
		t.Errorf("killed after request %d: the sign is %v, %v", at, s, err)
	}
}

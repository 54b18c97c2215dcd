package fleettest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Etcd is a store with the v2 API of etcd, in memory and with the faults that a test
// asks for: as much of it as locks and history need. TestEtcdIsLikeEtcd of fleet/state
// holds it to the real one.
type Etcd struct {
	mu    sync.Mutex
	index uint64
	nodes map[string]*node
	// events are all changes so far; news is closed when there is another.
	events []etcdAnswer
	news   chan struct{}
	// cut is closed when open watches are to break.
	cut      chan struct{}
	rule     func(*http.Request) *Fault
	listener *listener
	server   *http.Server
}

// node is a key.
type node struct {
	value             string
	dir               bool
	created, modified uint64
	expires           time.Time
}

// etcdNode and etcdAnswer are what etcd's API says.
type etcdNode struct {
	Key           string     `json:"key"`
	Value         string     `json:"value,omitempty"`
	Dir           bool       `json:"dir,omitempty"`
	TTL           int64      `json:"ttl,omitempty"`
	Nodes         []etcdNode `json:"nodes,omitempty"`
	ModifiedIndex uint64     `json:"modifiedIndex"`
	CreatedIndex  uint64     `json:"createdIndex"`
}

type etcdAnswer struct {
	Action string    `json:"action"`
	Node   *etcdNode `json:"node,omitempty"`
}

// etcdError is a refusal of etcd.
type etcdError struct {
	status  int
	Code    int    `json:"errorCode"`
	Message string `json:"message"`
	Cause   string `json:"cause"`
	Index   uint64 `json:"index"`
}

// NewEtcd makes an empty store. It is closed with Close.
func NewEtcd() *Etcd {
	return &Etcd{nodes: map[string]*node{}, news: make(chan struct{}), cut: make(chan struct{})}
}

// Fail sets the rule that is asked for each request; nil means that nothing is wrong.
// Of a Fault, Status is what etcd answers that has lost its leader.
func (e *Etcd) Fail(rule func(*http.Request) *Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rule = rule
}

// Break ends the watches that are open.
func (e *Etcd) Break() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.cut)
	e.cut = make(chan struct{})
}

// Values returns the values of all keys below a prefix.
func (e *Etcd) Values(prefix string) map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reap()
	values := map[string]string{}
	for key, n := range e.nodes {
		if !n.dir && strings.HasPrefix(key, prefix) {
			values[key] = n.value
		}
	}
	return values
}

// Dial connects to the store through memory. The address does not matter.
func (e *Etcd) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	e.mu.Lock()
	if e.server == nil {
		e.listener = newListener()
		e.server = &http.Server{Handler: e}
		go e.server.Serve(e.listener)
	}
	l := e.listener
	e.mu.Unlock()
	return l.dial(ctx)
}

// Close ends the server that Dial began.
func (e *Etcd) Close() {
	e.mu.Lock()
	server := e.server
	e.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

// ServeHTTP is the API with the faults of the test.
func (e *Etcd) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	e.mu.Lock()
	rule := e.rule
	e.mu.Unlock()
	fault := &Fault{}
	if rule != nil {
		if f := rule(req); f != nil {
			fault = f
		}
	}
	select {
	case <-time.After(fault.Delay):
	case <-req.Context().Done():
		return
	}
	recorder := &answer{header: http.Header{}, status: http.StatusOK}
	if fault.After || fault.wholesome() {
		e.answer(recorder, req)
	}
	if fault.Status == 0 {
		fault.spoil(rw, req, recorder)
		return
	}
	refusal := etcdError{status: fault.Status, Code: 300, Message: "Raft Internal Error", Cause: fault.Message}
	refusal.write(rw)
}

func (r *etcdError) write(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(r.status)
	json.NewEncoder(rw).Encode(r)
}

// answer does one request.
func (e *Etcd) answer(rw http.ResponseWriter, req *http.Request) {
	key, ok := strings.CutPrefix(req.URL.Path, "/v2/keys")
	if !ok || req.ParseForm() != nil {
		http.Error(rw, "404 page not found", http.StatusNotFound)
		return
	}
	key = path.Clean("/" + key)
	if req.Form.Get("wait") == "true" {
		e.watch(rw, req, key)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reap()
	status, done, refusal := e.request(req, key)
	rw.Header().Set("X-Etcd-Index", fmt.Sprint(e.index))
	if refusal != nil {
		refusal.Index = e.index
		refusal.write(rw)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(done)
}

func (e *Etcd) request(req *http.Request, key string) (status int, done etcdAnswer, refusal *etcdError) {
	there := e.nodes[key]
	if key == "/" {
		there = &node{dir: true}
	}
	missing := &etcdError{status: http.StatusNotFound, Code: 100, Message: "Key not found", Cause: key}
	prevIndex, _ := strconv.ParseUint(req.Form.Get("prevIndex"), 10, 64)
	changed := &etcdError{status: http.StatusPreconditionFailed, Code: 101, Message: "Compare failed"}
	if there != nil {
		changed.Cause = fmt.Sprintf("[%d != %d]", prevIndex, there.modified)
	}
	for dir := path.Dir(key); dir != "/"; dir = path.Dir(dir) {
		if above := e.nodes[dir]; above != nil && !above.dir {
			return 0, done, &etcdError{status: http.StatusBadRequest, Code: 104, Message: "Not a directory", Cause: dir}
		}
	}
	switch {
	case req.Method == http.MethodGet && there == nil:
		return 0, done, missing
	case req.Method == http.MethodGet:
		return http.StatusOK, etcdAnswer{"get", e.node(key, there, req.Form.Get("recursive") == "true", true)}, nil
	case there == nil && (req.Method == http.MethodDelete || req.Form.Get("prevExist") == "true" || prevIndex > 0):
		return 0, done, missing
	case req.Method == http.MethodPut && there != nil && req.Form.Get("prevExist") == "false":
		return 0, done, &etcdError{status: http.StatusPreconditionFailed, Code: 105, Message: "Key already exists", Cause: key}
	case there != nil && there.dir && (req.Method == http.MethodPut || req.Form.Get("dir") != "true" && req.Form.Get("recursive") != "true"):
		return 0, done, &etcdError{status: http.StatusForbidden, Code: 102, Message: "Not a file", Cause: key}
	case prevIndex > 0 && there.modified != prevIndex:
		return 0, done, changed
	case req.Method == http.MethodDelete:
		return http.StatusOK, e.remove(key, there, prevIndex > 0), nil
	}
	return e.set(req, key, there, prevIndex > 0)
}

func (e *Etcd) set(req *http.Request, key string, there *node, compared bool) (int, etcdAnswer, *etcdError) {
	action, status := "set", http.StatusCreated
	switch exist := req.Form.Get("prevExist"); {
	case compared:
		action = "compareAndSwap"
	case exist == "false":
		action = "create"
	case exist == "true":
		action = "update"
	}
	e.index++
	n := &node{value: req.PostForm.Get("value"), created: e.index, modified: e.index}
	if there != nil {
		status = http.StatusOK
		if action != "set" {
			n.created = there.created
		}
	}
	if ttl, err := strconv.Atoi(req.PostForm.Get("ttl")); err == nil && ttl > 0 {
		n.expires = time.Now().Add(time.Duration(ttl) * time.Second)
	}
	for dir := path.Dir(key); dir != "/"; dir = path.Dir(dir) {
		if e.nodes[dir] == nil {
			e.nodes[dir] = &node{dir: true, created: e.index, modified: e.index}
		}
	}
	e.nodes[key] = n
	done := etcdAnswer{action, e.node(key, n, false, false)}
	e.tell(done)
	if req.Form.Get("noValueOnSuccess") == "true" {
		done.Node = nil
	}
	return status, done, nil
}

func (e *Etcd) remove(key string, there *node, compared bool) etcdAnswer {
	e.index++
	for other := range e.nodes {
		if other == key || strings.HasPrefix(other, key+"/") {
			delete(e.nodes, other)
		}
	}
	action := "delete"
	if compared {
		action = "compareAndDelete"
	}
	done := etcdAnswer{action, &etcdNode{Key: key, Dir: there.dir, CreatedIndex: there.created, ModifiedIndex: e.index}}
	e.tell(done)
	return done
}

// node writes a key, with what is below it.
func (e *Etcd) node(key string, n *node, recursive, list bool) *etcdNode {
	out := &etcdNode{Key: key, Value: n.value, Dir: n.dir, CreatedIndex: n.created, ModifiedIndex: n.modified}
	if key == "/" {
		out.Key = ""
	}
	if left := time.Until(n.expires); !n.expires.IsZero() {
		out.TTL = int64((left + time.Second - 1) / time.Second)
	}
	if !n.dir || !list {
		return out
	}
	for other, below := range e.nodes {
		if path.Dir(other) == key {
			out.Nodes = append(out.Nodes, *e.node(other, below, recursive, recursive))
		}
	}
	slices.SortFunc(out.Nodes, func(a, b etcdNode) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func (e *Etcd) tell(done etcdAnswer) {
	e.events = append(e.events, done)
	close(e.news)
	e.news = make(chan struct{})
}

// reap removes what has run out.
func (e *Etcd) reap() {
	for key, n := range e.nodes {
		if !n.expires.IsZero() && !time.Now().Before(n.expires) {
			e.index++
			delete(e.nodes, key)
			e.tell(etcdAnswer{"expire", &etcdNode{Key: key, CreatedIndex: n.created, ModifiedIndex: e.index}})
		}
	}
}

// watch answers with the next change of a key.
func (e *Etcd) watch(rw http.ResponseWriter, req *http.Request, key string) {
	from, _ := strconv.ParseUint(req.Form.Get("waitIndex"), 10, 64)
	e.mu.Lock()
	cut := e.cut
	if from == 0 {
		from = e.index + 1
	}
	e.mu.Unlock()
	for {
		e.mu.Lock()
		e.reap()
		news := e.news
		i := slices.IndexFunc(e.events, func(a etcdAnswer) bool { return a.Node.ModifiedIndex >= from && a.Node.Key == key })
		var done etcdAnswer
		if i >= 0 {
			done = e.events[i]
		}
		rw.Header().Set("X-Etcd-Index", fmt.Sprint(e.index))
		e.mu.Unlock()
		if i >= 0 {
			json.NewEncoder(rw).Encode(done)
			return
		}
		select {
		case <-news:
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-req.Context().Done():
			return
		}
	}
}

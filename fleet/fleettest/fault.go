package fleettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/stackc/stackc/units"
)

// Request is one that the cluster was sent.
type Request struct {
	At     time.Time
	Method string
	// Kind is "units", "state" or "machines"; Unit is set when the request is
	// about one unit.
	Kind string
	Unit units.Name
	// Desired is the desired state that a PUT asks for, and Content whether it
	// brings options.
	Desired units.State
	Content bool
	// Status is what was answered, 0 for nothing.
	Status int
}

// String writes the request as "PUT web.service content launched".
func (r Request) String() string {
	words := []string{r.Method, string(r.Unit)}
	if r.Unit == "" {
		words[1] = r.Kind
	}
	if r.Content {
		words = append(words, "content")
	}
	if r.Desired != "" {
		words = append(words, string(r.Desired))
	}
	return strings.Join(words, " ")
}

// Writes reports whether the request may change the cluster.
func (r Request) Writes() bool { return r.Method != http.MethodGet }

// Fault is something that goes wrong with one request.
type Fault struct {
	// After lets the request take effect first.
	After bool
	// Delay comes before everything else.
	Delay time.Duration
	// Hang gives no answer until the client goes away.
	Hang bool
	// Cut breaks the connection in the middle of the answer, Reset before it.
	Cut, Reset bool
	// Garbage answers 200 with something that is not JSON, Half with the first half of
	// the answer as if it were all of it.
	Garbage, Half bool
	// Status and Message are answered as fleet answers errors.
	Status  int
	Message string
}

// Fail adds a rule that is asked for each request; nil means that nothing is wrong.
// The first rule that gives a fault counts.
func (c *Cluster) Fail(rule func(Request) *Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, rule)
}

// Times makes a rule that gives the fault for the first n requests that match.
func Times(n int, match func(Request) bool, f Fault) func(Request) *Fault {
	return func(r Request) *Fault {
		if n == 0 || !match(r) {
			return nil
		}
		n--
		return &f
	}
}

// Requests returns all requests so far, in the order in which they came.
func (c *Cluster) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request(nil), c.requests...)
}

// Writes returns those requests that may have changed the cluster.
func (c *Cluster) Writes() []Request {
	var writes []Request
	for _, r := range c.Requests() {
		if r.Writes() {
			writes = append(writes, r)
		}
	}
	return writes
}

// Forget empties the log of requests.
func (c *Cluster) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

// ServeHTTP is fleet's API with the faults that the test has asked for.
func (c *Cluster) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	request, err := describe(req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	index, fault := c.log(request)
	if fault == nil {
		fault = &Fault{}
	}
	time.Sleep(fault.Delay)
	recorder := &answer{header: http.Header{}, status: http.StatusOK}
	if fault.After || fault.wholesome() {
		c.serve(recorder, req)
	}
	fault.spoil(rw, req, recorder)
	c.mu.Lock()
	defer c.mu.Unlock()
	if index < len(c.requests) {
		c.requests[index].Status = recorder.status
	}
}

// wholesome reports whether the request is to be answered as it should be.
func (f *Fault) wholesome() bool { return !f.Hang && !f.Reset && !f.Garbage && f.Status == 0 }

func (c *Cluster) log(r Request) (int, *Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	for _, rule := range c.faults {
		if f := rule(r); f != nil {
			return len(c.requests) - 1, f
		}
	}
	return len(c.requests) - 1, nil
}

// serve answers by fleet's own code, on the cluster as it is now.
func (c *Cluster) serve(rw http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	c.api.ServeHTTP(rw, req)
}

// spoil sends the answer, or what the fault makes of it.
func (f *Fault) spoil(rw http.ResponseWriter, req *http.Request, a *answer) {
	switch {
	case f.Hang:
		<-req.Context().Done()
		a.status = 0
		return
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Garbage:
		fmt.Fprint(rw, "<html>not fleet</html>")
		return
	case f.Status != 0:
		a.status = f.Status
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(f.Status)
		body := map[string]any{"error": map[string]any{"code": f.Status, "message": f.Message}}
		json.NewEncoder(rw).Encode(body)
		return
	}
	for key, values := range a.header {
		rw.Header()[key] = values
	}
	if f.Half {
		a.body.Truncate(a.body.Len() / 2)
	}
	if f.Cut {
		rw.Header().Set("Content-Length", fmt.Sprint(a.body.Len()+10))
	}
	rw.WriteHeader(a.status)
	rw.Write(a.body.Bytes())
	if f.Cut {
		http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
}

// answer keeps what fleet's API answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// describe reads what a request is about and leaves its body as it was.
func describe(req *http.Request) (Request, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return Request{}, err
	}
	req.Body = io.NopCloser(bytes.NewReader(text))
	r := Request{At: time.Now(), Method: req.Method, Kind: path.Base(req.URL.Path)}
	if dir := path.Base(path.Dir(req.URL.Path)); dir == "units" || dir == "state" {
		r.Kind, r.Unit = dir, units.Name(path.Base(req.URL.Path))
	}
	if req.Method != http.MethodPut {
		return r, nil
	}
	var body struct {
		DesiredState units.State
		Options      []json.RawMessage
	}
	err = json.Unmarshal(text, &body)
	r.Desired, r.Content = body.DesiredState, len(body.Options) > 0
	return r, err
}

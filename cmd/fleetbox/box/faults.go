package box

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// Fault makes fleet's API misbehave. The newest fault that matches a request decides alone.
type Fault struct {
	ID     int    `json:"id"`               // given by Box.AddFault
	Method string `json:"method,omitempty"` // empty: every method
	Path   string `json:"path,omitempty"`   // glob over the path below /fleet/v1, such as "/units/*"; empty: every path

	Delay   sim.Duration `json:"delay,omitempty"`   // before anything else happens
	Status  int          `json:"status,omitempty"`  // answer so, with Message, and do nothing
	Message string       `json:"message,omitempty"` // in fleet's error format
	Drop    bool         `json:"drop,omitempty"`    // close the connection without an answer, doing nothing
	Times   int          `json:"times,omitempty"`   // for so many requests; 0: for all
}

type faults struct {
	mu   sync.Mutex
	list []Fault
	used map[int]int
	next int
}

func (f *faults) add(fault Fault) (int, error) {
	if _, err := path.Match(fault.Path, ""); err != nil {
		return 0, fmt.Errorf("bad glob %q", fault.Path)
	}
	if fault.Status != 0 && http.StatusText(fault.Status) == "" {
		return 0, fmt.Errorf("bad status %d", fault.Status)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	fault.ID = f.next
	f.list = append(f.list, fault)
	return fault.ID, nil
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.list...)
}

// remove removes the fault of that number, or all for 0.
func (f *faults) remove(id int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.list)
	f.list = slices.DeleteFunc(f.list, func(fault Fault) bool { return id == 0 || fault.ID == id })
	return before - len(f.list)
}

// match takes the fault that a request meets.
func (f *faults) match(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range slices.Backward(f.list) {
		if !fault.matches(r) || fault.Times > 0 && f.used[fault.ID] >= fault.Times {
			continue
		}
		if f.used == nil {
			f.used = map[int]int{}
		}
		f.used[fault.ID]++
		return fault, true
	}
	return Fault{}, false
}

func (f Fault) matches(r *http.Request) bool {
	below := path.Clean("/" + trimPrefix(r.URL.Path))
	ok, err := path.Match(f.Path, below)
	return (f.Method == "" || f.Method == r.Method) && (f.Path == "" || err == nil && ok)
}

// serve lets the request meet its fault and says whether it is answered.
func (f *faults) serve(w *statusWriter, r *http.Request) bool {
	fault, ok := f.match(r)
	if !ok {
		return false
	}
	select {
	case <-time.After(time.Duration(fault.Delay)):
	case <-r.Context().Done():
	}
	switch {
	case fault.Drop:
		w.status = 0
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	case fault.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(fault.Status)
		json.NewEncoder(w).Encode(map[string]any{
			"error": map[string]any{"code": fault.Status, "message": fault.Message},
		})
	default:
		return false
	}
	return true
}

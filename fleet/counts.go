package fleet

import (
	"net/http"
	"strings"
	"time"
)

// Counts tells how many requests a Conn has made, repetitions apart.
type Counts struct {
	// UnitPages, StatePages and MachinePages are pages of lists.
	UnitPages    int `json:"unit_pages"`
	StatePages   int `json:"state_pages"`
	MachinePages int `json:"machine_pages"`
	// Gets are reads of single units.
	Gets    int `json:"gets"`
	Puts    int `json:"puts"`
	Deletes int `json:"deletes"`
	// Retries counts further tries of any of them.
	Retries int `json:"retries"`
	// Etcd counts requests to fleet's registry itself, where lists are read when they
	// are long.
	Etcd int `json:"etcd,omitempty"`
}

// Writes is the number of requests that may change the cluster.
func (c Counts) Writes() int { return c.Puts + c.Deletes }

// Total is the number of requests to fleet, repetitions apart.
func (c Counts) Total() int {
	return c.UnitPages + c.StatePages + c.MachinePages + c.Gets + c.Writes()
}

const (
	countUnitPages = iota
	countStatePages
	countMachinePages
	countGets
	countPuts
	countDeletes
	countRetries
	countEtcd
	countKinds
)

// Counts returns what has been counted so far.
func (c *Conn) Counts() Counts {
	n := func(kind int) int { return int(c.counts[kind].Load()) }
	inEtcd := n(countEtcd)
	if past := c.past(); past != nil {
		inEtcd += past.Counts().Etcd
	}
	return Counts{UnitPages: n(countUnitPages), StatePages: n(countStatePages), MachinePages: n(countMachinePages),
		Gets: n(countGets), Puts: n(countPuts), Deletes: n(countDeletes), Retries: n(countRetries), Etcd: inEtcd}
}

func (c *Conn) count(req *http.Request) { c.counts[countKind(req)].Add(1) }

func countKind(req *http.Request) int {
	path := req.URL.Path
	switch {
	case req.Method == http.MethodPut:
		return countPuts
	case req.Method == http.MethodDelete:
		return countDeletes
	case strings.HasSuffix(path, "/v1/units"):
		return countUnitPages
	case strings.HasSuffix(path, "/v1/state"):
		return countStatePages
	case strings.HasSuffix(path, "/v1/machines"):
		return countMachinePages
	}
	return countGets
}

// SlowestList is how long the slowest page of the list of units took, 0 when none was
// read. fleet reads its whole registry for each, whatever is on the page.
func (c *Conn) SlowestList() time.Duration { return time.Duration(c.slowest.Load()) }

// took notes how long a try was under way.
func (c *Conn) took(req *http.Request, d time.Duration) {
	if countKind(req) != countUnitPages {
		return
	}
	for {
		before := c.slowest.Load()
		if int64(d) <= before || c.slowest.CompareAndSwap(before, int64(d)) {
			return
		}
	}
}

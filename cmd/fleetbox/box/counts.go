package box

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
)

// Requests counts what came to fleet's API since the counting was last reset.
type Requests struct {
	Total   int              `json:"total"`
	Reads   int              `json:"reads"`  // GET and HEAD
	Writes  int              `json:"writes"` // everything else
	Pages   int              `json:"pages"`  // reads of a list, each page one; they are among the reads
	Classes map[string]Class `json:"classes"`
}

// Class counts one kind of request, such as "GET /units" or "PUT /units/{name}".
type Class struct {
	Count  int            `json:"count"`
	Status map[string]int `json:"status"` // by status code; "0" is a connection that was dropped
}

type counts struct {
	mu  sync.Mutex
	now Requests
}

func newCounts() *counts {
	return &counts{now: Requests{Classes: map[string]Class{}}}
}

func (c *counts) add(class string, status int, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Total++
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		c.now.Writes++
	case class == "GET /units" || class == "GET /state" || class == "GET /machines":
		c.now.Pages++
		c.now.Reads++
	default:
		c.now.Reads++
	}
	k := c.now.Classes[class]
	if k.Status == nil {
		k.Status = map[string]int{}
	}
	k.Count++
	k.Status[strconv.Itoa(status)]++
	c.now.Classes[class] = k
}

// take returns the counts, and begins anew if asked.
func (c *counts) take(reset bool) Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.now
	if reset {
		c.now = newCounts().now
		return out
	}
	out.Classes = maps.Clone(out.Classes)
	for name, class := range out.Classes {
		class.Status = maps.Clone(class.Status)
		out.Classes[name] = class
	}
	return out
}

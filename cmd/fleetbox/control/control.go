// Package control is the HTTP API by which tests and demonstrations look into a box and break
// things in it. The package comment of the fleetbox command documents it.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/stackc/stackc/cmd/fleetbox/box"
	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// Handler serves the control API of a box. about is what GET /box answers.
func Handler(b *box.Box, about any) http.Handler {
	c := &controller{box: b, world: b.World()}
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			value, err := f(r)
			answer(w, value, err)
		})
	}
	handle("GET /box", func(*http.Request) (any, error) { return about, nil })
	handle("GET /machines", func(*http.Request) (any, error) { return b.Machines(), nil })
	handle("POST /machines/{name}/{action}", c.machine)
	handle("GET /units", c.units)
	handle("POST /units/release", c.release)
	handle("POST /units/exit", c.exit)
	handle("GET /journal", c.journal)
	handle("DELETE /journal", func(*http.Request) (any, error) { c.world.ClearJournal(); return done{}, nil })
	handle("GET /rules", func(*http.Request) (any, error) { return c.world.Rules(), nil })
	handle("POST /rules", c.addRule)
	handle("DELETE /rules", func(*http.Request) (any, error) { return removed{c.world.RemoveRule(0)}, nil })
	handle("DELETE /rules/{id}", func(r *http.Request) (any, error) { return remove(r, c.world.RemoveRule) })
	handle("GET /faults", func(*http.Request) (any, error) { return b.Faults(), nil })
	handle("POST /faults", c.addFault)
	handle("DELETE /faults", func(*http.Request) (any, error) { return removed{b.RemoveFault(0)}, nil })
	handle("DELETE /faults/{id}", func(r *http.Request) (any, error) { return remove(r, b.RemoveFault) })
	handle("GET /requests", func(*http.Request) (any, error) { return b.Requests(false), nil })
	handle("DELETE /requests", func(*http.Request) (any, error) { return b.Requests(true), nil })
	handle("POST /etcd/{action}", func(r *http.Request) (any, error) { return cut(r, b.CutEtcd) })
	handle("POST /api/{action}", func(r *http.Request) (any, error) { return cut(r, b.CutAPI) })
	handle("POST /etcd/clock", func(r *http.Request) (any, error) { return clock(r, b.SetEtcdClock) })
	handle("POST /api/clock", func(r *http.Request) (any, error) { return clock(r, b.SetAPIClock) })
	return mux
}

type controller struct {
	box   *box.Box
	world *sim.World
}

// The answers that say no more than how it went.
type (
	done    struct{}
	created struct {
		ID int `json:"id"`
	}
	removed struct {
		Removed int `json:"removed"`
	}
	matched struct {
		Units int `json:"units"`
	}
)

// errBadRequest marks an error as the client's.
var errBadRequest = errors.New("bad request")

func (c *controller) machine(r *http.Request) (any, error) {
	name := r.PathValue("name")
	switch action := r.PathValue("action"); action {
	case "stop":
		how := box.Stop(r.FormValue("how"))
		if how == "" {
			how = box.Kill
		}
		return done{}, c.box.StopMachine(name, how)
	case "start":
		return done{}, c.box.StartMachine(name, r.FormValue("version"))
	case "twin":
		return done{}, c.box.TwinMachine(name, r.FormValue("address"))
	case "cut", "heal":
		return done{}, c.box.CutMachine(name, action == "cut")
	default:
		return nil, fmt.Errorf("%w: cannot %q a machine: want stop, start, twin, cut or heal", errBadRequest, action)
	}
}

func (c *controller) units(r *http.Request) (any, error) {
	return c.world.Units(r.FormValue("machine"), r.FormValue("unit")), nil
}

func (c *controller) release(r *http.Request) (any, error) {
	return matched{c.world.Release(r.FormValue("machine"), r.FormValue("unit"))}, nil
}

func (c *controller) exit(r *http.Request) (any, error) {
	code, err := number(r.FormValue("code"), 1)
	if err != nil {
		return nil, err
	}
	return matched{c.world.Exit(r.FormValue("machine"), r.FormValue("unit"), code)}, nil
}

func (c *controller) journal(r *http.Request) (any, error) {
	after, err := number(r.FormValue("after"), 0)
	if err != nil {
		return nil, err
	}
	return c.world.Journal(after, r.FormValue("machine"), r.FormValue("unit")), nil
}

func (c *controller) addRule(r *http.Request) (any, error) {
	var rule sim.Rule
	if err := decode(r, &rule); err != nil {
		return nil, err
	}
	id, err := c.world.AddRule(rule)
	return created{id}, err
}

func (c *controller) addFault(r *http.Request) (any, error) {
	var fault box.Fault
	if err := decode(r, &fault); err != nil {
		return nil, err
	}
	id, err := c.box.AddFault(fault)
	return created{id}, err
}

func remove(r *http.Request, f func(int) int) (any, error) {
	id, err := number(r.PathValue("id"), 0)
	if err != nil || id == 0 {
		return nil, fmt.Errorf("%w: bad id %q", errBadRequest, r.PathValue("id"))
	}
	return removed{f(id)}, nil
}

func cut(r *http.Request, f func(bool)) (any, error) {
	action := r.PathValue("action")
	if action != "cut" && action != "heal" {
		return nil, fmt.Errorf("%w: want cut or heal, not %q", errBadRequest, action)
	}
	f(action == "cut")
	return done{}, nil
}

func clock(r *http.Request, set func(time.Duration)) (any, error) {
	ahead, err := time.ParseDuration(r.FormValue("ahead"))
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not a time", errBadRequest, r.FormValue("ahead"))
	}
	set(ahead)
	return done{}, nil
}

func number(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not a number", errBadRequest, text)
	}
	return n, nil
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %v", errBadRequest, err)
	}
	return nil
}

// answer writes a value, or an error as {"error": "..."}.
func answer(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case errors.Is(err, box.ErrNoMachine):
		w.WriteHeader(http.StatusNotFound)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	}
	if err != nil {
		value = map[string]string{"error": err.Error()}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.Encode(value)
}

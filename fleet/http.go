package fleet

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	fleetapi "github.com/coreos/fleet/client"
	"github.com/coreos/fleet/schema"

	"github.com/stackc/stackc/units"
)

// inFlight is how many requests are sent at once. More connections make fleetd
// no faster: one does 250 to 350 writes a second, eight do 500 to 740.
const inFlight = 8

// Conn is a Client that speaks fleet's HTTP API. It may be used from several
// goroutines.
type Conn struct {
	// servers all serve the same cluster; current is the one that answered last.
	servers  []server
	current  atomic.Int32
	timeout  time.Duration
	retryFor time.Duration
	trace    func(Try)
	// met is set once anything has answered: from then on a refused connection
	// is a server that restarts, and not a wrong address.
	met    atomic.Bool
	counts [countKinds]atomic.Int64
	// shortcut is the way of long lists, once it is known.
	shortcut shortcut
	// slowest is in nanoseconds.
	slowest atomic.Int64
}

// Endpoint returns the endpoint that answered last, at first the first one.
func (c *Conn) Endpoint() Endpoint { return c.servers[c.current.Load()].Endpoint }

// Close drops idle connections.
func (c *Conn) Close() {
	if past := c.shortcut.conn.Load(); past != nil {
		past.Close()
	}
	for _, s := range c.servers {
		if t, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// Machines implements Client.
func (c *Conn) Machines(ctx context.Context) ([]Machine, error) {
	api, err := c.api(ctx)
	if err != nil {
		return nil, err
	}
	states, err := api.Machines()
	if err != nil {
		return nil, c.classify("list machines", "", err)
	}
	machines := make([]Machine, len(states))
	for i, s := range states {
		machines[i] = Machine{ID: s.ID, IP: s.PublicIP, Metadata: s.Metadata}
	}
	return machines, nil
}

// Units implements Client.
func (c *Conn) Units(ctx context.Context) ([]Unit, error) {
	return list(ctx, c, "list units", (*Conn).Units, func(api *schema.Service, token string) ([]Unit, string, error) {
		call := api.Units.List()
		if token != "" {
			call.NextPageToken(token)
		}
		page, err := call.Do()
		if err != nil {
			return nil, "", err
		}
		var some []Unit
		for _, u := range page.Units {
			some = append(some, unitOf(u))
		}
		return some, page.NextPageToken, nil
	})
}

// list reads all pages of a list. From the first one on that others follow it is read by
// the shortcut, as whole does, where there is one.
func list[T any](ctx context.Context, c *Conn, op string, whole func(*Conn, context.Context) ([]T, error), page func(api *schema.Service, token string) ([]T, string, error)) ([]T, error) {
	if past := c.past(); past != nil {
		all, err := whole(past, ctx)
		if err == nil || ctx.Err() != nil {
			return all, err
		}
		c.leave()
	}
	api, err := c.service(ctx)
	if err != nil {
		return nil, err
	}
	var all []T
	for token, first := "", true; first || token != ""; first = false {
		some, next, err := page(api, token)
		if err != nil {
			return nil, c.classify(op, "", err)
		}
		all = append(all, some...)
		if token = next; first && token != "" && c.isLong(ctx) {
			return whole(c, ctx)
		}
	}
	return all, nil
}

// Unit implements Client.
func (c *Conn) Unit(ctx context.Context, name units.Name) (Unit, error) {
	api, err := c.api(ctx)
	if err != nil {
		return Unit{}, err
	}
	u, err := api.Unit(string(name))
	switch {
	case err != nil:
		return Unit{}, c.classify("get", name, err)
	case u == nil:
		return Unit{}, fail("get", name, NotFound, "fleet has no unit of that name")
	}
	return unitOf(u), nil
}

// States implements Client.
func (c *Conn) States(ctx context.Context) ([]UnitState, error) {
	return list(ctx, c, "list states", (*Conn).States, func(api *schema.Service, token string) ([]UnitState, string, error) {
		call := api.UnitState.List()
		if token != "" {
			call.NextPageToken(token)
		}
		page, err := call.Do()
		if err != nil {
			return nil, "", err
		}
		var some []UnitState
		for _, r := range page.States {
			some = append(some, UnitState{Unit: units.Name(r.Name), Machine: r.MachineID, Hash: r.Hash,
				Load: r.SystemdLoadState, Active: r.SystemdActiveState, Sub: r.SystemdSubState})
		}
		return some, page.NextPageToken, nil
	})
}

// Put implements Client.
func (c *Conn) Put(ctx context.Context, name units.Name, options []units.Option, desired units.State) error {
	api, err := c.api(ctx)
	if err != nil {
		return err
	}
	// Without a desired state fleet takes "inactive" and takes the unit off its
	// machine (fleet v1.0.0 client/registry.go), so it is always sent along.
	body := &schema.Unit{Name: string(name), DesiredState: string(desired), Options: schemaOptions(options)}
	return c.classify("put", name, api.CreateUnit(body))
}

// SetState implements Client.
func (c *Conn) SetState(ctx context.Context, name units.Name, desired units.State) error {
	api, err := c.api(ctx)
	if err != nil {
		return err
	}
	return c.classify("set state "+string(desired), name, api.SetUnitTargetState(string(name), string(desired)))
}

// Delete implements Client.
func (c *Conn) Delete(ctx context.Context, name units.Name) error {
	api, err := c.api(ctx)
	if err != nil {
		return err
	}
	return c.classify("delete", name, api.DestroyUnit(string(name)))
}

// api makes fleet's own client for one call. Its methods take no context, so the
// transport brings ctx in; making one costs a few small allocations.
func (c *Conn) api(ctx context.Context) (fleetapi.API, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, &Error{Op: "connect to " + c.Endpoint().Text, Kind: Canceled, Err: err}
	}
	return fleetapi.NewHTTPClient(c.httpClient(ctx), anyServer)
}

// service is what is below fleet's own client, which reads only whole lists.
func (c *Conn) service(ctx context.Context) (*schema.Service, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, &Error{Op: "connect to " + c.Endpoint().Text, Kind: Canceled, Err: err}
	}
	svc, err := schema.New(c.httpClient(ctx))
	if err == nil {
		svc.BasePath = anyServer.String() + "/fleet/v1/"
	}
	return svc, err
}

func (c *Conn) httpClient(ctx context.Context) *http.Client {
	return &http.Client{
		Transport: &bound{conn: c, ctx: ctx},
		// A redirected PUT would be repeated as GET and look like a success.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func unitOf(u *schema.Unit) Unit {
	options := make([]units.Option, len(u.Options))
	for i, o := range u.Options {
		options[i] = units.Option{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return Unit{Name: units.Name(u.Name), Options: options, Hash: units.Hash(options),
		Desired: units.State(u.DesiredState), Current: units.State(u.CurrentState), Machine: u.MachineID}
}

func schemaOptions(options []units.Option) []*schema.UnitOption {
	list := make([]*schema.UnitOption, len(options))
	for i, o := range options {
		list[i] = &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return list
}

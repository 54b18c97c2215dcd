package fleet

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/units"
)

// Take reads the cluster as far as the named units go. It fetches them one by one
// when that is cheaper than the list of all units; the Snapshot is then Partial.
// With no names it lists all.
func Take(ctx context.Context, c Client, names []units.Name) (*Snapshot, error) {
	machines, states, err := surroundings(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || !singlesCheaper(len(names), loadedUnits(states)) {
		return listed(ctx, c, names, machines, states)
	}
	list, err := fetch(ctx, c, names)
	if err != nil {
		return nil, err
	}
	s := NewSnapshot(machines, list, states)
	s.Partial = true
	return s, nil
}

// TakeAll reads the whole cluster, as orphans and the load of machines need it.
// The names are those that matter most: they are looked at twice before they are
// taken for absent.
func TakeAll(ctx context.Context, c Client, names []units.Name) (*Snapshot, error) {
	machines, states, err := surroundings(ctx, c)
	if err != nil {
		return nil, err
	}
	return listed(ctx, c, names, machines, states)
}

func surroundings(ctx context.Context, c Client) (machines []Machine, states []UnitState, err error) {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) { machines, err = c.Machines(inner); return err })
	group.Go(func() (err error) { states, err = c.States(inner); return err })
	err = group.Wait()
	return machines, states, err
}

func listed(ctx context.Context, c Client, names []units.Name, machines []Machine, states []UnitState) (*Snapshot, error) {
	list, err := c.Units(ctx)
	if err != nil {
		return nil, err
	}
	if whole, ok := c.(interface{ wholeLists() bool }); ok && whole.wholeLists() {
		return NewSnapshot(machines, list, states), nil
	}
	missed, err := fetch(ctx, c, shifted(list, names))
	if err != nil {
		return nil, err
	}
	return NewSnapshot(machines, slices.Concat(list, missed), states), nil
}

// pageSize is how many entries fleet puts on a page (token_limit in fleet.conf).
const pageSize = 100

// singlesCheaper compares the cost of n single reads with that of a list of a
// cluster that holds at least size units, in units of server time: a page costs
// about 0.08 ms for every unit in the cluster, a single read about 1 ms when
// eight are in flight (fleet v1.0.0: 200 units 62 ms, 500 units 242 ms, 1,000
// units 785 ms for all pages).
func singlesCheaper(n, size int) bool {
	pages := size/pageSize + 1
	return float64(n) < 0.08*float64(pages*size)
}

// loadedUnits is a lower bound for the number of units in the cluster: each unit
// that some machine has loaded has a row.
func loadedUnits(states []UnitState) int {
	seen := make(map[units.Name]bool, len(states))
	for _, s := range states {
		seen[s.Unit] = true
	}
	return len(seen)
}

// shifted returns those of names that a list of several pages does not have.
// The pages are cut from a new list each, so that a unit deleted in between hides
// the first one of the next page.
func shifted(list []Unit, names []units.Name) []units.Name {
	if len(list) < pageSize {
		return nil
	}
	seen := make(map[units.Name]bool, len(list))
	for _, u := range list {
		seen[u.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(names), func(n units.Name) bool { return seen[n] })
}

// fetch reads the named units, and leaves out those that do not exist.
func fetch(ctx context.Context, c Client, names []units.Name) ([]Unit, error) {
	found := make([]*Unit, len(names))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, name := range names {
		group.Go(func() error {
			u, err := c.Unit(inner, name)
			if err == nil {
				found[i] = &u
			}
			if IsNotFound(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var list []Unit
	for _, u := range found {
		if u != nil {
			list = append(list, *u)
		}
	}
	return list, nil
}

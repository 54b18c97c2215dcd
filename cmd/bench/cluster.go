package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// steady is how long a unit must have been active to count as up: a program that ends
// at once is active, too, for a moment.
const steady = time.Second

// onCluster measures on three machines with systemd, fleetd and etcd of their own. That
// needs root and some packages; without them it says so and measures nothing.
func (b *bench) onCluster() error {
	if missing := lab.Missing(); os.Geteuid() != 0 || len(missing) > 0 {
		b.title("the real cluster needs root and `make deps`, and is not measured (packages that are missing: %v)", missing)
		return nil
	}
	binaries, err := lab.Build(b.ctx, "")
	if err != nil {
		return err
	}
	for _, n := range []int{10, 50, 200} {
		if err := b.race(binaries, n); err != nil {
			return err
		}
	}
	for _, n := range []int{200, 1000} {
		if err := b.unchangedOnCluster(binaries, n); err != nil {
			return err
		}
	}
	return nil
}

// onLab runs do on a cluster that was just made.
func (b *bench) onLab(binaries lab.Binaries, do func(l *lab.Lab) error) error {
	l, err := lab.Up(b.ctx, lab.Config{Binaries: binaries})
	if err != nil {
		return err
	}
	return errors.Join(do(l), l.Down())
}

// raceTimes is how long one contender took: until all units were active, until each had been
// so for a while, and until the command itself came back.
type raceTimes struct{ active, held, returned time.Duration }

// race brings n units up in all ways, each on a fresh cluster.
func (b *bench) race(binaries lab.Binaries, n int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stack, files, set, err := tinyFiles(dir, n)
	if err != nil {
		return err
	}
	failed := 0
	contenders := []struct {
		name string
		do   func(endpoint string) error
	}{
		{"raw PUTs, 8 at a time", func(e string) error { return b.puts(e, set) }},
		{"stackc submit", func(e string) error { return b.command("stackc", "--endpoint", e, "submit", "--yes", stack) }},
		{"fleetctl start", func(e string) error {
			err := b.command("fleetctl", append([]string{"--endpoint", e, "start"}, files...)...)
			var gaveUp *exec.ExitError // it waits two seconds for the state of a unit, and then fails
			if errors.As(err, &gaveUp) {
				failed++
				return nil
			}
			return err
		}},
		{"fleetctl start --no-block", func(e string) error {
			return b.command("fleetctl", append([]string{"--endpoint", e, "start", "--no-block"}, files...)...)
		}},
	}
	times := make([][]raceTimes, len(contenders))
	for range b.rounds {
		for i, c := range contenders {
			err := b.onLab(binaries, func(l *lab.Lab) error {
				t, err := b.timed(l.Endpoint(), n, c.do)
				times[i] = append(times[i], t)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s, %d units: %w", c.name, n, err)
			}
		}
	}
	part := func(i int, of func(raceTimes) time.Duration) time.Duration {
		var list []time.Duration
		for _, t := range times[i] {
			list = append(list, of(t))
		}
		return median(list)
	}
	active := func(t raceTimes) time.Duration { return t.active }
	held := func(t raceTimes) time.Duration { return t.held }
	returned := func(t raceTimes) time.Duration { return t.returned }
	b.title("%d units on the real cluster: until all are active; until each has been so for %s; until the command is back", n, steady)
	for i, c := range contenders {
		fmt.Fprintf(b.out, "%-28s %7s %5.2fx %7s %5.2fx %7s\n", c.name,
			part(i, active).Round(10*time.Millisecond), float64(part(i, active))/float64(part(0, active)),
			part(i, held).Round(10*time.Millisecond), float64(part(i, held))/float64(part(0, held)),
			part(i, returned).Round(10*time.Millisecond))
	}
	if failed > 0 {
		fmt.Fprintf(b.out, "fleetctl start gave up in %d of %d runs, and the units came up all the same\n", failed, b.rounds)
	}
	fmt.Fprintf(b.out, "stackc submit is back after %.2fx the time in which the raw PUTs have all units active for %s\n",
		float64(part(1, returned))/float64(part(0, held)), steady)
	return nil
}

// timed starts do and looks at the states meanwhile, ten times a second.
func (b *bench) timed(endpoint string, n int, do func(endpoint string) error) (raceTimes, error) {
	var t raceTimes
	start := time.Now()
	g, ctx := errgroup.WithContext(b.ctx)
	g.Go(func() error {
		err := do(endpoint)
		t.returned = time.Since(start)
		return err
	})
	g.Go(func() error {
		var err error
		t.active, t.held, err = watchActive(ctx, endpoint, n, start)
		return err
	})
	err := g.Wait()
	return t, err
}

// watchActive looks until n units have been active for long enough.
func watchActive(ctx context.Context, endpoint string, n int, start time.Time) (active, held time.Duration, err error) {
	conn, err := fleet.Dial(fleet.Config{Endpoint: endpoint})
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	since := map[units.Name]time.Time{}
	for {
		states, err := conn.States(ctx)
		if err != nil {
			return 0, 0, err
		}
		now := time.Now()
		var youngest time.Time
		up := map[units.Name]time.Time{}
		for _, s := range states {
			if s.Active != "active" {
				continue
			}
			first, seen := since[s.Unit]
			if !seen {
				first = now
			}
			up[s.Unit] = first
			if first.After(youngest) {
				youngest = first
			}
		}
		since = up
		if len(up) >= n {
			active = youngest.Sub(start)
			if now.Sub(youngest) >= steady {
				return active, now.Sub(start), nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// unchangedOnCluster counts the requests of a submit that has nothing to do, through a
// proxy in front of fleet.
func (b *bench) unchangedOnCluster(binaries lab.Binaries, n int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stack, _, _, err := tinyFiles(dir, n)
	if err != nil {
		return err
	}
	return b.onLab(binaries, func(l *lab.Lab) error {
		if err := b.command("stackc", "--endpoint", l.Endpoint(), "submit", "--yes", "--timeout", "10m", stack); err != nil {
			return err
		}
		proxy, counts := counting(l.Master().FleetClient())
		defer proxy.Close()
		start := time.Now()
		if err := b.command("stackc", "--endpoint", proxy.URL, "submit", "--yes", stack); err != nil {
			return err
		}
		b.title("submit of %d units that are all there, on the real cluster: %s", n, time.Since(start).Round(time.Millisecond))
		seen := counts()
		for _, class := range slices.Sorted(maps.Keys(seen)) {
			fmt.Fprintf(b.out, "%-20s %4d requests\n", class, seen[class])
		}
		return nil
	})
}

var oneUnit = regexp.MustCompile(`/units/.*`)

// counting serves fleet's API through a client, and counts requests by method and path.
func counting(client *http.Client) (*httptest.Server, func() requests) {
	var mu sync.Mutex
	seen := requests{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "fleet"})
	proxy.Transport = client.Transport
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method+" "+oneUnit.ReplaceAllString(r.URL.Path, "/units/NAME")]++
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	return server, func() requests {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(seen)
	}
}

// tinyFiles writes the stack of n units, and each unit as a file.
func tinyFiles(dir string, n int) (stack string, files []string, set *units.Set, err error) {
	stack = filepath.Join(dir, "tiny.toml")
	if err := os.WriteFile(stack, []byte(tinyStack(n)), 0o644); err != nil {
		return "", nil, nil, err
	}
	if set, err = compileText(tinyStack(n)); err != nil {
		return "", nil, nil, err
	}
	for _, u := range set.Units {
		file := filepath.Join(dir, string(u.Name))
		files = append(files, file)
		if err := os.WriteFile(file, []byte(u.Text()), 0o644); err != nil {
			return "", nil, nil, err
		}
	}
	return stack, files, set, nil
}

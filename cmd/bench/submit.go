package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// command runs one of the binaries, and gives its output to the error when it fails.
func (b *bench) command(name string, args ...string) error {
	out, err := exec.CommandContext(b.ctx, filepath.Join(b.bin, name), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s …: %w\n%s", name, strings.Join(args[:min(4, len(args))], " "), err, out)
	}
	return nil
}

// startup measures commands that do nothing.
func (b *bench) startup() error {
	ours, theirs, err := inTurns(4*b.rounds,
		func() error { return b.command("stackc", "version") },
		func() error { return b.command("fleetctl", "version") })
	if err != nil {
		return err
	}
	b.title("start-up: stackc version %s, fleetctl version %s", ours.Round(100*time.Microsecond), theirs.Round(100*time.Microsecond))
	return nil
}

// box is a running fleetbox.
type box struct {
	Fleet    []string `json:"fleet"`
	Control  string   `json:"control"`
	Etcd     string   `json:"etcd"`
	endpoint string
	cmd      *exec.Cmd
	stdin    io.Closer
}

// startBox starts fleet in a box with three machines and fleet's own intervals.
func (b *bench) startBox() (*box, error) {
	return b.startBoxWith("--machine", "role=master", "--machine", "role=node", "--machine", "role=node")
}

// startBoxWith starts one with other machines.
func (b *bench) startBoxWith(machines ...string) (*box, error) {
	cmd := exec.CommandContext(b.ctx, filepath.Join(b.bin, "fleetbox"), append([]string{"--until-eof"}, machines...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	x := &box{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, x)
	}
	if err != nil || len(x.Fleet) == 0 {
		return nil, errors.Join(fmt.Errorf("fleetbox said %q", line), err, x.stop())
	}
	x.endpoint = x.Fleet[0]
	return x, nil
}

func (x *box) stop() error {
	err := x.stdin.Close()
	return errors.Join(err, x.cmd.Wait())
}

// requests are the requests that a box has answered, by method and path.
type requests map[string]int

func (x *box) requests() (requests, error) {
	resp, err := http.Get(x.Control + "/requests")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Classes map[string]struct{ Count int }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	counts := requests{}
	for class, c := range answer.Classes {
		counts[class] = c.Count
	}
	return counts, nil
}

// tinyStack is a stack of n units that are up as soon as they are started.
func tinyStack(n int) string {
	var b strings.Builder
	b.WriteString("stack = \"tiny\"\nallow = [\"no-restart\"]\n")
	for i := range n {
		fmt.Fprintf(&b, "[unit.tiny%04d.Service]\nExecStart = \"/bin/sleep 100000\"\n", i)
	}
	return b.String()
}

// submit measures 200 units until all are active: stackc, the bare requests, and fleetctl.
func (b *bench) submit() error {
	const n = 200
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stack, files, set, err := tinyFiles(dir, n)
	if err != nil {
		return err
	}
	contenders := []struct {
		name string
		do   func(endpoint string) error
	}{
		{"raw PUTs, 8 at a time", func(e string) error { return b.raw(e, set) }},
		{"stackc submit", func(e string) error { return b.command("stackc", "--endpoint", e, "submit", "--yes", stack) }},
		{"fleetctl start", func(e string) error {
			if err := b.command("fleetctl", append([]string{"--endpoint", e, "start"}, files...)...); err != nil {
				return err
			}
			return b.untilActive(e, n)
		}},
		{"fleetctl start --no-block", func(e string) error {
			if err := b.command("fleetctl", append([]string{"--endpoint", e, "start", "--no-block"}, files...)...); err != nil {
				return err
			}
			return b.untilActive(e, n)
		}},
	}
	times := make([][]time.Duration, len(contenders))
	for range b.rounds {
		for i, c := range contenders {
			t, err := b.onFreshBox(c.do)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			times[i] = append(times[i], t)
		}
	}
	b.title("submit of %d units on fleet in a box, until all are active", n)
	least := median(times[0])
	for i, c := range contenders {
		t := median(times[i])
		fmt.Fprintf(b.out, "%-28s %8s %6.2fx\n", c.name, t.Round(10*time.Millisecond), float64(t)/float64(least))
	}
	return nil
}

func (b *bench) onFreshBox(do func(endpoint string) error) (time.Duration, error) {
	x, err := b.startBox()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = do(x.endpoint)
	return time.Since(start), errors.Join(err, x.stop())
}

// raw sends every unit with a bare PUT and looks until all are active.
func (b *bench) raw(endpoint string, set *units.Set) error {
	if err := b.puts(endpoint, set); err != nil {
		return err
	}
	return b.untilActive(endpoint, len(set.Units))
}

// puts sends every unit with a bare PUT.
func (b *bench) puts(endpoint string, set *units.Set) error {
	conn, err := fleet.Dial(fleet.Config{Endpoint: endpoint})
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(8)
	for _, u := range set.Units {
		g.Go(func() error { return conn.Put(b.ctx, u.Name, u.Options, units.Launched) })
	}
	return g.Wait()
}

func (b *bench) untilActive(endpoint string, n int) error {
	conn, err := fleet.Dial(fleet.Config{Endpoint: endpoint})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for {
		states, err := conn.States(ctx)
		if err != nil {
			return err
		}
		active := 0
		for _, s := range states {
			if s.Active == "active" {
				active++
			}
		}
		if active >= n {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// unchanged counts the requests of a submit that has nothing to do.
func (b *bench) unchanged() error {
	const n = 1000
	x, err := b.startBox()
	if err != nil {
		return err
	}
	defer x.stop()
	file := filepath.Join(os.TempDir(), "bench-unchanged.toml")
	if err := os.WriteFile(file, []byte(tinyStack(n)), 0o644); err != nil {
		return err
	}
	defer os.Remove(file)
	if err := b.command("stackc", "--endpoint", x.endpoint, "submit", "--yes", file); err != nil {
		return err
	}
	before, err := x.requests()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := b.command("stackc", "--endpoint", x.endpoint, "submit", "--yes", file); err != nil {
		return err
	}
	took := time.Since(start)
	after, err := x.requests()
	if err != nil {
		return err
	}
	b.title("submit of %d units that are all there: %s", n, took.Round(time.Millisecond))
	for _, class := range slices.Sorted(maps.Keys(after)) {
		if n := after[class] - before[class]; n > 0 {
			fmt.Fprintf(b.out, "%-20s %4d requests\n", class, n)
		}
	}
	return nil
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

const (
	// scaleMachines is how many machines the big cluster has.
	scaleMachines = 50
	registryKeys  = "/v2/keys/_coreos.com/fleet"
)

// scaleSizes are the numbers of units.
var scaleSizes = []int{100, 1000, 5000}

// cost is what one run of a command took.
type cost struct {
	Took time.Duration `json:"took"`
	// Peak is in kilobytes.
	Peak   int64  `json:"peak"`
	Stderr string `json:"stderr"`
	Code   int    `json:"code"`
}

// tellCostOf runs a command and writes its cost. A process of its own does so, since a
// child's peak memory begins with that of who started it.
func tellCostOf(out io.Writer, command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	c := cost{Took: time.Since(start), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.Peak = usage.Maxrss
	}
	return json.NewEncoder(out).Encode(c)
}

// costOf runs stackc, which has to end with the exit code.
func (b *bench) costOf(code int, args ...string) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	out, err := exec.CommandContext(b.ctx, self, append([]string{"--once", "costof", filepath.Join(b.bin, "stackc")}, args...)...).Output()
	if err != nil {
		return cost{}, err
	}
	var c cost
	if err := json.Unmarshal(out, &c); err != nil {
		return c, err
	}
	if c.Code != code {
		err = fmt.Errorf("stackc %s ends with %d: %s", args[0], c.Code, c.Stderr)
	}
	return c, err
}

// counted finds the numbers in what --verbose says.
var counted = regexp.MustCompile(`(?m)(\d+) (?:list pages|single reads|writes|for long lists)`)

// requests are those to fleet, and those to its registry in etcd.
func (c cost) requests() int {
	sum := 0
	for _, m := range counted.FindAllStringSubmatch(c.Stderr, -1) {
		n, _ := strconv.Atoi(m[1]) // digits
		sum += n
	}
	return sum
}

// scaleStack is a stack of n units for the machines that are only registered; ten each
// share one.
func scaleStack(n int) string {
	var s strings.Builder
	s.WriteString("stack = \"scale\"\nallow = [\"no-restart\"]\n[roles]\nnode = \"role=node\"\n")
	for i := range n {
		fmt.Fprintf(&s, "[unit.scale%04d]\nrole = \"node\"\n", i)
		if i%10 > 0 {
			fmt.Fprintf(&s, "machine_of = \"scale%04d\"\n", i-i%10)
		}
		fmt.Fprintf(&s, "[unit.scale%04d.Service]\nExecStart = \"/bin/sleep %d\"\n", i, 100000+i)
	}
	return s.String()
}

// scale measures a stack of many units on 50 machines, and beside it what fleet itself
// takes. The machines are registered, and their states written as agents would: an
// engine and 50 agents in one process would leave nothing of it to measure.
func (b *bench) scale() error {
	names := []string{"check", "plan", "submit --no-wait", "submit, nothing to do", "diff", "status", "graph"}
	floors := []string{"fleet: bare PUTs, 8 at a time", "fleet: bare lists, in pages", "etcd: the same lists"}
	cells := map[string][]string{}
	for _, n := range scaleSizes {
		costs, bare, err := b.scaleOf(n)
		if err != nil {
			return fmt.Errorf("%d units: %w", n, err)
		}
		for i, name := range names {
			c := costs[i]
			cells[name] = append(cells[name], fmt.Sprintf("%8s %5d req %4d MB", c.Took.Round(time.Millisecond), c.requests(), c.Peak/1024))
		}
		for i, name := range floors {
			cells[name] = append(cells[name], fmt.Sprintf("%8s %17s", bare[i].Round(time.Millisecond), ""))
		}
	}
	b.title("a stack of 100, 1,000 and 5,000 units on %d machines: time, requests, peak memory of stackc", scaleMachines)
	for _, name := range append(names, floors...) {
		fmt.Fprintf(b.out, "%-32s %s\n", name, strings.Join(cells[name], "  "))
	}
	return nil
}

func (b *bench) scaleOf(n int) ([]cost, [3]time.Duration, error) {
	var bare [3]time.Duration
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, bare, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "scale.toml")
	if err := os.WriteFile(file, []byte(scaleStack(n)), 0o644); err != nil {
		return nil, bare, err
	}
	if bare[0], err = b.barePuts(n); err != nil {
		return nil, bare, err
	}
	x, err := b.startScaleBox()
	if err != nil {
		return nil, bare, err
	}
	defer x.stop()
	var costs []cost
	run := func(code int, args ...string) {
		if err != nil {
			return
		}
		var c cost
		c, err = b.costOf(code, append(args, "--verbose", "--endpoint", x.endpoint, "--etcd-endpoint", x.Etcd)...)
		costs = append(costs, c)
	}
	run(0, "check", file)
	run(2, "plan", file)
	run(0, "submit", file, "--yes", "--no-wait")
	if err == nil {
		err = b.play(x, n)
	}
	run(0, "submit", file, "--yes", "--no-wait")
	run(0, "diff", file)
	run(0, "status", file)
	run(0, "graph", file, "--format", "svg")
	if err != nil {
		return nil, bare, err
	}
	for i, config := range []fleet.Config{{Endpoint: x.endpoint}, {Endpoint: x.Etcd, Etcd: &fleet.EtcdConfig{}}} {
		if bare[1+i], err = b.bareLists(config, n); err != nil {
			return nil, bare, err
		}
	}
	return costs, bare, nil
}

// startScaleBox starts a box in which only etcd and fleet's API work, with machines that
// are registered.
func (b *bench) startScaleBox() (*box, error) {
	x, err := b.startBoxWith("--machine", "role=other")
	if err != nil {
		return nil, err
	}
	resp, err := http.Post(x.Control+"/machines/n1/stop?how=fleetd", "", nil)
	if err != nil {
		return nil, errors.Join(err, x.stop())
	}
	resp.Body.Close()
	for i := range scaleMachines {
		id := scaleMachine(i)
		object := fmt.Sprintf(`{"ID":%q,"PublicIP":"10.1.0.%d","Metadata":{"role":"node"},"Version":"1.0.0"}`, id, i+1)
		if err := b.write(x, "/machines/"+id+"/object", object); err != nil {
			return nil, errors.Join(err, x.stop())
		}
	}
	return x, nil
}

// write sets a key of fleet's registry.
func (b *bench) write(x *box, key, value string) error {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPut, x.Etcd+registryKeys+key, strings.NewReader(url.Values{"value": {value}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("PUT %s: %s", key, resp.Status)
	}
	return err
}

// play places the units as fleet's engine would, and says that they run there.
func (b *bench) play(x *box, n int) error {
	conn, err := fleet.Dial(fleet.Config{Endpoint: x.Etcd, Etcd: &fleet.EtcdConfig{}})
	if err != nil {
		return err
	}
	defer conn.Close()
	list, err := conn.Units(b.ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(8)
	for i, u := range list {
		group.Go(func() error {
			id := scaleMachine(i / 10 % scaleMachines)
			row := fmt.Sprintf(`{"loadState":"loaded","activeState":"active","subState":"running","machineState":{"ID":%q},"unitHash":%q}`, id, u.Hash)
			return errors.Join(b.write(x, "/job/"+string(u.Name)+"/target", id), b.write(x, "/states/"+string(u.Name)+"/"+id, row))
		})
	}
	if err := group.Wait(); err != nil || len(list) == n {
		return err
	}
	return fmt.Errorf("%d units are listed", len(list))
}

func scaleMachine(i int) string { return fmt.Sprintf("%032x", 0xabc000+i) }

// barePuts is how long fleet takes to store as many units.
func (b *bench) barePuts(n int) (time.Duration, error) {
	set, err := compileText(scaleStack(n))
	if err != nil {
		return 0, err
	}
	x, err := b.startScaleBox()
	if err != nil {
		return 0, err
	}
	defer x.stop()
	conn, err := fleet.Dial(fleet.Config{Endpoint: x.endpoint})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(8)
	for _, u := range set.Units {
		group.Go(func() error { return conn.Put(b.ctx, u.Name, u.Options, units.Launched) })
	}
	err = group.Wait()
	return time.Since(start), err
}

// bareLists is how long machines, units and states take to read.
func (b *bench) bareLists(config fleet.Config, n int) (time.Duration, error) {
	config.Timeout = time.Minute
	conn, err := fleet.Dial(config)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	start := time.Now()
	s, err := fleet.TakeAll(b.ctx, conn, nil)
	if err == nil && len(s.Units) != n {
		err = fmt.Errorf("%d units are listed", len(s.Units))
	}
	return time.Since(start), err
}

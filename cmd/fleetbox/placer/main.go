// Command placer answers where fleet v1.0.0 puts units: fleet's own engine and
// agents, without sockets, clocks or systemd, on a registry in memory. It reads one
// JSON question a line and writes one JSON answer a line, so that thousands of
// clusters can be asked in a few seconds.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	_ "unsafe" // for go:linkname

	_ "github.com/coreos/fleet/log" // the logger below is its own
)

// fleetLogger is the logger of fleet's log package, which has no other way to be
// silenced.
//
//go:linkname fleetLogger github.com/coreos/fleet/log.logger
var fleetLogger *log.Logger

// question is a cluster, what is done to it, and how often that is tried.
type question struct {
	Machines []machineSpec `json:"machines"`
	Units    []unitSpec    `json:"units"`
	// Changes are done in the first run, and in each second one after it, at one
	// moment; in the others one by one in a random order, with passes in between.
	Changes []change `json:"changes"`
	Runs    int      `json:"runs"`
	Seed    int64    `json:"seed"`
}

type machineSpec struct {
	ID       string            `json:"id"`
	Metadata map[string]string `json:"metadata"`
}

type unitSpec struct {
	Name    string   `json:"name"`
	Options []option `json:"options"`
	Desired string   `json:"desired"`
	// Machine is where the unit is scheduled to.
	Machine string `json:"machine"`
}

type option struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
}

// change is a unit that is handed over, or the name of one that is removed.
type change struct {
	Unit   *unitSpec `json:"unit"`
	Delete string    `json:"delete"`
}

// answer is where everything has ended, run by run.
type answer struct {
	Runs []outcome `json:"runs"`
}

func main() {
	fleetLogger.SetOutput(io.Discard)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q question
		err := in.Decode(&q)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = out.Encode(q.answer())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "placer:", err)
			os.Exit(1)
		}
	}
}

func (q question) answer() answer {
	r := rand.New(rand.NewSource(q.Seed))
	var a answer
	for run := range max(q.Runs, 1) {
		c := newCluster(q.Machines, q.Units)
		order := r.Perm(len(q.Changes))
		for _, i := range order {
			c.apply(q.Changes[i])
			if run%2 == 1 && r.Intn(2) == 0 {
				c.pass()
			}
		}
		settled := c.settle()
		a.Runs = append(a.Runs, c.outcome(settled))
	}
	return a
}

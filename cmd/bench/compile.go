package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/coreos/go-systemd/v22/unit"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// stackText is a stack of n units that wait for etcd, with what real units have.
func stackText(n int) string {
	var b strings.Builder
	b.WriteString(`stack = "big"
[params]
port = 8080
[roles]
node = { metadata = "role=node", address = "10.0.0.1" }
[host.etcd]
unit = "etcd.service"
role = "node"
port = 4001
ready = { http = "/version" }
`)
	for i := range n {
		fmt.Fprintf(&b, `
[unit.app%05[1]d]
role = "node"
after = ["etcd"]
[unit.app%05[1]d.Unit]
Description = "application number %[1]d"
Documentation = "https://example.com/app/%[1]d"
[unit.app%05[1]d.Service]
ExecStart = """
  /usr/bin/docker run --rm --name app%[1]d
  -p ${{ port }}:80 -e ETCD=${{ etcd.url }}
  registry.example.com/app:1.%[1]d"""
ExecStop = "/usr/bin/docker stop app%[1]d"
Restart = "always"
RestartSec = 10
`, i)
	}
	return b.String()
}

func compileText(text string) (*units.Set, error) {
	result, findings := compiler.Compile("big.toml", compiler.Options{Opener: source.Map{"big.toml": text}})
	if result.Set == nil {
		return nil, errors.New(findings[0].Message)
	}
	return result.Set, nil
}

// floor is the least that a compiler of this language can do: decode the file
// and serialise the units that come of it.
func floor(text string, set *units.Set) error {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return err
	}
	for _, u := range set.Units {
		options := make([]*unit.UnitOption, len(u.Options))
		for i, o := range u.Options {
			options[i] = &unit.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value}
		}
		if _, err := io.Copy(io.Discard, unit.Serialize(options)); err != nil {
			return err
		}
	}
	return nil
}

// onceOnly does one thing once, so that a parent can see how much memory it took.
func onceOnly(what string, n int) error {
	text := stackText(n)
	set, err := compileText(stackText(1))
	if err != nil {
		return err
	}
	if what == "floor" {
		one := set.Units[0]
		set.Units = nil
		for range n {
			set.Units = append(set.Units, one)
		}
		return floor(text, set)
	}
	if set, err = compileText(text); err != nil {
		return err
	}
	for _, u := range set.Units {
		u.Text()
	}
	return nil
}

// compile measures the compiler against the floor.
func (b *bench) compile() error {
	b.title("compile against the floor (BurntSushi/toml decode + go-systemd serialise of the same data)")
	fmt.Fprintf(b.out, "%8s %12s %12s %7s %12s %12s\n", "units", "stackc", "floor", "ratio", "stackc peak", "floor peak")
	for _, n := range []int{1000, 10000} {
		text := stackText(n)
		set, err := compileText(text)
		if err != nil {
			return err
		}
		ours, least, err := inTurns(b.rounds,
			func() error { _, err := compileText(text); return err },
			func() error { return floor(text, set) })
		if err != nil {
			return err
		}
		ourPeak, err := peak("compile", n)
		if err != nil {
			return err
		}
		leastPeak, err := peak("floor", n)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%8d %12s %12s %6.2fx %9d MB %9d MB\n", n, ours.Round(time.Millisecond), least.Round(time.Millisecond),
			float64(ours)/float64(least), ourPeak>>20, leastPeak>>20)
	}
	return nil
}

// peak runs one thing in a process of its own and returns the most memory it
// held, in bytes. The process tells it itself: what the system accounts to a
// child begins with the memory of its parent.
func peak(what string, n int) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command(self, "--once", what, fmt.Sprint(n)).Output()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(out)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("the system does not tell how much memory a process took")
}

// tellMemory copies what the system knows of this process (proc_pid_status(5)).
func tellMemory(out io.Writer) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, err = out.Write(status)
	return err
}

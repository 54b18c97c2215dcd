package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rounds is how often two submits of one stack meet; docs/reliability.md has more.
var rounds = flag.Int("rounds", 3, "rounds of two submits at once")

// started is a stackc of a test that runs.
type started struct {
	cmd    *exec.Cmd
	out    strings.Builder
	mu     sync.Mutex
	ended  chan struct{}
	killed bool
}

// Write implements io.Writer for both streams.
func (s *started) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *started) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// begin starts stackc; env is added to the environment.
func begin(t *testing.T, env []string, args ...string) *started {
	t.Helper()
	s := &started{cmd: exec.Command("stackc", args...), ended: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	return s
}

// code waits for the end and gives the exit code, -1 when it was killed.
func (s *started) code() int {
	<-s.ended
	return s.cmd.ProcessState.ExitCode()
}

// want runs stackc to its end and expects an exit code.
func want(t *testing.T, code int, args ...string) string {
	t.Helper()
	s := begin(t, nil, args...)
	if got := s.code(); got != code {
		t.Errorf("stackc %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, s.text())
	}
	return s.text()
}

// inBox calls the control API of the box.
func inBox(t *testing.T, method, path, body string, data any) {
	t.Helper()
	request, err := http.NewRequest(method, os.Getenv("CONTROL")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
	if data != nil {
		if err := json.NewDecoder(answer.Body).Decode(data); err != nil {
			t.Fatal(err)
		}
	}
}

const rivalStack = `
stack = "rival"
[params]
level = 0
[unit.api.Service]
ExecStart = "/usr/bin/api --level=${{ level }}"
Restart = "always"
[unit.hold.Service]
ExecStart = "/usr/bin/hold --level=${{ level }}"
ExecStartPre = "/usr/bin/ready"
Restart = "always"
`

// TestTwoSubmits: of two submits of one stack at once one wins and the other ends with
// 5; what the winner wants is there, whole, and it alone is in the history.
func TestTwoSubmits(t *testing.T) {
	startBox(t, "any", "any")
	file := filepath.Join(t.TempDir(), "rival.toml")
	write(t, file, rivalStack)
	inBox(t, "POST", "/rules", `{"unit":"hold.service","hold":true,"phase":"start-pre"}`, nil)
	for round := 1; round <= *rounds; round++ {
		level := func(i int) string { return fmt.Sprintf("level=%d", 2*round+i) }
		rivals := []*started{begin(t, nil, "submit", file, "--set", level(0)), begin(t, nil, "submit", file, "--set", level(1))}
		loser := 0
		select {
		case <-rivals[0].ended:
		case <-rivals[1].ended:
			loser = 1
		}
		if code := rivals[loser].code(); code != exitStale || !strings.Contains(rivals[loser].text(), "has the lock since") {
			t.Fatalf("round %d: the first to end has exit code %d\n%s", round, code, rivals[loser].text())
		}
		winner := rivals[1-loser]
		for released := false; !released; { // the unit waits for this, so the winner does
			inBox(t, "POST", "/units/release?unit=hold.service", "", nil)
			select {
			case <-winner.ended:
				released = true
			case <-time.After(50 * time.Millisecond):
			}
		}
		if code := winner.code(); code != exitDone {
			t.Fatalf("round %d: the winner ends with %d\n%s", round, code, winner.text())
		}
		want(t, exitDone, "plan", file, "--set", level(1-loser))
		if out := want(t, exitDone, "history", "rival"); !strings.Contains(out, fmt.Sprintf("\n%d  ", round)) || strings.Contains(out, fmt.Sprintf("\n%d  ", round+1)) || strings.Count(out, "done") != min(round, 20) {
			t.Fatalf("round %d: history\n%s", round, out)
		}
	}
	t.Logf("%d rounds: one won and one ended with %d in each", *rounds, exitStale)
}

// TestManyStacks: different stacks do not hold each other up.
func TestManyStacks(t *testing.T) {
	startBox(t, "any", "any", "any")
	dir := t.TempDir()
	const stacks = 20
	var running []*started
	for i := range stacks {
		file := filepath.Join(dir, fmt.Sprintf("s%02d.toml", i))
		write(t, file, fmt.Sprintf("stack = \"s%02d\"\n[unit.a%02d.Service]\nExecStart = \"/usr/bin/a\"\nRestart = \"always\"\n[unit.b%02d.Service]\nExecStart = \"/usr/bin/b\"\nRestart = \"always\"\n", i, i, i))
		running = append(running, begin(t, nil, "submit", file))
	}
	for i, s := range running {
		if code := s.code(); code != exitDone {
			t.Errorf("stack %d of %d ends with %d\n%s", i, stacks, code, s.text())
		}
	}
	var there []struct{ Unit, Active string }
	inBox(t, "GET", "/units", "", &there)
	if n := len(slices.DeleteFunc(there, func(u struct{ Unit, Active string }) bool {
		return u.Active != "active" || !strings.HasSuffix(u.Unit, ".service")
	})); n < 2*stacks {
		t.Errorf("%d units run, want %d", n, 2*stacks)
	}
}

// TestOneUnitTwoStacks: two stacks with a unit of one name at once; it gets to be that
// of one of them, or of none, and never one's after the other has been told that all
// is well.
func TestOneUnitTwoStacks(t *testing.T) {
	startBox(t, "any", "any")
	dir := t.TempDir()
	wins := 0
	for round := 1; round <= *rounds; round++ {
		var running []*started
		for _, which := range []string{"a", "b"} {
			file := filepath.Join(dir, fmt.Sprintf("%s%d.toml", which, round))
			write(t, file, fmt.Sprintf("stack = \"%s%d\"\n[unit.both%d.Service]\nExecStart = \"/usr/bin/%s\"\nRestart = \"always\"\n", which, round, round, which))
			running = append(running, begin(t, nil, "submit", file))
		}
		codes := []int{running[0].code(), running[1].code()}
		for i, which := range []string{"a", "b"} {
			switch codes[i] {
			case exitDone:
				wins++
				if codes[1-i] == exitDone {
					t.Errorf("round %d: both were told that all is well", round)
				}
				want(t, exitDone, "plan", filepath.Join(dir, fmt.Sprintf("%s%d.toml", which, round)))
			case exitError:
				if out := running[i].text(); !strings.Contains(out, "submitted just now") && !strings.Contains(out, "belongs to stack") {
					t.Errorf("round %d: %s", round, out)
				}
			default:
				t.Errorf("round %d: exit code %d\n%s", round, codes[i], running[i].text())
			}
		}
	}
	t.Logf("%d rounds: %d had one winner, %d none", *rounds, wins, *rounds-wins)
}

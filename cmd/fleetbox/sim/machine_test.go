package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/coreos/fleet/unit"
)

// machine adds a machine to a world; time is that of the test's bubble.
func machine(w *World, name string) *Systemd {
	return w.Add(name, strings.Repeat(name, 16), []string{"docker.service", "*.target"})
}

func load(t *testing.T, s *Systemd, name, text string) {
	t.Helper()
	if err := tryLoad(t, s, name, text); err != nil {
		t.Fatalf("load %s: %v", name, err)
	}
}

func tryLoad(t *testing.T, s *Systemd, name, text string) error {
	t.Helper()
	file, err := unit.NewUnitFile(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s.Load(name, *file)
}

func start(t *testing.T, s *Systemd, name string) {
	t.Helper()
	if err := s.TriggerStart(name); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
}

func stop(t *testing.T, s *Systemd, name string) {
	t.Helper()
	if err := s.TriggerStop(name); err != nil {
		t.Fatalf("stop %s: %v", name, err)
	}
}

func state(t *testing.T, s *Systemd, name string) string {
	t.Helper()
	us, err := s.GetUnitState(name)
	if err != nil {
		t.Fatal(err)
	}
	return us.LoadState + "/" + us.ActiveState + "/" + us.SubState
}

func expect(t *testing.T, s *Systemd, name, want string) {
	t.Helper()
	if got := state(t, s, name); got != want {
		t.Errorf("%s after %v: %s, want %s", name, sinceStart(), got, want)
	}
}

// sinceStart is the time in a synctest bubble, which begins at the start of 2000.
func sinceStart() time.Duration {
	return time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

func addRule(t *testing.T, w *World, r Rule) int {
	t.Helper()
	id, err := w.AddRule(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func events(w *World, glob string) string {
	var out []string
	for _, e := range w.Journal(0, "", glob) {
		out = append(out, string(e.Event))
	}
	return strings.Join(out, " ")
}

// serviceFile is a unit file with lines in [Unit].
func serviceFile(lines ...string) string {
	return "[Unit]\n" + strings.Join(lines, "\n") + "\n[Service]\nExecStartPre=/p\nExecStart=/x\n"
}

// Package labtest gives a test a real fleet cluster of its own and takes it away again.
package labtest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// Up returns a fresh lab that is removed when the test ends; when the test has failed, the nodes' logs are shown first. A lab takes about a second and 100 MB, so
// every test can have one. Binaries are built if c has none. Where there can be no lab the test fails, unless lab.NoCluster is set to 1: then it is skipped.
func Up(t *testing.T, c lab.Config) *lab.Lab {
	t.Helper()
	if os.Getenv(lab.NoCluster) == "1" {
		t.Skip(lab.NoCluster + "=1: tests on a real cluster are turned off")
	}
	if c.Binaries.Fleetd == "" {
		c.Binaries = Binaries(t)
	}
	l, err := lab.Up(t.Context(), c)
	if err != nil {
		t.Fatalf("no cluster (%s=1 skips this test): %v", lab.NoCluster, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			show(t, l)
		}
		if err := l.Down(); err != nil {
			t.Errorf("removing the lab: %v", err)
		}
	})
	return l
}

// Binaries builds what labs are made of, or finds it built.
func Binaries(t *testing.T) lab.Binaries {
	t.Helper()
	b, err := lab.Build(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// show logs what a person would look at first.
func show(t *testing.T, l *lab.Lab) {
	// The test's own context has ended.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if units, err := l.Fleetctl(ctx, "list-units", "--full"); err == nil {
		t.Logf("fleetctl list-units:\n%s", units)
	}
	for _, n := range l.Nodes() {
		text, err := n.Exec(ctx, "journalctl", "--no-pager", "--quiet", "--lines=60", "--output=short-monotonic")
		if err != nil {
			text = err.Error()
		}
		t.Logf("journal of %s:\n%s", n.Name, text)
	}
}

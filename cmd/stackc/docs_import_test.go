package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/fleet/schema"
	"github.com/coreos/fleet/unit"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stackc/stackc/units"
)

// documentFile is a block of a document that is a file.
var documentFile = regexp.MustCompile("(?m)^```text file=(\\S+)\n((?s:.*?))^```$")

// TestDocsImport goes the way of docs/import.md: with its files, on a cluster to
// which the units were given without stackc.
func TestDocsImport(t *testing.T) {
	text, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	doc, dir := string(text), t.TempDir()
	startBox(t, "back@10.0.0.1", "front@10.0.0.2", "front@10.0.0.3")
	for _, m := range documentFile.FindAllStringSubmatch(doc, -1) {
		write(t, filepath.Join(dir, m[1]), m[2])
		if strings.HasPrefix(m[1], "units/") {
			if err := submitAsFleetctl(os.Getenv("FLEETCTL_ENDPOINT"), filepath.Base(m[1]), m[2]); err != nil {
				t.Fatal(err)
			}
		}
	}
	awaitActive(t, os.Getenv("FLEETCTL_ENDPOINT"), 4) // web is on two machines
	list := examplesOf(t, doc)
	if len(list) < 7 {
		t.Fatalf("%d examples", len(list))
	}
	for _, e := range list {
		code, out := call(t, dir, e.command)
		if code != e.exit || !e.pattern().MatchString(out) {
			t.Errorf("docs/import.md:%d: %s: exit code %d, want %d, and\n%s", e.line, e.command, code, e.exit, out)
		}
	}
}

// submitAsFleetctl sends a unit file as `fleetctl start` does: read by fleet's own
// reader, as JSON, over fleet's API.
func submitAsFleetctl(endpoint, name, text string) error {
	client, base := fleetHTTP(endpoint)
	file, err := unit.NewUnitFile(text)
	if err != nil {
		return err
	}
	state := units.Launched
	if units.Name(name).IsTemplate() {
		state = units.Inactive
	}
	body, err := json.Marshal(schema.Unit{Name: name, DesiredState: string(state), Options: schema.MapUnitFileToSchemaUnitOptions(file)})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPut, base+"/fleet/v1/units/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", name, answer.Status)
	}
	return nil
}

// fleetHTTP is a client for fleet's API, and the URL before its paths.
func fleetHTTP(endpoint string) (client *http.Client, base string) {
	transport := &http.Transport{DisableKeepAlives: true}
	if socket, ok := strings.CutPrefix(endpoint, "unix://"); ok {
		endpoint = "http://fleet"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	return &http.Client{Transport: transport}, endpoint
}

// awaitActive waits until that many units are active, each on its machine.
func awaitActive(t *testing.T, endpoint string, want int) {
	t.Helper()
	client, base := fleetHTTP(endpoint)
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		answer, err := client.Get(base + "/fleet/v1/state")
		if err != nil {
			t.Fatal(err)
		}
		var page schema.UnitStatePage
		err = json.NewDecoder(answer.Body).Decode(&page)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		active := 0
		for _, s := range page.States {
			if s.SystemdActiveState == "active" {
				active++
			}
		}
		if active == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%d units are not active within a minute", want)
}

// byHand FILE... sends unit files to the cluster without stackc.
func byHand(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		ts.Check(submitAsFleetctl(ts.Getenv("ENDPOINT"), filepath.Base(file), ts.ReadFile(file)))
	}
}

// TestDocsImportFiles finds the unit files that docs/import.md names.
func TestDocsImportFiles(t *testing.T) {
	text, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	_, messy, _ := strings.Cut(string(text), "## What messy files become")
	messy, _, _ = strings.Cut(messy, "## Where others")
	names := matches("`([a-z0-9@-]+\\.service)`", messy)
	if len(names) < 25 {
		t.Fatalf("only %d files: %v", len(names), names)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join("../../testdata/import", name)); err != nil {
			t.Error(err)
		}
	}
}

package control_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coreos/fleet/unit"

	"github.com/stackc/stackc/cmd/fleetbox/box"
	"github.com/stackc/stackc/cmd/fleetbox/control"
)

func newServer(t *testing.T) (*box.Box, string) {
	t.Helper()
	box.SetUp(nil)
	machines, err := box.ParseMachines([]string{"role=master", "role=node"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := box.Start(box.Options{
		Machines: machines, Listen: []string{"127.0.0.1:0"}, Etcd: "127.0.0.1:0", Data: t.TempDir(), Timing: box.FastTiming(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(control.Handler(b, map[string]string{"about": "this box"}))
	t.Cleanup(func() {
		server.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, server.URL
}

func TestRequests(t *testing.T) {
	b, url := newServer(t)
	file, err := unit.NewUnitFile("[Service]\nExecStartPre=/p\nExecStart=/x\n")
	if err != nil {
		t.Fatal(err)
	}
	// A machine of its own: no agent takes from it what fleet did not put there.
	host := b.World().Add("bare", "bare-id", nil)
	tests := []struct {
		name, method, path, body string
		before                   func() error
		want                     string // in the answer
		fails                    string // in the error
	}{
		{name: "box", method: "GET", path: "/box", want: `"about": "this box"`},
		{name: "machines", method: "GET", path: "/machines", want: `"state": "running"`},
		{name: "add rule", method: "POST", path: "/rules", body: `{"unit":"x*","machine":"bare","hold":true,"delay":"1.5s"}`, want: `"id": 1`},
		{name: "rules", method: "GET", path: "/rules", want: `"delay": "1.5s"`},
		{name: "rule without unit", method: "POST", path: "/rules", body: `{"hold":true}`, want: "needs a unit", fails: "400"},
		{name: "rule with unknown field", method: "POST", path: "/rules", body: `{"unit":"x","slow":"1s"}`, want: `unknown field \"slow\"`, fails: "400"},
		{name: "units", method: "GET", path: "/units?machine=bare", before: func() error {
			if err := host.Load("x.service", *file); err != nil {
				return err
			}
			return host.TriggerStart("x.service")
		}, want: `"sub": "start-pre"`},
		{name: "text", method: "GET", path: "/units?unit=x.*", want: `"text": "[Service]\nExecStartPre=/p\nExecStart=/x\n"`},
		{name: "release another", method: "POST", path: "/units/release?machine=n1", want: `"units": 0`},
		{name: "release", method: "POST", path: "/units/release?unit=x.service", want: `"units": 1`},
		{name: "exit", method: "POST", path: "/units/exit?machine=bare&code=7", want: `"units": 1`},
		{name: "exit with bad code", method: "POST", path: "/units/exit?code=x", want: "not a number", fails: "400"},
		{name: "journal", method: "GET", path: "/journal?after=4&unit=x*", want: `"detail": "exit code 7"`},
		{name: "clear journal", method: "DELETE", path: "/journal", want: "{}"},
		{name: "journal is empty", method: "GET", path: "/journal", want: "[]"},
		{name: "remove rule", method: "DELETE", path: "/rules/1", want: `"removed": 1`},
		{name: "remove rule again", method: "DELETE", path: "/rules/1", want: `"removed": 0`},
		{name: "remove no rule", method: "DELETE", path: "/rules/all", want: "bad id", fails: "400"},
		{name: "remove rules", method: "DELETE", path: "/rules", want: `"removed": 0`},
		{name: "add fault", method: "POST", path: "/faults", body: `{"path":"/units/*","status":500}`, want: `"id": 1`},
		{name: "bad fault", method: "POST", path: "/faults", body: `{"path":"[","status":500}`, want: "bad glob", fails: "400"},
		{name: "faults", method: "GET", path: "/faults", want: `"status": 500`},
		{name: "remove fault", method: "DELETE", path: "/faults/1", want: `"removed": 1`},
		{name: "remove faults", method: "DELETE", path: "/faults", want: `"removed": 0`},
		{name: "requests", method: "GET", path: "/requests", want: `"total": 0`},
		{name: "reset requests", method: "DELETE", path: "/requests", want: `"classes": {}`},
		{name: "stop", method: "POST", path: "/machines/n2/stop", want: "{}"},
		{name: "stopped", method: "GET", path: "/machines", want: `"state": "stopped"`},
		{name: "cut a stopped one", method: "POST", path: "/machines/n2/cut", want: "is stopped", fails: "400"},
		{name: "cut", method: "POST", path: "/machines/n1/cut", want: "{}"},
		{name: "is cut", method: "GET", path: "/machines", want: `"state": "cut"`},
		{name: "heal", method: "POST", path: "/machines/n1/heal", want: "{}"},
		{name: "start", method: "POST", path: "/machines/n2/start", want: "{}"},
		{name: "start as another version", method: "POST", path: "/machines/n2/start?version=0.11.8", want: "{}"},
		{name: "twin", method: "POST", path: "/machines/n2/twin?address=10.20.30.99", want: "{}"},
		{name: "twin is there", method: "GET", path: "/machines", want: `"address": "10.20.30.99"`},
		{name: "another twin", method: "POST", path: "/machines/n2/twin", want: "has a twin already", fails: "400"},
		{name: "stop in an odd way", method: "POST", path: "/machines/n2/stop?how=hard", want: "cannot stop", fails: "400"},
		{name: "unknown action", method: "POST", path: "/machines/n2/reboot", want: "cannot", fails: "400"},
		{name: "unknown machine", method: "POST", path: "/machines/n9/stop", want: "no such machine", fails: "404"},
		{name: "cut etcd", method: "POST", path: "/etcd/cut", want: "{}"},
		{name: "heal etcd", method: "POST", path: "/etcd/heal", want: "{}"},
		{name: "break etcd", method: "POST", path: "/etcd/break", want: "want cut or heal", fails: "400"},
		{name: "cut api", method: "POST", path: "/api/cut", want: "{}"},
		{name: "heal api", method: "POST", path: "/api/heal", want: "{}"},
		{name: "etcd's clock", method: "POST", path: "/etcd/clock?ahead=-90s", want: "{}"},
		{name: "api's clock", method: "POST", path: "/api/clock?ahead=1m", want: "{}"},
		{name: "no time", method: "POST", path: "/api/clock?ahead=soon", want: "is not a time", fails: "400"},
		{name: "unknown path", method: "GET", path: "/nothing", want: "not found", fails: "404"},
	}
	for _, tc := range tests { // in order: they build on each other
		if tc.before != nil {
			if err := tc.before(); err != nil {
				t.Fatalf("%s: %v", tc.name, err)
			}
		}
		var out bytes.Buffer
		err := control.Call(context.Background(), url, tc.method, tc.path, tc.body, &out)
		if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
			t.Errorf("%s: error is %v", tc.name, err)
		}
		if !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: no %q in %s", tc.name, tc.want, out.String())
		}
	}
}

package fleettest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/stackc/stackc/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func send(c *Cluster, method, path, body string) (int, string) {
	req := httptest.NewRequest(method, "/fleet/v1/"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, req)
	text, _ := io.ReadAll(rec.Body)
	return rec.Code, string(text)
}

const content = `"options":[{"section":"Service","name":"ExecStart","value":"/bin/x"}]`

// TestAnswers holds the answers of fleet v1.0.0 that clients have to live with.
func TestAnswers(t *testing.T) {
	c := New(Machines(2)...)
	steps := []struct {
		name, method, path, body string
		status                   int
		text                     string
	}{
		{"new unit", "PUT", "units/a.service", `{"desiredState":"launched",` + content + `}`, 201, ""},
		{"same again", "PUT", "units/a.service", `{"desiredState":"launched",` + content + `}`, 204, ""},
		{"same, other state", "PUT", "units/a.service", `{"desiredState":"loaded",` + content + `}`, 204, ""},
		{"state alone", "PUT", "units/a.service", `{"desiredState":"launched"}`, 204, ""},
		{"other options", "PUT", "units/a.service", `{"desiredState":"launched","options":[{"section":"Service","name":"Nice","value":"1"}]}`, 201, ""},
		{"unknown unit without options", "PUT", "units/b.service", `{"desiredState":"launched"}`, 409, "options field empty"},
		{"options that fleet refuses", "PUT", "units/b.service", `{"options":[{"section":"X-Fleet","name":"Global","value":"true"},{"section":"X-Fleet","name":"MachineOf","value":"a.service"}]}`, 400, "Global cannot be used with Peers"},
		{"unknown state", "PUT", "units/a.service", `{"desiredState":"running"}`, 500, `"message":""`},
		{"bad name", "PUT", "units/a.nothing", `{` + content + `}`, 400, "invalid unit type"},
		{"one unit", "GET", "units/a.service", "", 200, `"Nice"`},
		{"no unit", "GET", "units/none.service", "", 404, "unit does not exist"},
		{"delete", "DELETE", "units/a.service", "", 204, ""},
		{"delete again", "DELETE", "units/a.service", "", 404, "unit does not exist"},
		{"machines", "GET", "machines", "", 200, `"role":"master"`},
		{"no states", "GET", "state?unitName=none", "", 200, `{}`},
		{"elsewhere", "GET", "nothing", "", 404, ""},
	}
	for _, s := range steps {
		if status, text := send(c, s.method, s.path, s.body); status != s.status || !strings.Contains(text, s.text) {
			t.Errorf("%s: %d %s, want %d %q", s.name, status, text, s.status, s.text)
		}
	}
	if got := c.Writes()[0].String(); got != "PUT a.service content launched" {
		t.Errorf("first write %q", got)
	}
}

// TestSystemd has units need, stop and wait for each other as systemd would.
func TestSystemd(t *testing.T) {
	state := func(c *Cluster, name string) string {
		_, text := send(c, "GET", "state?unitName="+name, "")
		_, text, _ = strings.Cut(text, `"systemdActiveState":"`)
		text, _, _ = strings.Cut(text, `"`)
		return text
	}
	service := func(name units.Name, options ...units.Option) units.Unit {
		options = append(options, units.Option{Section: "Service", Name: "ExecStart", Value: "/bin/x"})
		return units.Unit{Name: name, Desired: units.Launched, Options: options}
	}
	requires := units.Option{Section: "Unit", Name: "Requires", Value: "a.service"}
	synctest.Test(t, func(t *testing.T) {
		c := New(Machines(1)...)
		expect := func(what, name, want string) {
			t.Helper()
			time.Sleep(2 * Pass)
			if got := state(c, name); got != want {
				t.Errorf("%s: %s is %q, want %q", what, name, got, want)
			}
		}
		c.Submit(service("b.service", requires))
		expect("what it needs is not there", "b.service", "inactive")
		c.Submit(service("a.service"))
		expect("it came too late", "b.service", "inactive")
		b := service("b.service", requires)
		b.Desired = units.Loaded
		c.Submit(b)
		expect("stopped", "b.service", "inactive")
		c.Submit(service("b.service", requires))
		expect("started anew", "b.service", "active")
		c.Submit(service("a.service", units.Option{Section: "Unit", Name: "Description", Value: "new"}))
		expect("replaced", "a.service", "active")
		expect("taken down", "b.service", "inactive")
		c.Behave("w.service", WaitsFor("late.service"))
		c.Submit(service("w.service"))
		expect("waits", "w.service", "activating")
		c.Submit(service("late.service"))
		expect("waits no more", "w.service", "active")
		c.Behave("p.service", Phases(Phase{For: time.Minute, State: "activating/start"}, Phase{For: time.Minute, State: "active/running"}))
		c.Submit(service("p.service"))
		expect("first phase", "p.service", "activating")
		time.Sleep(time.Minute)
		expect("second phase", "p.service", "active")
		time.Sleep(time.Minute)
		expect("after all phases", "p.service", "inactive")
	})
}

func TestRequestLine(t *testing.T) {
	for want, r := range map[string]Request{
		"GET units":                  {Method: http.MethodGet, Kind: "units"},
		"DELETE a.service":           {Method: http.MethodDelete, Kind: "units", Unit: "a.service"},
		"PUT a.service loaded":       {Method: http.MethodPut, Unit: "a.service", Desired: units.Loaded},
		"PUT a.service content":      {Method: http.MethodPut, Unit: "a.service", Content: true},
		"PUT a.service content idle": {Method: http.MethodPut, Unit: "a.service", Content: true, Desired: "idle"},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package review

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// TestNoFormTellsSecrets puts a secret wherever a unit can hold one, and looks for
// it in every form of the report.
func TestNoFormTellsSecrets(t *testing.T) {
	const secret = "hunter"
	set := func(version int) *units.Set {
		value := fmt.Sprintf("%s%d", secret, version)
		url := fmt.Sprintf("http://user:%s@10.0.0.1:80/ok", value)
		waiter := fmt.Sprintf("n=0; until curl %s; do n=$((n+1)); echo 'web.service: waiting for db (%s), try' $n; sleep 3; done", units.ShellQuote(url), url)
		web := []units.Option{
			{Section: "Service", Name: "Environment", Value: "PASSWORD=" + value + " A=1"},
			{Section: "Service", Name: "ExecStartPre", Value: "/bin/login --token=" + value},
			{Section: "Service", Name: "ExecStart", Value: fmt.Sprintf("/bin/web --v=%d --secret %d --api-key=%s", version, version, value)},
			{Section: "Unit", Name: "Documentation", Value: url},
		}
		if version > 1 {
			web = append(web, units.Option{Section: "Service", Name: "ExecStartPre", Value: units.ShellCommand(waiter)})
		}
		list := []units.Unit{
			{Name: "web.service", Options: web, Desired: units.Launched},
			{Name: "db.service", Options: []units.Option{{Section: "Service", Name: "ExecStart", Value: fmt.Sprint("/bin/db ", version)}}, Desired: units.Launched},
			{Name: units.Name(fmt.Sprintf("new%d.service", version)), Options: []units.Option{{Section: "Service", Name: "ExecStart", Value: fmt.Sprintf("/bin/%d password=%s", version, value)}}, Desired: units.Launched},
		}
		return compare.WithWaits(units.NewSet("s", list))
	}
	old, new := set(1), set(2)
	plan, _ := fleet.PlanBetween(nil, old, new, fleet.DiffOptions{})
	forms := func(show bool) map[string]string {
		r := Build(Side{Set: old}, Side{Set: new}, plan, nil, Options{Context: 3, ShowSecrets: show})
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"json": string(data), "markdown": Markdown(r), "html": HTML(r, old, new)}
	}
	for name, text := range forms(false) {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s tells the secret: %s", name, text[max(0, i-80):min(len(text), i+40)])
		}
		if !strings.Contains(text, "db.service") || !strings.Contains(text, "********") {
			t.Errorf("%s has nothing to hide", name)
		}
	}
	for name, text := range forms(true) {
		if !strings.Contains(text, secret) {
			t.Errorf("%s does not show it when asked to", name)
		}
	}
}

package fleet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/fleet/fleettest"
)

// saved gives the text of a plan that creates, replaces, holds back and removes.
func saved(t *testing.T, conn *Conn, c *fleettest.Cluster) (*Plan, []byte) {
	t.Helper()
	submit(t, conn, set(unit("a"), unit("old"), unit("c", "[Unit] BindsTo=a.service", "[X-Fleet] MachineOf=a.service")))
	want := set(unit("a", "ExecStart=/bin/new <&> \"ä\u2028"), waits(unit("b"), "a.service"), unit("c", "[Unit] BindsTo=a.service", "[X-Fleet] MachineOf=a.service"))
	p := planFor(t, conn, want, DiffOptions{Prune: true})
	text, err := EncodePlan(SavedPlan{Program: "v1", Made: time.Now(), Endpoint: conn.Endpoint().Text}, p)
	if err != nil {
		t.Fatal(err)
	}
	return p, text
}

// TestPlanFile: what is read back is the same plan, and does the same.
func TestPlanFile(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		p, text := saved(t, conn, c)
		back, err := DecodePlan(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, back.Plan); d != "" {
			t.Errorf("read back (-made +read):\n%s", d)
		}
		out, _ := apply(t, conn, back.Plan, ApplyOptions{Verify: true})
		if results(out) != "a.service up, b.service up, c.service up, old.service removed" {
			t.Error(results(out))
		}
		if p := planFor(t, conn, p.Set(), DiffOptions{}); !p.Empty() {
			t.Errorf("left to do: %+v", p.Waves)
		}
	})
}

func TestPlanFileFaults(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		_, text := saved(t, conn, c)
		replace := func(old, new string) []byte {
			if !bytes.Contains(text, []byte(old)) {
				t.Fatalf("the file has no %s", old)
			}
			return bytes.Replace(text, []byte(old), []byte(new), 1)
		}
		redigested := func(what string) []byte {
			back, err := DecodePlan(text)
			if err != nil {
				t.Fatal(err)
			}
			again := back.Plan
			switch what {
			case "content":
				again.Units[0].Content[0].Value = "/bin/evil"
			case "step":
				again.Waves[0].Steps[0].Unit = "sshd.service"
			case "hold":
				again.Waves[len(again.Waves)-1].Hold[0] = "sshd.service"
			}
			made, err := EncodePlan(SavedPlan{}, again)
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		for _, tt := range []struct {
			name string
			text []byte
			want string
		}{
			{"empty", nil, "it is empty"},
			{"a stack file", []byte("stack = \"shop\"\n"), "it is not a plan"},
			{"other JSON", []byte(`{"a": 1}`), "it is not a plan"},
			{"a list", []byte(`[1]`), "it is not a plan"},
			{"newer", replace(fmt.Sprintf(`"stackc_plan": %d`, PlanVersion), fmt.Sprintf(`"stackc_plan": %d`, PlanVersion+1)), "newer stackc"},
			{"older", replace(fmt.Sprintf(`"stackc_plan": %d`, PlanVersion), `"stackc_plan": 0`), "its format is 0"},
			{"edited", replace("/bin/new", "/bin/evil"), "was edited"},
			{"another state", replace(`"state": "launched"`, `"state": "inactive"`), "was edited"},
			{"an unknown word", replace(`"program": "v1"`, `"programme": "v1"`), `it is damaged: json: unknown field "programme"`},
			{"without a plan", []byte(fmt.Sprintf(`{"stackc_plan": %d}`, PlanVersion)), "was edited"},
			{"two of them", append(bytes.Clone(text), text...), "something stands behind"},
			{"content of another hash", redigested("content"), "the content of a.service"},
			{"a request for another unit", redigested("step"), "a request for sshd.service"},
			{"waiting for another unit", redigested("hold"), "it waits for sshd.service"},
		} {
			if _, err := DecodePlan(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		}
		for n := 1; n < len(text)-2; n += 7 { // the last two bytes are a brace and a newline
			if _, err := DecodePlan(text[:n]); err == nil || !strings.Contains(err.Error(), "it is cut off") {
				t.Fatalf("cut off after %d bytes: %v", n, err)
			}
		}
	})
}

// FuzzDecodePlan: no text makes it fall over, and one that is taken is complete.
func FuzzDecodePlan(f *testing.F) {
	f.Add([]byte(`{"stackc_plan": 1, "plan": {"stack": "s"}, "digest": ""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if back, err := DecodePlan(text); err == nil && back.Plan == nil {
			t.Error("taken without a plan")
		}
	})
}

package units

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCapabilities holds the list of capabilities against systemd's own, number by number.
func TestCapabilities(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "capability").Output()
	if err != nil {
		t.Fatalf("systemd-analyze, of the Debian package systemd: %v", err)
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] == "NAME" {
			continue
		}
		if n, err := strconv.Atoi(fields[1]); err != nil || n != len(want) {
			t.Fatalf("capability %q is not number %d", line, len(want))
		}
		want = append(want, strings.TrimPrefix(strings.ToUpper(fields[0]), "CAP_"))
	}
	if diff := cmp.Diff(want, capabilities()); diff != "" {
		t.Errorf("capabilities (-systemd +here):\n%s", diff)
	}
}

// TestCapabilityHelp holds which capability is suggested for one that there is not.
func TestCapabilityHelp(t *testing.T) {
	for _, tt := range []struct {
		value, word, help string
	}{
		{"CAP_NET_ADMN", "CAP_NET_ADMN", `did you mean "CAP_NET_ADMIN"?`},
		{"~cap_sysadmin", "cap_sysadmin", `did you mean "CAP_SYS_ADMIN"?`},
		{"CAP_CHOWN NET_RAW", "NET_RAW", `did you mean "CAP_NET_RAW"?`},
		{"CAP_KILL,CAP_CHOWN", "CAP_KILL,CAP_CHOWN", "capabilities(7) lists them; one that is newer goes by its number"},
		{"all", "all", ""},
	} {
		for _, key := range []string{"CapabilityBoundingSet", "AmbientCapabilities"} {
			d, ok := LookupDirective("Service", key)
			if !ok {
				t.Fatalf("there is no %s=", key)
			}
			faults := d.CheckValue(tt.value)
			if len(faults) != 1 || tt.value[faults[0].Start:faults[0].End] != tt.word || faults[0].Help != tt.help {
				t.Errorf("%s=%s: %+v, want one fault at %q with the help %q", key, tt.value, faults, tt.word, tt.help)
			}
		}
	}
}

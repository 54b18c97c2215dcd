package labtest

import (
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// TestUp uses a lab as another package would, in a subtest so that its end can be looked at.
func TestUp(t *testing.T) {
	var id string
	t.Run("inside", func(t *testing.T) {
		l := Up(t, lab.Config{Nodes: []lab.NodeConfig{{Name: "only", Address: "10.20.30.50", Metadata: "disk=ssd,role=all", Etcd: true}}})
		id = l.ID
		machines, err := l.Master().Machines(t.Context())
		if err != nil || len(machines) != 1 || machines[0].Metadata["disk"] != "ssd" {
			t.Errorf("fleet lists %v, %v", machines, err)
		}
	})
	if id == "" {
		t.Skip("no lab was made")
	}
	if _, err := lab.Open("", id); err == nil {
		t.Errorf("lab %s is still there", id)
	}
}

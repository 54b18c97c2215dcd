package stack

import (
	"math"
	"testing"

	"github.com/stackc/stackc/compiler/syntax"
)

// TestNetworkCapacity holds for how many machines a pod network has a part, of both
// families and at the edges of what a number holds.
func TestNetworkCapacity(t *testing.T) {
	for _, c := range []struct {
		pods   string
		subnet int
		want   int
	}{
		{"", 0, 0},
		{"10.244.0.0/16", 0, 255},
		{"10.244.0.0/16", 26, 1023},
		{"10.244.0.0/25", 0, 1},
		{"10.244.0.0/24", 24, 0},
		{"10.244.0.0/24", 20, 0},
		{"0.0.0.0/1", 32, math.MaxInt32},
		{"fd00::/48", 64, 1<<16 - 1},
		{"fd00::/48", 78, 1<<30 - 1},
		{"fd00::/48", 79, math.MaxInt32},
		{"fd00::/48", 112, math.MaxInt},
		{"fd00::/1", 64, math.MaxInt},
		{"::/0", 126, math.MaxInt},
	} {
		n := &Network{Subnet: Int{Value: c.subnet}}
		if c.pods != "" {
			n.Pods = &Param{Value: &syntax.Value{Kind: syntax.String, Str: c.pods}}
		}
		if got := n.Capacity(); got != c.want {
			t.Errorf("%q in parts of /%d: for %d machines, want %d", c.pods, c.subnet, got, c.want)
		}
	}
}

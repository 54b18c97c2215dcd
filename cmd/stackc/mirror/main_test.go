package mirror

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that a mirror has left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

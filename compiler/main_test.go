package compiler_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that a compile has left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

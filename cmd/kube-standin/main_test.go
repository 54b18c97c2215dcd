package main

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that a stand-in has left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

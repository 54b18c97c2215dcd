package main

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	tests := []struct {
		text  string
		value time.Duration
		shown string
	}{
		{"90s", 90 * time.Second, "1m30s"},
		{"10m", 10 * time.Minute, "10m"},
		{"1h", time.Hour, "1h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"20", 20 * time.Second, "20s"},
		{"3.0", 3 * time.Second, "3s"},
		{"0.5", 500 * time.Millisecond, "500ms"},
		{"0", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var d duration
			if err := d.Set(tt.text); err != nil {
				t.Fatal(err)
			}
			if d.value != tt.value || d.String() != tt.shown {
				t.Errorf("got %v shown as %q, want %v shown as %q", d.value, d.String(), tt.value, tt.shown)
			}
		})
	}
	for _, text := range []string{"", "soon", "-3s", "-1", "NaN", "Inf", "1e300"} {
		var d duration
		if err := d.Set(text); err == nil {
			t.Errorf("%q is taken for %v", text, d.value)
		}
	}
}

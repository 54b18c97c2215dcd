package diag_test

import (
	"testing"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

func TestSince(t *testing.T) {
	file := source.NewFile("a.toml", "x = 1\ny = 2\n")
	finding := func(code diag.Code, path, message string, span source.Span) diag.Diagnostic {
		return diag.Diagnostic{Severity: diag.Warning, Code: code, Path: path, Message: message, Span: span}
	}
	a := finding(diag.NoRestart, "unit.a.Service", "no Restart", file.Span(0, 1))
	moved := finding(diag.NoRestart, "unit.a.Service", "no Restart", file.Span(6, 7))
	index := finding(diag.UnusedDependency, "unit.a.after[0]", "after 1 unit", source.Span{})
	shifted := finding(diag.UnusedDependency, "unit.a.after[3]", "after 4 unit", source.Span{})
	other := finding(diag.NoRestart, "unit.b.Service", "no Restart", file.Span(0, 1))
	lineX := finding(diag.Syntax, "", "odd", file.Span(0, 1))
	lineY := finding(diag.Syntax, "", "odd", file.Span(6, 7))
	tests := []struct {
		name         string
		new, old     diag.List
		fresh, known int
	}{
		{"nothing", nil, nil, 0, 0},
		{"no baseline", diag.List{a}, nil, 1, 0},
		{"moved", diag.List{moved}, diag.List{a}, 0, 1},
		{"another index", diag.List{shifted}, diag.List{index}, 0, 1},
		{"another unit", diag.List{other}, diag.List{a}, 1, 0},
		{"one more of the same", diag.List{a, moved}, diag.List{a}, 1, 1},
		{"one less", diag.List{a}, diag.List{a, moved}, 0, 1},
		{"without a path the line counts", diag.List{lineY}, diag.List{lineX}, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fresh, known := tt.new.Since(tt.old)
			if len(fresh) != tt.fresh || known != tt.known {
				t.Errorf("%d new and %d known, want %d and %d", len(fresh), known, tt.fresh, tt.known)
			}
		})
	}
}

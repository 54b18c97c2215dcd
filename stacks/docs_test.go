package stacks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
)

// page is docs/stacks.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "stacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageExamples: every stack file on the page compiles.
func TestPageExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(page(t), -1)
	if len(blocks) != 6 {
		t.Fatalf("the page has %d stack files, want 6", len(blocks))
	}
	for _, b := range blocks {
		compileStack(t, b[1])
	}
}

// TestPageParameters: the page gives each library's parameters as they are, in
// their order; checksums share one row.
func TestPageParameters(t *testing.T) {
	sections := regexp.MustCompile(`\n###? `).Split(page(t), -1)
	for _, name := range (stacks.Library{}).Names() {
		t.Run(name, func(t *testing.T) {
			s, _ := stack.Load(stack.Input{Path: name, Opener: stacks.Library{}, Std: stacks.Library{}})
			var want, sums []string
			for _, p := range s.Params {
				if program, ok := strings.CutSuffix(p.Name, "-sha256"); ok {
					sums = append(sums, program)
					continue
				}
				want = append(want, "| `"+p.Name+"` | "+string(p.Type)+" | "+shown(p.Value)+" | "+p.Help+" |")
			}
			if len(sums) > 0 {
				want = append(want, "| `NAME-sha256` | string | empty | of "+strings.Join(sums, ", ")+" |")
			}
			var got string
			for _, section := range sections {
				if body, ok := strings.CutPrefix(section, "std:"+name+"\n"); ok {
					got = body
				}
			}
			table := strings.Join(want, "\n")
			if _, rows, _ := strings.Cut(got, "|---|---|---|---|\n"); !strings.HasPrefix(rows+"\n", table+"\n") || strings.HasPrefix(strings.TrimPrefix(rows, table+"\n"), "|") {
				t.Errorf("the page has\n%s\nwant\n%s", rows, table)
			}
		})
	}
}

// shown is how the page shows a default.
func shown(v *syntax.Value) string {
	switch {
	case v == nil:
		return "required"
	case v.Kind == syntax.Integer:
		return "`" + strconv.FormatInt(v.Int, 10) + "`"
	case v.Kind == syntax.Bool:
		return "`" + strconv.FormatBool(v.Bool) + "`"
	case v.Kind == syntax.String && v.Str != "":
		return "`" + v.Str + "`"
	case v.Kind == syntax.Array && len(v.Elems) > 0:
		var words []string
		for _, e := range v.Elems {
			words = append(words, e.Str)
		}
		return "`" + strings.Join(words, ", ") + "`"
	}
	return "empty"
}

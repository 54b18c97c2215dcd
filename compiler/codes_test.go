package compiler_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// withoutCase are the codes that no stack file can bring about.
var withoutCase = map[string]string{
	"mirror-file":    "only stackc mirror asks (TestFaults of compiler/mirror)",
	"file-not-found": "the stack file itself is missing (TestMissingStackFile)",
	"internal":       "a fault of the compiler (TestInternalFault)",
}

// TestEveryCodeHasACase lists the constants of compiler/diag/code.go that no
// golden shows.
func TestEveryCodeHasACase(t *testing.T) {
	shown := shownCodes(t)
	for _, code := range declaredCodes(t) {
		reason := withoutCase[code]
		if shown[code] == (reason != "") {
			t.Errorf("code %q: in a golden %v, reason for none %q; one of them is wanted", code, shown[code], reason)
		}
	}
}

// shownCodes returns the codes of the findings in all goldens.
func shownCodes(t *testing.T) map[string]bool {
	t.Helper()
	code := regexp.MustCompile(`(?m)^\S+: (?:error|warning): .* \[([a-z0-9-]+)\]$`)
	scripts, err := filepath.Glob(pitfallScripts)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, path := range append(scripts, archives(t, compileDir)...) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			for _, m := range code.FindAllSubmatch(f.Data, -1) {
				shown[string(m[1])] = true
			}
		}
	}
	return shown
}

// declaredCodes returns the values of the constants of type Code.
func declaredCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "diag/code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		for _, v := range spec.Values {
			code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	if len(codes) == 0 {
		t.Fatal("no codes found")
	}
	return codes
}

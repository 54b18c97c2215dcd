package pattern_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stackc/stackc/units/pattern"
)

// Every expression of the module is compiled here, since a run may never reach the
// one that is wrong.
func TestEveryPatternCompiles(t *testing.T) {
	seen, known := 0, map[string]map[string]ast.Expr{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isNew(call.Fun) {
				return true
			}
			seen++
			expr, ok := literal(call.Args[0], constants(t, known, filepath.Dir(path)))
			if !ok {
				t.Errorf("%s: the expression is no literal, so nothing compiles it before it is used", files.Position(call.Pos()))
			} else if _, err := regexp.Compile(expr); err != nil {
				t.Errorf("%s: %v", files.Position(call.Pos()), err)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("found %d expressions, want the module's", seen)
	}
}

func isNew(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "New" {
		return false
	}
	name, ok := s.X.(*ast.Ident)
	return ok && name.Name == "pattern"
}

// literal returns the text of a literal or constant, or of several joined by +.
func literal(e ast.Expr, known map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.Ident:
		value, ok := known[e.Name]
		if !ok {
			return "", false
		}
		return literal(value, known)
	case *ast.BinaryExpr:
		left, ok := literal(e.X, known)
		right, also := literal(e.Y, known)
		return left + right, ok && also
	}
	return "", false
}

// constants are those of a package, by their names; it is read once.
func constants(t *testing.T, known map[string]map[string]ast.Expr, dir string) map[string]ast.Expr {
	if known[dir] != nil {
		return known[dir]
	}
	known[dir] = map[string]ast.Expr{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, value := range v.Values {
					known[dir][v.Names[i].Name] = value
				}
			}
		}
	}
	return known[dir]
}

func TestNew(t *testing.T) {
	digits := pattern.New(`^[0-9]+$`)
	first := digits()
	if digits() != first {
		t.Error("the expression is compiled more than once")
	}
	if !digits().MatchString("42") || digits().MatchString(strings.Repeat("x", 2)) {
		t.Error("the expression is another one")
	}
}

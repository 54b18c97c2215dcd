package compiler_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

const (
	root         = ".."
	docsDir      = "../docs"
	languageDoc  = "../docs/language.md"
	errorsDoc    = "../docs/errors.md"
	architecture = "../docs/architecture.md"
	// docFile is the name under which examples are compiled, and shown in findings.
	docFile = "shop.toml"
	// docBase is a document's first stack, as the library that its fragments extend.
	docBase = "base.toml"
	// docOverlay is the name of an overlay of a document.
	docOverlay = "prod.toml"
	module     = "github.com/stackc/stackc/"
)

// block is one fenced block of a document.
type block struct {
	line int // of the opening fence
	info []string
	text string
}

// is reports whether the words behind the fence are these.
func (b block) is(info ...string) bool { return slices.Equal(b.info, info) }

// read returns the text of a file.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the fenced blocks of a document, and the text between them.
func blocks(doc string) (list []block, prose string) {
	var open *block
	var between strings.Builder
	n := 0
	for line := range strings.Lines(doc) {
		n++
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{line: n, info: strings.Fields(info)}
		case fence:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line
		default:
			between.WriteString(line)
		}
	}
	return list, between.String()
}

// TestDocsExamples compiles every example of the documents, and holds what the
// documents show of compiled units and findings against what comes out. The
// words behind a fence say what a block is:
//
//	toml            a whole stack, compiled without a finding
//	toml fragment   the same over the document's first whole stack
//	toml refused    a whole stack with errors
//	toml params     a parameter file
//	toml overlay    an overlay, compiled without a finding over the stack before it
//	toml file=NAME  a file that later stacks may use
//	ini NAME        a unit of the stack before it; … stands for any text
//	text finding    the findings of the stack before it
func TestDocsExamples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(docsDir, "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents in %s: %v", docsDir, err)
	}
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			list, _ := blocks(read(t, path))
			e := &examples{path: path, files: source.Map{}}
			for _, b := range list {
				e.block(t, b)
			}
		})
	}
}

// examples goes through the blocks of one document.
type examples struct {
	path     string
	files    source.Map
	result   *compiler.Result
	findings diag.List
}

func (e *examples) block(t *testing.T, b block) {
	t.Helper()
	switch {
	case b.is("toml"):
		if _, known := e.files[docBase]; !known {
			e.files[docBase] = b.text
		}
		e.compile(b.text)
		e.clean(t, b)
	case b.is("toml", "fragment"):
		e.compile(e.whole(b.text))
		e.clean(t, b)
	case b.is("toml", "refused"):
		if e.compile(b.text); !e.findings.HasErrors() {
			t.Errorf("%s:%d: the stack is not refused", e.path, b.line)
		}
	case b.is("toml", "params"):
		if _, findings := syntax.Parse(source.NewFile("params.toml", b.text)); len(findings) > 0 {
			t.Errorf("%s:%d: %s", e.path, b.line, diag.Short(findings))
		}
	case b.is("toml", "overlay"):
		e.files[docOverlay] = b.text
		e.compile(e.files[docFile], docOverlay)
		e.clean(t, b)
	case len(b.info) == 2 && b.info[0] == "toml" && strings.HasPrefix(b.info[1], "file="):
		e.files[strings.TrimPrefix(b.info[1], "file=")] = b.text
	case len(b.info) == 2 && b.info[0] == "ini":
		e.unit(t, b, units.Name(b.info[1]))
	case b.is("text", "finding"):
		if diff := cmp.Diff(diag.Rich(e.findings, diag.Style{}), b.text); diff != "" {
			t.Errorf("%s:%d: the compiler says something else (-compiler +document):\n%s", e.path, b.line, diff)
		}
	case len(b.info) > 0 && (b.info[0] == "toml" || b.info[0] == "ini"):
		t.Errorf("%s:%d: no test knows the block %q", e.path, b.line, b.info)
	}
}

func (e *examples) compile(text string, overlays ...string) {
	e.files[docFile] = text
	e.result, e.findings = compiler.Compile(docFile, compiler.Options{Opener: e.files, Std: stacks.Library{}, Overlays: overlays})
}

func (e *examples) clean(t *testing.T, b block) {
	t.Helper()
	if len(e.findings) > 0 {
		t.Errorf("%s:%d: the example has findings:\n%s", e.path, b.line, diag.Rich(e.findings, diag.Style{}))
	}
}

// baseParams finds the table of parameters of a document's first stack, and
// paramKey the names in it.
var (
	baseParams = regexp.MustCompile(`(?ms)^\[params\]\n.*?^$`)
	paramKey   = regexp.MustCompile(`(?m)^(\w+) +=`)
)

// whole makes a stack of a fragment: it uses the document's first one, and has
// the same parameters, which it hands on.
func (e *examples) whole(fragment string) string {
	params := baseParams.FindString(e.files[docBase])
	var handed []string
	for _, m := range paramKey.FindAllStringSubmatch(params, -1) {
		handed = append(handed, m[1]+` = "${{ `+m[1]+` }}"`)
	}
	head := "stack = \"shop\"\nuse = [{ stack = \"" + docBase + "\", params = { " + strings.Join(handed, ", ") + " } }]\n"
	return head + fragment + "\n" + params
}

// unit holds a unit that the document shows against the compiled one.
func (e *examples) unit(t *testing.T, b block, name units.Name) {
	t.Helper()
	if e.result == nil || e.result.Set == nil {
		t.Fatalf("%s:%d: no compiled stack stands before this", e.path, b.line)
	}
	u, ok := e.result.Set.Lookup(name)
	if !ok {
		t.Fatalf("%s:%d: the stack before this has no unit %s, but %v", e.path, b.line, name, e.result.Set.Names())
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(b.text), "…", ".*?")
	if got := u.Text(); !regexp.MustCompile(`(?s)^` + pattern + `$`).MatchString(got) {
		t.Errorf("%s:%d: %s is\n%s", e.path, b.line, name, got)
	}
}

// TestDocsLanguage finds every word of the language in its reference.
func TestDocsLanguage(t *testing.T) {
	_, prose := blocks(read(t, languageDoc))
	words := keywordsOf(stack.File(), nil)
	for _, p := range stack.ParamTypes() {
		words = append(words, string(p))
	}
	for _, list := range []struct{ file, name string }{
		{"emit/expand.go", "selfFields"},
		{"emit/expand.go", "nodeFields"},
	} {
		words = append(words, wordsOf(t, list.file, list.name)...)
	}
	for _, w := range words {
		if !regexp.MustCompile("`[^`\n]*\\b" + regexp.QuoteMeta(w) + "\\b[^`\n]*`").MatchString(prose) {
			t.Errorf("%s does not tell of %q", languageDoc, w)
		}
	}
}

// keywordsOf adds the keys of a table and of all below it to words.
func keywordsOf(t stack.Table, words []string) []string {
	for _, k := range t.Keys {
		words = keywordsIn(k.Shape, append(words, k.Name))
	}
	return words
}

func keywordsIn(s stack.Shape, words []string) []string {
	for _, of := range s.Either {
		words = keywordsIn(of, words)
	}
	if s.Elem != nil {
		words = keywordsIn(*s.Elem, words)
	}
	if s.Table != nil {
		words = keywordsOf(*s.Table, words)
	}
	return words
}

// wordsOf returns the strings that a function or variable of a source file lists.
func wordsOf(t *testing.T, path, name string) []string {
	t.Helper()
	list := regexp.MustCompile(`(?m)^(?:func )?\t?` + name + `(?:\(\))?[ =]*\[\]string (?:\{\s*return \[\]string)?\{([^}]*)\}|^\t` + name + ` += \[\]string\{([^}]*)\}`).FindStringSubmatch(read(t, path))
	if list == nil {
		t.Fatalf("%s lists no words %s", path, name)
	}
	var words []string
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list[1]+list[2], -1) {
		words = append(words, m[1])
	}
	return words
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func unquote(l *ast.BasicLit) string {
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		panic(err) // a literal that was parsed can be unquoted
	}
	return s
}

// errorRowPattern is a row of its tables: | `code` | severity | allow | meaning | what to do |.
var errorRowPattern = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| ([a-z, ]+) \\| ([a-z]*) *\\| [^|]+ \\| [^|]+ \\|$")

// TestDocsErrors holds the codes of docs/errors.md against the constants, group
// by group, and their marks against what `allow` takes.
func TestDocsErrors(t *testing.T) {
	_, prose := blocks(read(t, errorsDoc))
	var groups [][]string
	for section := range strings.SplitSeq(prose, "\n## ") {
		if found := rowsOf(section); len(found) > 0 {
			groups = append(groups, found)
		}
	}
	if diff := cmp.Diff(codeGroups(t), groups); diff != "" {
		t.Errorf("codes, group by group (-code.go +%s):\n%s", errorsDoc, diff)
	}
	var allowed []diag.Code
	for _, m := range errorRowPattern.FindAllStringSubmatch(prose, -1) {
		if m[3] != "" {
			allowed = append(allowed, diag.Code(m[1]))
		}
	}
	slices.Sort(allowed)
	if diff := cmp.Diff(diag.AllowableCodes(), allowed); diff != "" {
		t.Errorf("codes that allow may name (-diag +%s):\n%s", errorsDoc, diff)
	}
}

func rowsOf(section string) []string {
	var codes []string
	for _, m := range errorRowPattern.FindAllStringSubmatch(section, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// codeConstant is a line of diag/code.go.
var codeConstant = regexp.MustCompile(`(?m)^\t(\w+) +Code = "([^"]+)"`)

// codeGroups returns the codes of diag/code.go, one list for each const block.
func codeGroups(t *testing.T) [][]string {
	t.Helper()
	var groups [][]string
	for _, part := range strings.Split(read(t, "diag/code.go"), "\nconst (")[1:] {
		var codes []string
		for _, m := range codeConstant.FindAllStringSubmatch(part, -1) {
			codes = append(codes, m[2])
		}
		groups = append(groups, codes)
	}
	return groups
}

// reported finds where the compiler reports a code, with the severity; errorf,
// fail and problem are for errors.
var reported = regexp.MustCompile(`diag\.(Error|Warning), diag\.(\w+)|(?:errorf|fail|problem)\(diag\.(\w+)|Severity:\s+diag\.Error,\s+Code:\s+diag\.(\w+)`)

// TestDocsSeverities holds the severities of docs/errors.md against those with
// which the compiler reports each code.
func TestDocsSeverities(t *testing.T) {
	values, want := map[string]string{}, map[string][]string{}
	for _, m := range codeConstant.FindAllStringSubmatch(read(t, "diag/code.go"), -1) {
		values[m[1]] = m[2]
	}
	note := func(severity, code string) {
		if severity = strings.ToLower(severity); code != "" && !slices.Contains(want[code], severity) {
			want[code] = append(want[code], severity)
			slices.Sort(want[code])
		}
	}
	for _, path := range append(sources(t, "*"), sources(t, ".")...) {
		for _, m := range reported.FindAllStringSubmatch(read(t, path), -1) {
			note(m[1], values[m[2]])
			note("error", values[m[3]+m[4]])
		}
	}
	// These take code and severity from the rule that a compiled unit breaks.
	note("warning", "bad-setting")
	note("warning", "no-shell")
	note("error", "no-shell")
	for _, code := range []string{"bad-setting", "placement-conflict", "unloadable", "line-too-long", "value-text"} {
		note("error", code)
	}
	got := map[string][]string{}
	for _, m := range errorRowPattern.FindAllStringSubmatch(read(t, errorsDoc), -1) {
		got[m[1]] = strings.Split(m[2], ", ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("severities (-compiler +%s):\n%s", errorsDoc, diff)
	}
}

// sources returns the Go files of the folders that match dir, tests left out.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	return slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
}

// TestDocsCodes finds every code that a document names among the constants.
func TestDocsCodes(t *testing.T) {
	known := slices.Concat(codeGroups(t)...)
	paths, err := filepath.Glob(filepath.Join(docsDir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		for _, m := range regexp.MustCompile(`(?:error|warning)\[([a-z-]+)\]`).FindAllStringSubmatch(read(t, path), -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s names the code %q, which there is not", path, m[1])
			}
		}
	}
}

// TestDocsExitCodes holds the table of exit codes against the constants.
func TestDocsExitCodes(t *testing.T) {
	numbers := func(pattern, path string) (list []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, path), -1) {
			list = append(list, m[1])
		}
		return list
	}
	want := numbers(`(?m)^\texit\w+ += ([0-9]+)$`, "../cmd/stackc/exit.go")
	if diff := cmp.Diff(want, numbers(`(?m)^\| ([0-9]+) \|`, errorsDoc)); diff != "" {
		t.Errorf("exit codes (-exit.go +%s):\n%s", errorsDoc, diff)
	}
}

// packageDirs are the packages that docs/architecture.md names, by their own names.
var packageDirs = map[string]string{
	"schema": "compiler/schema", "source": "compiler/source", "diag": "compiler/diag", "syntax": "compiler/syntax", "stack": "compiler/stack",
	"topology": "compiler/topology", "emit": "compiler/emit", "lint": "compiler/lint", "compiler": "compiler", "cases": "compiler/cases", "bootstrap": "compiler/bootstrap",
	"units": "units", "graph": "units/graph", "pattern": "units/pattern", "stacks": "stacks", "fleet": "fleet", "state": "fleet/state", "view": "cmd/stackc/view",
	"compare": "units/compare", "review": "cmd/stackc/review", "lanes": "cmd/stackc/lanes", "pki": "compiler/pki", "ports": "compiler/ports", "keyring": "cmd/stackc/keyring",
	"doctor": "fleet/doctor", "gc": "fleet/gc", "probe": "fleet/doctor/probe", "fleettest": "fleet/fleettest", "tunnel": "fleet/tunnel", "verify": "fleet/verify", "expect": "units/expect", "check": "compiler/check", "box": "cmd/fleetbox/box", "sim": "cmd/fleetbox/sim", "lab": "cmd/fleetlab/lab", "labtest": "cmd/fleetlab/labtest",
}

// TestDocsArchitecture finds every name and file that docs/architecture.md gives,
// and holds its import table against the imports.
func TestDocsArchitecture(t *testing.T) {
	doc := read(t, architecture)
	exported := map[string]map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?[^`\n]*`").FindAllStringSubmatch(doc, -1) {
		dir, known := packageDirs[m[1]]
		if !known {
			t.Errorf("no package %s for %s", m[1], m[0])
			continue
		}
		if exported[dir] == nil {
			exported[dir] = exportedOf(t, dir)
		}
		if name := strings.TrimSuffix(m[2]+"."+m[3], "."); !exported[dir][name] {
			t.Errorf("package %s has no %s", dir, name)
		}
	}
	for _, m := range regexp.MustCompile("`((?:compiler|fleet|units|stacks|cmd|testdata|docs)/[A-Za-z0-9_./-]*)`").FindAllStringSubmatch(doc, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(err)
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(doc, -1)
	if len(rows) == 0 {
		t.Fatal("there is no import table")
	}
	for _, m := range rows {
		if diff := cmp.Diff(importsOf(t, m[1]), strings.Fields(strings.NewReplacer("`", "", ",", "", "none", "").Replace(m[2]))); diff != "" {
			t.Errorf("imports of %s (-code +%s):\n%s", m[1], architecture, diff)
		}
	}
}

// exportedOf returns the exported names of a package, methods and fields as Type.Name.
func exportedOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, path := range sources(t, filepath.Join(root, dir)) {
		for _, d := range parse(t, path).Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[strings.TrimPrefix(receiver(d)+"."+d.Name.Name, ".")] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					specNames(s, names)
				}
			}
		}
	}
	return names
}

// receiver returns the type that a method belongs to, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	e := d.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if x, ok := e.(*ast.Ident); ok {
		return x.Name
	}
	return "?"
}

func specNames(s ast.Spec, names map[string]bool) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					names[s.Name.Name+"."+n.Name] = true
				}
			}
		}
	}
}

// importsOf returns the packages of this module that a package imports, sorted.
func importsOf(t *testing.T, dir string) []string {
	t.Helper()
	imports := []string{}
	for _, path := range sources(t, filepath.Join(root, dir)) {
		for _, i := range parse(t, path).Imports {
			if p, ok := strings.CutPrefix(unquote(i.Path), module); ok && !slices.Contains(imports, p) {
				imports = append(imports, p)
			}
		}
	}
	slices.Sort(imports)
	return imports
}

// TestDocsCoverage finds the tests and files that docs/coverage.md names.
func TestDocsCoverage(t *testing.T) {
	doc := read(t, "../docs/coverage.md")
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(read(t, path), -1) {
			tests[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, m := range regexp.MustCompile("`(Test\\w+|testdata/[\\w./-]+)`").FindAllStringSubmatch(doc, -1) {
		rows++
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && !tests[m[1]] {
			t.Errorf("docs/coverage.md names %s, which there is not", m[1])
		}
	}
	if rows == 0 {
		t.Error("docs/coverage.md names no test")
	}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \|(.*)\|$`).FindAllStringSubmatch(doc, -1) {
		reason, dash := strings.CutPrefix(m[2], "–")
		if covered := strings.Contains(m[3], "`"); covered == dash && m[1] != "in the guide" && m[1] != "---" {
			t.Errorf("docs/coverage.md: %q has neither a test nor a dash, or both", m[1])
		}
		if dash && len(strings.Fields(reason)) < 3 {
			t.Errorf("docs/coverage.md: nothing says why %q is not stackc's", m[1])
		}
	}
}

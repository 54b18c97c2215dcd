package compiler_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// What a change of one character may do to a good stack:
//
//   - In a comment, or in the blanks between two tokens: nothing. The units are the same.
//   - In a name, which is a key, a part of a header, a word that refers to something, or the
//     text of an expression: there is a finding, or the units are the same, or the name is one
//     that the file defines itself, and the units are the same but for that name, or one key
//     of the language became another.
//   - In a value, which is all else: there is a finding, or the units differ in what
//     that value gives only: the lines of its own unit, and lines of others that hold the
//     old text where they now hold the new.
//   - A character that makes a comment of something, or ends one sooner, takes out or puts
//     in what a person would have. Nothing is said of the units then.
//
// Whatever it does: no panic, and no finding at a place that is not in its file.

// mutant is a stack with one character changed.
type mutant struct {
	file        string
	before      string
	text        string
	at          int // offset of the change in before
	old, letter string
}

// piece is what stands at a place of a stack file.
type piece struct {
	name       bool
	path       []string // of keys; the last one is the piece itself when it is a name
	start, end int
	text       string // decoded
	defines    bool   // the file itself brings the name into being
}

// tokensOf returns the tokens of a file, in no order, those of headers included; none
// when it is no TOML.
func tokensOf(name, text string) []piece {
	tree, findings := syntax.Parse(source.NewFile(name, text))
	if len(findings) > 0 {
		return nil
	}
	var list []piece
	var walk func(path []string, table *syntax.Table)
	var value func(path []string, v *syntax.Value)
	value = func(path []string, v *syntax.Value) {
		switch v.Kind {
		case syntax.KindTable:
			walk(path, v.Table)
		case syntax.Array:
			for _, e := range v.Elems {
				value(path, e)
			}
		default:
			decoded := v.Span.Text()
			if v.Kind == syntax.String {
				decoded = v.Str
			}
			list = append(list, piece{name: refers(path), path: path, start: v.Span.Start(), end: v.Span.End(), text: decoded})
		}
	}
	walk = func(path []string, table *syntax.Table) {
		for _, e := range table.Entries {
			below := append(slices.Clone(path), e.Key)
			list = append(list, piece{name: true, path: below, start: e.KeySpan.Start(), end: e.KeySpan.End(), text: e.Key, defines: defines(below)})
			value(below, e.Value)
		}
	}
	walk(nil, tree)
	at := 0
	for line := range strings.Lines(text) {
		if inner, _, ok := strings.Cut(line, "]"); ok && strings.HasPrefix(inner, "[") && !strings.HasPrefix(inner, "[[") {
			list = append(list, headerTokens(inner[1:], at+1)...)
		}
		at += len(line)
	}
	return list
}

// headerTokens are the parts of a header, which may stand in quotes.
func headerTokens(header string, at int) []piece {
	var list []piece
	var path []string
	for start := 0; start <= len(header); {
		end := start
		quoted := false
		for end < len(header) && (header[end] != '.' || quoted) {
			quoted = quoted != (header[end] == '"' || header[end] == '\'')
			end++
		}
		word := strings.Trim(header[start:end], `"'`)
		path = append(slices.Clone(path), word)
		list = append(list, piece{name: true, path: path, start: at + start, end: at + end, text: word, defines: defines(path)})
		start = end + 1
	}
	return list
}

// refers reports whether the values of a key are names.
func refers(path []string) bool {
	key := path[len(path)-1]
	switch {
	case len(path) == 3 && (path[0] == "unit" || path[0] == "host"):
		return slices.Contains([]string{"role", "after", "machine_of", "conflicts", "state"}, key)
	case len(path) == 4 && path[0] == "unit":
		d, ok := units.LookupDirective(path[2], key)
		return ok && d.Words() != nil
	}
	return len(path) == 2 && path[0] == "use" && key == "stack"
}

// defines reports whether a key is the name of something that it brings into being.
func defines(path []string) bool {
	if len(path) == 4 && path[0] == "unit" {
		return path[2] == "env" || path[2] == "etcd_put"
	}
	return len(path) == 2 && slices.Contains([]string{"unit", "host", "roles", "params"}, path[0])
}

// tokenAt returns the smallest piece that a change at an offset touches.
func tokenAt(list []piece, at int) (piece, bool) {
	best, found := piece{}, false
	for _, x := range list {
		if x.start <= at && at <= x.end && (!found || x.end-x.start < best.end-best.start) {
			best, found = x, true
		}
	}
	return best, found
}

// comments returns which bytes of a TOML text are comments.
func comments(text string) []bool {
	marks := make([]bool, len(text))
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], `"""`), strings.HasPrefix(text[i:], "'''"):
			i += closing(text[i+3:], text[i:i+3]) + 3
		case text[i] == '"' || text[i] == '\'':
			i += closing(text[i+1:], text[i:i+1]) + 1
		case text[i] == '#':
			for ; i < len(text) && text[i] != '\n'; i++ {
				marks[i] = true
			}
		default:
			i++
		}
	}
	return marks
}

// closing returns the offset behind the quotes that close a string.
func closing(s, quotes string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && quotes[0] == '"' {
			i++
		} else if strings.HasPrefix(s[i:], quotes) {
			return i + len(quotes)
		}
	}
	return len(s)
}

// recommented reports whether the change makes a comment longer or shorter by more than itself.
func (m mutant) recommented() bool {
	count := func(text string) (n int) {
		for _, c := range comments(text) {
			if c {
				n++
			}
		}
		return n
	}
	away := count(m.before) - count(m.text)
	return away < -1 || away > 1
}

// original is a good stack that is compiled, with the files that may be changed.
type original struct {
	options  compiler.Options
	files    source.Map
	names    []string
	result   *compiler.Result
	findings map[string]int
	tokens   map[string][]piece
}

func newOriginal(t testing.TB, o compiler.Options) *original {
	t.Helper()
	files, ok := o.Opener.(source.Map)
	if !ok {
		t.Fatal("the files are not in memory")
	}
	g := &original{options: o, files: files, names: slices.Sorted(maps.Keys(files)), tokens: map[string][]piece{}}
	result, findings := compiler.Compile(stackFile, o)
	if result.Set == nil {
		t.Fatal(diag.Short(findings))
	}
	g.result, g.findings = result, said(findings)
	for name, text := range files {
		if g.tokens[name] = tokensOf(name, text); len(g.tokens[name]) == 0 {
			t.Fatalf("%s has no tokens", name)
		}
	}
	return g
}

// said counts findings by what they say.
func said(findings diag.List) map[string]int {
	seen := map[string]int{}
	for _, d := range findings {
		seen[string(d.Code)+d.Message]++
	}
	return seen
}

// compile compiles the mutant and returns what it says that the original does not.
func (g *original) compile(m mutant) (*compiler.Result, diag.List, diag.List) {
	o := g.options
	files := maps.Clone(g.files)
	files[m.file] = m.text
	o.Opener = files
	result, findings := compiler.Compile(stackFile, o)
	before := maps.Clone(g.findings)
	var more diag.List
	for _, d := range findings {
		key := string(d.Code) + d.Message
		if before[key]--; before[key] < 0 {
			more.Add(d)
		}
	}
	return result, findings, more
}

// judge holds a mutant against what stands at the top, and says what became of it.
func (g *original) judge(t reporter, m mutant) string {
	t.Helper()
	result, findings, more := g.compile(m)
	checkLaws(t, result, findings)
	if result.Set == nil || len(more) > 0 {
		return "found"
	}
	if unitTexts(result) == unitTexts(g.result) {
		return "same"
	}
	if m.recommented() {
		return "comment"
	}
	x, ok := tokenAt(g.tokens[m.file], m.at)
	now, still := tokenAt(tokensOf(m.file, m.text), m.at)
	if comments(m.before)[min(m.at, len(m.before)-1)] || !ok || !still {
		t.Errorf("%s:\nthe units are others, and nothing is said", m)
		return ""
	}
	if why := g.unexplained(result, x, now); why != "" {
		t.Errorf("%s in %q (%v):\n%s", m, x.text, x.path, why)
		return ""
	}
	if x.name {
		return "renamed"
	}
	return "value"
}

func (m mutant) String() string {
	f := source.NewFile(m.file, m.before)
	p := f.Position(m.at)
	return fmt.Sprintf("%s:%s: %q for %q in %q", m.file, p, m.letter, m.old, f.Line(p.Line))
}

func unitTexts(r *compiler.Result) string {
	var b strings.Builder
	for _, u := range r.Set.Units {
		fmt.Fprintf(&b, "# %s %s\n%s\n", u.Name, u.Desired, u.Text())
	}
	return b.String()
}

// unexplained tells how the units differ in more than what a piece gives, "" when
// they do not.
func (g *original) unexplained(result *compiler.Result, was, is piece) string {
	if was.name && was.defines {
		if derives(unitTexts(g.result), unitTexts(result), was.text, is.text) {
			return ""
		}
		return fmt.Sprintf("more changes than the name %q to %q", was.text, is.text)
	}
	if was.name && neighbours(was.text, is.text) {
		return ""
	}
	if was.name {
		return "a name is another, and nothing is said"
	}
	owner := ""
	if len(was.path) > 2 && was.path[0] == "unit" {
		owner = was.path[1]
	}
	var before, after []units.Unit
	for _, u := range g.result.Set.Units {
		if u.Name.Base() != owner && u.Group != owner && string(u.Name) != owner {
			before = append(before, u)
		}
	}
	for _, u := range result.Set.Units {
		if u.Name.Base() != owner && u.Group != owner && string(u.Name) != owner {
			after = append(after, u)
		}
	}
	if len(before) != len(after) {
		return fmt.Sprintf("%d units are now %d", len(before), len(after))
	}
	for i, u := range before {
		v := after[i]
		if u.Name != v.Name || u.Desired != v.Desired || len(u.Options) != len(v.Options) {
			return fmt.Sprintf("%s has other lines", u.Name)
		}
		for j, o := range u.Options {
			w := v.Options[j]
			if o != w && (o.Section != w.Section || o.Name != w.Name || !derives(o.Value, w.Value, was.text, is.text)) {
				return fmt.Sprintf("%s: %s=%s is now %s=%s, and not by %q for %q", u.Name, o.Name, o.Value, w.Name, w.Value, is.text, was.text)
			}
		}
	}
	return ""
}

// neighbours reports whether two keys of the language are one letter apart, and both mean
// something in the same place: http and https, of ready and of checks.
func neighbours(a, b string) bool {
	return a != b && strings.TrimSuffix(a, "s") == "http" && strings.TrimSuffix(b, "s") == "http"
}

// derives reports whether b is a with old, at some of its places, made new. Quotes and
// escapes, which the compiler puts round what needs them, are not looked at.
func derives(a, b, old, new string) bool {
	plain := strings.NewReplacer(`"`, "", `'`, "", `\`, "", "$", "", "%", "", " ", "", "\n", "")
	a, b, old, new = plain.Replace(a), plain.Replace(b), plain.Replace(old), plain.Replace(new)
	type place struct{ a, b int }
	seen := map[place]bool{}
	todo := []place{{}}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for {
			if p.a == len(a) && p.b == len(b) {
				return true
			}
			if old != "" && strings.HasPrefix(a[p.a:], old) && strings.HasPrefix(b[p.b:], new) {
				if next := (place{p.a + len(old), p.b + len(new)}); !seen[next] {
					seen[next] = true
					todo = append(todo, next)
				}
			}
			if p.a == len(a) || p.b == len(b) || a[p.a] != b[p.b] {
				break
			}
			p = place{p.a + 1, p.b + 1}
		}
	}
	return false
}

// drawMutant draws a change of one character of one file: another one in its
// place, one more, or one less.
func (g *original) drawMutant(t *rapid.T) mutant {
	m := mutant{file: rapid.SampledFrom(g.names).Draw(t, "file")}
	m.before = g.files[m.file]
	m.at = anywhere(t, len(m.before))
	letters := []string{"", "", "a", "e", "s", "x", "X", "0", "1", "7", "-", "_", ".", " ", "\n", "\"", "'", "[", "]", "{", "}", "=", ",", "#", "$", "%", "\\", "/", ":", "@", ";", "é", "\x00", "\xff"}
	m.letter = rapid.SampledFrom(letters).Draw(t, "letter")
	if m.letter == "" || rapid.Bool().Draw(t, "replace") {
		m.old = m.before[m.at : m.at+1]
	}
	m.text = m.before[:m.at] + m.letter + m.before[m.at+len(m.old):]
	return m
}

// anywhere draws an offset below n, each as likely as another: rapid's own draws
// keep to the beginning.
func anywhere(t *rapid.T, n int) int {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "place"), 1)).IntN(n)
}

// originals are the stacks that are changed: the big one, and those that come with the compiler.
func originals(t testing.TB) map[string]*original {
	t.Helper()
	list := map[string]*original{"big": newOriginal(t, bigStack())}
	for _, path := range []string{"../stacks/k8s.toml", "../stacks/k8s-0.7.toml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list[path] = newOriginal(t, compiler.Options{Opener: source.Map{stackFile: string(text)}, Std: stacks.Library{}})
	}
	return list
}

// TestOneCharacter holds of any change of one character what stands at the top.
func TestOneCharacter(t *testing.T) {
	became := map[string]int{}
	for name, g := range originals(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				became[g.judge(r, g.drawMutant(r))]++
			})
		})
	}
	t.Logf("%v", became)
	for _, outcome := range []string{"found", "same", "value"} {
		if became[outcome] == 0 {
			t.Errorf("no change was %q: %v", outcome, became)
		}
	}
}

// TestOneWrongCharacter: another letter in a word that the language or systemd
// knows, or that refers to something, gives one finding, and that is at the word.
func TestOneWrongCharacter(t *testing.T) {
	wrong, drawn := 0, 0
	for name, g := range originals(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				drawn++ // a fifth as often with -short
				m, x, ok := g.drawWrong(r)
				if !ok {
					return
				}
				wrong++
				result, findings, more := g.compile(m)
				checkLaws(r, result, findings)
				if len(more) != 1 || more[0].Span.File().Name() != m.file || more[0].Span.Start() > m.at || more[0].Span.End() < m.at+1 {
					r.Errorf("%s in %q (%v) gives\n%s", m, x.text, x.path, diag.Short(more))
				}
			})
		})
	}
	if wrong == 0 || wrong < drawn/5 {
		t.Errorf("only %d words of %d were wrong", wrong, drawn)
	}
}

// drawWrong draws a word that is known or refers to something, and puts a q in
// the place of one of its letters.
func (g *original) drawWrong(t *rapid.T) (mutant, piece, bool) {
	m := mutant{file: rapid.SampledFrom(g.names).Draw(t, "file"), letter: "q"}
	m.before = g.files[m.file]
	list := g.tokens[m.file]
	x := list[anywhere(t, len(list))]
	if !x.name || x.defines || m.before[x.start:x.end] == "" {
		return m, x, false
	}
	m.at = x.start + anywhere(t, x.end-x.start)
	m.old = m.before[m.at : m.at+1]
	if m.old == m.letter || !strings.Contains("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", m.old) {
		return m, x, false
	}
	m.text = m.before[:m.at] + m.letter + m.before[m.at+1:]
	return m, x, true
}

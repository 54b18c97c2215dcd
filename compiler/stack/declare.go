package stack

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// Declared is what a library says of itself in [library].
type Declared struct {
	Pos Pos
	// Name is the library's; that of its stack unless the library says another.
	Name string
	// Version is a semantic version such as "1.2.0".
	Version     Word
	Description string
	// Exports are the units and host entries that files which use the library may
	// name. All says that the library lists none, and they may name every one.
	Exports []Word
	All     bool
	Needs   Needs

	parsed *semver.Version // nil when Version is at fault
}

// Needs is what a library expects of the stack that it comes into.
type Needs struct {
	Hosts     []Need // host entries or units that must be there
	Libraries []Need // other libraries, by name, and which versions of them
	Systemd   Int    // the oldest systemd that it works with
}

// Need is one thing that a library needs: why, or in which versions.
type Need struct {
	Name string
	Says Word

	versions *semver.Constraints // of a library
}

// versionPattern is a semantic version as semver.org has it, without build metadata.
const versionPattern = `^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`

// libraryWords are the keys of [library].
var libraryWords = []keyword[Declared]{
	key("version", form[Word]{Shape{Kind: ShapeString, Pattern: versionPattern}, (*decoder).fixed}, func(l *Declared) *Word { return &l.Version },
		"the library's semantic version, which use entries and the lock file hold on to", `"1.2.0"`).required(),
	key("name", form[string]{Shape{Kind: ShapeString, Pattern: stackPattern}, (*decoder).libraryName}, func(l *Declared) *string { return &l.Name },
		"the library's name, when that is not the name of its stack; versions of one library have one name", `"kubernetes"`),
	key("description", form[string]{Shape{Kind: ShapeString}, (*decoder).said}, func(l *Declared) *string { return &l.Description },
		"what it is, in a sentence", `"nginx on every front machine"`),
	key("exports", form[[]Word]{arrayShape(Shape{Kind: ShapeString, Pattern: NotEmpty}), (*decoder).exports}, func(l *Declared) *[]Word { return &l.Exports },
		"units and host entries that files which use it may name; all of them when it does not say", `["web"]`),
	key("needs", form[Needs]{tableShape(Table{Name: "needs", Keys: keywordsOf(needWords)}), (*decoder).needs}, func(l *Declared) *Needs { return &l.Needs },
		"what must be in the stack that uses it", `{ host = { etcd = "where it keeps its keys" } }`),
}

// needWords are the keys of needs.
var needWords = []keyword[Needs]{
	key("host", form[[]Need]{mapShape("", Shape{Kind: ShapeString}), (*decoder).hostNeeds}, func(n *Needs) *[]Need { return &n.Hosts },
		"host entries or units that it names and does not bring, with what they are for", `{ etcd = "where it keeps its keys" }`),
	key("libraries", form[[]Need]{mapShape(stackPattern, Shape{Kind: ShapeString, Pattern: NotEmpty}), (*decoder).libraryNeeds}, func(n *Needs) *[]Need { return &n.Libraries },
		"libraries that the stack must use, with the versions that will do", `{ flannel = ">=0.2, <1" }`),
	key("systemd", number(1, 100000), func(n *Needs) *Int { return &n.Systemd },
		"the oldest systemd that it works with", `219`),
}

// library reads [library].
func (d *decoder) library(e *syntax.Entry) *Declared {
	l := &Declared{Pos: d.pos(e.KeySpan), All: true}
	t := d.table(e.Value, "a table")
	if t == nil {
		return l
	}
	read(d, l, t, "[library]", libraryWords)
	l.All = t.Get("exports") == nil
	if t.Get("version") == nil && !mistyped(t, keywordsOf(libraryWords).Names(), "version") {
		d.errorf(diag.MissingKey, e.KeySpan, "the library does not say its version").help(`add version = "0.1.0"`)
	}
	if v := l.Version; v.Value != "" {
		var err error
		if l.parsed, err = semver.StrictNewVersion(v.Value); err != nil {
			d.at("version").errorf(diag.BadValue, v.Pos.Span, "%q is not a version: %s", v.Value, lowered(err)).
				help(`a semantic version has three numbers, like "1.2.0" or "1.2.0-rc.1"`)
		}
	}
	return l
}

// lowered is the text of an error in the middle of a sentence.
func lowered(err error) string {
	s := err.Error()
	return strings.ToLower(s[:1]) + s[1:]
}

// fixed reads a string in which nothing may be put in: what a library says of
// itself is the same for everybody who uses it.
func (d *decoder) fixed(v *syntax.Value) Word {
	switch {
	case v.Kind != syntax.String:
		d.want(v, "a string")
	case strings.Contains(v.Str, exprOpen):
		d.errorf(diag.BadExpression, v.Span, "what a library says of itself cannot hold an expression")
	case v.Str == "":
		d.errorf(diag.BadValue, v.Span, "there is nothing in it").help("write something, or leave the whole entry out")
	default:
		return Word{Value: v.Str, Pos: d.pos(v.Span)}
	}
	return Word{}
}

func (d *decoder) said(v *syntax.Value) string { return d.fixed(v).Value }

func (d *decoder) libraryName(v *syntax.Value) string {
	s := d.said(v)
	if s != "" && !validStackName(s) {
		d.errorf(diag.BadValue, v.Span, "%q cannot be the name of a library", s).
			help("use letters, digits, and - _ . / between them, at most 64")
		return ""
	}
	return s
}

func (d *decoder) exports(v *syntax.Value) []Word {
	if v.Kind != syntax.Array {
		d.want(v, "an array of names")
		return nil
	}
	list := make([]Word, 0, len(v.Elems))
	for i, e := range v.Elems {
		if w := d.index(i).fixed(e); w.Value != "" {
			list = append(list, w)
		}
	}
	return list
}

func (d *decoder) needs(v *syntax.Value) Needs {
	var n Needs
	if t := d.table(v, `a table such as { host = { etcd = "where it keeps its keys" } }`); t != nil {
		read(d, &n, t, "needs", needWords)
	}
	return n
}

func (d *decoder) hostNeeds(v *syntax.Value) []Need {
	t := d.table(v, `a table such as { etcd = "where it keeps its keys" }`)
	if t == nil {
		return nil
	}
	var list []Need
	for _, e := range t.Entries {
		if w := d.at(e.Key).fixed(e.Value); w.Value != "" {
			list = append(list, Need{Name: e.Key, Says: Word{Value: w.Value, Pos: d.pos(e.KeySpan)}})
		}
	}
	return list
}

func (d *decoder) libraryNeeds(v *syntax.Value) []Need {
	t := d.table(v, `a table such as { flannel = ">=0.2, <1" }`)
	if t == nil {
		return nil
	}
	var list []Need
	for _, e := range t.Entries {
		d := d.at(e.Key)
		w := d.fixed(e.Value)
		if c := d.constraint(w); c != nil {
			list = append(list, Need{Name: e.Key, Says: w, versions: c})
		}
	}
	return list
}

// constraint reads which versions will do, nil when the word is at fault.
func (d *decoder) constraint(w Word) *semver.Constraints {
	if w.Value == "" {
		return nil
	}
	c, err := semver.NewConstraint(w.Value)
	if err != nil {
		d.errorf(diag.BadValue, w.Pos.Span, "%q does not say which versions will do: %s", w.Value, lowered(err)).
			help(`write it like ">=0.15.0, <0.16", "~1.2" or "^1"`)
		return nil
	}
	return c
}

// Exported reports whether the library lets files that use it name a thing by
// that name, as the library itself calls it.
func (l *Declared) Exported(name string) bool {
	if l == nil || l.All {
		return true
	}
	for _, w := range l.Exports {
		if w.Value == name || units.Complete(w.Value) == units.Complete(name) {
			return true
		}
	}
	return false
}

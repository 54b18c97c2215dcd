package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// scope is what names mean inside one file: its parameters, and the chain of
// `use` that brought the file in.
type scope struct {
	use    *Use
	name   string // of the stack, once read
	params map[string]*Param
}

// title is what messages call the file of the scope.
func (s *scope) title() string {
	if s.use != nil {
		return fmt.Sprintf("library %q", s.use.Library)
	}
	return fmt.Sprintf("stack %q", s.name)
}

// decoder reads values of one file. It does not change: at and index give a
// decoder that stands deeper, for the Path of findings.
type decoder struct {
	scope    *scope
	findings *diag.List

	// Where the decoder stands; the path is spelled out only for a finding.
	parent  *decoder
	key     string
	element int // with an empty key
}

// at returns d one key deeper.
func (d *decoder) at(key string) *decoder {
	return &decoder{scope: d.scope, findings: d.findings, parent: d, key: key}
}

// index returns d at element i of an array.
func (d *decoder) index(i int) *decoder {
	return &decoder{scope: d.scope, findings: d.findings, parent: d, element: i}
}

// path returns the logical place, such as "unit.web.after[1]".
func (d *decoder) path() string {
	if d.parent == nil {
		return ""
	}
	before := d.parent.path()
	switch {
	case d.key == "":
		return before + "[" + strconv.Itoa(d.element) + "]"
	case before == "":
		return d.key
	}
	return before + "." + d.key
}

func (d *decoder) pos(s source.Span) Pos { return Pos{Span: s, Via: d.scope.use} }

// finding is a reported diagnostic that may still be completed.
type finding struct{ d *diag.Diagnostic }

func (d *decoder) errorf(code diag.Code, span source.Span, format string, args ...any) finding {
	return d.report(diag.Error, code, span, format, args...)
}

func (d *decoder) report(sev diag.Severity, code diag.Code, span source.Span, format string, args ...any) finding {
	d.findings.Add(diag.Diagnostic{
		Severity: sev, Code: code, Span: span, Path: d.path(),
		Message: fmt.Sprintf(format, args...), Notes: UseNotes(d.scope.use),
	})
	return finding{&(*d.findings)[len(*d.findings)-1]}
}

// UseNotes tells by which chain of `use` a thing came into the stack.
func UseNotes(u *Use) []diag.Note {
	var notes []diag.Note
	for ; u != nil; u = u.Parent {
		notes = append(notes, diag.Note{Message: fmt.Sprintf("library %q is used here", u.Library), Span: u.Span})
	}
	return notes
}

func (f finding) note(span source.Span, message string) finding {
	*f.d = f.d.WithNote(span, message)
	return f
}

func (f finding) help(format string, args ...any) finding {
	f.d.Help = fmt.Sprintf(format, args...)
	return f
}

// orHelp sets the help when there is none yet.
func (f finding) orHelp(format string, args ...any) finding {
	if f.d.Help == "" {
		f.help(format, args...)
	}
	return f
}

// suggest helps with the word of known that was probably meant.
func (f finding) suggest(word string, known any) finding {
	var meant string
	var ok bool
	switch k := known.(type) {
	case []string:
		meant, ok = suggestion(word, k)
	case []ParamType:
		meant, ok = suggestion(word, k)
	}
	if ok {
		f.help("did you mean %q?", meant)
	}
	return f
}

// onlyKeys reports keys of t that are not among words, and returns the table to go
// on with: see [corrected].
func (d *decoder) onlyKeys(t *syntax.Table, what string, words []string) *syntax.Table {
	for _, e := range t.Entries {
		if !slices.Contains(words, e.Key) {
			d.at(e.Key).errorf(diag.UnknownKey, e.KeySpan, "%s has no key %q", what, e.Key).
				suggest(e.Key, words).orHelp("the keys are %s", oneOf(words))
		}
	}
	return corrected(t, words)
}

// corrected returns t with every unknown key, which is reported, as the one of words
// that was probably meant; a table that stands there under the right key as well takes in the other.
// What would follow from the mistake alone is then not said.
func corrected(t *syntax.Table, words []string) *syntax.Table {
	if !slices.ContainsFunc(t.Entries, func(e *syntax.Entry) bool { return !slices.Contains(words, e.Key) }) {
		return t
	}
	right := &syntax.Table{}
	for _, e := range t.Entries {
		entry := *e
		if meant, ok := suggestion(e.Key, words); ok && !slices.Contains(words, e.Key) && mayBe(meant, e.Value.Kind) {
			if other := t.Get(meant); other == nil || other.Value.Kind == syntax.KindTable || e.Value.Kind == syntax.KindTable {
				entry.Key = meant
			}
		}
		addTo(right, &entry)
	}
	return right
}

// mayBe reports whether a key of the top of a file can have a value of that kind: else
// the suggestion is a poor one.
func mayBe(key string, kind syntax.Kind) bool {
	switch key {
	case "params", "roles", "host", "unit", "library":
		return kind == syntax.KindTable
	case "use":
		return kind == syntax.Array || kind == syntax.KindTable
	}
	return true
}

// quiet returns d for the value of an entry, silent when its key is not what stands in the file: the key
// is reported, and of the value nothing is certain.
func (d *decoder) quiet(e *syntax.Entry) *decoder {
	if strings.Trim(e.KeySpan.Text(), `"'`) == e.Key || strings.Contains(e.KeySpan.Text(), `\`) {
		return d
	}
	return &decoder{scope: d.scope, findings: &diag.List{}, parent: d.parent, key: d.key, element: d.element}
}

// addTo puts an entry into a table. When its key is there already both must be tables to
// become one, or a table and an array of them, which it then belongs to the last of.
func addTo(t *syntax.Table, e *syntax.Entry) {
	old := t.Get(e.Key)
	if old == nil {
		t.Entries = append(t.Entries, e)
		return
	}
	old.Value = joined(old.Value, e.Value)
}

func joined(a, b *syntax.Value) *syntax.Value {
	if b.Kind == syntax.Array && a.Kind == syntax.KindTable {
		a, b = b, a
	}
	v := *a
	switch {
	case b.Kind != syntax.KindTable:
		return a
	case a.Kind == syntax.KindTable:
		v.Table = &syntax.Table{}
		for _, e := range slices.Concat(a.Table.Entries, b.Table.Entries) {
			entry := *e
			addTo(v.Table, &entry)
		}
	case a.Kind == syntax.Array && len(a.Elems) > 0:
		last := len(a.Elems) - 1
		v.Elems = slices.Clone(a.Elems)
		v.Elems[last] = joined(a.Elems[last], b)
	}
	return &v
}

// read reads a table that becomes o by its keywords, in the order of the file.
func read[O any](d *decoder, o *O, t *syntax.Table, what string, words []keyword[O]) {
	for _, e := range d.onlyKeys(t, what, keywordsOf(words).Names()).Entries {
		if i := slices.IndexFunc(words, func(w keyword[O]) bool { return w.Name == e.Key }); i >= 0 {
			words[i].read(d.at(e.Key).quiet(e), o, e.Value)
		}
	}
}

// mistyped reports whether an unknown key of t was probably meant to be one of
// keys: then that one is not missing as well.
func mistyped(t *syntax.Table, words []string, keys ...string) bool {
	return slices.ContainsFunc(t.Entries, func(e *syntax.Entry) bool {
		meant, ok := suggestion(e.Key, words)
		return ok && !slices.Contains(words, e.Key) && slices.Contains(keys, meant)
	})
}

// want reports a value of the wrong kind.
func (d *decoder) want(v *syntax.Value, what string) {
	d.errorf(diag.WrongType, v.Span, "expected %s, found %s", what, withArticle(v.Kind.String()))
}

// withArticle puts "a" or "an" before the name of a kind or type.
func withArticle(word string) string {
	if strings.ContainsAny(word[:1], "ai") {
		return "an " + word
	}
	return "a " + word
}

// resolve puts a parameter in the place of a string that is exactly one
// expression, with the parameter's own type. ok is false when the expression is
// wrong, which is reported.
func (d *decoder) resolve(v *syntax.Value) (value *syntax.Value, ok bool) {
	if v.Kind != syntax.String {
		return v, true
	}
	found := expressions(v.Str)
	if len(found) != 1 || found[0].escaped || found[0].open || found[0].start != 0 || found[0].end != len(v.Str) {
		return v, true
	}
	name := found[0].name
	if !paramName.MatchString(name) {
		return v, true
	}
	p := d.lookup(name, v.Sub(found[0].start, found[0].end))
	if p == nil || p.Value == nil {
		return nil, false
	}
	resolved := *p.Value
	resolved.Span = v.Span
	return &resolved, true
}

// lookup returns the parameter of that name, nil with a finding when there is none.
func (d *decoder) lookup(name string, span source.Span) *Param {
	p := d.scope.params[name]
	if p == nil {
		names := make([]string, 0, len(d.scope.params))
		for n := range d.scope.params {
			names = append(names, n)
		}
		slices.Sort(names)
		d.errorf(diag.UnknownName, span, "%s has no parameter %q", d.scope.title(), name).suggest(name, names).
			orHelp("declare it in [params]; another unit's word is written %q", "${{ unit.port }}")
	}
	return p
}

// text reads a string with expressions, or a parameter of any type in its place.
func (d *decoder) text(v *syntax.Value) Text {
	r, ok := d.resolve(v)
	if !ok {
		return Text{}
	}
	switch {
	case r.Kind == syntax.String && r == v:
		return d.expressionsOf(v)
	case r != v && (r.Kind == syntax.String || r.Kind == syntax.Integer || r.Kind == syntax.Bool):
		t := plainText(d.pos(v.Span), nil, paramText(r))
		t.meant = d.meant(v)
		return t
	}
	d.want(r, "a string")
	return Text{}
}

// scalar reads a string, number or boolean as text: what a directive takes.
func (d *decoder) scalar(v *syntax.Value) Text {
	if v.Kind == syntax.Float {
		return plainText(d.pos(v.Span), nil, strings.ReplaceAll(v.Span.Text(), "_", ""))
	}
	r, ok := d.resolve(v)
	if !ok {
		return Text{}
	}
	if r.Kind == syntax.Array && v.Kind == syntax.String {
		t := plainText(d.pos(v.Span), nil, paramText(r))
		t.meant = d.meant(v)
		return t
	}
	if r.Kind == syntax.Array || r.Kind == syntax.KindTable || r.Kind == syntax.Datetime {
		d.wantValue(r)
		return Text{}
	}
	if v.Kind == syntax.Integer || v.Kind == syntax.Bool {
		return plainText(d.pos(v.Span), nil, paramText(v))
	}
	return d.text(v)
}

// expressionsOf splits a string at its expressions and puts parameters in.
func (d *decoder) expressionsOf(v *syntax.Value) Text {
	found := expressions(v.Str)
	if len(found) == 0 {
		return plainText(d.pos(v.Span), v, v.Str)
	}
	t := Text{Pos: d.pos(v.Span), value: v, given: true, parts: make([]part, 0, 2*len(found)+1)}
	last := 0
	for _, x := range found {
		t.parts = append(t.parts, part{text: v.Str[last:x.start], verbatim: true, at: last})
		last = x.end
		if x.escaped {
			t.parts = append(t.parts, part{text: exprOpen, at: x.start, until: x.end})
			continue
		}
		if p, ok := d.expression(v, x); ok {
			p.at, p.until = x.start, x.end
			t.parts = append(t.parts, p)
		} else {
			t.fault = true
		}
	}
	t.parts = append(t.parts, part{text: v.Str[last:], verbatim: true, at: last})
	return t
}

// expression reads one `${{ name }}`.
func (d *decoder) expression(v *syntax.Value, x expression) (part, bool) {
	span := v.Sub(x.start, x.end)
	if x.open {
		d.errorf(diag.BadExpression, v.Sub(x.start, x.start+len(exprOpen)), "%q is not closed by %q", exprOpen, exprClose).
			help("close it, or write $%s for the text %s", exprOpen, exprOpen)
		return part{}, false
	}
	subject, field, isRef := cutLast(x.name)
	switch {
	case x.name == "":
		d.errorf(diag.BadExpression, span, "an expression needs a name").help(`write ${{ name }} for a parameter, ${{ unit.port }} for a unit's word`)
		return part{}, false
	case !isRef && paramName.MatchString(x.name):
		p := d.lookup(x.name, span)
		if p == nil || p.Value == nil {
			return part{}, false
		}
		return part{text: paramText(p.Value), put: true}, true
	case subject == "stack" && field == "name":
		return part{text: d.scope.name}, true
	case isRef && refName.MatchString(subject) && paramName.MatchString(field):
		return part{ref: &Ref{Subject: subject, Field: field, Span: span}}, true
	}
	d.errorf(diag.BadExpression, span, "%q is not a name", x.name).
		help("an expression is one name: a parameter, or a unit's word such as etcd.url or self.port")
	return part{}, false
}

// literal reads a string in which nothing may stay open. ok is false when there
// is none, which is reported.
func (d *decoder) literal(v *syntax.Value) (s string, ok bool) {
	r, ok := d.resolve(v)
	if !ok {
		return "", false
	}
	if r.Kind != syntax.String {
		d.want(r, "a string")
		return "", false
	}
	return d.closed(d.text(v))
}

// name reads a literal that may not be empty, "" when it is at fault.
func (d *decoder) name(v *syntax.Value) string {
	s, ok := d.literal(v)
	if ok && s == "" {
		d.errorf(diag.BadValue, v.Span, "there is no name in it").help("write a name, or leave the whole entry out")
	}
	return s
}

// closed returns the text, or reports its open expressions. An absent text is at
// fault already.
func (d *decoder) closed(t Text) (s string, ok bool) {
	for _, r := range t.Refs() {
		d.errorf(diag.BadExpression, r.Span, "only parameters can stand here, not another unit's word")
		return "", false
	}
	return t.Expand(nil), t.sound()
}

// words reads a string or an array of strings as names.
func (d *decoder) words(v *syntax.Value) []Word {
	r, ok := d.resolve(v)
	if !ok {
		return nil
	}
	switch r.Kind {
	case syntax.String:
		if w := d.word(v); w.Value != "" {
			return []Word{w}
		}
		return nil
	case syntax.Array:
		words := make([]Word, 0, len(r.Elems))
		meant := d.meant(v)
		for i, e := range r.Elems {
			if r != v && e.Kind != syntax.String { // the number is right where it was given, and wrong here
				d.want(&syntax.Value{Kind: e.Kind, Span: v.Span}, "a list of strings")
				return nil
			}
			w := d.index(i).word(e)
			if w.meant == nil {
				w.meant = meant
			}
			if w.Value != "" {
				words = append(words, w)
			}
		}
		return words
	}
	d.want(r, "a string or an array of strings")
	return nil
}

// word reads one name.
func (d *decoder) word(v *syntax.Value) Word {
	w := Word{Value: d.name(v), Pos: d.pos(v.Span)}
	if w.Value != "" {
		w.meant = d.meant(v)
	}
	return w
}

// flag reads a boolean.
func (d *decoder) flag(v *syntax.Value) Flag {
	r, ok := d.resolve(v)
	if !ok {
		return Flag{}
	}
	if r.Kind != syntax.Bool {
		d.want(r, "true or false")
		return Flag{}
	}
	return Flag{Set: r.Bool, Pos: d.pos(v.Span)}
}

// number reads an integer from low to high. One at fault counts as given, with
// the value 0, so that nobody misses it.
func (d *decoder) number(v *syntax.Value, low, high int64) Int {
	n := Int{Pos: d.pos(v.Span)}
	r, ok := d.resolve(v)
	switch {
	case !ok:
	case r.Kind != syntax.Integer:
		d.want(r, "a whole number")
	case r.Int < low || r.Int > high:
		d.errorf(diag.BadValue, v.Span, "%d is not between %d and %d", r.Int, low, high)
	default:
		n.Value = int(r.Int)
	}
	return n
}

// table reads a table, nil with a finding when v is none.
func (d *decoder) table(v *syntax.Value, what string) *syntax.Table {
	if v.Kind != syntax.KindTable {
		d.want(v, what)
		return nil
	}
	return v.Table
}

// allowances reads `allow = [...]`.
func (d *decoder) allowances(v *syntax.Value) []*Allowance {
	var list []*Allowance
	for _, w := range d.words(v) {
		if !diag.Allowable(diag.Code(w.Value)) {
			d.unknownCode(w)
			continue
		}
		list = append(list, &Allowance{Code: w.Value, Pos: w.Pos})
	}
	return list
}

// allowableCodes are the codes that allow may name.
func allowableCodes() []string {
	known := make([]string, 0, len(diag.AllowableCodes()))
	for _, c := range diag.AllowableCodes() {
		known = append(known, string(c))
	}
	return known
}

func (d *decoder) unknownCode(w Word) {
	d.errorf(diag.UnknownCode, w.Pos.Span, "no finding that can be allowed has the code %q", w.Value).
		suggest(w.Value, allowableCodes()).orHelp("the code stands in brackets in the finding itself; docs/errors.md lists those that can be allowed")
}

// Finding begins a finding about a thing at pos, with the chain of `use` that
// brought it in.
func Finding(sev diag.Severity, code diag.Code, pos Pos, path, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{
		Severity: sev, Code: code, Span: pos.Span, Path: path,
		Message: fmt.Sprintf(format, args...), Notes: UseNotes(pos.Via),
	}
}

// Key writes a key as it may stand in a stack file, for a help to paste.
func Key(name string) string { return syntax.Key(name) }

// Suggest completes d with the word of known that was probably meant, or with
// otherwise when there is none.
func Suggest(d diag.Diagnostic, word string, known []string, otherwise string) diag.Diagnostic {
	if meant, ok := suggestion(word, known); ok {
		return d.WithHelp(fmt.Sprintf("did you mean %q?", meant))
	}
	return d.WithHelp(otherwise)
}

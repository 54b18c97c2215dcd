// Package diag is what the compiler says: findings with a severity, a stable
// code, the smallest place that shows the fault, and what to do about it.
//
// How a message is written:
//   - Lower case, no full stop at the end. What is wrong comes first, the place
//     is the primary span, notes give the other places, help gives the corrected
//     line or the next command.
//   - The span is the smallest text that a person must change, never a whole
//     table when one word is wrong.
//   - Names from the user's text stand in double quotes.
//   - One fault gives one finding; what only follows from it is not reported.
//   - No "illegal", no "invalid" without saying what would be valid.
package diag

import (
	"cmp"
	"slices"

	"github.com/stackc/stackc/compiler/source"
)

// Severity says how bad a finding is. The zero Severity is not valid, so that a
// forgotten one shows.
type Severity int

const (
	// Error stops the compile: no unit comes out and nothing is sent.
	Error Severity = iota + 1
	// Warning is legal and usually wrong; strict mode makes it an error.
	Warning
)

// String gives the word that messages begin with.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "unknown"
}

// Note is a further place or remark that belongs to a finding. A zero Span is a
// remark without a place.
type Note struct {
	Message string
	Span    source.Span
}

// Diagnostic is one finding.
type Diagnostic struct {
	Severity Severity
	Code     Code
	Message  string
	// Span is the primary place; zero when the finding has none (a flag's value).
	Span source.Span
	// Path is the logical place in the stack, such as "unit.web.after[1]".
	Path  string
	Notes []Note
	// Help says what to do, with the corrected text where there is one.
	Help string
}

// WithNote returns d with one more note.
func (d Diagnostic) WithNote(span source.Span, message string) Diagnostic {
	d.Notes = append(slices.Clip(d.Notes), Note{Message: message, Span: span})
	return d
}

// WithHelp returns d with that help.
func (d Diagnostic) WithHelp(help string) Diagnostic {
	d.Help = help
	return d
}

// List is what a stage found. The nil List is the empty one.
type List []Diagnostic

// Add appends findings.
func (l *List) Add(d ...Diagnostic) { *l = append(*l, d...) }

// HasErrors reports whether l holds at least one error.
func (l List) HasErrors() bool { return l.Count(Error) > 0 }

// Count returns how many findings of that severity l holds.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Strict returns l with every warning made an error.
func (l List) Strict() List {
	out := slices.Clone(l)
	for i := range out {
		if out[i].Severity == Warning {
			out[i].Severity = Error
		}
	}
	return out
}

// Canonical returns l in its one order (file, place, severity, code, message)
// with findings of the same code, place and message given once, as the worse of
// two severities. It does not depend on the order in which checks have run.
func (l List) Canonical() List {
	out := slices.Clone(l)
	slices.SortFunc(out, func(a, b Diagnostic) int { return cmp.Or(byFinding(a, b), byDetail(a, b)) })
	out = slices.CompactFunc(out, func(a, b Diagnostic) bool { return byFinding(a, b) == 0 })
	slices.SortFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(byPlace(a.Span, b.Span), cmp.Compare(a.Severity, b.Severity), byFinding(a, b))
	})
	return out
}

// byFinding puts findings in order, 0 for those of which only one is said.
func byFinding(a, b Diagnostic) int {
	return cmp.Or(byPlace(a.Span, b.Span), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
}

// byDetail puts findings in order by what byFinding does not look at.
func byDetail(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Help, b.Help),
		slices.CompareFunc(a.Notes, b.Notes, func(a, b Note) int {
			return cmp.Or(byPlace(a.Span, b.Span), cmp.Compare(a.Message, b.Message))
		}),
	)
}

// byPlace puts places in order; none at all comes first.
func byPlace(a, b source.Span) int {
	return cmp.Or(byFile(a.File(), b.File()), cmp.Compare(a.Start(), b.Start()), cmp.Compare(a.End(), b.End()))
}

// byFile puts files in order by name. Files of one name are the same when
// their texts are: a library may be opened twice, and every --set is called so.
func byFile(a, b *source.File) int {
	switch {
	case a == b:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Text(), b.Text()))
}

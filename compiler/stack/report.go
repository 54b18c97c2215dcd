package stack

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

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

// oneOf lists words as a person would: `"a", "b" or "c"`.
func oneOf[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(string(w)))
	}
	return b.String()
}

// suggestion returns the word that was probably meant.
func suggestion[S ~string](word string, words []S) (string, bool) {
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = string(w)
	}
	return units.Suggest(word, plain)
}

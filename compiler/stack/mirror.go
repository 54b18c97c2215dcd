package stack

import (
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// MirrorFile is a file that a mirror holds beside what units and hosts download:
// nobody in the stack fetches it, as the kernel that machines boot over the network.
type MirrorFile struct {
	Pos        Pos
	URL        Text
	Origin     Text
	SHA256     Text
	Unverified bool
	// For says who needs it, for people; empty when the stack does not say.
	For Text
}

// mirrorWords are the keys of such a file.
var mirrorWords = []keyword[MirrorFile]{
	key("url", text(`://`), func(f *MirrorFile) *Text { return &f.URL },
		"where it is asked for", `"http://10.0.0.1/coreos/vmlinuz"`).required(),
	key("origin", text(webPattern), func(f *MirrorFile) *Text { return &f.Origin },
		"where stackc mirror takes it from", `"https://stable.release.example.com/766.3.0/vmlinuz"`),
	key("sha256", text(sumPattern), func(f *MirrorFile) *Text { return &f.SHA256 },
		"its checksum, as sha256sum prints it", `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`),
	key("unverified", form[bool]{boolShape(), (*decoder).unverified}, func(f *MirrorFile) *bool { return &f.Unverified },
		"true: it has no checksum, and nobody can tell whether it is the right one", `true`),
	key("for", text(NotEmpty), func(f *MirrorFile) *Text { return &f.For },
		"who needs it, for those who read the list", `"machines that boot over the network"`),
}

func mirrorShape() Shape {
	return arrayShape(tableShape(Table{Name: "a file of the mirror", Keys: keywordsOf(mirrorWords), Some: []string{"sha256", "unverified"}}))
}

// mirror reads [[mirror]]: the files of every layer are in the mirror.
func (l *loader) mirror(d *decoder, tree *syntax.Table) {
	e := tree.Get("mirror")
	if e == nil {
		return
	}
	d = d.at("mirror")
	if e.Value.Kind != syntax.Array {
		d.want(e.Value, `an array of tables, each under [[mirror]]`)
		return
	}
	for i, v := range e.Value.Elems {
		d := d.index(i)
		t := d.table(v, "a table such as { url = …, origin = …, sha256 = … }")
		if t == nil {
			continue
		}
		f := &MirrorFile{Pos: d.pos(v.Span)}
		before := len(*d.findings)
		read(d, f, t, "a file of the mirror", mirrorWords)
		if t.Get("url") == nil && !mistyped(t, keywordsOf(mirrorWords).Names(), "url") {
			d.errorf(diag.MissingKey, v.Span, "a file of the mirror needs %q", "url").help(`write url = "http://…", where it is asked for`)
		}
		d.checkFetched(t, v, keywordsOf(mirrorWords), Download{URL: f.URL, Origin: f.Origin, SHA256: f.SHA256, Unverified: f.Unverified})
		for _, text := range []Text{f.URL, f.Origin, f.SHA256, f.For} {
			d.closed(text)
		}
		if len(*d.findings) == before || f.URL.sound() {
			l.stack.Mirror = append(l.stack.Mirror, f)
		}
	}
}

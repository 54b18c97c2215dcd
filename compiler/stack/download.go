package stack

import (
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// downloads reads `download = [{ … }]`; one table alone may stand without the brackets.
func (d *decoder) downloads(v *syntax.Value) []Download {
	elems := []*syntax.Value{v}
	if v.Kind == syntax.Array {
		elems = v.Elems
	}
	var list []Download
	for i, e := range elems {
		if dl, ok := d.index(i).download(e); ok {
			list = append(list, dl)
		}
	}
	return list
}

// downloadWords are the keys of a download.
var downloadWords = []keyword[Download]{
	key("url", text(`://`), func(dl *Download) *Text { return &dl.URL },
		"where it is fetched from", `"http://10.0.0.1/agent"`).required(),
	key("origin", text(webPattern), func(dl *Download) *Text { return &dl.Origin },
		"where stackc mirror takes it from, when url names the mirror; the machines never ask there", `"https://releases.example.com/v1.0/agent"`),
	key("to", text(slashPattern), func(dl *Download) *Text { return &dl.To },
		"the file on the machine, an absolute path", `"/opt/bin/agent"`).required(),
	key("sha256", text(sumPattern), func(dl *Download) *Text { return &dl.SHA256 },
		"its checksum, as sha256sum prints it", `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`),
	key("mode", form[string]{stringShape(modePattern), (*decoder).fileMode}, func(dl *Download) *string { return &dl.Mode },
		"its mode, as octal digits", `"0755"`),
	key("unverified", form[bool]{boolShape(), (*decoder).unverified}, func(dl *Download) *bool { return &dl.Unverified },
		"true: it has no checksum, and whatever the server sends is run", `true`),
}

func downloadShape() Shape {
	return tableShape(Table{Name: "download", Keys: keywordsOf(downloadWords), Some: []string{"sha256", "unverified"}})
}

func (d *decoder) download(v *syntax.Value) (Download, bool) {
	t := d.table(v, "a table such as { url = …, to = …, sha256 = … }")
	if t == nil {
		return Download{}, false
	}
	dl := Download{Pos: d.pos(v.Span), Mode: "0755"}
	read(d, &dl, t, "download", downloadWords)
	return dl, d.checkDownload(t, v, dl)
}

// unverified reads a flag that is true when it is at fault: then no sum is missing.
func (d *decoder) unverified(v *syntax.Value) bool {
	f := d.flag(v)
	return f.Set || f.Pos.Span.IsZero()
}

func (d *decoder) checkDownload(t *syntax.Table, v *syntax.Value, dl Download) bool {
	for _, key := range []string{"url", "to"} {
		if t.Get(key) == nil {
			if mistyped(t, keywordsOf(downloadWords).Names(), key) {
				return false
			}
			d.errorf(diag.MissingKey, v.Span, "a download needs %q", key).help(`write { url = "http://…", to = "/opt/bin/…", sha256 = "…" }`)
			return false
		}
	}
	d.checkFetched(t, v, keywordsOf(downloadWords), dl)
	if to := dl.To.Source(); dl.To.sound() && len(dl.To.Refs()) == 0 && (!path.IsAbs(to) || path.Clean(to) != to) {
		d.errorf(diag.BadValue, t.Get("to").Value.Span, "%q is not an absolute, clean path", to).help("write %q", path.Clean("/"+to))
	}
	return dl.URL.Given() && dl.To.Given()
}

// checkFetched reports what is wrong with the addresses and the sum of a file that
// is fetched; words are the keys that its table may have.
func (d *decoder) checkFetched(t *syntax.Table, v *syntax.Value, words Keywords, dl Download) {
	if url := dl.URL; url.sound() && len(url.Refs()) == 0 && !strings.Contains(url.Source(), "://") {
		d.at("url").errorf(diag.BadValue, t.Get("url").Value.Span, "%q is not a URL", url.Source()).help("it begins with a scheme and a host, as in \"http://10.0.0.1/\"")
	} else if url.sound() {
		d.at("url").curlTakes(url)
	}
	if badOrigin(dl.Origin) {
		d.at("origin").badOrigin(dl.Origin, t.Get("origin").Value.Span)
	}
	sum := dl.SHA256.Source()
	switch {
	case t.Get("sha256") != nil && !dl.SHA256.sound():
	case mistyped(t, words.Names(), "sha256", "unverified"):
	case sum == "" && !dl.Unverified:
		d.errorf(diag.Unverified, v.Span, "the download of %q is not pinned by a sha256", dl.URL.Source()).
			help("add sha256 = \"…\" (stackc mirror lock writes it), or say unverified = true and run whatever the server sends")
	case sum != "" && !isSHA256(sum):
		d.errorf(diag.BadValue, t.Get("sha256").Value.Span, "%q is not a SHA-256: 64 hexadecimal digits in lower case", sum)
	}
}

// badOrigin reports whether an origin is one that stackc cannot ask. An empty one is
// none: a library's parameter may leave it to whoever uses the library.
func badOrigin(o Text) bool {
	s := o.Source()
	return o.sound() && s != "" && !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, exprOpen)
}

func (d *decoder) badOrigin(o Text, span source.Span) {
	d.errorf(diag.BadValue, span, "%q is not a URL that can be asked", o.Source()).help("it begins with https:// or http://")
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func (d *decoder) fileMode(v *syntax.Value) string {
	s, ok := d.literal(v)
	if !ok {
		return "0755"
	}
	if len(s) < 3 || len(s) > 4 || strings.Trim(s, "01234567") != "" {
		d.errorf(diag.BadValue, v.Span, "%q is not a file mode", s).help(`write it as a string of octal digits, like "0755"`)
		return "0755"
	}
	return s
}

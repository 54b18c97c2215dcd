package stack

import (
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// readyWords are the keys of a readiness: the ways to learn it, and contains.
var readyWords = Keywords{
	{Name: string(ReadyHTTP), Shape: stringShape(pathOrURL), Example: `"/healthz"`, Help: "up when curl gets an answer below 400 from this path or URL"},
	{Name: string(ReadyHTTPS), Shape: stringShape(pathOrURL), Example: `"/healthz"`, Help: "the same over TLS"},
	{Name: string(ReadyTCP), Shape: sayTrue(), Example: `true`, Help: "up when the port takes a connection"},
	{Name: string(ReadyFile), Shape: stringShape(slashPattern), Example: `"/run/overlay/subnet.env"`, Help: "up when the file is not empty, or holds the text of contains; asked on the same machine only"},
	{Name: string(ReadyCommand), Shape: stringShape(NotEmpty), Example: `"/usr/bin/docker version"`, Help: "up when the shell command ends well; asked on the same machine only"},
	{Name: string(ReadyEtcd), Shape: stringShape(slashPattern), Example: `"/registry/up"`, Help: "up when etcd has the key"},
	{Name: string(ReadyUnit), Shape: sayTrue(), Example: `true`, Help: "up when systemd says that the unit is active; asked on the same machine only"},
	{Name: "ca", Shape: stringShape(slashPattern + `|\$\{\{`), Example: `"/etc/ssl/certs/cluster.pem"`, Help: "file with the certificates that the server's must be signed by", With: string(ReadyHTTPS)},
	{Name: "cert", Shape: stringShape(slashPattern + `|\$\{\{`), Example: `"/etc/ssl/certs/client.crt"`, Help: "file with the certificate that is shown to the server", With: string(ReadyHTTPS)},
	{Name: "key", Shape: stringShape(slashPattern + `|\$\{\{`), Example: `"/etc/ssl/private/client.key"`, Help: "file with the key of cert", With: string(ReadyHTTPS)},
	{Name: "contains", Shape: stringShape(""), Example: `"MTU="`, Help: "text that the file must hold", With: string(ReadyFile)},
}

// readyKinds are the words that say how readiness is learnt.
func readyKinds() []string {
	var kinds []string
	for _, w := range readyWords {
		if w.With == "" {
			kinds = append(kinds, w.Name)
		}
	}
	return kinds
}

// sayTrue is the shape of a flag that says nothing when it is false.
func sayTrue() Shape { return Shape{Kind: ShapeTrue, Open: true} }

// SchemeField is the word that stands for how a unit or host entry is spoken to.
const SchemeField = "scheme"

// File returns what the words X.ca, X.cert and X.key stand for: the files of a readiness
// that clients of X check it by and show to it. It is an absent text for what is not
// said; ok is false for another word.
func (r *Ready) File(field string) (file Text, ok bool) {
	if r == nil {
		r = &Ready{}
	}
	switch field {
	case "ca":
		return r.CA, true
	case "cert":
		return r.Cert, true
	case "key":
		return r.Key, true
	}
	return Text{}, false
}

// Scheme is "https" for what is asked so, "http" otherwise.
func (r *Ready) Scheme() string {
	if r != nil && r.Kind == ReadyHTTPS {
		return "https"
	}
	return "http"
}

// LacksFile is the finding of a text that is nothing but lines with a file which the
// `ready` of another does not say.
func LacksFile(pos Pos, path string, r Ref) diag.Diagnostic {
	return Finding(diag.Error, diag.UnknownName, Pos{Span: r.Span, Via: pos.Via}, path, "%q says no %s in its ready, and nothing else stands here", r.Subject, r.Field).
		WithHelp("say it, ready = { https = \"…\", " + r.Field + " = \"/…\" }; or give it a line of its own, which is left out where there is none")
}

// readiness is how a unit or a host entry says that it is up.
func readiness() form[*Ready] {
	return form[*Ready]{tableShape(Table{Name: "ready", Keys: readyWords, One: readyKinds()}), (*decoder).ready}
}

// ready reads `ready = { KIND = … }`.
func (d *decoder) ready(v *syntax.Value) *Ready {
	r := &Ready{Pos: d.pos(v.Span)}
	before := len(*d.findings)
	if t := d.table(v, `a table such as { http = "/healthz" }`); t != nil {
		t = d.onlyKeys(t, "ready", readyWords.Names())
		d.readyKind(r, t, v, len(*d.findings) > before)
	}
	r.Broken = len(*d.findings) > before
	return r
}

// readyKind reads the one way to learn readiness; mistyped says that a key is
// unknown, and then none is missing.
func (d *decoder) readyKind(r *Ready, t *syntax.Table, v *syntax.Value, mistyped bool) {
	for _, e := range t.Entries {
		if !slices.Contains(readyKinds(), e.Key) {
			continue
		}
		if r.Kind != "" {
			d.errorf(diag.BadValue, e.KeySpan, "ready says both %q and %q", r.Kind, e.Key).help("a unit has one way to tell that it is ready; keep the stronger one")
			return
		}
		r.Kind = ReadyKind(e.Key)
		d.at(e.Key).readyTarget(r, e)
	}
	if r.Kind == "" {
		if !mistyped {
			d.errorf(diag.MissingKey, v.Span, "ready says no way to learn readiness").help("add one of %s", oneOf(readyKinds()))
		}
		return
	}
	if c := t.Get("contains"); c != nil {
		if r.Kind != ReadyFile {
			d.errorf(diag.BadValue, c.KeySpan, "contains goes with file, not with %s", r.Kind)
		}
		r.Contains = d.at("contains").text(c.Value)
	}
	for _, f := range []struct {
		key   string
		field *Text
	}{{"ca", &r.CA}, {"cert", &r.Cert}, {"key", &r.Key}} {
		if c := t.Get(f.key); c != nil {
			*f.field = d.at(f.key).readyFile(r, c)
		}
	}
	if key := t.Get("key"); key != nil && t.Get("cert") == nil {
		d.errorf(diag.MissingKey, key.KeySpan, "ready has a key, and no certificate that it is for").help(`add cert = "/etc/ssl/certs/client.crt"`)
	}
}

// readyFile reads the path of a file of certificates, or of a key, that goes with https.
func (d *decoder) readyFile(r *Ready, e *syntax.Entry) Text {
	if r.Kind != ReadyHTTPS {
		d.errorf(diag.BadValue, e.KeySpan, "%s goes with https, not with %s", e.Key, r.Kind)
	}
	t := d.text(e.Value)
	s := t.Source()
	switch {
	case !t.sound() || len(t.Refs()) > 0:
	case !path.IsAbs(s):
		d.errorf(diag.BadValue, e.Value.Span, "%q is not an absolute path", s).help("name the file as it is on the machines that follow, such as \"/etc/ssl/certs/ca.pem\"")
	case e.Key == "cert" && strings.ContainsAny(s, `:\`): // curl(1), --cert: what follows a colon is a password
		d.errorf(diag.BadValue, e.Value.Span, "%q has a character that curl takes for the end of a path", s).help("call the file otherwise")
	}
	return t
}

// readyTarget reads the value behind the word that chooses the kind.
func (d *decoder) readyTarget(r *Ready, e *syntax.Entry) {
	if r.Kind == ReadyTCP || r.Kind == ReadyUnit {
		if f := d.flag(e.Value); !f.Set && !f.Pos.Span.IsZero() {
			d.errorf(diag.BadValue, e.Value.Span, "%s = false says nothing", e.Key).help("leave it out, or write %s = true", e.Key)
		}
		return
	}
	r.Target = d.text(e.Value)
	s := r.Target.Source()
	if !r.Target.sound() {
		return
	}
	switch {
	case s == "":
		d.errorf(diag.BadValue, e.Value.Span, "%s is empty", e.Key)
	case (r.Kind == ReadyFile || r.Kind == ReadyEtcd) && !path.IsAbs(s) && len(r.Target.Refs()) == 0:
		d.errorf(diag.BadValue, e.Value.Span, "%q does not begin with a slash", s).help("write %q", "/"+s)
	case (r.Kind == ReadyHTTP || r.Kind == ReadyHTTPS) && !strings.HasPrefix(s, "/") && !strings.Contains(s, "://"):
		d.errorf(diag.BadValue, e.Value.Span, "%q is neither a path nor a URL", s).help("write a path, such as %q; the address and port are put before it", "/"+s)
	case r.Kind == ReadyHTTP || r.Kind == ReadyHTTPS:
		d.curlTakes(r.Target)
	}
}

// curlTakes reports a character for which curl refuses a URL, or takes it for a
// pattern of several (curl(1), URL); the brackets of an IPv6 address are none.
func (d *decoder) curlTakes(url Text) {
	s := url.masked()
	if _, behind, ok := strings.Cut(s, "://"); ok {
		s = behind[max(0, strings.IndexAny(behind+"/", "/?#")):]
	}
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("[]{}", r) }
	if i := strings.IndexFunc(s, bad); i >= 0 {
		d.errorf(diag.BadValue, url.Find(s[i:i+1]), "a URL cannot hold %q: curl refuses it, or takes it for a pattern", s[i:i+1]).
			help("percent-encode it: %%%02X", s[i])
	}
}

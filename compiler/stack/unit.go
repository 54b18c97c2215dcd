package stack

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// unitWord is one lower-case key of a unit: how it is read.
type unitWord struct {
	name string
	read func(d *decoder, u *Unit, v *syntax.Value)
}

// unitWords are stackc's own words in a unit. What is not among them and begins
// with a capital letter is a section of systemd's.
var unitWords = []unitWord{
	{"role", func(d *decoder, u *Unit, v *syntax.Value) { u.Roles = d.words(v) }},
	{"global", func(d *decoder, u *Unit, v *syntax.Value) { u.Global = d.flag(v) }},
	{"machine_of", func(d *decoder, u *Unit, v *syntax.Value) { u.MachineOf = d.words(v) }},
	{"conflicts", func(d *decoder, u *Unit, v *syntax.Value) { u.Conflicts = d.words(v) }},
	{"machine_id", func(d *decoder, u *Unit, v *syntax.Value) { u.MachineID = d.word(v) }},
	{"metadata", func(d *decoder, u *Unit, v *syntax.Value) { u.Metadata = d.pairs(v) }},
	{"after", func(d *decoder, u *Unit, v *syntax.Value) { u.After = d.words(v) }},
	{"ready", func(d *decoder, u *Unit, v *syntax.Value) { u.Ready = d.ready(v) }},
	{"port", func(d *decoder, u *Unit, v *syntax.Value) { u.Port = d.port(v) }},
	{"listen", func(d *decoder, u *Unit, v *syntax.Value) { u.Listen = d.address(v) }},
	{"download", func(d *decoder, u *Unit, v *syntax.Value) { u.Downloads = d.downloads(v) }},
	{"etcd_put", func(d *decoder, u *Unit, v *syntax.Value) { u.Puts = d.puts(v) }},
	{"env", func(d *decoder, u *Unit, v *syntax.Value) { u.Env = d.env(v) }},
	{"wait", func(d *decoder, u *Unit, v *syntax.Value) { u.Wait, u.WaitPos = d.duration(v), d.pos(v.Span) }},
	{"state", func(d *decoder, u *Unit, v *syntax.Value) { u.State = d.state(v) }},
	{"count", func(d *decoder, u *Unit, v *syntax.Value) { u.Count = d.number(v, 0, 10000) }},
	{"spread", func(d *decoder, u *Unit, v *syntax.Value) { u.Spread = d.flag(v) }},
	{"release", func(d *decoder, u *Unit, v *syntax.Value) { u.Release = d.word(v) }},
	{"allow", func(d *decoder, u *Unit, v *syntax.Value) { u.Allow = d.allowances(v) }},
	{"text", func(d *decoder, u *Unit, v *syntax.Value) { d.verbatim(u, v) }},
}

// UnitWords returns stackc's own words in a unit, in the order in which they are documented.
func UnitWords() []string {
	words := make([]string, len(unitWords))
	for i, w := range unitWords {
		words[i] = w.name
	}
	return words
}

// unit reads the table of one unit over what u already holds: a library's unit
// that the using file changes keeps every key that the file does not name.
func (d *decoder) unit(u *Unit, t *syntax.Table) {
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if isSection(e.Key) {
			d.section(u, e)
			continue
		}
		i := slices.IndexFunc(unitWords, func(w unitWord) bool { return w.name == e.Key })
		if i < 0 {
			d.unknownUnitWord(u, e)
			continue
		}
		unitWords[i].read(d, u, e.Value)
	}
	d.besideText(u, t)
}

// isSection tells systemd's words from stackc's: they begin with a capital letter.
func isSection(key string) bool { return key != "" && key[0] >= 'A' && key[0] <= 'Z' }

func (d *decoder) unknownUnitWord(u *Unit, e *syntax.Entry) {
	f := d.errorf(diag.UnknownKey, e.KeySpan, "a unit has no key %q", e.Key)
	if title := strings.ToUpper(e.Key[:min(1, len(e.Key))]) + e.Key[min(1, len(e.Key)):]; slices.Contains(knownSections(), title) {
		u.Unread = true
		f.help("sections of systemd are written with a capital letter: [unit.….%s]", title)
		return
	}
	f.suggest(e.Key, UnitWords()).orHelp("systemd's own directives stand in a table named as their section, like [unit.….Service]")
}

// knownSections are the sections that a unit of a type fleet accepts can have.
func knownSections() []string {
	return []string{"Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Install", "X-Fleet"}
}

// section reads one raw section over what the unit holds of it.
func (d *decoder) section(u *Unit, e *syntax.Entry) {
	if !slices.Contains(knownSections(), e.Key) && !strings.HasPrefix(e.Key, "X-") {
		u.Unread = true
		d.errorf(diag.UnknownSection, e.KeySpan, "no unit type that fleet takes has a section %q", e.Key).
			suggest(e.Key, knownSections()).orHelp("the sections are %s, and any that begins with X-", oneOf(knownSections()))
		return
	}
	t := d.table(e.Value, "a table of directives")
	if t == nil {
		u.Unread = true
		return
	}
	s := u.Section(e.Key)
	if s == nil {
		s = &Section{Name: e.Key, Pos: d.pos(e.KeySpan)}
		u.Sections = append(u.Sections, s)
	}
	for _, entry := range t.Entries {
		d.at(entry.Key).directive(s, entry)
	}
}

// directive reads one key of a raw section; a later file's takes the place of an earlier one's.
func (d *decoder) directive(s *Section, e *syntax.Entry) {
	dir := &Directive{Name: e.Key, Pos: d.pos(e.KeySpan)}
	v, before := e.Value, len(*d.findings)
	if r, ok := d.resolve(v); ok && r.Kind == syntax.Array {
		for i, elem := range r.Elems {
			if t := d.index(i).scalar(elem); t.Given() {
				dir.Values = append(dir.Values, t)
			}
		}
	} else if t := d.scalar(v); t.Given() {
		dir.Values = []Text{t}
	}
	dir.Broken = len(*d.findings) > before
	for i, old := range s.Directives {
		if old.Name == e.Key {
			s.Directives[i] = dir
			return
		}
	}
	s.Directives = append(s.Directives, dir)
}

// pairs reads key=value words of fleet's metadata.
func (d *decoder) pairs(v *syntax.Value) []Word {
	var pairs []Word
	for _, w := range d.words(v) {
		if why := badPair(w.Value); why != "" {
			d.errorf(diag.Placement, w.Pos.Span, "%q is not metadata: %s", w.Value, why).
				help("write one key=value a string, like \"role=master\"; fleet drops anything else without a word and places the unit anywhere")
			continue
		}
		pairs = append(pairs, w)
	}
	return pairs
}

// badPair returns why fleet would drop a metadata pair (fleet v1.0.0 job/job.go
// RequiredTargetMetadata), "" when it would not.
func badPair(s string) string {
	key, value, _ := strings.Cut(s, "=")
	switch {
	case strings.Count(s, "=") != 1:
		return "it needs exactly one ="
	case key == "" || value == "":
		return "there must be something on both sides of the ="
	case strings.ContainsAny(s, " \t\n\r\"'`,;"):
		return "it holds blanks, quotes, commas or semicolons"
	}
	return ""
}

func (d *decoder) port(v *syntax.Value) Int { return d.number(v, 1, 65535) }

func (d *decoder) duration(v *syntax.Value) time.Duration {
	r, ok := d.resolve(v)
	if !ok {
		return 0
	}
	if r.Kind == syntax.Integer && r.Int >= 0 {
		return time.Duration(r.Int) * time.Second
	}
	if r.Kind != syntax.String {
		d.want(r, `a duration such as "5m"`)
		return 0
	}
	t, err := parseDuration(r.Str)
	if err != nil {
		d.errorf(diag.BadValue, v.Span, "%q is not a duration", r.Str).help(`write it like "30s", "5m" or "1h30m"; "infinity" waits for ever`)
	}
	return t
}

func (d *decoder) state(v *syntax.Value) units.State {
	s := d.name(v)
	states := []string{string(units.Launched), string(units.Loaded), string(units.Inactive)}
	if s != "" && !slices.Contains(states, s) {
		d.errorf(diag.BadValue, v.Span, "fleet knows no state %q", s).suggest(s, states).orHelp("the states are %s", oneOf(states))
		return ""
	}
	return units.State(s)
}

// readyKinds are the words that say how readiness is learnt.
func readyKinds() []string {
	return []string{
		string(ReadyHTTP), string(ReadyHTTPS), string(ReadyTCP), string(ReadyFile),
		string(ReadyCommand), string(ReadyEtcd), string(ReadyUnit),
	}
}

// ready reads `ready = { KIND = … }`.
func (d *decoder) ready(v *syntax.Value) *Ready {
	r := &Ready{Pos: d.pos(v.Span)}
	before := len(*d.findings)
	if t := d.table(v, `a table such as { http = "/healthz" }`); t != nil {
		d.onlyKeys(t, "ready", append(readyKinds(), "contains"))
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
	if i := strings.IndexAny(s, " \t\r\n[]{}"); i >= 0 {
		d.errorf(diag.BadValue, url.Find(s[i:i+1]), "a URL cannot hold %q: curl refuses it, or takes it for a pattern", s[i:i+1]).
			help("percent-encode it: %%%02X", s[i])
	}
}

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
func downloadWords() []string { return []string{"url", "to", "sha256", "mode", "unverified"} }

func (d *decoder) download(v *syntax.Value) (Download, bool) {
	t := d.table(v, "a table such as { url = …, to = …, sha256 = … }")
	if t == nil {
		return Download{}, false
	}
	d.onlyKeys(t, "download", downloadWords())
	dl := Download{Pos: d.pos(v.Span), Mode: "0755"}
	for _, e := range t.Entries {
		d := d.at(e.Key)
		switch e.Key {
		case "url":
			dl.URL = d.text(e.Value)
		case "to":
			dl.To = d.text(e.Value)
		case "sha256":
			dl.SHA256 = d.text(e.Value)
		case "mode":
			dl.Mode = d.fileMode(e.Value)
		case "unverified":
			f := d.flag(e.Value)
			dl.Unverified = f.Set || f.Pos.Span.IsZero() // at fault: then no sum is missing
		}
	}
	return dl, d.checkDownload(t, v, dl)
}

func (d *decoder) checkDownload(t *syntax.Table, v *syntax.Value, dl Download) bool {
	for _, key := range []string{"url", "to"} {
		if t.Get(key) == nil {
			if mistyped(t, downloadWords(), key) {
				return false
			}
			d.errorf(diag.MissingKey, v.Span, "a download needs %q", key).help(`write { url = "http://…", to = "/opt/bin/…", sha256 = "…" }`)
			return false
		}
	}
	if url := dl.URL; url.sound() && len(url.Refs()) == 0 && !strings.Contains(url.Source(), "://") {
		d.at("url").errorf(diag.BadValue, t.Get("url").Value.Span, "%q is not a URL", url.Source()).help("it begins with a scheme and a host, as in \"http://10.0.0.1/\"")
	} else if url.sound() {
		d.at("url").curlTakes(url)
	}
	sum := dl.SHA256.Source()
	switch {
	case t.Get("sha256") != nil && !dl.SHA256.sound():
	case mistyped(t, downloadWords(), "sha256", "unverified"):
	case sum == "" && !dl.Unverified:
		d.errorf(diag.Unverified, v.Span, "the download of %q is not pinned by a sha256", dl.URL.Source()).
			help("add sha256 = \"…\" (sha256sum prints it), or say unverified = true and run whatever the server sends")
	case sum != "" && !isSHA256(sum):
		d.errorf(diag.BadValue, t.Get("sha256").Value.Span, "%q is not a SHA-256: 64 hexadecimal digits in lower case", sum)
	}
	if to := dl.To.Source(); dl.To.sound() && len(dl.To.Refs()) == 0 && (!path.IsAbs(to) || path.Clean(to) != to) {
		d.errorf(diag.BadValue, t.Get("to").Value.Span, "%q is not an absolute, clean path", to).help("write %q", path.Clean("/"+to))
	}
	return dl.URL.Given() && dl.To.Given()
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

// puts reads `etcd_put = { "/key" = value }`.
func (d *decoder) puts(v *syntax.Value) []Put {
	t := d.table(v, `a table such as { "/key" = "value" }`)
	if t == nil {
		return nil
	}
	var list []Put
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !path.IsAbs(e.Key) || path.Clean(e.Key) != e.Key || e.Key == "/" {
			d.errorf(diag.BadValue, e.KeySpan, "%q is not an etcd key", e.Key).help("a key is an absolute, clean path such as %q", path.Join("/coreos.com", e.Key))
			continue
		}
		if value, ok := d.json(e.Value); ok {
			list = append(list, Put{Pos: d.pos(e.KeySpan), Key: e.Key, Value: value})
		}
	}
	return list
}

// env reads `env = { VARIABLE = "/file" }`.
func (d *decoder) env(v *syntax.Value) []EnvVar {
	t := d.table(v, `a table such as { DEFAULT_IPV4 = "/etc/network-environment" }`)
	if t == nil {
		return nil
	}
	var list []EnvVar
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !envName(e.Key) {
			d.errorf(diag.BadValue, e.KeySpan, "%q is not the name of an environment variable", e.Key)
			continue
		}
		file := d.text(e.Value)
		if s := file.masked(); file.sound() && (!path.IsAbs(s) || strings.ContainsAny(s, " \t\n*?[")) {
			// systemd takes EnvironmentFile= for a pattern of several files, a waiter does not
			d.errorf(diag.BadValue, e.Value.Span, "%q is not an absolute path without blanks and patterns", s).help("env names the file on the machine that holds %s=…; a fixed value is [unit.….Service] Environment", e.Key)
			continue
		}
		list = append(list, EnvVar{Name: e.Key, Pos: d.pos(e.KeySpan), File: file})
	}
	return list
}

func envName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

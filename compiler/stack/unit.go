package stack

import (
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// unitWords are stackc's own words in a unit. What is not among them and begins
// with a capital letter is a section of systemd's.
var unitWords = []keyword[Unit]{
	listKey("role", names(), func(u *Unit) *[]Word { return &u.Roles },
		"the role on whose machines it runs, or several: any of them", `"node"`),
	key("global", flag(), func(u *Unit) *Flag { return &u.Global },
		"true: once on every machine that fits", `true`),
	listKey("machine_of", names(), func(u *Unit) *[]Word { return &u.MachineOf },
		"units whose machine it must share", `"web"`),
	listKey("conflicts", names(), func(u *Unit) *[]Word { return &u.Conflicts },
		"units, or full names and patterns of other stacks', that it may not share a machine with", `["web@*.service"]`),
	key("machine_id", oneName(), func(u *Unit) *Word { return &u.MachineID },
		"the id of its machine, or the first 8 digits of it", `"8b9a3c1f"`),
	listKey("metadata", pairs(), func(u *Unit) *[]Word { return &u.Metadata },
		"further key=value pairs of fleet's metadata that its machine must have", `"disk=ssd"`),
	listKey("after", names(), func(u *Unit) *[]Word { return &u.After },
		"units and host entries that must be ready before it starts, wherever they are", `["etcd", "api"]`),
	key("ready", readiness(), func(u *Unit) **Ready { return &u.Ready },
		"how those that follow it learn that it is up", `{ http = "/healthz" }`).besideText(),
	key("port", port(), func(u *Unit) *Int { return &u.Port },
		"the port it listens on, for ready and ${{ X.address }}", `8080`).besideText(),
	key("listen", address(), func(u *Unit) *Text { return &u.Listen },
		"the address its program binds; 127.0.0.1 keeps followers on other machines out", `"127.0.0.1"`).besideText(),
	key("announce", announceForm(), func(u *Unit) **Announce { return &u.Announce },
		"true: its machine puts its address into etcd, and followers elsewhere go with it from machine to machine", `true`).besideText(),
	listKey("download", form[[]Download]{manyShape(downloadShape()), (*decoder).downloads}, func(u *Unit) *[]Download { return &u.Downloads },
		"files that are fetched before it starts, if they are not there yet",
		`[{ url = "http://10.0.0.1/agent", to = "/opt/bin/agent", unverified = true }]`),
	key("etcd_put", form[[]Put]{mapShape(slashPattern, Shape{}), (*decoder).puts}, func(u *Unit) *[]Put { return &u.Puts },
		"keys that are put into etcd before it starts, if they are absent; what is no string becomes JSON", `{ "/agent/level" = "9" }`),
	key("env", form[[]EnvVar]{mapShape(envPattern, stringShape(slashPattern)), (*decoder).env}, func(u *Unit) *[]EnvVar { return &u.Env },
		"environment variables and the files on the machine that give them, which are waited for", `{ DEFAULT_IPV4 = "/etc/network-environment" }`),
	{Keyword{Name: "wait", Help: "the longest that each of its waiters may take, in seconds when it is a number", Shape: durationShape(), Example: `"5m"`},
		func(d *decoder, u *Unit, v *syntax.Value) { u.Wait, u.WaitPos = d.duration(v), d.pos(v.Span) }},
	key("state", form[units.State]{choiceShape(states()...), (*decoder).state}, func(u *Unit) *units.State { return &u.State },
		"what fleet is asked for; launched when it is not said", `"loaded"`).besideText(),
	key("count", number(0, 10000), func(u *Unit) *Int { return &u.Count },
		"so many instances, NAME@1 to NAME@N", `3`),
	key("spread", flag(), func(u *Unit) *Flag { return &u.Spread },
		"true: no two of its instances on one machine", `true`),
	key("release", oneName(), func(u *Unit) *Word { return &u.Release },
		"the release whose flags its program knows", `"kubernetes/0.15"`).besideText(),
	listKey("allow", allowances(), func(u *Unit) *[]*Allowance { return &u.Allow },
		"codes of findings that are right as they are in this unit", `["no-restart"]`).besideText(),
	{Keyword{Name: "text", Help: "the unit file itself, which is compiled as it stands", Shape: Shape{Kind: ShapeString}, Example: `"[Service]\nExecStart=/opt/bin/web\n"`, BesideText: true},
		(*decoder).verbatim},
}

// UnitWords returns stackc's own words in a unit, in the order in which they are documented.
func UnitWords() []string { return keywordsOf(unitWords).Names() }

// unit reads the table of one unit over what u already holds: a library's unit
// that the using file changes keeps every key that the file does not name.
func (d *decoder) unit(u *Unit, t *syntax.Table) {
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if isSection(e.Key) {
			d.section(u, e)
			continue
		}
		i := unitWord(e.Key)
		if i >= 0 {
			unitWords[i].read(d, u, e.Value)
			continue
		}
		d.unknownUnitWord(u, e)
		if meant, ok := suggestion(e.Key, UnitWords()); ok && t.Get(meant) == nil {
			right := *e
			right.Key = meant
			unitWords[unitWord(meant)].read(d.quiet(&right), u, e.Value)
		}
	}
	d.besideText(u, t)
}

// unitWord returns the index of a lower-case key of a unit, -1 for an unknown one.
func unitWord(key string) int {
	return slices.IndexFunc(unitWords, func(w keyword[Unit]) bool { return w.Name == key })
}

// isSection tells systemd's words from stackc's: they begin with a capital letter.
func isSection(key string) bool { return key != "" && key[0] >= 'A' && key[0] <= 'Z' }

func (d *decoder) unknownUnitWord(u *Unit, e *syntax.Entry) {
	f := d.errorf(diag.UnknownKey, e.KeySpan, "a unit has no key %q", e.Key)
	if meant := lowerSection(e); meant != "" {
		u.Unread = true
		f.help("sections of systemd are written with a capital letter: [unit.….%s]", meant)
		right := *e
		right.Key = meant
		d.section(u, &right)
		return
	}
	f.suggest(e.Key, UnitWords()).orHelp("systemd's own directives stand in a table named as their section, like [unit.….Service]")
}

// lowerSection returns the section that a lower-case key was probably meant to be,
// "" for none: one but for its case, or a table that is named almost so.
func lowerSection(e *syntax.Entry) string {
	title := strings.ToUpper(e.Key[:min(1, len(e.Key))]) + e.Key[min(1, len(e.Key)):]
	if e.Value.Kind != syntax.KindTable {
		title = e.Key
	} else if _, ok := suggestion(e.Key, UnitWords()); !ok && !slices.Contains(knownSections(), title) {
		title, _ = suggestion(e.Key, knownSections())
	}
	if slices.Contains(knownSections(), title) {
		return title
	}
	return ""
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
		if meant, ok := suggestion(e.Key, units.Sections(units.Name(units.Complete(u.Key)).Type())); ok {
			right := *e
			right.Key = meant
			d.section(u, &right)
		}
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

// durationShape is what duration reads.
func durationShape() Shape {
	return eitherShape(stringShape(NotEmpty), Shape{Kind: ShapeInteger, High: math.MaxInt64})
}

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

// states are the words for what fleet is asked for.
func states() []string {
	return []string{string(units.Launched), string(units.Loaded), string(units.Inactive)}
}

func (d *decoder) state(v *syntax.Value) units.State {
	s := d.name(v)
	if s != "" && !slices.Contains(states(), s) {
		d.errorf(diag.BadValue, v.Span, "fleet knows no state %q", s).suggest(s, states()).orHelp("the states are %s", oneOf(states()))
		return ""
	}
	return units.State(s)
}

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
	if c := t.Get("ca"); c != nil {
		d.at("ca").readyCA(r, c)
	}
}

// readyCA reads the file of certificates that goes with https.
func (d *decoder) readyCA(r *Ready, e *syntax.Entry) {
	if r.Kind != ReadyHTTPS {
		d.errorf(diag.BadValue, e.KeySpan, "ca goes with https, not with %s", r.Kind)
	}
	r.CA = d.text(e.Value)
	if s := r.CA.Source(); r.CA.sound() && !path.IsAbs(s) && len(r.CA.Refs()) == 0 {
		d.errorf(diag.BadValue, e.Value.Span, "%q is not an absolute path", s).help("name the file as it is on the machines that follow, such as \"/etc/ssl/certs/ca.pem\"")
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
var downloadWords = []keyword[Download]{
	key("url", text(`://`), func(dl *Download) *Text { return &dl.URL },
		"where it is fetched from", `"http://10.0.0.1/agent"`).required(),
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
	if url := dl.URL; url.sound() && len(url.Refs()) == 0 && !strings.Contains(url.Source(), "://") {
		d.at("url").errorf(diag.BadValue, t.Get("url").Value.Span, "%q is not a URL", url.Source()).help("it begins with a scheme and a host, as in \"http://10.0.0.1/\"")
	} else if url.sound() {
		d.at("url").curlTakes(url)
	}
	sum := dl.SHA256.Source()
	switch {
	case t.Get("sha256") != nil && !dl.SHA256.sound():
	case mistyped(t, keywordsOf(downloadWords).Names(), "sha256", "unverified"):
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

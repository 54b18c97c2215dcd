package stack

import (
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// HostFile is a file that machines have before fleet, which bootstrap writes.
type HostFile struct {
	Path string
	Pos  Pos
	// Content is the text of the file, the empty Text for one that Source gives.
	Content Text
	// Source is where it comes from: a URL that the machine fetches, or a file beside
	// the stack file that is put into what bootstrap writes.
	Source Text
	// Origin is where a mirror that Source names is filled from, empty when Source is the place.
	Origin Text
	// SHA256 is the checksum of what Source gives.
	SHA256     Text
	Unverified bool
	// Mode is octal digits, "" for 0644.
	Mode string
	// Owner is a user, or user:group; "" for root.
	Owner Word
	// Roles and Machines say where the file belongs; with neither it is everywhere.
	Roles    []Word
	Machines []Word
}

// Remote reports whether the machine fetches the file by itself.
func (f *HostFile) Remote() bool { return strings.Contains(f.Source.Source(), "://") }

// On reports whether the file belongs on a machine with those roles; name is that
// of the machine, "" for any that has them.
func (f *HostFile) On(name string, roles []string) bool {
	if len(f.Roles) == 0 && len(f.Machines) == 0 {
		return true
	}
	return slices.ContainsFunc(f.Machines, func(w Word) bool { return w.Value == name }) ||
		slices.ContainsFunc(f.Roles, func(w Word) bool { return slices.Contains(roles, w.Value) })
}

// fileWords are the keys of a file.
var fileWords = []keyword[HostFile]{
	key("content", text(""), func(f *HostFile) *Text { return &f.Content },
		"the text of the file", `"nameserver 10.0.0.1\n"`),
	key("source", matching(NotEmpty, filled), func(f *HostFile) *Text { return &f.Source },
		"a URL that the machine fetches, or a file beside this one that is put in", `"motd"`),
	key("origin", text(webPattern), func(f *HostFile) *Text { return &f.Origin },
		"where stackc mirror takes it from, when source is a URL that names the mirror", `"https://releases.example.com/v1.0/tool"`),
	key("sha256", text(sumPattern), func(f *HostFile) *Text { return &f.SHA256 },
		"the checksum of the source", `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`),
	key("unverified", form[bool]{boolShape(), (*decoder).unverified}, func(f *HostFile) *bool { return &f.Unverified },
		"true: what the URL gives has no checksum", `true`),
	key("mode", form[string]{stringShape(modePattern), (*decoder).fileMode}, func(f *HostFile) *string { return &f.Mode },
		"its mode, as octal digits; 0644 when it is not said", `"0600"`),
	key("owner", form[Word]{stringShape(ownerPattern), (*decoder).owner}, func(f *HostFile) *Word { return &f.Owner },
		"the user that it belongs to, or user:group; root when it is not said", `"core:core"`),
	key("role", names(), func(f *HostFile) *[]Word { return &f.Roles },
		"the role on whose machines it is, or several", `"master"`),
	key("machine", names(), func(f *HostFile) *[]Word { return &f.Machines },
		"the machine that has it, or several", `"core-01"`),
}

const ownerPattern = `^[a-z_][a-z0-9_-]*(:[a-z_][a-z0-9_-]*)?$`

var fileOwner = pattern.New(ownerPattern)

func (d *decoder) owner(v *syntax.Value) Word {
	w := d.word(v)
	if w.Value != "" && !fileOwner().MatchString(w.Value) {
		d.errorf(diag.BadValue, v.Span, "%q is neither a user nor user:group", w.Value)
		return Word{Pos: w.Pos}
	}
	return w
}

// files reads [file."/path"]; `file."/path" = false` takes one of a library out.
func (l *loader) files(d *decoder, tree *syntax.Table) {
	d = d.at("file")
	for _, e := range d.tableOf(tree, "file").Entries {
		l.hostFile(d.at(e.Key), e)
	}
	l.stack.Files = slices.DeleteFunc(l.stack.Files, func(f *HostFile) bool { return l.stack.files[f.Path] != f })
}

func (l *loader) hostFile(d *decoder, e *syntax.Entry) {
	f := l.stack.files[e.Key]
	if e.Value.Kind == syntax.Bool && !e.Value.Bool {
		if f == nil {
			d.errorf(diag.UnknownName, e.KeySpan, "no library used here has a file %q to remove", e.Key)
		}
		delete(l.stack.files, e.Key)
		return
	}
	body := d.table(e.Value, "a table, or false to leave a file of a library out")
	if body == nil {
		return
	}
	if !path.IsAbs(e.Key) || path.Clean(e.Key) != e.Key || strings.ContainsAny(e.Key, " \t\n\"'") {
		d.errorf(diag.BadValue, e.KeySpan, "%q is not an absolute, clean path", e.Key).help("write %q", path.Clean("/"+strings.Join(strings.Fields(e.Key), "-")))
		return
	}
	if f != nil && !l.overlaid && !uses(d.scope.use, l.fileFrom[f]) {
		d.clash("file", f.Path, e, f.Pos, "take it out of one of them, and write it in the file that uses both")
		return
	}
	if f == nil {
		f = &HostFile{Path: e.Key, Pos: d.pos(e.KeySpan)}
		l.stack.files[e.Key] = f
		l.stack.Files = append(l.stack.Files, f)
		l.fileFrom[f] = d.scope.use
	}
	if body.Get("content") != nil { // of an earlier layer's two ways the later one's counts
		f.Source, f.Origin, f.SHA256, f.Unverified = Text{}, Text{}, Text{}, false
	} else if body.Get("source") != nil {
		f.Content = Text{}
	}
	before := len(*l.findings)
	read(d, f, body, "a file", fileWords)
	if len(*l.findings) == before {
		d.checkFile(e, body, f)
	}
}

// checkFile reports what a file lacks.
func (d *decoder) checkFile(e *syntax.Entry, body *syntax.Table, f *HostFile) {
	switch {
	case f.Content.Given() == f.Source.Given():
		what := "neither content nor source"
		if f.Content.Given() {
			what = "both content and source"
		}
		d.errorf(diag.MissingKey, e.KeySpan, "file %q has %s", e.Key, what).help(`write content = "…", or source = "…" for a URL or a file beside this one`)
	case f.SHA256.Given() && !isSHA256(f.SHA256.Source()):
		d.errorf(diag.BadValue, f.SHA256.Pos.Span, "%q is not a SHA-256: 64 hexadecimal digits in lower case", f.SHA256.Source())
	case f.Source.Given() && f.Remote() && !f.SHA256.Given() && !f.Unverified:
		d.errorf(diag.Unverified, f.Source.Pos.Span, "the download of %q is not pinned by a sha256", f.Source.Source()).
			help("add sha256 = \"…\" (stackc mirror lock writes it), or say unverified = true and take whatever the server sends")
	case badOrigin(f.Origin):
		d.at("origin").badOrigin(f.Origin, f.Origin.Pos.Span)
	case f.Origin.Given() && f.Origin.Source() != "" && !f.Remote():
		d.errorf(diag.BadValue, f.Origin.Pos.Span, "an origin is for a source that the machines fetch, and this one is put in").help("leave it out, or write the URL of the mirror as source")
	case f.Content.Given() && f.SHA256.Given():
		d.errorf(diag.BadValue, f.SHA256.Pos.Span, "a checksum is for a source, and the content stands here").help("leave it out")
	}
}

// fileShape is what may stand behind the path of a file.
func fileShape() Shape {
	return eitherShape(tableShape(Table{Name: "a file", Keys: keywordsOf(fileWords)}), Shape{Kind: ShapeFalse})
}

// checkFiles reports files of roles and machines that there are not.
func (l *loader) checkFiles() {
	for _, f := range l.stack.Files {
		path := "file." + Key(f.Path)
		l.knownRoles(path+".role", f.Roles)
		for _, w := range f.Machines {
			if l.stack.machines[w.Value] == nil {
				l.findings.Add(Suggest(Finding(diag.Error, diag.UnknownMachine, w.Pos, path+".machine", "there is no machine %q", w.Value),
					w.Value, l.machineNames(), "declare it: [machine."+Key(w.Value)+"]"))
			}
		}
		on := func(m *Machine) bool { return f.On(m.Name, m.roleNames()) }
		f.Content = l.ofHosts(path+".content", f.Content)
		l.content(path+".content", f.Content, on)
		l.hostText(path+".source", f.Source, on)
		l.hostText(path+".origin", f.Origin, on)
	}
}

func (l *loader) machineNames() []string {
	var list []string
	for _, m := range l.stack.Machines {
		list = append(list, m.Name)
	}
	return list
}

// machineSubject begins what a text of the hosts asks of the machine that it is for.
const machineSubject = "machine"

// machineFields are the words of a machine.
var machineFields = append([]string{"name", "address", "public", "mac", "id", "hostname"}, partFields...)

// ofHosts puts into the content of a file what host entries say of TLS, without the
// lines for files that they do not have.
func (l *loader) ofHosts(path string, t Text) Text {
	t, whole := t.WithoutLines(func(r Ref) bool {
		file, ok := l.readyOf(r.Subject).File(r.Field)
		return ok && l.isHost(r.Subject) && !file.Given()
	})
	if whole != nil && l.stack.hosts[whole.Subject] != nil {
		l.findings.Add(LacksFile(t.Pos, path, *whole))
	}
	return t.put(func(r Ref) (string, bool) {
		if !l.isHost(r.Subject) {
			return "", false
		}
		if r.Field == SchemeField {
			return l.readyOf(r.Subject).Scheme(), true
		}
		file, ok := l.readyOf(r.Subject).File(r.Field)
		return file.Literal(), ok && file.Literal() != ""
	})
}

// isHost reports whether there is a host entry of that name, or a library needs one:
// that it is not there is said of the need.
func (l *loader) isHost(key string) bool {
	needs := func(lib *Declared) bool {
		return lib != nil && slices.ContainsFunc(lib.Needs.Hosts, func(n Need) bool { return n.Name == key })
	}
	return l.stack.hosts[key] != nil || needs(l.stack.Library) || slices.ContainsFunc(l.stack.Used, func(u Used) bool { return needs(u.Use.Declared) })
}

// readyOf is the readiness of a host entry, nil for none.
func (l *loader) readyOf(key string) *Ready {
	if h := l.stack.hosts[key]; h != nil {
		return h.Ready
	}
	return nil
}

// hostText reports expressions that a text of the hosts cannot have: it is written
// before there are units, for one machine. on says which machines have it.
func (l *loader) hostText(path string, t Text, on func(*Machine) bool) {
	for _, r := range t.Refs() {
		l.hostWord(path, Pos{Span: r.Span, Via: t.Pos.Via}, r, on)
	}
}

// content is hostText for a file, whose lines may be routes as well.
func (l *loader) content(path string, t Text, on func(*Machine) bool) {
	for _, r := range t.Refs() {
		pos := Pos{Span: r.Span, Via: t.Pos.Via}
		if r.Field == RoutesField && r.Subject != machineSubject {
			l.routesOf(path, pos, r.Subject)
		} else {
			l.hostWord(path, pos, r, on)
		}
	}
}

func (l *loader) hostWord(path string, pos Pos, r Ref, on func(*Machine) bool) {
	switch {
	case r.Subject != machineSubject && r.Field == RoutesField:
		l.findings.Add(Finding(diag.Error, diag.BadExpression, pos, path, "%q are lines of a file", r.Subject+"."+r.Field).
			WithHelp("they can stand in the content of a [file]"))
	case r.Subject != machineSubject:
		l.findings.Add(Finding(diag.Error, diag.BadExpression, pos, path, "%q is not known before fleet runs", r.Subject+"."+r.Field).
			WithHelp("parameters can stand here, ROLE.addresses, network.pods, and machine.address and its like"))
	case !slices.Contains(machineFields, r.Field):
		l.findings.Add(Suggest(Finding(diag.Error, diag.UnknownName, pos, path, "a machine has no word %q to put in", r.Field),
			r.Field, machineFields, "the words are machine.name, .address, .public, .mac, .id, .hostname, .pods and .bridge"))
	case slices.Contains(partFields, r.Field):
		l.partUses = append(l.partUses, partUse{field: r.Field, pos: pos, path: path, on: on})
	}
}

package importer

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// probeKind is what a loop waits for.
type probeKind int

const (
	probeHTTP probeKind = iota + 1
	probeTCP
	probeFile
	probeEtcd    // etcd itself
	probeKey     // a key in etcd
	probeDocker  // docker itself
	probeNamed   // a container
	probeActive  // a unit, by systemctl
	probeCommand // a command about a file
)

// probe is the test of a loop that waits.
type probe struct {
	kind    probeKind
	scheme  string
	host    string
	port    int
	target  string // path of the URL, file, key, container or unit
	command string // the test as it was written
}

func (p *probe) String() string {
	switch p.kind {
	case probeHTTP:
		return fmt.Sprintf("%s://%s:%d%s", p.scheme, p.host, p.port, p.target)
	case probeTCP:
		return fmt.Sprintf("%s:%d", p.host, p.port)
	case probeEtcd:
		return "etcd"
	case probeDocker:
		return "docker"
	case probeKey:
		return "etcd key " + p.target
	case probeNamed:
		return "container " + p.target
	}
	return p.target
}

// local reports whether it asks the machine that it runs on.
func (p *probe) local() bool {
	return p.host == "" || p.host == "localhost" || p.host == "::1" || strings.HasPrefix(p.host, "127.") || p.host == "0.0.0.0"
}

// mentions reports whether a command is about the same thing, so that it must not
// change places with the loop.
func (p *probe) mentions(command string) bool {
	switch p.kind {
	case probeHTTP, probeTCP:
		return strings.Contains(command, ":"+strconv.Itoa(p.port))
	case probeEtcd, probeDocker:
		return false
	}
	return strings.Contains(command, p.target)
}

var (
	// A loop until a test succeeds; a test that is repeated while it fails; an
	// endless loop that a test ends.
	untilLoop  = pattern.New(`^(?:set -\w+ ?; ?)?until (.+?) ?; ?do (.+?) ?; ?done ?;?$`)
	whileLoop  = pattern.New(`^(?:set -\w+ ?; ?)?while ! (.+?) ?; ?do (.+?) ?; ?done ?;?$`)
	absentLoop = pattern.New(`^(?:set -\w+ ?; ?)?while (\[|test) ! (.+?) ?; ?do (.+?) ?; ?done ?;?$`)
	breakLoop  = pattern.New(`^while (?:true|:) ?; ?do (.+?) && break ?; ?(.+?) ?; ?done ?;?$`)
	anyLoop    = pattern.New(`(?:^|[;&| ])(?:until|while|for) .*\bdo\b.*\bdone\b`)
	quietly    = pattern.New(` *(?:[12&]?>>? ?/dev/null|2>&1|>& ?/dev/null|< ?/dev/null)`)
	compound   = pattern.New("[|&;<>`$(){}]")
	shellTCP   = pattern.New(`^\(? ?(?:echo|:|true)? ?[<>]+ ?/dev/tcp/([^/ ]+)/(\d+) ?\)?$`)
	shellBody  = pattern.New(`^(?:sleep [0-9.]+[smh]?|echo( .*)?|printf .*|true|:)$`)
	shellFlags = pattern.New(`^-[a-z]*c$`)
	lineEnd    = pattern.New(`\s*\n\s*`)
	afterWord  = pattern.New(`\b(do|then);\s`)
	inQuotes   = pattern.New(`'[^']*'`)
	whiteSpace = pattern.New(`\s+`)
)

// recognise finds a loop that waits in a command line. Without one there is
// neither a probe nor a reason; the reason says why a loop is none of those.
func recognise(value string) (p *probe, reason string) {
	script, reason := scriptOf(value)
	if reason != "" || script == "" || !anyLoop().MatchString(script) {
		return nil, reason
	}
	var m []string
	for _, pattern := range []*regexp.Regexp{untilLoop(), whileLoop(), breakLoop()} {
		if m = pattern.FindStringSubmatch(script); m != nil {
			break
		}
	}
	if a := absentLoop().FindStringSubmatch(script); m == nil && a != nil {
		m = []string{a[0], a[1] + " " + a[2], a[3]}
	}
	if m == nil {
		return nil, "a loop of another form than until TEST; do sleep N; done"
	}
	for part := range strings.SplitSeq(m[2], ";") {
		if part = strings.TrimSpace(part); part != "" && !shellBody().MatchString(part) {
			return nil, fmt.Sprintf("the loop does more than wait: %s", part)
		}
	}
	return test(strings.TrimSpace(m[1]))
}

// scriptOf is the script that a command line gives to a shell, on one line; ""
// when it gives none.
func scriptOf(value string) (script, reason string) {
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 || len(commands[0].Words) < 3 {
		return "", ""
	}
	words := commands[0].Words
	shell := path.Base(words[0].Text)
	if !slices.Contains([]string{"sh", "bash", "dash"}, shell) {
		return "", ""
	}
	flags := words[1].Text
	if !shellFlags().MatchString(flags) || len(words) > 3 {
		return "", ""
	}
	text, ok := words[2].Literal()
	if !ok {
		if anyLoop().MatchString(words[2].Text) {
			return "", "the loop has a variable or specifier of systemd's in it"
		}
		return "", ""
	}
	if strings.Trim(commands[0].Prefixes, "-") != "" && anyLoop().MatchString(text) {
		return "", fmt.Sprintf("the loop is run with the prefix %s", commands[0].Prefixes)
	}
	text = lineEnd().ReplaceAllString(strings.TrimSpace(text), "; ")
	text = afterWord().ReplaceAllString(text, "$1 ")
	return whiteSpace().ReplaceAllString(text, " "), ""
}

// test reads the test of a loop.
func test(text string) (*probe, string) {
	if m := shellTCP().FindStringSubmatch(quietly().ReplaceAllString(text, "")); m != nil {
		port, _ := strconv.Atoi(m[2])
		return &probe{kind: probeTCP, host: m[1], port: port}, ""
	}
	bare := strings.TrimSpace(quietly().ReplaceAllString(text, ""))
	if compound().MatchString(inQuotes().ReplaceAllString(bare, "")) {
		return nil, fmt.Sprintf("the test is more than one command: %s", text)
	}
	words, ok := shellWords(bare)
	if !ok || len(words) == 0 {
		return nil, fmt.Sprintf("the test cannot be read: %s", text)
	}
	for _, r := range []struct {
		programs []string
		read     func(words []string) *probe
	}{
		{[]string{"curl"}, curlProbe}, {[]string{"wget"}, wgetProbe}, {[]string{"nc", "ncat", "netcat"}, ncProbe},
		{[]string{"[", "test"}, fileProbe}, {[]string{"etcdctl"}, etcdProbe}, {[]string{"docker"}, dockerProbe}, {[]string{"systemctl"}, activeProbe},
	} {
		if slices.Contains(r.programs, path.Base(words[0])) {
			if p := r.read(words); p != nil {
				p.command = bare
				return p, ""
			}
		}
	}
	if path.Base(words[0]) == "etcdctl" && len(words) > 2 && (slices.Contains(words, "set") || slices.Contains(words, "mk")) {
		return nil, "the loop puts a key: etcd_put says that, once and if it is absent"
	}
	return nil, fmt.Sprintf("no word of stackc's asks the same as: %s", bare)
}

// shellWords splits a simple command of the shell.
func shellWords(s string) (words []string, ok bool) {
	var word strings.Builder
	quote, in := byte(0), false
	for k := range len(s) {
		c := s[k]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\':
			return nil, false
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ':
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words, quote == 0
}

// arguments takes flags out of a command: those without a value by pattern, and
// those with one by name. ok is false for any other flag.
func arguments(words []string, single string, valued ...string) (rest []string, values map[string]string, ok bool) {
	values = map[string]string{}
	lone := regexp.MustCompile(`^(?:` + single + `)$`)
	for k := 0; k < len(words); k++ {
		w := words[k]
		name, value, inline := strings.Cut(w, "=")
		switch {
		case !strings.HasPrefix(w, "-") || w == "-":
			rest = append(rest, w)
		case lone.MatchString(w):
		case inline && slices.Contains(valued, name):
			values[name] = value
		case slices.Contains(valued, w) && k+1 < len(words):
			k++
			values[w] = words[k]
		default:
			return nil, nil, false
		}
	}
	return rest, values, true
}

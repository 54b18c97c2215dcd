package importer

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// download is a file that a unit fetches before it starts.
type download struct{ url, to, mode string }

// liftDownloads turns curl -o and wget -O, with the chmod behind it, into downloads.
func (i *importer) liftDownloads(u *unit) {
	for n, l := range u.parsed.Lines {
		if l.Section != "Service" || l.Name != "ExecStartPre" || u.idiom.gone(n) {
			continue
		}
		d, reason := fetches(l.Value)
		if d == nil && reason == "" {
			continue
		}
		if reason == "" {
			if before := u.earlier(n, func(command string) bool { return strings.Contains(command, d.to) }); before != 0 {
				reason = fmt.Sprintf("line %d is about the same file, and a download would come before it", before)
			}
		}
		if reason != "" {
			i.leave(u, l.Line, "the download: %s", reason)
			continue
		}
		lines := []int{n}
		if k, mode := u.chmod(n, d.to); k > 0 {
			lines, d.mode = append(lines, k), mode
		}
		u.idiom.lifts = append(u.idiom.lifts, &lift{
			word: "download", lines: lines, load: d,
			message: fmt.Sprintf("download of %s says the command that fetches %s; it is tried again until it comes, and the file that is there serves when it does not", d.to, d.url),
		})
	}
}

// chmod finds the line behind n that makes a file executable, and its mode.
func (u *unit) chmod(n int, file string) (line int, mode string) {
	for k := n + 1; k < len(u.parsed.Lines); k++ {
		l := u.parsed.Lines[k]
		if l.Section != "Service" || l.Name != "ExecStartPre" {
			continue
		}
		words, ok := plainWords(l.Value)
		if ok && len(words) == 3 && path.Base(words[0]) == "chmod" && words[2] == file {
			switch words[1] {
			case "+x", "a+x", "755", "0755", "ugo+x":
				return k, "0755"
			}
			return 0, ""
		}
		if strings.Contains(l.Value, file) {
			return 0, ""
		}
	}
	return 0, ""
}

// plainWords are the words of one command without a prefix and without variables.
func plainWords(value string) (words []string, ok bool) {
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 || strings.Trim(commands[0].Prefixes, "-") != "" {
		return nil, false
	}
	for n, w := range commands[0].Words {
		text, literal := w.Literal()
		if n == 0 {
			text, literal = w.Text, true
		}
		if !literal {
			return nil, false
		}
		words = append(words, text)
	}
	return words, true
}

// fetcher is a program that fetches files, by the flags of it that a download has the
// same meaning for.
type fetcher struct {
	alone  string   // pattern of those that take no value
	file   []string // their value is the file that it writes,
	folder []string // or the folder for it
	paced  []string // how long and how often it tries: a download tries until the file comes
}

func fetcherOf(program string) (f fetcher, known bool) {
	switch program {
	case "curl":
		return fetcher{
			alone: `-[sfSLv#]+|--silent|--fail|--show-error|--location|--progress-bar`,
			file:  []string{"-o", "--output", "-Lo", "-sLo", "-sSLo", "-fsSLo", "-fLo", "-so", "-fso"},
			paced: []string{"--retry", "--retry-delay", "--connect-timeout"},
		}, true
	case "wget":
		return fetcher{
			alone:  `-q|-nv|-N|-v|--quiet|--no-verbose|--timestamping|-nc`,
			file:   []string{"-O", "-qO", "-NO", "--output-document"},
			folder: []string{"-P", "--directory-prefix"},
			paced:  []string{"-t", "--tries", "-T", "--timeout"},
		}, true
	}
	return fetcher{}, false
}

// fetches reads a command that fetches one file. A reason says why such a command
// is no download.
func fetches(value string) (d *download, reason string) {
	words, ok := plainWords(value)
	if !ok || len(words) == 0 {
		return nil, ""
	}
	program := path.Base(words[0])
	f, known := fetcherOf(program)
	if !known {
		return nil, ""
	}
	from, values, ok := arguments(words[1:], f.alone, slices.Concat(f.file, f.folder, f.paced)...)
	switch {
	case !ok:
		return nil, fmt.Sprintf("%s is called with a flag that download has no word for", program)
	case len(from) != 1:
		return nil, fmt.Sprintf("it fetches %d things at once", len(from))
	}
	// Without a chmod the file has the mode of a new one under systemd's umask of 0022.
	d = &download{url: from[0], to: f.target(from[0], values), mode: "0644"}
	switch {
	case d.to == "/dev/null" || d.to == "-":
		return nil, ""
	case !path.IsAbs(d.to):
		return nil, "the file that it writes has no absolute path"
	case strings.HasPrefix(value, "-"):
		return nil, "its failure is ignored, and a download waits"
	}
	return d, ""
}

// target is the file that the program writes, "" when no flag says it. One that is
// named in several ways has the first of them, in the order of the flags above.
func (f fetcher) target(from string, values map[string]string) string {
	first := func(flags []string) string {
		for _, name := range flags {
			if v := values[name]; v != "" {
				return v
			}
		}
		return ""
	}
	file, folder := first(f.file), first(f.folder)
	if file != "" || folder == "" {
		return file
	}
	name := from // a placeholder of a guide may be no URL; the compiler judges it
	if u, err := url.Parse(from); err == nil {
		name = u.Path
	}
	return path.Join(folder, path.Base(name))
}

// toml writes a download.
func (d *download) toml() string {
	s := fmt.Sprintf("{ url = %s, to = %s, ", quote(escapeExpressions(d.url)), quote(escapeExpressions(d.to)))
	if d.mode != "0755" {
		s += fmt.Sprintf("mode = %s, ", quote(d.mode))
	}
	return s + "unverified = true }"
}

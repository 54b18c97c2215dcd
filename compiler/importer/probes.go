package importer

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/units"
)

func curlProbe(words []string) *probe {
	rest, values, ok := arguments(words[1:], `-[sfSLvI]+|--silent|--fail|--show-error|--location|--head|--verbose`,
		"-o", "--output", "-m", "--max-time", "--connect-timeout", "-X", "--request", "-sfo", "-so", "-fso", "-sLo", "-fsSo")
	if method := values["-X"] + values["--request"]; !ok || len(rest) != 1 || method != "" && method != "GET" && method != "HEAD" {
		return nil
	}
	return urlProbe(rest[0])
}

func wgetProbe(words []string) *probe {
	rest, _, ok := arguments(words[1:], `-q|--quiet|-nv|--no-verbose|--spider|-qO-|-O-|-T\d+|-t\d+`, "-O", "-qO", "-T", "-t", "--timeout", "--tries", "--output-document")
	if !ok {
		return nil
	}
	rest = slices.DeleteFunc(rest, func(w string) bool { return w == "-" || w == "/dev/null" })
	if len(rest) != 1 {
		return nil
	}
	return urlProbe(rest[0])
}

func urlProbe(s string) *probe {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	p := &probe{kind: probeHTTP, scheme: u.Scheme, host: u.Hostname(), target: u.RequestURI(), port: 80}
	if u.Scheme == "https" {
		p.port = 443
	}
	if u.Port() != "" {
		p.port, _ = strconv.Atoi(u.Port())
	}
	return p
}

func ncProbe(words []string) *probe {
	rest, _, ok := arguments(words[1:], `-[zvn]+|-w ?\d+`, "-w", "-i", "--wait")
	if !ok || len(rest) != 2 {
		return nil
	}
	port, err := strconv.Atoi(rest[1])
	if err != nil {
		return nil
	}
	return &probe{kind: probeTCP, host: rest[0], port: port}
}

// fileProbe reads a test of a file. That a socket or folder is there has no word of
// its own.
func fileProbe(words []string) *probe {
	if words[0] == "[" {
		if words[len(words)-1] != "]" {
			return nil
		}
		words = words[:len(words)-1]
	}
	if len(words) != 3 || !path.IsAbs(words[2]) {
		return nil
	}
	switch words[1] {
	case "-e", "-f", "-s", "-r":
		return &probe{kind: probeFile, target: words[2]}
	case "-S", "-d", "-p":
		return &probe{kind: probeCommand, target: words[2]}
	}
	return nil
}

func etcdProbe(words []string) *probe {
	rest, _, ok := arguments(words[1:], `--no-sync|--debug`, "--peers", "-C", "--endpoint", "--endpoints", "--timeout", "--total-timeout")
	switch {
	case !ok || len(rest) == 0:
	case rest[0] == "get" && len(rest) == 2:
		return &probe{kind: probeKey, target: "/" + strings.TrimPrefix(rest[1], "/")}
	case slices.Contains([]string{"ls", "cluster-health", "member"}, rest[0]) && len(rest) <= 2:
		return &probe{kind: probeEtcd}
	}
	return nil
}

func dockerProbe(words []string) *probe {
	rest, _, ok := arguments(words[1:], `-[qa]+`, "-f", "--format")
	switch {
	case !ok || len(rest) == 0:
	case rest[0] == "inspect" && len(rest) == 2:
		return &probe{kind: probeNamed, target: rest[1]}
	case slices.Contains([]string{"version", "info", "ps", "images"}, rest[0]) && len(rest) == 1:
		return &probe{kind: probeDocker}
	}
	return nil
}

func activeProbe(words []string) *probe {
	rest, _, ok := arguments(words[1:], `-q|--quiet`)
	if !ok || len(rest) != 2 || rest[0] != "is-active" {
		return nil
	}
	return &probe{kind: probeActive, target: units.Complete(rest[1])}
}

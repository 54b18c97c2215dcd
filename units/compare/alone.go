package compare

import (
	"path"
	"slices"
	"strings"
)

// word is one of a command line. alone says of a flag that it takes no value, so that
// the next word is not its own.
type word struct {
	text  string
	alone bool
}

// aloneFlags are the flags without a value of the programs that units run containers
// with, by program and subcommand: docker's from its reference of the command line
// (1.6 to 18), rkt's from that of 1.30. Any other flag takes the next word for its value.
func aloneFlags() map[string]map[string]string {
	const run = "d detach i interactive t tty P publish-all rm privileged read-only init no-healthcheck oom-kill-disable sig-proxy disable-content-trust q quiet"
	const rkt = "debug inherit-env interactive mds-register no-overlay no-store store-only readonly-rootfs private-users trust-keys-from-https"
	return map[string]map[string]string{
		"docker": {
			"run": run, "create": run,
			"exec": "d detach i interactive t tty privileged", "start": "a attach i interactive",
			"rm": "f force l link v volumes", "rmi": "f force no-prune", "logs": "f follow t timestamps details",
			"pull": "a all-tags q quiet disable-content-trust", "build": "rm force-rm no-cache pull q quiet compress squash disable-content-trust",
		},
		"rkt": {"run": rkt, "run-prepared": rkt, "prepare": rkt, "fetch": "debug full no-store store-only trust-keys-from-https", "rm": "debug", "enter": "debug", "gc": "debug mark-only"},
	}
}

// marked gives the words of a command, and says which flags take no value. Behind the
// first word that is neither a flag nor a value, an image, they are the words of another program.
func marked(words []string) []word {
	list := make([]word, len(words))
	for i, w := range words {
		list[i].text = w
	}
	if len(words) == 0 {
		return list
	}
	commands := aloneFlags()[path.Base(strings.TrimLeft(words[0], "-@+!:"))]
	first := 1
	for first < len(words) && commands[words[first]] == "" {
		first++
	}
	if first >= len(words) {
		return list
	}
	known := strings.Fields(commands[words[first]])
	for i := first + 1; i < len(words) && isFlag(words[i]); i++ {
		switch w := words[i]; {
		case strings.Contains(w, "="):
		case takesNone(w, known):
			list[i].alone = true
		case len(w) > 2 && w[1] != '-': // -p80:80
		default:
			i++
		}
	}
	return list
}

// takesNone reports whether a flag is one of known, or several of one letter in a word.
func takesNone(flag string, known []string) bool {
	is := func(name string) bool { return slices.Contains(known, name) }
	if name := strings.TrimLeft(flag, "-"); is(name) || strings.HasPrefix(flag, "--") {
		return is(name)
	}
	for _, letter := range flag[1:] {
		if !is(string(letter)) {
			return false
		}
	}
	return true
}

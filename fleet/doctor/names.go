package doctor

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/fleet"
)

// sshUser is whom CoreOS lets in.
const sshUser = "core"

// ssh is a command line that runs another on a machine.
func ssh(host, command string) string {
	if host == "" {
		host = "MACHINE"
	}
	return fmt.Sprintf("ssh %s@%s %s", sshUser, host, command)
}

// machineName writes a machine as fleetctl does, its short ID and its address.
func machineName(s *fleet.Snapshot, id string) string {
	if s != nil {
		if m, ok := s.Machine(id); ok && m.IP != "" {
			return m.Short() + "/" + m.IP
		}
	}
	return fleet.Machine{ID: id}.Short()
}

func memberName(m Member) string {
	name := fleet.Machine{ID: m.ID}.Short()
	if m.IP != "" {
		name += "/" + m.IP
	}
	return name
}

// longest is how many names a list has before it is cut.
const longest = 5

// list writes names with commas and "and".
func list(names []string) string {
	if n := len(names); n > longest {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:longest], ", "), n-longest)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// number writes how many there are of something.
func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// shellWord quotes a name that a shell would not take as it is.
func shellWord(name string) string {
	if strings.ContainsAny(name, `\ *?'"$&;|<>()`) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

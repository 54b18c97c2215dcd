package stack

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// badSSHKey returns why a line is no public key as authorized_keys takes it
// (sshd(8)), "" when it is one: an algorithm, and a blob that begins with its name.
func badSSHKey(line string) string {
	words := strings.Fields(line)
	switch {
	case strings.Contains(line, "PRIVATE KEY"):
		return "it is a private one"
	case strings.ContainsAny(line, "\r\n"):
		return "it has more than one line"
	case len(words) < 2:
		return "it needs an algorithm and a key"
	}
	blob, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil {
		if strings.HasSuffix(words[1], "...") || strings.Contains(words[1], "…") {
			return "it is shortened"
		}
		return "the second word is not base64"
	}
	if len(blob) < 4 {
		return "the key is too short"
	}
	if n := binary.BigEndian.Uint32(blob); uint64(n)+4 > uint64(len(blob)) || string(blob[4:4+n]) != words[0] {
		return "the key is not one of " + words[0]
	}
	return ""
}

package tunnel

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func itoa(n int) string { return strconv.Itoa(n) }

// keyring is what we can show who we are with. It is opened only when a server asks.
type keyring struct {
	hop   hop
	conn  net.Conn // to the agent
	notes []string // what was tried, for the message that nothing helped
}

func newKeyring(h hop) *keyring { return &keyring{hop: h} }

func (k *keyring) close() {
	if k.conn != nil {
		k.conn.Close()
	}
}

func (k *keyring) note(format string, args ...any) {
	k.notes = append(k.notes, fmt.Sprintf(format, args...))
}

// offered tells what was tried.
func (k *keyring) offered() string {
	if len(k.notes) == 0 {
		return "there is no agent and no key file"
	}
	return "tried " + strings.Join(k.notes, ", ")
}

// signers gives the keys of the agent, then those of files, each once: servers end
// the connection after some tries. With IdentitiesOnly the agent is asked only for
// keys that have a file.
func (k *keyring) signers() ([]ssh.Signer, error) {
	k.notes = nil
	files := k.fromFiles()
	var list []ssh.Signer
	for _, s := range k.fromAgent() {
		if !k.hop.only || k.isNamed(s.PublicKey(), files) {
			list = append(list, s)
		}
	}
	for _, s := range files {
		if !slices.ContainsFunc(list, func(other ssh.Signer) bool { return same(other.PublicKey(), s.PublicKey()) }) {
			list = append(list, s)
		}
	}
	return list, nil
}

func same(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }

// isNamed reports whether an agent's key is that of an identity file, whose private
// part may need a passphrase or not be there at all.
func (k *keyring) isNamed(key ssh.PublicKey, files []ssh.Signer) bool {
	if slices.ContainsFunc(files, func(s ssh.Signer) bool { return same(s.PublicKey(), key) }) {
		return true
	}
	return slices.ContainsFunc(k.hop.identities, func(path string) bool {
		text, err := os.ReadFile(strings.TrimSuffix(path, ".pub") + ".pub")
		if err != nil {
			return false
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(text)
		return err == nil && same(public, key)
	})
}

func (k *keyring) fromAgent() []ssh.Signer {
	if k.hop.agent == "" {
		return nil
	}
	conn, err := net.Dial("unix", k.hop.agent)
	if err != nil {
		k.note("the agent (%v)", err)
		return nil
	}
	k.conn = conn
	list, err := agent.NewClient(conn).Signers()
	if err != nil {
		k.note("the agent (%v)", err)
		return nil
	}
	k.note("the agent (%d keys)", len(list))
	return list
}

func (k *keyring) fromFiles() []ssh.Signer {
	var list []ssh.Signer
	for _, path := range k.hop.identities {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var signer ssh.Signer
		if err == nil {
			signer, err = ssh.ParsePrivateKey(text)
		}
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked):
			k.note("%s (needs a passphrase, and so an agent)", path)
		case err != nil:
			k.note("%s (%v)", path, err)
		default:
			k.note("%s", path)
			list = append(list, signer)
		}
	}
	return list
}

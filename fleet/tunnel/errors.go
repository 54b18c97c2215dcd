package tunnel

import "fmt"

// Kind says what is wrong with a way, as far as it can be mended in different ways.
type Kind string

// The kinds.
const (
	// Unreachable means that no SSH server answers.
	Unreachable Kind = "unreachable"
	// UnknownKey means that the host's key is in no file of known hosts.
	UnknownKey Kind = "unknown-key"
	// ChangedKey means that another key of the host is known.
	ChangedKey Kind = "changed-key"
	// NoKey means that the host takes none of our keys.
	NoKey Kind = "no-key"
	// NoServer means that nothing listens there behind the SSH server, or that the
	// user may not connect to it.
	NoServer Kind = "no-server"
	// Forbidden means that the SSH server forwards to no such address.
	Forbidden Kind = "forbidden"
	// Unusable means that a file of known hosts cannot be read.
	Unusable Kind = "unusable"
)

// Error is a way that does not lead there.
type Error struct {
	Kind Kind
	// Host is user@host:port of the machine that it is about.
	Host string
	// Key is the fingerprint of the host's key, of an UnknownKey or a ChangedKey.
	Key string
	// Place is FILE:LINE of the key that is known instead, of a ChangedKey.
	Place string
	Err   error
}

// Error gives one line.
func (e *Error) Error() string {
	switch e.Kind {
	case UnknownKey:
		return fmt.Sprintf("the key of %s is not known: %s", e.Host, e.Key)
	case ChangedKey:
		text := "the key of " + e.Host + " is not the one that is known"
		if e.Place != "" {
			text += " (" + e.Place + ")"
		}
		if e.Key != "" {
			return text + ": it has changed, or somebody else answers with " + e.Key
		}
		return text + ": " + e.Err.Error()
	case NoKey:
		return fmt.Sprintf("%s takes none of our keys: %v", e.Host, e.Err)
	}
	return fmt.Sprintf("through %s: %v", e.Host, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports whether another try ends in the same way.
func (e *Error) Permanent() bool { return e.Kind != Unreachable && e.Kind != NoServer }

// addressError is about what lies behind the SSH server.
type addressError struct {
	address string
	err     error
}

func (e *addressError) Error() string { return e.address + ": " + e.err.Error() }
func (e *addressError) Unwrap() error { return e.err }

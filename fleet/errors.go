package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stackc/stackc/units"
)

// Kind says what went wrong with a request, as far as a caller acts on it.
type Kind string

const (
	// Unreachable means that nothing answered: no socket, connection refused, a
	// failed TLS handshake.
	Unreachable Kind = "unreachable"
	// Timeout means that a request was sent and no full answer came in time.
	Timeout Kind = "timeout"
	// Server means that fleet answered 5xx, as it does while etcd is away.
	Server Kind = "server"
	// Garbled means that the answer is not what fleet's API answers.
	Garbled Kind = "garbled"
	// Rejected means that fleet refused the request as it is (400, 405, 415).
	Rejected Kind = "rejected"
	// Conflict means 409: the unit is unknown and the request brought no options.
	Conflict Kind = "conflict"
	// NotFound means that there is no unit of that name.
	NotFound Kind = "not-found"
	// Canceled means that the caller's context ended.
	Canceled Kind = "canceled"
	// Misused means that the request could not be made at all, a wrong endpoint
	// for example.
	Misused Kind = "misused"
	// Stale means that the cluster is no longer as the plan found it.
	Stale Kind = "stale"
	// Lost means that the caller's guard does not allow to go on; see
	// ApplyOptions.Guard.
	Lost Kind = "lock-lost"
)

// Error is a failed request to fleet.
type Error struct {
	// Op is what was asked: "list units", "put", "set state", "delete".
	Op string
	// Unit is the unit the request was about, or "".
	Unit units.Name
	Kind Kind
	Err  error
}

// Error gives one line: the request, the unit, the reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Unit != "" {
		b.WriteString(" " + string(e.Unit))
	}
	if e.Err == nil {
		return b.String() + ": " + string(e.Kind)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in err's chain. An ended context
// that no request has wrapped is Canceled; anything else, nil included, is "".
func KindOf(err error) Kind {
	var fe *Error
	if errors.As(err, &fe) {
		return fe.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return ""
}

// IsNotFound reports whether err says that the unit does not exist.
func IsNotFound(err error) bool { return KindOf(err) == NotFound }

// IsDown reports whether err means that the cluster cannot be talked to, as
// opposed to a request that is wrong in itself.
func IsDown(err error) bool {
	switch KindOf(err) {
	case Unreachable, Timeout, Server, Garbled:
		return true
	}
	return false
}

// fail builds an *Error from a message.
func fail(op string, unit units.Name, kind Kind, format string, args ...any) *Error {
	return &Error{Op: op, Unit: unit, Kind: kind, Err: fmt.Errorf(format, args...)}
}

package state

import (
	"context"
	"errors"
	"fmt"
	"strings"

	etcd "go.etcd.io/etcd/client/v2"
)

// Kind says what went wrong, as far as a caller acts on it.
type Kind string

const (
	// Unreachable means that etcd does not answer, or has no leader, or that what
	// answers is no etcd.
	Unreachable Kind = "etcd-unreachable"
	// Held means that somebody else has the lock.
	Held Kind = "locked"
	// Lost means that the lock is not ours any more: it was taken away, or could
	// not be refreshed in time.
	Lost Kind = "lock-lost"
	// Missing means that there is no such lock, revision or piece.
	Missing Kind = "not-found"
	// Damaged means that what is stored cannot be read.
	Damaged Kind = "damaged"
	// Misused means that the request could not be made at all.
	Misused Kind = "misused"
	// conflict means that a comparison did not hold; it does not leave the package.
	conflict Kind = "conflict"
)

// Error is a failed request to the store.
type Error struct {
	// Op is what was asked: "lock shop", "read the history of shop".
	Op   string
	Kind Kind
	// Lock is the lock in the way when Kind is Held.
	Lock *Lock
	Err  error
}

// Error gives one line: the request and the reason.
func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in err's chain, or "".
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func fail(op string, kind Kind, format string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// classify makes an *Error of what etcd's client returned, nil of nil. A context that
// was cancelled stays what it is; that time has run out is etcd's fault.
func (s *Store) classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var answer etcd.Error
	if errors.As(err, &answer) {
		return &Error{Op: op, Kind: kindOfCode(answer.Code), Err: fmt.Errorf("etcd: %s (%s)", answer.Message, answer.Cause)}
	}
	where := strings.Join(s.endpoints, ", ")
	if errors.Is(err, etcd.ErrInvalidJSON) || errors.Is(err, etcd.ErrEmptyBody) {
		return fail(op, Unreachable, "%s: no etcd with the v2 API answers there", where)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fail(op, Unreachable, "etcd at %s gives no full answer within %s", where, s.timeout)
	}
	var cluster *etcd.ClusterError
	if errors.As(err, &cluster) && len(cluster.Errors) > 0 {
		err = cluster.Errors[0]
	}
	return &Error{Op: op, Kind: Unreachable, Err: fmt.Errorf("etcd at %s: %w", where, err)}
}

func kindOfCode(code int) Kind {
	switch code {
	case etcd.ErrorCodeKeyNotFound:
		return Missing
	case etcd.ErrorCodeTestFailed, etcd.ErrorCodeNodeExist:
		return conflict
	case etcd.ErrorCodeRaftInternal, etcd.ErrorCodeLeaderElect, etcd.ErrorCodeWatcherCleared, etcd.ErrorCodeEventIndexCleared:
		return Unreachable
	}
	return Misused
}

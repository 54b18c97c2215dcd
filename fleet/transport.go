package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Pauses between the tries of one request, before a jitter of half either way.
const (
	firstPause = 200 * time.Millisecond
	longPause  = 3 * time.Second
	// strangerRetry bounds the tries at a server that has never answered: an
	// operator with a wrong address should not wait for half a minute.
	strangerRetry = 2 * time.Second
)

// bound is the transport of one call: it gives every try a deadline and the
// call's context, and repeats a try that may be repeated. All of fleet's
// requests may: a PUT or DELETE of the same thing gives the same result.
type bound struct {
	conn *Conn
	ctx  context.Context
}

// RoundTrip implements http.RoundTripper. It returns answers whose body has been
// read whole, so that a connection that breaks in the middle is seen here, where
// the request can still be repeated.
func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	b.conn.count(req)
	var answer *http.Response
	number, first := 0, time.Now()
	_, err = backoff.Retry(b.ctx, func() (struct{}, error) {
		var err error
		answer, err = b.round(req, body, &number)
		return struct{}{}, b.again(answer, err, first)
	}, b.retryOptions()...)
	switch {
	case err != nil && b.ctx.Err() != nil:
		return nil, b.ctx.Err()
	case answer != nil:
		return answer, nil // fleet's client makes its own error of a status
	}
	return nil, err
}

func (b *bound) retryOptions() []backoff.RetryOption {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = firstPause, longPause, 2
	options := []backoff.RetryOption{backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(b.conn.retryFor)}
	if b.conn.retryFor < 0 {
		options = append(options, backoff.WithMaxTries(1))
	}
	return options
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// round asks the servers in turn, beginning with the one that answered last, until
// one gives an answer that counts. Without any it returns an answer that says no
// more than that fleet cannot work now, or the errors of all.
func (b *bound) round(req *http.Request, body []byte, number *int) (*http.Response, error) {
	var busy *http.Response
	var faults attempts
	begin := int(b.conn.current.Load())
	for i := range b.conn.servers {
		at := (begin + i) % len(b.conn.servers)
		*number++
		started := time.Now()
		answer, err := b.try(b.conn.servers[at], req, body)
		b.report(b.conn.servers[at], req, *number, started, answer, err)
		if err != nil {
			faults = append(faults, attempt{endpoint: b.conn.servers[at].Text, err: err})
			if b.ctx.Err() != nil {
				break
			}
			continue
		}
		b.conn.current.Store(int32(at))
		if busy = answer; !transient(answer) {
			return answer, nil
		}
	}
	if busy != nil {
		return busy, nil
	}
	return nil, faults
}

// try sends the request to a server once. Either the answer or the error is nil.
func (b *bound) try(to server, req *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.conn.timeout)
	defer cancel()
	attempt := req.Clone(ctx)
	to.address(attempt)
	if body != nil {
		attempt.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, err := to.transport.RoundTrip(attempt)
	if err != nil {
		return nil, b.overdue(ctx, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, b.overdue(ctx, fmt.Errorf("the answer breaks off: %w", err))
	}
	if answer.StatusCode == http.StatusOK && !credible(req.Method, text) {
		return nil, &garbledError{start: string(text[:min(len(text), 40)])}
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	b.conn.met.Store(true)
	return answer, nil
}

// credible reports whether an answer of status 200 is one of fleet's: a list or a unit
// in JSON. To a write fleet says 201 or 204, with no text; 200 is a page of somebody
// else's, and nothing was written.
func credible(method string, text []byte) bool { return method == http.MethodGet && json.Valid(text) }

// overdue tells our own deadline from everything else that ends a try.
func (b *bound) overdue(ctx context.Context, err error) error {
	if b.ctx.Err() == nil && ctx.Err() != nil {
		return &timeoutError{after: b.conn.timeout}
	}
	return err
}

// again judges a try: nil ends the request with its answer, a permanent error
// ends it without, any other error asks for another try.
func (b *bound) again(answer *http.Response, err error, first time.Time) error {
	switch {
	case err == nil && transient(answer):
		return errors.New(answer.Status)
	case err == nil:
		return nil
	case b.ctx.Err() != nil, every(err, final):
		return backoff.Permanent(err)
	case !b.conn.met.Load() && (every(err, hopeless) || time.Since(first) >= strangerRetry):
		return backoff.Permanent(err)
	}
	return err
}

// final reports whether both ends have talked and one of them will not: another try
// changes nothing.
func final(err error) bool {
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var lasting interface{ Permanent() bool }
	return errors.As(err, &certificate) || errors.As(err, &notTLS) || IsTLSAlert(err) ||
		errors.As(err, &lasting) && lasting.Permanent()
}

// IsTLSAlert reports whether the other end has ended a TLS handshake: it does not
// take our certificate, or wants one.
func IsTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && op.Err != nil && strings.HasPrefix(op.Err.Error(), "tls: ")
}

// hopeless reports whether nothing listens at an address that never answered, in
// a way that another try does not change: no socket is there, it may not be used,
// or nobody knows the host.
func hopeless(err error) bool {
	var lookup *net.DNSError
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.As(err, &lookup) && lookup.IsNotFound || final(err)
}

// transient reports whether an answer may be another one soon: fleet says 500
// with an empty message for whatever its registry could not do, and 503 after
// etcd has been away for 10 to 19 seconds. A 500 with a message is final.
func transient(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return serverMessage(answer) == ""
	}
	return false
}

// serverMessage reads the message of an error as fleet words it, and leaves the
// body as it was.
func serverMessage(answer *http.Response) string {
	text, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil {
		return ""
	}
	var reply struct {
		Error struct{ Message string }
	}
	if json.Unmarshal(text, &reply) != nil {
		return ""
	}
	return reply.Error.Message
}

func (b *bound) report(to server, req *http.Request, number int, started time.Time, answer *http.Response, err error) {
	if number > 1 {
		b.conn.counts[countRetries].Add(1)
	}
	if err == nil {
		b.conn.took(req, time.Since(started))
	}
	if b.conn.trace == nil {
		return
	}
	t := Try{Endpoint: to.Text, Method: req.Method, Path: req.URL.RequestURI(), Number: number, Took: time.Since(started), Err: err}
	if answer != nil {
		t.Status = answer.StatusCode
	}
	b.conn.trace(t)
}

type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no full answer within %v", e.after) }

type garbledError struct{ start string }

func (e *garbledError) Error() string {
	return fmt.Sprintf("the answer is not JSON, it begins with %q", e.start)
}

package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/stackc/stackc/units"
)

// classify makes an *Error of what a call of fleet's client returned, nil of nil.
func (c *Conn) classify(op string, unit units.Name, err error) error {
	if err == nil {
		return nil
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL is ours and says nothing to the user
	}
	var status *googleapi.Error
	if errors.As(err, &status) {
		return c.statusError(op, unit, status)
	}
	var tries attempts
	kind := transportKind(err)
	if kind != Canceled && !errors.As(err, &tries) {
		err = fmt.Errorf("%s: %w", c.Endpoint().Text, err)
	}
	return &Error{Op: op, Unit: unit, Kind: kind, Err: err}
}

func transportKind(err error) Kind {
	var timeout *timeoutError
	var garbled *garbledError
	var ill *illError
	switch {
	case errors.As(err, &ill):
		return Server
	case errors.As(err, &timeout):
		return Timeout
	case errors.As(err, &garbled), isJSON(err):
		return Garbled
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	}
	return Unreachable
}

// isJSON reports whether err comes from decoding an answer.
func isJSON(err error) bool { return strings.HasPrefix(err.Error(), "json: ") }

// statusError words an HTTP error. fleet gives its messages in a field of a JSON
// object; anything else was not answered by fleet.
func (c *Conn) statusError(op string, unit units.Name, status *googleapi.Error) *Error {
	reason := status.Message
	if speaksTLS(status) {
		return &Error{Op: op, Unit: unit, Kind: Garbled, Err: fmt.Errorf("%s: %w", c.Endpoint().Text, ErrWantsTLS)}
	}
	if reason == "" {
		reason = fmt.Sprintf("the server answered %d %s", status.Code, http.StatusText(status.Code))
	}
	if kind := statusKind(status.Code); kind != NotFound {
		return fail(op, unit, kind, "%s: %s", c.Endpoint().Text, reason)
	}
	if unit == "" || status.Message == "" {
		return fail(op, unit, Garbled, "%s: no fleet API there: %s", c.Endpoint().Text, reason)
	}
	return fail(op, unit, NotFound, "%s", reason)
}

func statusKind(code int) Kind {
	switch {
	case code == http.StatusNotFound:
		return NotFound
	case code == http.StatusConflict:
		return Conflict
	case code >= 500:
		return Server
	case code >= 400:
		return Rejected
	}
	return Garbled
}

// ErrWantsTLS is the answer of a server that is spoken to in http and wants https.
var ErrWantsTLS = errors.New("the server wants https, and the endpoint says http")

// speaksTLS reports whether an answer is what Go's servers and nginx say to http on a
// port of theirs that is for https.
func speaksTLS(status *googleapi.Error) bool {
	return status.Code == http.StatusBadRequest && status.Message == "" &&
		strings.Contains(status.Body, "HTTP request") && strings.Contains(status.Body, "HTTPS")
}

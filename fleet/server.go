package fleet

import (
	"net/http"
	"net/url"
	"strings"
)

// server is one of the places that serve a cluster's API.
type server struct {
	Endpoint
	transport http.RoundTripper
}

// anyServer stands for whichever server a request is sent to in the end.
var anyServer = url.URL{Scheme: "http", Host: "fleet"}

// address directs a request for anyServer to this one.
func (s server) address(req *http.Request) {
	u := *req.URL
	if u.RawPath != "" {
		u.RawPath = s.Base.EscapedPath() + u.RawPath
	}
	u.Scheme, u.Host, u.Path = s.Base.Scheme, s.Base.Host, s.Base.Path+u.Path
	req.URL, req.Host = &u, s.Base.Host
}

// attempt is how it went with one server.
type attempt struct {
	endpoint string
	err      error
}

// attempts are the errors of all servers that were asked in a round.
type attempts []attempt

// Error tells what each endpoint did.
func (a attempts) Error() string {
	words := make([]string, len(a))
	for i, one := range a {
		words[i] = one.endpoint + ": " + one.err.Error()
	}
	return strings.Join(words, "; ")
}

// Unwrap returns the causes.
func (a attempts) Unwrap() []error {
	errs := make([]error, len(a))
	for i, one := range a {
		errs[i] = one.err
	}
	return errs
}

// every reports whether something holds of the errors of all servers that were asked.
func every(err error, is func(error) bool) bool {
	list, ok := err.(attempts)
	if !ok {
		return is(err)
	}
	for _, one := range list {
		if !is(one.err) {
			return false
		}
	}
	return true
}

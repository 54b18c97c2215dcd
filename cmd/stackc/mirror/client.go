package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"
)

// Client asks web servers for files.
type Client struct {
	http *http.Client
	// tries is how often a server that does not answer well is asked before it is
	// given up, and stall how long nothing may come.
	tries int
	stall time.Duration
	first time.Duration // the first pause between tries; those behind it are longer
}

// The patience of a client.
const (
	connectTime = 10 * time.Second
	stallTime   = 30 * time.Second
	maxTries    = 5
	checkTries  = 3 // of who only wants to know
	firstPause  = 500 * time.Millisecond
	longPause   = 10 * time.Second
)

// NewClient returns a client that uses the proxies of the environment.
func NewClient() *Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTime}).DialContext,
		TLSHandshakeTimeout: connectTime,
		ForceAttemptHTTP2:   true,
		// A file that ends in .gz must come as it is, whatever the server calls it.
		DisableCompression: true,
	}
	return &Client{http: &http.Client{Transport: transport, CheckRedirect: follow}, tries: maxTries, stall: stallTime, first: firstPause}
}

// Close ends connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// follow lets a server send the client on, but never from https to http.
func follow(next *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("it sends on from https to %s", next.URL.Redacted())
	}
	if len(via) > 10 {
		return errors.New("it sends on more than ten times")
	}
	return nil
}

// statusError is an answer that is not the file.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answers %d %s", e.code, http.StatusText(e.code))
}

// gone reports whether the server says that it does not have the file.
func (e *statusError) gone() bool { return e.code == http.StatusNotFound || e.code == http.StatusGone }

// passing reports whether the same question may be answered better later.
func (e *statusError) passing() bool {
	return e.code >= 500 || e.code == http.StatusRequestTimeout || e.code == http.StatusTooManyRequests
}

// errStalled says that a server has sent nothing for too long.
var errStalled = errors.New("nothing came for too long")

// cutError is a connection that ended in the middle of an answer.
type cutError struct{ err error }

func (e *cutError) Error() string { return "the connection broke: " + e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// isAway reports whether err is of the way to the server, and not of its answer.
func isAway(err error) bool {
	var cut *cutError
	var op *net.OpError
	var dns *net.DNSError
	var request *url.Error
	return errors.Is(err, errStalled) || errors.Is(err, io.EOF) || errors.As(err, &cut) || errors.As(err, &op) || errors.As(err, &dns) ||
		errors.As(err, &request) && request.Timeout()
}

// again reports whether a request that ended so may be made again: a name that
// there is not will not come to be, nor another certificate.
func again(err error) bool {
	var status *statusError
	var dns *net.DNSError
	switch {
	case errors.As(err, &status):
		return status.passing()
	case errors.As(err, &dns) && dns.IsNotFound:
		return false
	}
	return isAway(err) || errors.Is(err, errShorter)
}

// patiently runs one try after the other until one ends well or for good. A try
// says whether it has brought anything: then the counting begins anew.
func (c *Client) patiently(ctx context.Context, try func() (progress bool, err error)) error {
	pauses := backoff.NewExponentialBackOff() // with jitter: many may be after one server
	pauses.InitialInterval, pauses.MaxInterval = c.first, longPause
	for n := 1; ; n++ {
		progress, err := try()
		if err == nil || ctx.Err() != nil || !again(err) {
			return err
		}
		if progress {
			n = 1
			pauses.Reset()
		}
		if n >= c.tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pauses.NextBackOff()):
		}
	}
}

// get asks for a URL; the answer is read by read, which must not take longer than
// stall for one piece.
func (c *Client) get(ctx context.Context, address string, header http.Header, read func(*http.Response, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if s := request.URL.Scheme; s != "http" && s != "https" {
		return fmt.Errorf("%s is fetched by the machines alone: give the download an origin with https://", request.URL.Redacted())
	}
	for name, values := range header {
		request.Header[name] = values
	}
	watchdog := time.AfterFunc(c.stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	response, err := c.http.Do(request)
	if err != nil {
		return plain(ctx, err)
	}
	defer response.Body.Close()
	return plain(ctx, read(response, &alive{response.Body, watchdog, c.stall}))
}

// plain tells why a request was cut off, instead of that it was, and leaves out
// the URL, which stands beside every error.
func plain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		return cause
	}
	var request *url.Error
	if errors.As(err, &request) && !request.Timeout() {
		return request.Err
	}
	return err
}

// alive puts the watchdog off with each piece that comes.
type alive struct {
	io.Reader
	watchdog *time.Timer
	stall    time.Duration
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.watchdog.Reset(a.stall)
	if err != nil && err != io.EOF {
		err = &cutError{err}
	}
	return n, err
}

// errShorter says that the server's file is shorter than what is there of it.
var errShorter = errors.New("the file has become shorter on the way")

// Sum reads what is behind a URL and returns its SHA-256 and length.
func (c *Client) Sum(ctx context.Context, address string, came func(int64)) (sum string, size int64, err error) {
	err = c.patiently(ctx, func() (bool, error) {
		return false, c.get(ctx, address, nil, func(r *http.Response, body io.Reader) error {
			if r.StatusCode != http.StatusOK {
				return &statusError{r.StatusCode}
			}
			h := sha256.New()
			n, err := io.Copy(io.MultiWriter(h, counter(came)), body)
			sum, size = hex.EncodeToString(h.Sum(nil)), n
			return err
		})
	})
	return sum, size, err
}

// counter is a writer that tells how much is written.
type counter func(int64)

func (c counter) Write(p []byte) (int, error) {
	c(int64(len(p)))
	return len(p), nil
}

// CheckServer asks a web server for each file, by its URL, and holds what comes
// against what it must be.
func (c *Client) CheckServer(ctx context.Context, wants []Want, parallel int, watch Watcher) []Result {
	brief := *c
	brief.tries = checkTries
	return each(wants, parallel, watch, func(i int, w Want) Result {
		watch.Begun(i, 0, -1)
		return w.judge(brief.Sum(ctx, w.URL, func(n int64) { watch.Came(i, n) }))
	})
}

// Sizes asks how long each file is, 0 for those of which the server does not say.
func (c *Client) Sizes(ctx context.Context, wants []Want, parallel int) []int64 {
	sizes := make([]int64, len(wants))
	var group errgroup.Group
	group.SetLimit(max(1, parallel))
	for i, w := range wants {
		group.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodHead, w.URL, nil)
			if err != nil {
				return nil // it has no length, and nothing more is wanted
			}
			response, err := c.http.Do(request)
			if err != nil {
				return nil
			}
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				sizes[i] = max(0, response.ContentLength)
			}
			return nil
		})
	}
	group.Wait()
	return sizes
}

// Package probe reads out of etcd what package doctor judges. It asks for keys with
// plain requests of the v2 API and changes nothing.
package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet/doctor"
)

// Config says what to ask.
type Config struct {
	// Client sends the requests; it decides the way and the trust.
	Client *http.Client
	// Endpoints are URLs of members of one etcd; one may bring the user of all.
	Endpoints []string
	// Prefix is fleet's directory in etcd.
	Prefix string
	// Journal is where a gc notes in etcd what it has removed.
	Journal string
	// Timeout bounds each request.
	Timeout time.Duration
	// Watch bounds how long registrations are waited for when etcd remembers too few.
	Watch time.Duration
	// Watching is called before that wait begins.
	Watching func(time.Duration)

	instant time.Duration // in place of the constant, 0 for that
}

// Registry reads the registry of the first endpoint that answers. The clocks are those
// of all that do.
func Registry(ctx context.Context, c Config) (*doctor.Registry, []doctor.Clock, error) {
	p := &probe{Config: c}
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	var clocks []doctor.Clock
	var errs []error
	for _, e := range p.endpoints {
		a, err := p.get(ctx, e, "/v2/keys"+p.key("machines"), "recursive=true")
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e, err))
			continue
		}
		if a.clock != nil {
			clocks = append(clocks, *a.clock)
		}
		if p.machines == nil {
			p.endpoint, p.machines = e, a
		}
	}
	if p.machines == nil {
		return nil, nil, errors.Join(errs...)
	}
	return p.read(ctx), clocks, nil
}

type probe struct {
	Config
	endpoints []string // without the user
	user      *url.Userinfo
	endpoint  string // the one that is asked
	machines  *answer
}

func (p *probe) key(parts ...string) string {
	return path.Join(append([]string{"/", p.Prefix}, parts...)...)
}

func (p *probe) parse() error {
	for _, text := range p.Endpoints {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return errors.New("an endpoint of etcd is not a URL") // it may hold a password
		}
		p.user = cmp.Or(p.user, u.User)
		u.User = nil
		p.endpoints = append(p.endpoints, strings.TrimRight(u.String(), "/"))
	}
	return nil
}

// answer is what etcd says of keys.
type answer struct {
	Action  string
	Node    node
	Code    int    `json:"errorCode"`
	Message string `json:"message"`
	Cause   string `json:"cause"`
	index   uint64
	clock   *doctor.Clock
}

type node struct {
	Key, Value    string
	Nodes         []node
	Expiration    time.Time
	TTL           int
	ModifiedIndex uint64
}

// missing is etcd's code for a key that is not there.
const missing = 100

// get asks an endpoint. A key that is not there is an answer without nodes.
func (p *probe) get(ctx context.Context, endpoint, at, query string) (*answer, error) {
	a := &answer{}
	err := p.fetch(ctx, endpoint, at, query, a, func(resp *http.Response, sent time.Time) {
		a.index, _ = strconv.ParseUint(resp.Header.Get("X-Etcd-Index"), 10, 64) // 0 for an answer that is not of keys
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			clock := doctor.NewClock(endpoint, date, sent, time.Now())
			a.clock = &clock
		}
	})
	switch {
	case err != nil:
		return nil, err
	case a.Code != 0 && a.Code != missing:
		return nil, &refusal{a.Code, a.Message, a.Cause}
	}
	return a, nil
}

// fetch asks for JSON.
func (p *probe) fetch(ctx context.Context, endpoint, at, query string, into any, look func(*http.Response, time.Time)) error {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+at, nil)
	if err != nil {
		return err
	}
	req.URL.RawQuery = query
	if p.user != nil {
		word, _ := p.user.Password()
		req.SetBasicAuth(p.user.Username(), word)
	}
	sent := time.Now()
	resp, err := p.Client.Do(req)
	if err != nil {
		return shorter(err)
	}
	defer resp.Body.Close()
	if look != nil {
		look(resp, sent)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return shorter(err)
	}
	if json.Unmarshal(text, into) != nil {
		return fmt.Errorf("the answer is not etcd's: %s", resp.Status)
	}
	return nil
}

// shorter takes the request out of an error: the message that it goes into has it.
func shorter(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// refusal is an error that etcd answers.
type refusal struct {
	code           int
	message, cause string
}

func (r *refusal) Error() string {
	if r.cause != "" {
		return r.message + " (" + r.cause + ")"
	}
	return r.message
}

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/verify"
)

const (
	// askTimeout bounds a question, as a waiter's curl is bounded.
	askTimeout = 5 * time.Second
	// askAtOnce is how many questions are under way: an SSH server gives ten channels to one client.
	askAtOnce = 8
	// answerLimit is how much of an answer is read.
	answerLimit = 8 << 20
)

// asker asks what verify wants to know, from where stackc runs or through the tunnel.
type asker struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	client *http.Client
	// here are the addresses of the machine from which it asks.
	here []string
}

// asker goes the same way as the connection to fleet, with the same certificates.
func (g *connection) asker(ctx context.Context) (*asker, error) {
	config, err := g.config()
	if err != nil {
		return nil, err
	}
	certificates, err := fleet.ClientTLS(config)
	if err != nil {
		return nil, misuse("", "%w", err)
	}
	a := &asker{dial: g.network}
	if a.dial == nil {
		a.dial = (&net.Dialer{}).DialContext
	}
	if g.way == nil {
		a.here, err = ownAddresses()
	} else {
		a.dial, a.here = g.way.DialContext, addressesOf(ctx, g.way.Host())
	}
	transport := &http.Transport{DialContext: a.dial, TLSClientConfig: certificates.Clone(), DisableKeepAlives: true}
	a.client = &http.Client{Transport: transport}
	return a, err
}

// addressesOf are those of the host of user@host:port, none when its name is known to
// others only, such as a jump host.
func addressesOf(ctx context.Context, where string) []string {
	_, host, _ := strings.Cut(where, "@")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	list, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return []string{host}
	}
	return list
}

// ownAddresses are those of the machine that stackc runs on.
func ownAddresses() ([]string, error) {
	list, err := net.InterfaceAddrs()
	var own []string
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			own = append(own, n.IP.String())
		}
	}
	return own, err
}

// ask asks all questions and returns the answers by question.
func (a *asker) ask(ctx context.Context, questions []string) map[string]verify.Answer {
	answers := make([]verify.Answer, len(questions))
	slots := make(chan struct{}, askAtOnce)
	var all sync.WaitGroup
	for i, q := range questions {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			answers[i] = a.one(ctx, q)
		})
	}
	all.Wait()
	by := make(map[string]verify.Answer, len(questions))
	for i, q := range questions {
		by[q] = answers[i]
	}
	return by
}

// errSilent ends a question that takes too long.
var errSilent = errors.New("no answer within " + askTimeout.String())

func (a *asker) one(ctx context.Context, question string) verify.Answer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer time.AfterFunc(askTimeout, func() { cancel(errSilent) }).Stop()
	defer cancel(nil)
	answer, err := a.try(ctx, question)
	if errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if err != nil {
		return verify.Answer{Err: reason(err)}
	}
	return answer
}

func (a *asker) try(ctx context.Context, question string) (verify.Answer, error) {
	if at, ok := strings.CutPrefix(question, "tcp://"); ok {
		conn, err := a.dial(ctx, "tcp", at)
		if err != nil {
			return verify.Answer{}, err
		}
		conn.Close()
		return verify.Answer{}, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, question, nil)
	if err != nil {
		return verify.Answer{}, err
	}
	answer, err := a.client.Do(request)
	if err != nil {
		return verify.Answer{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if err != nil {
		return verify.Answer{}, err
	}
	return verify.Answer{Status: answer.StatusCode, Body: body}, nil
}

// reason says in a few words why there was no answer.
func reason(err error) string {
	var certificate *tls.CertificateVerificationError
	var u *url.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &certificate):
		return certificate.Err.Error() + aboutCertificate(certificate.Err)
	case errors.As(err, &u):
		return u.Err.Error()
	}
	return err.Error()
}

// aboutCertificate says what to do about a server's certificate that does not hold.
func aboutCertificate(err error) string {
	var stranger x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	switch {
	case errors.As(err, &stranger):
		return "; --ca-file says whom to trust"
	case errors.As(err, &name):
		return "; the server needs one with it: stackc pki check tells more"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "; the server needs a new one, or the clock of this machine is wrong"
	}
	return ""
}

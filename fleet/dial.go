package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// Defaults of Config.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultRetryFor = 30 * time.Second
)

// Config says how to reach fleet. The zero value is fleetd on this machine.
type Config struct {
	// Endpoint is as in [ParseEndpoints]; empty means DefaultEndpoint, or with Etcd
	// DefaultEtcdEndpoint. Of several that serve one cluster each is asked when the
	// one before it does not answer.
	Endpoint string
	// Etcd, when given, says that the endpoints are etcd's and not fleet's.
	Etcd *EtcdConfig
	// CA, Cert and Key are PEM texts for https: whom to trust instead of the
	// system's authorities, and who we are. Cert and Key come together.
	CA, Cert, Key []byte
	// TLS, when given, is used as it is and CA, Cert and Key are not.
	TLS *tls.Config
	// Timeout bounds each try of a request, its answer included. 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// RetryFor bounds all tries of a request together. 0 means DefaultRetryFor,
	// which outlasts the 10 to 20 seconds for which fleet answers 500 or 503
	// while etcd elects a leader. A negative value means a single try.
	RetryFor time.Duration
	// Dial replaces the way connections are made, through a tunnel for example.
	// It is given "unix" and the socket's path, or "tcp" and host:port.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trace, when given, is told of every try as it ends. It is called from
	// several goroutines.
	Trace func(Try)
}

// Try is one attempt at one HTTP request.
type Try struct {
	// Endpoint is the server that was asked.
	Endpoint string
	Method   string
	// Path is the path and query of the request.
	Path string
	// Number counts the tries of this request, from 1.
	Number int
	// Status is the answer's, or 0 when there was none.
	Status int
	Took   time.Duration
	Err    error
}

// Dial prepares a connection to fleet. It sends nothing: a server that is not
// there shows at the first request. The error is an *Error of Kind Misused.
func Dial(config Config) (*Conn, error) {
	c := &Conn{timeout: config.Timeout, retryFor: config.RetryFor, trace: config.Trace}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.retryFor == 0 {
		c.retryFor = DefaultRetryFor
	}
	tlsConfig, err := config.tls()
	if err == nil && config.Etcd != nil {
		c.servers, err = config.registry(tlsConfig, c.timeout, &c.counts[countEtcd])
	} else if err == nil {
		c.servers, err = config.fleets(tlsConfig)
	}
	if err != nil {
		return nil, &Error{Op: "connect", Kind: Misused, Err: err}
	}
	return c, nil
}

// fleets are the servers of the endpoints.
func (c Config) fleets(tlsConfig *tls.Config) ([]server, error) {
	endpoints, err := ParseEndpoints(c.Endpoint)
	if err != nil {
		return nil, err
	}
	servers := make([]server, len(endpoints))
	for i, e := range endpoints {
		servers[i] = server{Endpoint: e, transport: c.transport(e, tlsConfig)}
	}
	return servers, nil
}

// transport has no more connections than requests are sent at once: one more would
// be of no use, and an SSH server gives ten at most to one client.
func (c Config) transport(e Endpoint, tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:         c.dialer(e),
		TLSClientConfig:     tlsConfig.Clone(),
		MaxIdleConnsPerHost: inFlight,
		MaxConnsPerHost:     inFlight,
		IdleConnTimeout:     30 * time.Second,
	}
}

// dialer sends every connection to the socket when the endpoint is one.
func (c Config) dialer(e Endpoint) func(context.Context, string, string) (net.Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if e.Socket == "" {
		return dial
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial(ctx, "unix", e.Socket)
	}
}

func (c Config) tls() (*tls.Config, error) {
	if c.TLS != nil {
		return c.TLS, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, errors.New("the CA file holds no certificate in PEM form")
		}
	}
	switch {
	case len(c.Cert) == 0 && len(c.Key) == 0:
		return config, nil
	case len(c.Key) == 0:
		return nil, errors.New("a client certificate needs its key, and none is given")
	case len(c.Cert) == 0:
		return nil, errors.New("a client key needs its certificate, and none is given")
	}
	pair, err := tls.X509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

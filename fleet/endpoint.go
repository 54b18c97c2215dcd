package fleet

import (
	"fmt"
	"net/url"
	"strings"
)

// DefaultEndpoint is where fleetd listens on its own machine.
const DefaultEndpoint = "unix:///var/run/fleet.sock"

// Endpoint is the parsed address of a fleet API.
type Endpoint struct {
	// Text is the address as it was written, for messages.
	Text string
	// Socket is the path of a Unix socket, or "" for an endpoint on the network.
	Socket string
	// Base is the URL under which fleet/v1 is found.
	Base url.URL
}

// ParseEndpoint reads an endpoint as fleetctl's --endpoint takes it:
// unix:///path (or file:///path), http://host:port, https://host:port.
// The empty string is [DefaultEndpoint].
func ParseEndpoint(text string) (Endpoint, error) {
	if text == "" {
		text = DefaultEndpoint
	}
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case strings.Contains(text, ","):
		return Endpoint{}, fmt.Errorf("endpoint %q names several servers, give one", text)
	case !ok && strings.HasPrefix(text, "/"):
		return Endpoint{}, fmt.Errorf("endpoint %q has no scheme, write unix://%s", text, text)
	case !ok:
		return Endpoint{}, fmt.Errorf("endpoint %q has no scheme, write http://%s", text, text)
	}
	switch scheme {
	case "unix", "file":
		return socketEndpoint(text, scheme, rest)
	case "http", "https":
		return networkEndpoint(text)
	}
	return Endpoint{}, fmt.Errorf("endpoint %q has the unknown scheme %q, known are unix, file, http and https", text, scheme)
}

// socketEndpoint takes the path behind "unix://", which must be absolute: with
// two slashes the first directory would be taken for a host.
func socketEndpoint(text, scheme, path string) (Endpoint, error) {
	if path == "" {
		return Endpoint{}, fmt.Errorf("endpoint %q names no socket, write %s:///var/run/fleet.sock", text, scheme)
	}
	if !strings.HasPrefix(path, "/") {
		return Endpoint{}, fmt.Errorf("endpoint %q has two slashes where three are needed, write %s:///%s", text, scheme, path)
	}
	// The host of a request over a socket is never looked up; fleetd ignores it.
	return Endpoint{Text: text, Socket: path, Base: url.URL{Scheme: "http", Host: "fleet"}}, nil
}

func networkEndpoint(text string) (Endpoint, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: %w", text, err)
	}
	if u.Host == "" {
		return Endpoint{}, fmt.Errorf("endpoint %q names no host, write %s://host:port", text, u.Scheme)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q may have a host, a port and a path only", text)
	}
	return Endpoint{Text: text, Base: *u}, nil
}

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

// ParseEndpoints reads a list of endpoints with commas between them, each as in
// [ParseEndpoint]. The empty string is [DefaultEndpoint].
func ParseEndpoints(text string) ([]Endpoint, error) {
	var list []Endpoint
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		if one == "" && text != "" {
			return nil, fmt.Errorf("endpoints %q have a comma too many", text)
		}
		e, err := ParseEndpoint(one)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
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
	case !ok && strings.HasPrefix(text, "/"):
		return Endpoint{}, fmt.Errorf("endpoint %q has no scheme, write unix://%s", text, text)
	case !ok && oneColon(text):
		scheme, rest, _ = strings.Cut(text, ":")
		return Endpoint{}, fmt.Errorf("endpoint %q has no slashes behind its scheme, write %s", text, slashed(scheme, rest))
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

// oneColon reports whether the text begins with a scheme that lacks its slashes.
func oneColon(text string) bool {
	scheme, _, _ := strings.Cut(text, ":")
	switch scheme {
	case "unix", "file", "http", "https":
		return scheme != text
	}
	return false
}

// slashed writes a scheme and what follows it as they should be.
func slashed(scheme, rest string) string {
	rest = strings.TrimLeft(rest, "/")
	if scheme == "unix" || scheme == "file" {
		rest = "/" + rest
	}
	return scheme + "://" + rest
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
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return Endpoint{Text: text, Base: *u}, nil
}

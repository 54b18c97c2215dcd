package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// Call sends one request to a control API, given as the ready line of fleetbox names it (http://HOST:PORT
// or unix:///PATH), and copies the answer to out. An answer that is an error is an error.
func Call(ctx context.Context, endpoint, method, path, body string, out io.Writer) error {
	transport := &http.Transport{DisableKeepAlives: true}
	base := strings.TrimSuffix(endpoint, "/")
	if socket, ok := strings.CutPrefix(endpoint, "unix://"); ok {
		base = "http://unix"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return nil
}

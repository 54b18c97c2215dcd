package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRelay holds that a relay finds the one backend that is there, that it closes what
// it can give to nobody, and that it ends when it is told to.
func TestRelay(t *testing.T) {
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "content") }))
	ctx, stop := context.WithCancel(t.Context())
	at, ended := free(), make(chan error, 1)
	go func() { ended <- Relay(ctx, at, []string{free(), strings.TrimPrefix(backend.URL, "http://"), free()}) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "the relay", func() error { _, err := net.Dial("tcp", at); return err })
	for range 3 {
		if body := getBody(t, client, "http://"+at); body != "content" {
			t.Errorf("behind the relay is %q", body)
		}
	}
	backend.Close()
	if resp, err := client.Get("http://" + at); err == nil {
		resp.Body.Close()
		t.Errorf("with nobody behind it the relay answers %s", resp.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := net.Dial("tcp", at); err == nil {
		t.Error("it listens on")
	}
	taken, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var where *net.OpError
	if err := Relay(t.Context(), at, nil); !errors.As(err, &where) {
		t.Errorf("at an address that is taken: %v", err)
	}
}

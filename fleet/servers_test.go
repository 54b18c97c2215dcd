package fleet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	etcd "github.com/coreos/etcd/client"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// TestFailOver asks a second server when the first one does not answer, or says that
// it cannot work, and stays with it.
func TestFailOver(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, _ *Conn) {
		var asked []string
		fault := fleettest.Fault{}
		refused := true
		conn, err := Dial(Config{
			Endpoint: "http://a:1/one,unix:///b,http://c:1", Trace: func(t Try) { asked = append(asked, t.Endpoint) },
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == "a:1" && refused {
					return nil, syscall.ECONNREFUSED
				}
				return c.Dial(ctx, network, address)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		if _, err := conn.Machines(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		if _, err := conn.Machines(t.Context()); err != nil {
			t.Error(err)
		}
		wantList(t, "asked", asked, "http://a:1/one", "unix:///b", "unix:///b")
		asked, fault = nil, fleettest.Fault{Status: 503, Message: "fleet server unable to communicate with etcd"}
		c.Fail(fleettest.Times(1, isGet, fault))
		if _, err := conn.Machines(t.Context()); err != nil {
			t.Error(err)
		}
		wantList(t, "asked with etcd away", asked, "unix:///b", "http://c:1")
		asked = nil
		c.Fail(fleettest.Times(-1, isGet, fault))
		_, err = conn.Machines(t.Context())
		if KindOf(err) != Server || !strings.Contains(err.Error(), "unable to communicate with etcd") || len(asked) < 9 {
			t.Errorf("error %v of kind %q after asking %d", err, KindOf(err), len(asked))
		}
		if !slices.Equal(asked[:3], []string{"http://c:1", "http://a:1/one", "unix:///b"}) {
			t.Errorf("asked %q", asked[:3])
		}
	})
}

func TestAllServersDown(t *testing.T) {
	conn, err := Dial(Config{Endpoint: "unix:///nowhere/a,unix:///nowhere/b"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Machines(t.Context())
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "list machines: unix:///nowhere/a: dial unix /nowhere/a: connect: no such file or directory; unix:///nowhere/b: dial") {
		t.Errorf("error %v of kind %q", err, KindOf(err))
	}
	if conn.Counts().Retries != 1 {
		t.Errorf("%d retries, want one for the other server", conn.Counts().Retries)
	}
}

// faultyKeys is an etcd that answers with one error.
type faultyKeys struct {
	etcd.KeysAPI
	err   error
	times int
}

func (k *faultyKeys) Get(ctx context.Context, key string, _ *etcd.GetOptions) (*etcd.Response, error) {
	if k.times == 0 {
		return nil, etcd.Error{Code: etcd.ErrorCodeKeyNotFound}
	}
	k.times--
	if k.err == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, k.err
}

// TestRegistryFaults holds that what etcd cannot do is never taken for a key that is
// not there: fleet's registry does so for the content of a unit.
func TestRegistryFaults(t *testing.T) {
	member := func(text string) error { return &etcd.ClusterError{Errors: []error{errors.New(text)}} }
	tests := []struct {
		name  string
		err   error
		times int
		want  Kind
		text  string
	}{
		{"no such key", nil, 0, NotFound, "no unit of that name"},
		{"no leader for a while", member("client: etcd member http://a has no leader"), 2, NotFound, "no unit"},
		{"no leader", member("client: etcd member http://a has no leader"), -1, Server, "etcd member http://a has no leader"},
		{"election", etcd.Error{Code: 301, Message: "During Leader Election"}, -1, Server, "During Leader Election"},
		{"wants a user", etcd.Error{Code: 110, Message: "The request requires user authentication"}, -1, Server, "etcd wants a user"},
		{"nobody there", &etcd.ClusterError{Errors: []error{syscall.ECONNREFUSED}}, -1, Unreachable, "connection refused"},
		{"hangs", nil, -1, Timeout, "no full answer within 10s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, _ *fleettest.Cluster, conn *Conn) {
				conn.servers = []server{{Endpoint: Endpoint{Text: "etcd"}, transport: &registryTransport{keys: &faultyKeys{err: tt.err, times: tt.times}, prefix: "/x", asked: &conn.counts[countEtcd]}}}
				_, err := conn.Unit(t.Context(), units.Name("a.service"))
				if KindOf(err) != tt.want || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v of kind %q, want %q with %q", err, KindOf(err), tt.want, tt.text)
				}
			})
		})
	}
}

func TestWantsTLS(t *testing.T) {
	for _, body := range []string{"Client sent an HTTP request to an HTTPS server.\n", "<center>The plain HTTP request was sent to HTTPS port</center>"} {
		bubble(t, 1, func(t *testing.T, _ *fleettest.Cluster, conn *Conn) {
			conn.servers[0].transport = plain(body)
			_, err := conn.Machines(t.Context())
			if !errors.Is(err, ErrWantsTLS) || KindOf(err) != Garbled {
				t.Errorf("error %v of kind %q", err, KindOf(err))
			}
		})
	}
}

// plain answers 400 with a text.
type plain string

func (p plain) RoundTrip(req *http.Request) (*http.Response, error) {
	a := &answer{header: http.Header{}, status: http.StatusBadRequest}
	a.body.WriteString(string(p))
	return a.response(req), nil
}

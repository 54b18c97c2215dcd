package fleet

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

func isGet(r fleettest.Request) bool { return r.Method == http.MethodGet }
func isPut(r fleettest.Request) bool { return r.Method == http.MethodPut }

// TestFaults has one request meet one fault, n times.
func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		times int
		fault fleettest.Fault
		// want is "" when the request is to succeed in the end.
		want Kind
		// tries is how many times it is sent, 0 for several.
		tries int
		text  string
	}{
		{name: "500 without a message", times: 2, fault: fleettest.Fault{Status: 500}, tries: 3},
		{name: "500 for ever", times: -1, fault: fleettest.Fault{Status: 500}, want: Server, text: "500 Internal Server Error"},
		{name: "500 with a message", times: -1, fault: fleettest.Fault{Status: 500, Message: "no"}, want: Server, tries: 1, text: "no"},
		{name: "503 while etcd is away", times: 3, fault: fleettest.Fault{Status: 503, Message: "fleet server unable to communicate with etcd"}, tries: 4},
		{name: "503 for ever", times: -1, fault: fleettest.Fault{Status: 503, Message: "fleet server unable to communicate with etcd"}, want: Server, text: "unable to communicate with etcd"},
		{name: "400", times: -1, fault: fleettest.Fault{Status: 400, Message: "bad options"}, want: Rejected, tries: 1, text: "bad options"},
		{name: "409", times: -1, fault: fleettest.Fault{Status: 409, Message: "options field empty"}, want: Conflict, tries: 1},
		{name: "cut in the middle", times: 2, fault: fleettest.Fault{Cut: true}, tries: 3},
		{name: "cut for ever", times: -1, fault: fleettest.Fault{Cut: true}, want: Unreachable, text: "breaks off"},
		{name: "reset for ever", times: -1, fault: fleettest.Fault{Reset: true}, want: Unreachable, text: "EOF"},
		{name: "garbage once", times: 1, fault: fleettest.Fault{Garbage: true}, tries: 2},
		{name: "garbage for ever", times: -1, fault: fleettest.Fault{Garbage: true}, want: Garbled, text: "<html>"},
		{name: "hangs once", times: 1, fault: fleettest.Fault{Hang: true}, tries: 2},
		{name: "hangs for ever", times: -1, fault: fleettest.Fault{Hang: true}, want: Timeout, text: "no full answer within 10s"},
		{name: "slow", times: -1, fault: fleettest.Fault{Delay: 9 * time.Second}, tries: 1},
		{name: "redirect", times: -1, fault: fleettest.Fault{Status: 302}, want: Garbled, tries: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Submit(unit("a"))
				if _, err := conn.Machines(t.Context()); err != nil { // so that the server is known
					t.Fatal(err)
				}
				c.Forget()
				c.Fail(fleettest.Times(tt.times, isGet, tt.fault))
				began := time.Now()
				_, err := conn.Unit(t.Context(), "a.service")
				if KindOf(err) != tt.want || err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v of kind %q, want %q with %q", err, KindOf(err), tt.want, tt.text)
				}
				if n := len(c.Requests()); tt.tries != 0 && n != tt.tries || tt.tries == 0 && n < 3 {
					t.Errorf("%d tries, want %d", n, tt.tries)
				}
				if took := time.Since(began); took > DefaultRetryFor+DefaultTimeout {
					t.Errorf("took %v", took)
				}
				if got := conn.Counts(); got.Gets != 1 || !tt.fault.Reset && got.Retries != len(c.Requests())-1 {
					t.Errorf("counted %+v for %d tries", got, len(c.Requests()))
				}
			})
		})
	}
}

func TestWritesAreRepeated(t *testing.T) {
	for name, fault := range map[string]fleettest.Fault{
		"lost before":      {Status: 500},
		"answer lost":      {Status: 500, After: true},
		"answer cut":       {Cut: true},
		"hangs afterwards": {Hang: true, After: true},
		"page of a proxy":  {Garbage: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Fail(fleettest.Times(1, fleettest.Request.Writes, fault))
				u := unit("a")
				if _, err := conn.Machines(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := conn.Put(t.Context(), u.Name, u.Options, units.Launched); err != nil {
					t.Fatal(err)
				}
				live, err := conn.Unit(t.Context(), u.Name)
				if err != nil || live.Hash != u.Hash() || live.Desired != units.Launched {
					t.Errorf("unit is %+v, %v", live, err)
				}
			})
		})
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: syscall.ECONNREFUSED}
	}
	synctest.Test(t, func(t *testing.T) {
		conn, err := Dial(Config{Dial: refuse})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		_, err = conn.Machines(t.Context())
		if KindOf(err) != Unreachable || !IsDown(err) || !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), DefaultEndpoint) {
			t.Errorf("error %v of kind %q", err, KindOf(err))
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("gave up after %v only", took)
		}
	})
}

func TestServerThatRestarts(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, _ *Conn) {
		var down atomic.Bool
		conn, err := Dial(Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if down.Load() {
				return nil, syscall.ECONNREFUSED
			}
			return c.Dial(ctx, network, address)
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Machines(t.Context()); err != nil {
			t.Fatal(err)
		}
		down.Store(true)
		conn.Close()
		time.AfterFunc(15*time.Second, func() { down.Store(false) })
		began := time.Now()
		if _, err := conn.Machines(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 15*time.Second || took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestCanceled(t *testing.T) {
	for name, fault := range map[string]fleettest.Fault{
		"on its way":      {Hang: true},
		"between retries": {Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Fail(fleettest.Times(-1, isGet, fault))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				_, err := conn.Units(ctx)
				if KindOf(err) != Canceled || IsDown(err) {
					t.Errorf("error %v of kind %q", err, KindOf(err))
				}
				if took := time.Since(began); took != time.Second {
					t.Errorf("took %v", took)
				}
				if _, err := conn.Units(ctx); KindOf(err) != Canceled {
					t.Errorf("after the end: %v of kind %q", err, KindOf(err))
				}
			})
		})
	}
}

func TestSingleTry(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, _ *Conn) {
		var tries []Try
		conn := dial(t, c, Config{RetryFor: -1, Trace: func(t Try) { tries = append(tries, t) }})
		defer conn.Close()
		c.Fail(fleettest.Times(1, isGet, fleettest.Fault{Status: 503}))
		if _, err := conn.States(t.Context()); KindOf(err) != Server {
			t.Errorf("error %v", err)
		}
		if len(tries) != 1 || tries[0].Status != 503 || tries[0].Number != 1 || !strings.HasPrefix(tries[0].Path, "/fleet/v1/state") {
			t.Errorf("tries %+v", tries)
		}
	})
}

func TestPages(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 200, 250} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				for i := range n {
					c.Submit(unit(fmt.Sprintf("u%03d", i)))
				}
				c.Settle()
				list, err := conn.Units(t.Context())
				if err != nil || len(list) != n {
					t.Errorf("%d units, %v", len(list), err)
				}
				states, err := conn.States(t.Context())
				if err != nil || len(states) != n {
					t.Errorf("%d states, %v", len(states), err)
				}
				// A full last page is followed by an empty one.
				if want := n/100 + 1; conn.Counts().UnitPages != want || conn.Counts().StatePages != want {
					t.Errorf("%+v, want %d pages", conn.Counts(), want)
				}
			})
		})
	}
}

func TestNamesInPaths(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		for _, name := range []units.Name{"web@1.service", `mnt-a\x2db.mount`, "a:b_c-d.service"} {
			u := unit(string(name), "ExecStart=/bin/x")
			if err := conn.Put(t.Context(), name, u.Options, units.Loaded); err != nil {
				t.Fatal(err)
			}
			live, err := conn.Unit(t.Context(), name)
			if err != nil || live.Name != name || live.Hash != u.Hash() || live.Desired != units.Loaded {
				t.Errorf("%s: got %+v, %v", name, live, err)
			}
			if err := conn.SetState(t.Context(), name, units.Inactive); err != nil {
				t.Error(err)
			}
			if err := conn.Delete(t.Context(), name); err != nil {
				t.Error(err)
			}
			if _, err := conn.Unit(t.Context(), name); !IsNotFound(err) {
				t.Errorf("after delete: %v", err)
			}
			if err := conn.Delete(t.Context(), name); !IsNotFound(err) {
				t.Errorf("second delete: %v", err)
			}
		}
	})
}

func TestRejectionKeepsFleetsWords(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		bad := options("[X-Fleet] Global=true", "[X-Fleet] MachineOf=x.service")
		err := conn.Put(t.Context(), "a.service", bad, units.Launched)
		if KindOf(err) != Rejected || !strings.Contains(err.Error(), "Global cannot be used with Peers") || !strings.HasPrefix(err.Error(), "put a.service: ") {
			t.Errorf("error %v", err)
		}
		err = conn.SetState(t.Context(), "none.service", units.Launched)
		if KindOf(err) != Conflict {
			t.Errorf("error %v of kind %q", err, KindOf(err))
		}
	})
}

func TestTLS(t *testing.T) {
	c := fleettest.New(fleettest.Machines(2)...)
	server := httptest.NewUnstartedServer(c)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	clientCert, clientKey := keyPair(t)
	conn, err := Dial(Config{Endpoint: server.URL, CA: ca, Cert: clientCert, Key: clientKey})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	machines, err := conn.Machines(t.Context())
	if err != nil || len(machines) != 2 || machines[0].IP != "10.0.0.1" || machines[0].Metadata["role"] != "master" {
		t.Errorf("machines %v, %v", machines, err)
	}
	stranger, err := Dial(Config{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	began := time.Now()
	_, err = stranger.Machines(t.Context())
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "certificate") || stranger.Counts().Retries != 0 {
		t.Errorf("error %v after %v", err, time.Since(began))
	}
}

func TestNotFleet(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	conn, err := Dial(Config{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Machines(t.Context())
	if KindOf(err) != Garbled || !strings.Contains(err.Error(), "no fleet API there") {
		t.Errorf("error %v of kind %q", err, KindOf(err))
	}
}

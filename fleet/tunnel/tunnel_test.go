package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/stackc/stackc/cmd/stackc/sshtest"
)

// TestMain is also the fleetctl of the machine that the tests tunnel to, when it is
// called by that name: it joins its streams to a socket.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "fleetctl" {
		conn, err := net.Dial("unix", os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go io.Copy(conn, os.Stdin)
		io.Copy(os.Stdout, conn)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// start runs an sshd, and closes it at the end of the test.
func start(t *testing.T, lines ...string) *sshtest.Server {
	t.Helper()
	s, err := sshtest.Start(t.TempDir(), lines...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.Log())
		}
	})
	return s
}

// open makes a tunnel as somebody would who lives in the server's home.
func open(t *testing.T, s *sshtest.Server, change func(*Config)) *Tunnel {
	t.Helper()
	c := Config{Host: s.Address(), Home: s.Home}
	if change != nil {
		change(&c)
	}
	tunnel, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tunnel.Close() })
	return tunnel
}

// socket serves "hello" over a Unix socket and returns its path.
func socket(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleet.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return path
}

// get asks what is behind a socket through the tunnel.
func get(tunnel *Tunnel, path string) (string, error) {
	transport := &http.Transport{MaxConnsPerHost: 8, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return tunnel.DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("http://there/")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func wantHello(t *testing.T, tunnel *Tunnel, path string) {
	t.Helper()
	if text, err := get(tunnel, path); text != "hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// wantFault expects an error of that kind with the text in it.
func wantFault(t *testing.T, tunnel *Tunnel, path string, kind Kind, text string) {
	t.Helper()
	_, err := get(tunnel, path)
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one of kind %s with %q", err, kind, text)
	}
}

// TestHostKeyKinds knows one kind of key of a server that has three. A client that
// does not ask for that kind takes another one for a changed key.
func TestHostKeyKinds(t *testing.T) {
	s, path := start(t), socket(t)
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		if err := s.Know(kind); err != nil {
			t.Fatal(err)
		}
		wantHello(t, open(t, s, nil), path)
	}
}

func TestHostKeyFaults(t *testing.T) {
	s, path := start(t), socket(t)
	real := s.HostKeys["ed25519"]
	stranger, err := sshtest.WriteKey(filepath.Join(t.TempDir(), "k"), "ed25519", "")
	if err != nil {
		t.Fatal(err)
	}
	s.HostKeys["ed25519"] = stranger
	if err := s.Know("ed25519"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, nil), path, ChangedKey, "known_hosts:1): it has changed, or somebody else answers with ssh-ed25519 "+ssh.FingerprintSHA256(real))
	if err := s.Know(); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, nil), path, UnknownKey, "SHA256:")
	wantHello(t, open(t, s, func(c *Config) { c.Trusting = true }), path)
	known := filepath.Join(t.TempDir(), "known")
	line := fmt.Sprintf("[%s]:%s %s", s.Host, s.Port, ssh.MarshalAuthorizedKey(real))
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	wantHello(t, open(t, s, func(c *Config) { c.KnownHosts = []string{known} }), path)
	if err := os.WriteFile(known, []byte("host ssh-ed25519 rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, func(c *Config) { c.KnownHosts = []string{known} }), path, Unusable, "known")
}

// TestKindOfHostKeyGone knows a key of a kind that the server does not have any more.
func TestKindOfHostKeyGone(t *testing.T) {
	s, path := start(t, "HostKeyAlgorithms ssh-ed25519"), socket(t)
	if err := s.Know("ecdsa"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, nil), path, ChangedKey, "no common algorithm")
}

func TestKeys(t *testing.T) {
	s, path := start(t), socket(t)
	home := filepath.Join(s.Home, ".ssh")
	if err := os.Rename(filepath.Join(home, "id_ed25519"), filepath.Join(home, "mine")); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, nil), path, NoKey, "there is no agent and no key file")
	if _, err := sshtest.WriteKey(filepath.Join(home, "id_rsa"), "rsa", "secret"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, open(t, s, nil), path, NoKey, "id_rsa (needs a passphrase, and so an agent)")

	config := filepath.Join(home, "config")
	write(t, config, "Host 127.0.0.1\n  IdentityFile ~/.ssh/mine\n")
	wantHello(t, open(t, s, nil), path)

	write(t, config, "")
	wantHello(t, open(t, s, func(c *Config) { c.Agent = startAgent(t, filepath.Join(home, "mine")) }), path)

	write(t, config, "Host *\n  IdentitiesOnly yes\n  IdentityFile ~/.ssh/id_rsa\n")
	wantFault(t, open(t, s, func(c *Config) { c.Agent = startAgent(t, filepath.Join(home, "mine")) }), path, NoKey, "the agent (1 keys)")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startAgent serves an agent with one key and returns its socket.
func startAgent(t *testing.T, key string) string {
	t.Helper()
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { agent.ServeAgent(ring, conn); conn.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String()
}

// TestConfigFile goes by an alias to a host behind a jump host.
func TestConfigFile(t *testing.T) {
	s, jump, path := start(t), start(t), socket(t)
	if err := jump.Allow(publicOf(t, filepath.Join(s.Home, ".ssh", "id_ed25519"))); err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(s.Home, ".ssh", "known_hosts")
	both, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	more, err := os.ReadFile(filepath.Join(jump.Home, ".ssh", "known_hosts"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, known, string(both)+string(more))
	write(t, filepath.Join(s.Home, ".ssh", "config"), fmt.Sprintf(`
Host node
  HostName %s
  Port %s
  User %s
  ProxyJump gate
Host gate
  HostName %s
  Port %s
  User %s
`, s.Host, s.Port, s.User, jump.Host, jump.Port, jump.User))
	tunnel := open(t, s, func(c *Config) { c.Host = "node" })
	wantHello(t, tunnel, path)
	if want := s.Address(); tunnel.Host() != want {
		t.Errorf("host %q, want %q", tunnel.Host(), want)
	}
	if !strings.Contains(jump.Log(), "Accepted publickey") {
		t.Error("the jump host was not used")
	}
	tunnel.Close()
}

func publicOf(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey()
}

// TestForwardCommand tunnels through a server that forwards to no sockets, and that
// has ten sessions for a client.
func TestForwardCommand(t *testing.T) {
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "fleetctl")); err != nil {
		t.Fatal(err)
	}
	s, path := start(t, "AllowStreamLocalForwarding no", "SetEnv PATH="+bin+":/usr/bin:/bin", "MaxSessions 10"), socket(t)
	tunnel := open(t, s, nil)
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() { wantHello(t, tunnel, path) })
	}
	asking.Wait()
	os.Remove(filepath.Join(bin, "fleetctl"))
	wantFault(t, tunnel, path, NoServer, "fleetctl: ")
}

func TestNothingThere(t *testing.T) {
	s := start(t)
	wantFault(t, open(t, s, nil), "/nowhere/fleet.sock", NoServer, "/nowhere/fleet.sock: the SSH server cannot connect to it, and")
	_, err := open(t, s, nil).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if e := new(Error); !errors.As(err, &e) || e.Kind != NoServer {
		t.Errorf("error %v", err)
	}
	closed := start(t, "AllowTcpForwarding no")
	_, err = open(t, closed, nil).DialContext(t.Context(), "tcp", "127.0.0.1:22")
	if e := new(Error); !errors.As(err, &e) || e.Kind != Forbidden {
		t.Errorf("error %v", err)
	}
	wantFault(t, open(t, s, func(c *Config) { c.Host = "127.0.0.1:1" }), "/x", Unreachable, "refused")
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantFault(t, open(t, s, func(c *Config) { c.Host, c.Timeout = l.Addr().String(), 50*time.Millisecond }), "/x", Unreachable, "no SSH connection within 50ms")
}

// TestReconnect loses the connection under a tunnel that is in use.
func TestReconnect(t *testing.T) {
	s, path := start(t), socket(t)
	tunnel := open(t, s, nil)
	wantHello(t, tunnel, path)
	l, err := tunnel.link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.close()
	<-l.ended
	wantHello(t, tunnel, path)
}

func TestRoutes(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, ".ssh", "config"), `
Host n1
  HostName 10.0.0.1
  User admin
Host loop
  ProxyJump loop
Host far
  ProxyJump a,ops@b:2022
Host odd
  ProxyCommand nc %h %p
Host *.lab
  HostName %h.example.com
`)
	tests := []struct{ host, user, want, fault string }{
		{host: "10.1.1.1", want: "core@10.1.1.1"},
		{host: "n1", want: "admin@10.0.0.1"},
		{host: "n1", user: "me", want: "me@10.0.0.1"},
		{host: "you@n1:2222", user: "me", want: "you@10.0.0.1:2222"},
		{host: "[fe80::1]:22", want: "core@fe80::1"},
		{host: "fe80::1", want: "core@fe80::1"},
		{host: "x.lab", want: "core@x.lab.example.com"},
		{host: "far", want: "core@a ops@b:2022 core@far"},
		{host: "loop", fault: "in a circle"},
		{host: "odd", fault: "ProxyCommand"},
		{host: "a:b", fault: "is not [USER@]HOST[:PORT]"},
		{host: "a:99999", fault: "is not [USER@]HOST[:PORT]"},
		{host: "me@", fault: "is not [USER@]HOST[:PORT]"},
	}
	for _, tt := range tests {
		route, err := routeTo(Config{Host: tt.host, User: tt.user, Home: home})
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: error %v, want %q", tt.host, err, tt.fault)
			}
			continue
		}
		var names []string
		for _, h := range route {
			names = append(names, h.String())
		}
		if got := strings.Join(names, " "); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", tt.host, got, err, tt.want)
		}
	}
}

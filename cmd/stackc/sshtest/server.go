// Package sshtest runs OpenSSH's server for tests, with keys of its own.
package sshtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Server is an sshd on the loopback interface that lets the present user in.
type Server struct {
	// Host and Port are where it listens, User is who may log in.
	Host, Port, User string
	// Home has .ssh with the key of the user (id_ed25519) and known_hosts.
	Home string
	// HostKeys are the server's public keys by kind: rsa, ecdsa, ed25519.
	HostKeys map[string]ssh.PublicKey

	listener net.Listener
	config   string
	mu       sync.Mutex
	log      bytes.Buffer
	children map[*exec.Cmd]bool
	running  sync.WaitGroup
}

// Start starts a server that keeps its files in dir. The lines go to the top of its
// sshd_config(5), where the first value of a keyword counts.
func Start(dir string, lines ...string) (*Server, error) {
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // sshd wants its own empty folder, which Debian's service makes
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	s := &Server{User: who.Username, Home: filepath.Join(dir, "home"), HostKeys: map[string]ssh.PublicKey{}, children: map[*exec.Cmd]bool{}}
	if err := s.writeFiles(dir, lines); err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.Host, s.Port, _ = net.SplitHostPort(s.listener.Addr().String())
	if err := s.Know("rsa", "ecdsa", "ed25519"); err != nil {
		s.listener.Close()
		return nil, err
	}
	s.running.Go(s.serve)
	return s, nil
}

func (s *Server) writeFiles(dir string, lines []string) error {
	home := filepath.Join(s.Home, ".ssh")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	config := append([]string{}, lines...)
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		path := filepath.Join(dir, "host_"+kind)
		public, err := WriteKey(path, kind, "")
		if err != nil {
			return err
		}
		s.HostKeys[kind] = public
		config = append(config, "HostKey "+path)
	}
	public, err := WriteKey(filepath.Join(home, "id_ed25519"), "ed25519", "")
	if err != nil {
		return err
	}
	authorized := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(authorized, ssh.MarshalAuthorizedKey(public), 0o600); err != nil {
		return err
	}
	config = append(config, "AuthorizedKeysFile "+authorized, "StrictModes no", "UsePAM no", "PermitRootLogin yes",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PidFile none", "LogLevel VERBOSE")
	s.config = filepath.Join(dir, "sshd_config")
	return os.WriteFile(s.config, []byte(strings.Join(config, "\n")+"\n"), 0o600)
}

// Allow lets another key log in, beside the first.
func (s *Server) Allow(key ssh.PublicKey) error {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(s.config), "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(ssh.MarshalAuthorizedKey(key))
	return err
}

// Know makes known_hosts of those kinds of the server's keys alone.
func (s *Server) Know(kinds ...string) error {
	var text []byte
	for _, kind := range kinds {
		text = fmt.Appendf(text, "[%s]:%s %s", s.Host, s.Port, ssh.MarshalAuthorizedKey(s.HostKeys[kind]))
	}
	return os.WriteFile(filepath.Join(s.Home, ".ssh", "known_hosts"), text, 0o600)
}

// Address is user@host:port.
func (s *Server) Address() string { return s.User + "@" + net.JoinHostPort(s.Host, s.Port) }

// Log is what sshd has said.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Write takes what sshd says.
func (s *Server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// serve gives each connection an sshd of its own, as inetd would.
func (s *Server) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.handle(conn) })
	}
}

func (s *Server) handle(conn net.Conn) {
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return
	}
	cmd := exec.Command(sshd(), "-i", "-e", "-f", s.config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, s
	s.mu.Lock()
	err = cmd.Start()
	s.children[cmd] = err == nil
	s.mu.Unlock()
	file.Close()
	conn.Close() // the child has it
	if err != nil {
		fmt.Fprintln(s, err)
		return
	}
	cmd.Wait()
	s.mu.Lock()
	delete(s.children, cmd)
	s.mu.Unlock()
}

// Drop ends all connections; new ones are taken.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cmd, runs := range s.children {
		if runs {
			cmd.Process.Kill()
		}
	}
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.listener.Close()
	s.Drop()
	s.running.Wait()
}

// sshd finds the server, which wants to be called by its whole path.
func sshd() string {
	if path, err := exec.LookPath("sshd"); err == nil {
		return path
	}
	return "/usr/sbin/sshd"
}

// WriteKey makes a private key, with a passphrase if one is given, and returns its
// public part.
func WriteKey(path, kind, passphrase string) (ssh.PublicKey, error) {
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return nil, err
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(key.Public())
}

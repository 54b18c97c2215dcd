package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// command runs a program on the host and makes a connection of its streams. failed
// words why it gave nothing.
func (l *link) command(ctx context.Context, line string, failed func(error) error) (net.Conn, error) {
	session, err := l.client.NewSession()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	c := &commandConn{session: session, link: l, line: line, failed: failed}
	session.Stderr = &c.said
	if c.in, err = session.StdinPipe(); err == nil {
		if c.out, err = session.StdoutPipe(); err == nil {
			err = session.Start(line)
		}
	}
	if err != nil {
		session.Close()
		return nil, err
	}
	return c, nil
}

// quoted writes a word for the shell that runs the command.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// commandConn is a connection over a program's streams. It has no deadlines: requests
// end with their context, which closes it.
type commandConn struct {
	session *ssh.Session
	link    *link
	line    string
	failed  func(error) error
	in      io.WriteCloser
	out     io.Reader
	said    tail
	heard   bool
}

// Read gives the program's output. A program that ends without any has failed.
func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if n > 0 {
		c.heard = true
		c.link.indirect.Store(true)
	}
	if err == nil || c.heard || !errors.Is(err, io.EOF) {
		return n, err
	}
	ended := c.session.Wait()
	return n, c.failed(fmt.Errorf("%q there says: %v %s", c.line, ended, c.said.text()))
}

func (c *commandConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close ends the program.
func (c *commandConn) Close() error {
	c.in.Close()
	return c.session.Close()
}

func (c *commandConn) LocalAddr() net.Addr              { return streams{} }
func (c *commandConn) RemoteAddr() net.Addr             { return streams{} }
func (c *commandConn) SetDeadline(time.Time) error      { return nil }
func (c *commandConn) SetReadDeadline(time.Time) error  { return nil }
func (c *commandConn) SetWriteDeadline(time.Time) error { return nil }

// streams is the address of a program's streams.
type streams struct{}

func (streams) Network() string { return "ssh" }
func (streams) String() string  { return "program" }

// tail keeps the beginning of what a program says on stderr.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.Write(p[:min(len(p), max(0, 500-t.kept.Len()))])
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.kept.String())
}

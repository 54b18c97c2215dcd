package lab

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// DialContext connects to an address of the lab's network from this process, as net.Dialer does from the host's. It stands on the bridge, beside the mirror. The
// address must be numeric: nobody in a lab knows names.
func (l *Lab) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return dialIn(ctx, filepath.Join(netnsDir, l.netns(switchName)), network, address)
}

// HTTPClient speaks to addresses of the lab's network from this process.
func (l *Lab) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: l.DialContext, DisableKeepAlives: true}}
}

// dialed is the outcome of one connection attempt.
type dialed struct {
	conn net.Conn
	err  error
}

// dialIn connects from inside a network namespace. A socket belongs to the namespace of the thread that made it, so the thread enters the namespace for that
// moment. A thread that cannot be brought back stays locked, and ends with its goroutine.
func dialIn(ctx context.Context, path, network, address string) (net.Conn, error) {
	result := make(chan dialed, 1)
	go func() {
		runtime.LockOSThread()
		conn, back, err := dialOnThread(ctx, path, network, address)
		if back {
			runtime.UnlockOSThread()
		}
		result <- dialed{conn, err}
	}()
	r := <-result
	return r.conn, r.err
}

// dialOnThread does it on the calling thread and says whether that is in its own namespace again.
func dialOnThread(ctx context.Context, path, network, address string) (net.Conn, bool, error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, true, err
	}
	defer home.Close()
	there, err := os.Open(path)
	if err != nil {
		return nil, true, err
	}
	defer there.Close()
	if err := setns(there); err != nil {
		return nil, true, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return conn, setns(home) == nil, err
}

// setns moves the calling thread to a network namespace (setns(2)).
func setns(ns *os.File) error {
	if _, _, errno := syscall.RawSyscall(sysSetns, ns.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return &os.PathError{Op: "setns", Path: ns.Name(), Err: errno}
	}
	return nil
}

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

// Listen listens at an address of the lab's network from this process. It stands where DialContext does, and has the mirror's address.
func (l *Lab) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return inside(filepath.Join(netnsDir, l.netns(switchName)), func() (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, network, address)
	})
}

// dialIn connects from inside a network namespace.
func dialIn(ctx context.Context, path, network, address string) (net.Conn, error) {
	return inside(path, func() (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) })
}

// inside calls f in a network namespace. A socket belongs to the namespace of the thread that made it, so the thread enters the namespace for that moment. A thread
// that cannot be brought back stays locked, and ends with its goroutine.
func inside[T any](path string, f func() (T, error)) (made T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var back bool
		if made, back, err = onThread(path, f); back {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return made, err
}

// onThread does it on the calling thread and says whether that is in its own namespace again.
func onThread[T any](path string, f func() (T, error)) (made T, back bool, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return made, true, err
	}
	defer home.Close()
	there, err := os.Open(path)
	if err != nil {
		return made, true, err
	}
	defer there.Close()
	if err := setns(there); err != nil {
		return made, true, err
	}
	made, err = f()
	return made, setns(home) == nil, err
}

// setns moves the calling thread to a network namespace (setns(2)).
func setns(ns *os.File) error {
	if _, _, errno := syscall.RawSyscall(sysSetns, ns.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return &os.PathError{Op: "setns", Path: ns.Name(), Err: errno}
	}
	return nil
}

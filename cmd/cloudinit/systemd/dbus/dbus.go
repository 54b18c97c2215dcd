// Package dbus has the calls of go-systemd as they were in 2014, which
// coreos-cloudinit was written against and which no module holds any more, on top
// of today's go-systemd.
package dbus

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Property is one of a transient unit.
type Property = dbus.Property

// PropDescription and PropExecStart make properties.
var (
	PropDescription = dbus.PropDescription
	PropExecStart   = dbus.PropExecStart
)

// Conn talks to systemd.
type Conn struct{ to *dbus.Conn }

// New connects to the machine's systemd.
func New() (*Conn, error) {
	to, err := dbus.NewSystemConnectionContext(context.Background())
	return &Conn{to}, err
}

// EnableUnitFiles enables units as systemctl enable does.
func (c *Conn) EnableUnitFiles(files []string, runtime, force bool) (bool, []dbus.EnableUnitFileChange, error) {
	return c.to.EnableUnitFilesContext(context.Background(), files, runtime, force)
}

// Reload makes systemd read its files anew.
func (c *Conn) Reload() error { return c.to.ReloadContext(context.Background()) }

// The commands queue a job, wait for its end and return its result, "done" when
// all is well.
func (c *Conn) StartUnit(name, mode string) (string, error) {
	return result(c.to.StartUnitContext, name, mode)
}

// StopUnit is as StartUnit.
func (c *Conn) StopUnit(name, mode string) (string, error) {
	return result(c.to.StopUnitContext, name, mode)
}

// RestartUnit is as StartUnit.
func (c *Conn) RestartUnit(name, mode string) (string, error) {
	return result(c.to.RestartUnitContext, name, mode)
}

// ReloadUnit is as StartUnit.
func (c *Conn) ReloadUnit(name, mode string) (string, error) {
	return result(c.to.ReloadUnitContext, name, mode)
}

// TryRestartUnit is as StartUnit.
func (c *Conn) TryRestartUnit(name, mode string) (string, error) {
	return result(c.to.TryRestartUnitContext, name, mode)
}

// ReloadOrRestartUnit is as StartUnit.
func (c *Conn) ReloadOrRestartUnit(name, mode string) (string, error) {
	return result(c.to.ReloadOrRestartUnitContext, name, mode)
}

// ReloadOrTryRestartUnit is as StartUnit.
func (c *Conn) ReloadOrTryRestartUnit(name, mode string) (string, error) {
	return result(c.to.ReloadOrTryRestartUnitContext, name, mode)
}

// StartTransientUnit starts a unit that lasts as long as it runs.
func (c *Conn) StartTransientUnit(name, mode string, properties ...Property) (string, error) {
	return result(func(ctx context.Context, name, mode string, ch chan<- string) (int, error) {
		return c.to.StartTransientUnitContext(ctx, name, mode, properties, ch)
	}, name, mode)
}

// result runs a job to its end. A job has no bound of its own: units have them.
func result(run func(context.Context, string, string, chan<- string) (int, error), name, mode string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ended := make(chan string, 1)
	if _, err := run(ctx, name, mode, ended); err != nil {
		return "", err
	}
	select {
	case r := <-ended:
		return r, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

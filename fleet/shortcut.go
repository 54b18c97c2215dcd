package fleet

import (
	"context"
	"sync"
	"sync/atomic"
)

// shortcut is a way to read lists that fleet cuts into pages. For each page of 100
// fleetd reads all that there is, so that a list costs it the square of its length;
// out of etcd it comes with one reading, whatever its length.
type shortcut struct {
	find func(context.Context) *Conn
	once sync.Once
	// conn is nil before it was looked for, when there is none, and once it has failed.
	conn atomic.Pointer[Conn]
}

// PastFleet says where to find a connection that works on fleet's registry itself, as
// [Config].Etcd gives one. It is looked for when a list turns out to be longer than a
// page, once; find returns nil when there is none. From then on lists are read there,
// and through fleetd again when that fails.
func (c *Conn) PastFleet(find func(context.Context) *Conn) { c.shortcut.find = find }

// isLong tells that a list is longer than a page, and reports whether there is a better
// way to read it.
func (c *Conn) isLong(ctx context.Context) bool {
	if c.shortcut.find == nil {
		return false
	}
	c.shortcut.once.Do(func() { c.shortcut.conn.Store(c.shortcut.find(ctx)) })
	return c.shortcut.conn.Load() != nil
}

// past is the connection to the registry, nil while there is no need for one.
func (c *Conn) past() *Conn { return c.shortcut.conn.Load() }

// leave goes back to fleetd for good.
func (c *Conn) leave() {
	if past := c.shortcut.conn.Swap(nil); past != nil {
		c.counts[countEtcd].Add(int64(past.Counts().Etcd))
		past.Close()
	}
}

// wholeLists reports whether a list is read at one moment, and not page by page: then
// nothing can hide between two of them.
func (c *Conn) wholeLists() bool { return c.shortcut.conn.Load() != nil }

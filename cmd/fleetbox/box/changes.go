package box

import (
	"context"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/coreos/etcd/client"
	"github.com/coreos/fleet/pkg"
	"github.com/coreos/fleet/registry"
)

// changes tells streams when a unit's target, target state or existence changes in etcd. fleet's
// own stream sleeps for a second after every event and misses what happens meanwhile.
type changes struct {
	mu      sync.Mutex
	streams []*changeStream
}

// watch follows etcd until ctx ends.
func (c *changes) watch(ctx context.Context, keys client.KeysAPI) {
	job := path.Join(registry.DefaultKeyPrefix, "job")
	for ctx.Err() == nil {
		watcher := keys.Watcher(job, &client.WatcherOptions{Recursive: true})
		for {
			change, err := watcher.Next(ctx)
			if err != nil {
				break
			}
			if concernsFleet(change) {
				c.tell()
			}
		}
		c.tell() // something may have been missed
		select {
		case <-ctx.Done():
		case <-time.After(fastRetry):
		}
	}
}

// concernsFleet is the choice of fleet v1.0.0's registry/event.go, and deletion.
func concernsFleet(change *client.Response) bool {
	switch path.Base(change.Node.Key) {
	case "target", "target-state":
		return true
	}
	return change.Action == "delete" && change.Node.Dir
}

func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// stream returns a new stream of the changes from now on.
func (c *changes) stream() *changeStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &changeStream{news: make(chan struct{}, 1)}
	c.streams = append(c.streams, s)
	return s
}

// drop ends a stream.
func (c *changes) drop(s pkg.EventStream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams = slices.DeleteFunc(c.streams, func(other *changeStream) bool { return other == s })
}

// changeStream implements fleet's pkg.EventStream. Changes that come while nobody asks are one event.
type changeStream struct {
	news    chan struct{}
	emitted time.Time
}

// Next returns a channel that gets one event, at the next change. fleet asks again when it begins to
// work on an event, which is later than the event came if it was still busy: that long it then rests.
func (s *changeStream) Next(stop chan struct{}) chan pkg.Event {
	rest := fastSettle
	if !s.emitted.IsZero() {
		rest += fastRest * time.Since(s.emitted)
		s.emitted = time.Time{}
	}
	out := make(chan pkg.Event)
	go func() {
		if !s.due(stop, rest) {
			return
		}
		s.emitted = time.Now()
		select {
		case <-stop:
		case out <- registry.JobTargetStateChangeEvent:
		}
	}()
	return out
}

// due waits for a change and then for rest, and reports false if it was stopped meanwhile.
func (s *changeStream) due(stop <-chan struct{}, rest time.Duration) bool {
	select {
	case <-stop:
		return false
	case <-s.news:
	}
	select {
	case <-stop:
		return false
	case <-time.After(rest):
		return true
	}
}

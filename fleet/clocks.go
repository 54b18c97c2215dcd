package fleet

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Told is the time that a server told with an answer, and when the request was sent and
// the answer received by the clock of this machine.
type Told struct {
	Endpoint             string
	Date, Sent, Received time.Time
}

// Clocks asks every endpoint once for the time, and leaves out those that do not tell.
// An etcd that is worked on without fleetd tells none.
func (c *Conn) Clocks(ctx context.Context) []Told {
	told := make([]Told, len(c.servers))
	var group errgroup.Group
	for i, s := range c.servers {
		group.Go(func() error {
			told[i] = c.clock(ctx, s)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	var list []Told
	for _, t := range told {
		if !t.Date.IsZero() {
			list = append(list, t)
		}
	}
	return list
}

func (c *Conn) clock(ctx context.Context, s server) Told {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, anyServer.String()+"/fleet/v1/machines", nil)
	if err != nil {
		return Told{}
	}
	s.address(req)
	c.count(req)
	t := Told{Endpoint: s.Text, Sent: time.Now()}
	answer, err := s.transport.RoundTrip(req)
	if err != nil {
		return Told{}
	}
	defer answer.Body.Close()
	t.Received = time.Now()
	if t.Date, err = http.ParseTime(answer.Header.Get("Date")); err != nil {
		return Told{}
	}
	return t
}

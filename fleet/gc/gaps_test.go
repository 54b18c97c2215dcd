package gc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
)

// change is one of etcd's, as its stream of changes tells it.
type change struct {
	Action string     `json:"action"`
	Node   *etcd.Node `json:"node"`
	at     time.Time
}

// recorder writes down every change of fleet's registry and of gc's journal, in etcd's
// own order: what nobody has seen who only looks now and then is in it too.
type recorder struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	list []change
	err  error
}

// record begins.
func record(t *testing.T, url string) *recorder {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &recorder{stop: cancel}
	t.Cleanup(func() { cancel(); r.done.Wait() })
	for _, dir := range []string{newRegistry(nil, "").key(), "/stackc/v1/registry"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/keys"+dir+"?wait=true&stream=true&recursive=true", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r.done.Go(func() {
			defer answer.Body.Close()
			for in := json.NewDecoder(answer.Body); ; {
				var one change
				err := in.Decode(&one)
				r.mu.Lock()
				if one.at = time.Now(); err == nil {
					r.list = append(r.list, one)
				} else if ctx.Err() == nil {
					r.err = fmt.Errorf("the stream of changes of %s has ended: %w", dir, err)
				}
				r.mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	return r
}

// gap is a time in which a job named a content that was not there.
type gap struct {
	job, hash string
	// named is the index at which the job was written, batch that at which the last
	// batch before the gap was begun.
	named, batch uint64
	// taken says that the content went after the job had named it.
	taken bool
	from  time.Time
	// lasted is until the content was there again, or the job named another; negative
	// when neither has come to pass.
	lasted time.Duration
	// wanted says that the unit's desired state was written before that.
	wanted bool
}

// gaps ends the recording, and gives what it shows.
func (r *recorder) gaps(t *testing.T) []*gap {
	t.Helper()
	r.stop()
	r.done.Wait()
	if r.err != nil {
		t.Fatal(r.err)
	}
	slices.SortStableFunc(r.list, func(a, b change) int { return int(int64(a.Node.ModifiedIndex) - int64(b.Node.ModifiedIndex)) })
	var (
		all   []*gap
		open  = map[string]*gap{} // by job
		there = map[string]bool{}
		names = map[string]string{}
		since = map[string]uint64{}
		batch uint64
	)
	begin := func(job string, taken bool, at time.Time) {
		g := &gap{job: job, hash: names[job], named: since[job], batch: batch, taken: taken, from: at, lasted: -1}
		all, open[job] = append(all, g), g
	}
	end := func(job string, at time.Time) {
		if g := open[job]; g != nil {
			g.lasted = at.Sub(g.from)
			delete(open, job)
		}
	}
	dir := newRegistry(nil, "").key() + "/"
	for _, c := range r.list {
		rest, ours := strings.CutPrefix(c.Node.Key, dir)
		parts := strings.Split(rest, "/")
		gone := c.Action == "delete" || c.Action == "compareAndDelete" || c.Action == "expire"
		switch {
		case !ours:
			if strings.Contains(c.Node.Key, "/journal/") && !gone {
				batch = c.Node.ModifiedIndex
			}
		case parts[0] == unitDir && len(parts) == 2:
			hash := parts[1]
			there[hash] = !gone
			for job, named := range names {
				if named != hash {
					continue
				}
				if gone {
					begin(job, true, c.at)
				} else {
					end(job, c.at)
				}
			}
		case parts[0] == jobDir && gone && (len(parts) == 2 || path.Base(rest) == objectKey):
			end(parts[1], c.at)
			delete(names, parts[1])
		case parts[0] == jobDir && path.Base(rest) == objectKey:
			hash, err := reference(c.Node)
			if err != nil {
				t.Fatal(err)
			}
			job := parts[1]
			end(job, c.at)
			names[job], since[job] = hash, c.Node.ModifiedIndex
			if !there[hash] {
				begin(job, false, c.at)
			}
		case parts[0] == jobDir && path.Base(rest) == "target-state" && !gone:
			if g := open[parts[1]]; g != nil {
				g.wanted = true
			}
		}
	}
	return all
}

// wantGaps holds them against what gc promises: a unit that was there when a batch was
// begun keeps its content, and so does each unit of a writer who has reserved it; whoever
// else takes up a content just as it goes has it back.
func wantGaps(t *testing.T, list []*gap) {
	t.Helper()
	taken, wanted := 0, 0
	var lasted []time.Duration
	for _, g := range list {
		if g.taken {
			taken++
		}
		if g.wanted {
			wanted++
		}
		if g.taken && g.named < g.batch {
			t.Errorf("%s had its content %s at %d, before the batch of %d was begun, and lost it", g.job, g.hash, g.named, g.batch)
		}
		if strings.HasPrefix(g.job, carefulPrefix) {
			t.Errorf("%s, which was written with care, was without its content %s for %s", g.job, g.hash, g.lasted)
		}
		if g.lasted < 0 {
			t.Errorf("%s has been without its content %s since %d", g.job, g.hash, g.named)
		}
		lasted = append(lasted, g.lasted)
	}
	slices.Sort(lasted)
	if n := len(lasted); n > 0 {
		t.Logf("%d units waited for their content, %d of them had it a moment before, %d until after their desired state was written: median %s, the longest %s",
			n, taken, wanted, lasted[n/2].Round(10*time.Microsecond), lasted[n-1].Round(10*time.Microsecond))
	}
}

package gc

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

// TestAge tells ages by indexes that were noted at times, and by nothing else.
func TestAge(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	list := samples{}.with(sample{"c", 10, at(0)}).with(sample{"c", 20, at(5)}).with(sample{"c", 30, at(10)})
	for _, tt := range []struct {
		before time.Time
		want   uint64
	}{{at(0).Add(-1), 0}, {at(0), 10}, {at(4), 10}, {at(5), 20}, {at(60), 30}} {
		if got := list.horizon(tt.before); got != tt.want {
			t.Errorf("before %v: up to %d, want %d", tt.before, got, tt.want)
		}
	}
	if got := list.ready(15, time.Hour); got != at(65) {
		t.Errorf("ready at %v", got)
	}
	if got := list.ready(31, time.Hour); !got.IsZero() {
		t.Errorf("ready at %v although nothing was noted", got)
	}
	if got := list.with(sample{"c", 31, at(10).Add(time.Second)}); len(got) != 3 {
		t.Errorf("noted twice within a minute: %v", got)
	}
	if got := list.with(sample{"c", 25, at(20)}); len(got) != 3 || got[2].Index != 25 {
		t.Errorf("etcd has gone back, and its index of later counts still: %v", got)
	}
	if got := list.with(sample{"other", 100, at(20)}); len(got) != 1 {
		t.Errorf("indexes of another cluster count: %v", got)
	}
	if got := list.with(sample{"c", 100, at(1)}); len(got) != 2 {
		t.Errorf("times in the future count: %v", got)
	}
	for i := range 3 * sampleCount {
		list = list.with(sample{"c", uint64(100 + i), at(20 + i)})
	}
	if len(list) != sampleCount || list[0].Index != 10 || list[len(list)-1].Index != uint64(100+3*sampleCount-1) {
		t.Errorf("of many %d are kept, from %v to %v", len(list), list[0], list[len(list)-1])
	}
}

// TestJournalText gives back what was packed.
func TestJournalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.StringMatching("[0-9a-f]{40}"), rapid.String()).Draw(t, "values")
		text, err := pack(values)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpack(text)
		if err != nil || len(back) != len(values) {
			t.Fatalf("%v, %v", back, err)
		}
		for hash, value := range values {
			if back[hash] != value {
				t.Fatalf("%q is %q", value, back[hash])
			}
		}
	})
}

func TestBatchSize(t *testing.T) {
	of := func(sizes ...int) (list []content) {
		for _, n := range sizes {
			list = append(list, content{value: strings.Repeat("x", n)})
		}
		return list
	}
	for _, tt := range []struct {
		list []content
		want int
	}{{of(1), 1}, {of(slices.Repeat([]int{1}, 100)...), batchCount}, {of(batchBytes, 1), 1}, {of(10*batchBytes, 1), 1}, {of(1, batchBytes, 1), 1}, {of(1, 2, 3), 3}} {
		if got := batchSize(tt.list); got != tt.want {
			t.Errorf("a batch of %d, want %d", got, tt.want)
		}
	}
}

// TestNamedMeanwhile: a content that a job has named at any time since the jobs are
// followed stays, for who has read that job reads the content next; so does one that is
// reserved.
func TestNamedMeanwhile(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	create(t, keys, "a.service", text(1))
	f := newFollower(newRegistry(store, ""))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	all := func(numbers ...int) (list []content) {
		for _, n := range numbers {
			list = append(list, content{hash: hashOf(t, n)})
		}
		return list
	}
	wait(t, "the jobs are followed", func() bool { return !f.standing().since.IsZero() })
	if _, left, _ := f.may(all(1), nil, time.Hour); left <= 0 {
		t.Error("removals may begin at once")
	}
	create(t, keys, "a.service", text(2))
	create(t, keys, "a.service", text(3))
	wait(t, "all are known", func() bool { return !f.unused(all(3)[0]) })
	allowed, left, err := f.may(all(1, 2, 3, 4, 5), map[string]bool{hashOf(t, 5): true}, time.Nanosecond)
	if err != nil || left != 0 || len(allowed) != 1 || allowed[0].hash != hashOf(t, 4) {
		t.Errorf("%v may be removed, %v, %v", allowed, left, err)
	}
}

func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestYoung: what came after the last noted time stays, and the first run only notes it.
func TestYoung(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	create(t, keys, "a.service", text(1))
	create(t, keys, "a.service", text(2))
	old := func(o *Options) { o.MinAge = time.Hour }
	if r := run(t, store, old); r.Removed != 0 || r.Young != 1 || r.ReadyAt.IsZero() {
		t.Errorf("the first run: %+v", r)
	}
	// An hour later, by what is noted.
	r := newRegistry(store, "")
	list, err := r.samples(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	list[0].At = list[0].At.Add(-time.Hour)
	if err := r.writeSamples(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	create(t, keys, "a.service", text(3))
	create(t, keys, "a.service", text(4))
	got := run(t, store, old)
	if got.Removed != 2 || got.Young != 1 || got.Left != 1 {
		t.Errorf("an hour later: %+v", got)
	}
	contentOf(t, keys, 3)
}

// TestRefused: a registry that cannot be understood, one that is not there, and one that
// another run works on are left alone.
func TestRefused(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	refuse := func(kind state.Kind, prefix string) {
		t.Helper()
		r, err := Run(t.Context(), store, Options{Prefix: prefix, Observe: 1, Settle: 1}, nil)
		if state.KindOf(err) != kind || r.Removed != 0 {
			t.Errorf("%v, want %s; %d removed", err, kind, r.Removed)
		}
	}
	create(t, keys, "a.service", text(1))
	create(t, keys, "a.service", text(2))
	refuse(state.Missing, "/nowhere")
	lease, err := store.AcquireRegistry(t.Context(), state.Holder{Who: "ben", Host: "n2", Doing: "gc"})
	if err != nil {
		t.Fatal(err)
	}
	refuse(state.Held, "")
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	odd := newRegistry(nil, "").key(jobDir, "odd.service", objectKey)
	for _, value := range []string{"", "{", `{"Name":"odd.service"}`, `{"Name":"odd.service","UnitHash":"x"}`} {
		if _, err := keys.Set(t.Context(), odd, value, nil); err != nil {
			t.Fatal(err)
		}
		refuse(state.Damaged, "")
	}
	if _, err := keys.Delete(t.Context(), path.Dir(odd), &etcd.DeleteOptions{Recursive: true}); err != nil {
		t.Fatal(err)
	}
	if r := run(t, store, nil); r.Removed != 1 {
		t.Errorf("in the end: %+v", r)
	}
}

// TestHistory: what a recorded revision has stays if that is wished.
func TestHistory(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	for n := range 3 {
		create(t, keys, "a.service", text(n))
	}
	lease, err := store.Acquire(t.Context(), "shop/blue", state.Holder{Who: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(context.Background())
	recorded := []state.Unit{{Name: "a.service", Desired: units.Launched, Options: [][3]string{{"Service", "ExecStart", "/usr/bin/work --number=0"}}}}
	if _, err := store.Begin(t.Context(), lease, state.Revision{Doing: "submit"}, recorded); err != nil {
		t.Fatal(err)
	}
	if r := run(t, store, func(o *Options) { o.KeepHistory, o.DryRun = true, true }); r.Found != 2 || r.Kept != 1 || r.Removed != 0 {
		t.Errorf("foreseen: %+v", r)
	}
	if r := run(t, store, func(o *Options) { o.KeepHistory = true }); r.Removed != 1 || r.Kept != 1 {
		t.Errorf("with the history: %+v", r)
	}
	contentOf(t, keys, 0)
	if r := run(t, store, nil); r.Removed != 1 || r.Left != 0 {
		t.Errorf("without: %+v", r)
	}
}

// TestInterrupted: a run that ends in the middle leaves nothing undone that a unit needs,
// and the next one removes the rest.
func TestInterrupted(t *testing.T) {
	b := startBox(t)
	store, keys := b.store(t), b.keys(t)
	const n = 3*batchCount + 1
	for i := range n {
		create(t, keys, "a.service", text(i))
	}
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	first, err := Run(ctx, store, Options{Observe: 1, Settle: time.Hour, Rate: 1e6}, func(p Progress) {
		if p.Stage == Removing {
			stop(fmt.Errorf("enough"))
		}
	})
	if err == nil || err.Error() != "enough" || first.Removed != batchCount || first.Pending != batchCount {
		t.Errorf("%v: %+v", err, first)
	}
	second := run(t, store, nil)
	if first.Removed+second.Removed != n-1 || second.Left != 0 || second.Pending != 0 {
		t.Errorf("the next run: %+v", second)
	}
}

package gc

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

// sample is an index of etcd at a moment: all that has at most that index was made
// before it.
type sample struct {
	// Cluster is etcd's ID. Indexes of another cluster, as etcd is after it was
	// brought back from a backup, tell nothing.
	Cluster string    `json:"cluster"`
	Index   uint64    `json:"index"`
	At      time.Time `json:"at"`
}

// Samples are noted at most so often, and so many are kept.
const (
	sampleEvery = time.Minute
	sampleCount = 64
)

// samples are in the order of time.
type samples []sample

// clockTTL is that of the key by which etcd is asked for its time.
const clockTTL = time.Minute

// clock asks etcd for its index and its time. All times are etcd's: clocks of the
// machines on which runs happen may differ.
func (r *fleetRegistry) clock(ctx context.Context) (sample, error) {
	const op = "ask etcd for its time"
	answer, err := r.store.Do(ctx, op, func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Set(ctx, r.store.Place("registry", "clock"), "", &etcd.SetOptions{TTL: clockTTL})
	})
	if err != nil {
		return sample{}, err
	}
	if answer.Node.Expiration == nil {
		return sample{}, &state.Error{Op: op, Kind: state.Damaged, Err: errors.New("the answer has no time")}
	}
	return sample{Cluster: answer.ClusterID, Index: answer.Node.ModifiedIndex, At: answer.Node.Expiration.Add(-clockTTL)}, nil
}

// samples reads what was noted before.
func (r *fleetRegistry) samples(ctx context.Context) (samples, error) {
	var list samples
	value, err := r.note(ctx, "samples")
	if err != nil || value == "" {
		return nil, err
	}
	if json.Unmarshal([]byte(value), &list) != nil {
		return nil, nil // what cannot be read proves no age
	}
	return list, nil
}

// note reads one key of those below registry/ in the store, "" when it is not there.
func (r *fleetRegistry) note(ctx context.Context, name string) (string, error) {
	answer, err := r.store.Do(ctx, "read what earlier runs have noted", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Get(ctx, r.store.Place("registry", name), &etcd.GetOptions{Quorum: true})
	})
	switch {
	case state.KindOf(err) == state.Missing:
		return "", nil
	case err != nil:
		return "", err
	}
	return answer.Node.Value, nil
}

// with adds one for this moment. Those that contradict it are dropped, and of many
// the second oldest: the oldest serves the longest ages, the newest the usual ones.
func (s samples) with(now sample) samples {
	var list samples
	for _, one := range s {
		if one.Cluster == now.Cluster && one.Index <= now.Index && !one.At.After(now.At) {
			list = append(list, one)
		}
	}
	if n := len(list); n > 0 && now.At.Sub(list[n-1].At) < sampleEvery {
		return list
	}
	if list = append(list, now); len(list) > sampleCount {
		list = append(list[:1], list[2:]...)
	}
	return list
}

func (r *fleetRegistry) writeSamples(ctx context.Context, list samples) error {
	_, err := r.store.Do(ctx, "note the time", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		text, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		return keys.Set(ctx, r.store.Place("registry", "samples"), string(text), &etcd.SetOptions{NoValueOnSuccess: true})
	})
	return err
}

// horizon is the highest index that is known to be from before a moment.
func (s samples) horizon(before time.Time) uint64 {
	var highest uint64
	for _, one := range s {
		if !one.At.After(before) {
			highest = max(highest, one.Index)
		}
	}
	return highest
}

// ready is when all up to an index will be known to be of an age.
func (s samples) ready(index uint64, age time.Duration) time.Time {
	for _, one := range s {
		if one.Index >= index {
			return one.At.Add(age)
		}
	}
	return time.Time{}
}

package gc

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

// Journal is the key of the journal in etcd, of a store with the default prefix.
const Journal = state.DefaultPrefix + "/v1/registry/journal"

// entry is a batch of contents in the journal.
type entry struct {
	key string
	// values are the values of the contents' keys, by hash.
	values map[string]string
	// done is when the last of them was removed, by the own clock. An entry of an
	// earlier run counts from when it was read.
	done time.Time
}

// writeEntry writes a batch into the journal.
func (r *fleetRegistry) writeEntry(ctx context.Context, run string, number int, batch []content) (*entry, error) {
	e := &entry{key: r.store.Place("registry", "journal", fmt.Sprintf("%s-%06d", run, number)), values: make(map[string]string, len(batch))}
	for _, c := range batch {
		e.values[c.hash] = c.value
	}
	text, err := pack(e.values)
	if err != nil {
		return nil, err
	}
	_, err = r.store.Do(ctx, "write the journal", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Set(ctx, e.key, text, &etcd.SetOptions{NoValueOnSuccess: true})
	})
	return e, err
}

// dropEntry forgets a batch.
func (r *fleetRegistry) dropEntry(ctx context.Context, e *entry) error {
	_, err := r.store.Do(ctx, "clear the journal", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Delete(ctx, e.key, nil)
	})
	if state.KindOf(err) == state.Missing {
		return nil
	}
	return err
}

// journal reads what runs have left that did not come to their end.
func (r *fleetRegistry) journal(ctx context.Context) ([]*entry, error) {
	const op = "read the journal"
	answer, err := r.store.Do(ctx, op, func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Get(ctx, r.store.Place("registry", "journal"), &etcd.GetOptions{Recursive: true, Quorum: true})
	})
	switch {
	case state.KindOf(err) == state.Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	var list []*entry
	for _, node := range answer.Node.Nodes {
		values, err := unpack(node.Value)
		if err != nil {
			return nil, &state.Error{Op: op, Kind: state.Damaged, Err: fmt.Errorf("the value of %s in etcd cannot be read: %w", node.Key, err)}
		}
		list = append(list, &entry{key: r.store.Place("registry", "journal", path.Base(node.Key)), values: values, done: time.Now()})
	}
	return list, nil
}

// pack makes one value of a batch, with the letters that need no escape in a form.
func pack(values map[string]string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := json.NewEncoder(w).Encode(values); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes()), nil
}

// unpack is the way back.
func unpack(text string) (map[string]string, error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.NewDecoder(r).Decode(&values); err != nil {
		return nil, err
	}
	return values, nil
}

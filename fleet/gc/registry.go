package gc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sync/atomic"
	"time"

	"github.com/coreos/fleet/registry"
	"github.com/coreos/fleet/unit"
	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

// The directories and the key of fleet's registry that matter here (fleet v1.0.0,
// registry/unit.go and registry/job.go).
const (
	unitDir   = "unit"
	jobDir    = "job"
	objectKey = "object"
)

// unitModel is the value of a content's key; fleet's own type for it is not exported.
type unitModel struct{ Raw string }

// contents is what is under unit/: by hash.
type contents map[string]content

// content is one of them.
type content struct {
	hash string
	// value is the key's, as it is in etcd.
	value string
	// index is etcd's of its last change, which for a content is its making.
	index uint64
}

// fleetRegistry is fleet's registry in etcd.
type fleetRegistry struct {
	store    *state.Store
	prefix   string
	requests atomic.Int64
}

func newRegistry(store *state.Store, prefix string) *fleetRegistry {
	return &fleetRegistry{store: store, prefix: cmp.Or(prefix, registry.DefaultKeyPrefix)}
}

func (r *fleetRegistry) key(parts ...string) string {
	return path.Join(append([]string{r.prefix}, parts...)...)
}

// directory reads all below a directory, through etcd's quorum; nil when it is not there.
// The index is etcd's at that moment.
func (r *fleetRegistry) directory(ctx context.Context, op, name string) (*etcd.Node, uint64, error) {
	var absent bool
	var index uint64
	answer, err := r.store.Do(ctx, op, func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		answer, err := keys.Get(ctx, r.key(name), &etcd.GetOptions{Recursive: true, Quorum: true})
		var said etcd.Error
		if absent = errors.As(err, &said) && said.Code == etcd.ErrorCodeKeyNotFound; absent {
			index = said.Index
			return nil, nil
		}
		return answer, err
	})
	switch {
	case err != nil:
		return nil, 0, err
	case absent:
		return nil, index, nil
	}
	return answer.Node, answer.Index, nil
}

// contents reads all contents. What lies there under a name that is no hash is not
// fleet's, and is left out.
func (r *fleetRegistry) contents(ctx context.Context) (contents, error) {
	dir, _, err := r.directory(ctx, "read the contents of units", unitDir)
	if err != nil || dir == nil {
		return contents{}, err
	}
	all := make(contents, len(dir.Nodes))
	for _, node := range dir.Nodes {
		hash, err := unit.HashFromHexString(path.Base(node.Key))
		if node.Dir || err != nil || hash.String() != path.Base(node.Key) {
			continue
		}
		all[hash.String()] = content{hash: hash.String(), value: node.Value, index: node.ModifiedIndex}
	}
	return all, nil
}

// Sizes gives the size of each content in fleet's registry by its hash, in one request.
// prefix is fleet's directory in etcd; empty means that of fleet's own default.
func Sizes(ctx context.Context, store *state.Store, prefix string) (map[string]int, error) {
	all, err := newRegistry(store, prefix).contents(ctx)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int, len(all))
	for hash, c := range all {
		sizes[hash] = len(c.value)
	}
	return sizes, nil
}

// references reads the hash of each job's content. A job that cannot be understood may
// name any content: it is an error of Kind Damaged.
func (r *fleetRegistry) references(ctx context.Context) (hashes map[string]bool, index uint64, err error) {
	const op = "read which contents units have"
	dir, index, err := r.directory(ctx, op, jobDir)
	if err != nil || dir == nil {
		return nil, index, err
	}
	hashes = make(map[string]bool, len(dir.Nodes))
	for _, job := range dir.Nodes {
		for _, node := range job.Nodes {
			if path.Base(node.Key) != objectKey {
				continue
			}
			hash, err := reference(node)
			if err != nil {
				return nil, 0, &state.Error{Op: op, Kind: state.Damaged, Err: err}
			}
			hashes[hash] = true
		}
	}
	return hashes, index, nil
}

// reference reads a job's object.
func reference(node *etcd.Node) (string, error) {
	hash, err := units.HashOfJob(node.Value)
	if err != nil || hash == "" {
		return "", fmt.Errorf("which content the unit at %s in etcd has cannot be told", node.Key)
	}
	return hash, nil
}

// read is one pass over the registry as each of fleet's agents makes it.
type read struct {
	contents contents
	live     map[string]bool
	// took is how long it took, with the parsing that fleet does as well.
	took time.Duration
}

// read reads all as registry.EtcdRegistry.Units of fleet v1.0.0 does.
func (r *fleetRegistry) read(ctx context.Context) (read, error) {
	began := time.Now()
	live, _, err := r.references(ctx)
	if err != nil {
		return read{}, err
	}
	all, err := r.contents(ctx)
	if err != nil {
		return read{}, err
	}
	for _, c := range all {
		c.parse()
	}
	return read{contents: all, live: live, took: time.Since(began)}, nil
}

// parse does what fleet does with each content that it reads. That it is not a unit
// concerns nobody here.
func (c content) parse() {
	var model unitModel
	if json.Unmarshal([]byte(c.value), &model) == nil {
		_, _ = unit.NewUnitFile(model.Raw)
	}
}

// dead counts the contents that no job names.
func (r read) dead() (n int, bytes int64) {
	for hash, c := range r.contents {
		if !r.live[hash] {
			n, bytes = n+1, bytes+int64(len(c.value))
		}
	}
	return n, bytes
}

// remove takes a content away unless it has changed. It is true when it is gone, by
// whomever.
func (r *fleetRegistry) remove(ctx context.Context, c content) (bool, error) {
	changed := false
	_, err := r.store.Do(ctx, "remove a content", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		answer, err := keys.Delete(ctx, r.key(unitDir, c.hash), &etcd.DeleteOptions{PrevIndex: c.index})
		var said etcd.Error
		if errors.As(err, &said) && (said.Code == etcd.ErrorCodeTestFailed || said.Code == etcd.ErrorCodeKeyNotFound) {
			changed = said.Code == etcd.ErrorCodeTestFailed
			return nil, nil
		}
		return answer, err
	})
	return err == nil && !changed, err
}

// restore writes a content again unless somebody has. It is true when it was away.
func (r *fleetRegistry) restore(ctx context.Context, hash, value string) (bool, error) {
	there := false
	_, err := r.store.Do(ctx, "write a content again", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		answer, err := keys.Set(ctx, r.key(unitDir, hash), value, &etcd.SetOptions{PrevExist: etcd.PrevNoExist, NoValueOnSuccess: true})
		var said etcd.Error
		if there = errors.As(err, &said) && said.Code == etcd.ErrorCodeNodeExist; there {
			return nil, nil
		}
		return answer, err
	})
	return err == nil && !there, err
}

package state

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/units"
)

// Unit is a unit as it is recorded.
type Unit struct {
	Name    units.Name  `json:"name"`
	Desired units.State `json:"desired"`
	Group   string      `json:"group,omitempty"`
	// Options are section, name and value of each line.
	Options [][3]string `json:"options"`
	// Waits are unit, subject and probe of each waiter.
	Waits [][3]string `json:"waits,omitempty"`
	// Update says how a change of it is rolled out.
	Update *Update `json:"update,omitempty"`
	// Spare says that the unit is one that a rollout may run while it lasts.
	Spare bool `json:"spare,omitempty"`
}

// Update is a [units.Update] as it is recorded.
type Update struct {
	MaxUnavailable int                `json:"max_unavailable,omitempty"`
	MaxExtra       int                `json:"max_extra,omitempty"`
	HealthyFor     int                `json:"healthy_for,omitempty"`
	OnFailure      units.AfterFailure `json:"on_failure,omitempty"`
	First          int                `json:"first,omitempty"`
	OneMachine     bool               `json:"one_machine,omitempty"`
}

// Units gives the recorded form of the units of a set.
func Units(set *units.Set) []Unit {
	list := make([]Unit, 0, len(set.Units)+len(set.Spares))
	for _, u := range set.Units {
		list = append(list, recorded(u))
	}
	for _, u := range set.Spares {
		spare := recorded(u)
		spare.Spare = true
		list = append(list, spare)
	}
	return list
}

func recorded(u units.Unit) Unit {
	r := Unit{Name: u.Name, Desired: u.Desired, Group: u.Group}
	for _, o := range u.Options {
		r.Options = append(r.Options, [3]string{o.Section, o.Name, o.Value})
	}
	for _, w := range u.Waits {
		r.Waits = append(r.Waits, [3]string{string(w.Unit), w.Subject, w.Probe})
	}
	if u.Update != nil {
		update := Update(*u.Update)
		r.Update = &update
	}
	return r
}

// Set is the way back. What a stack file says beside its units, the addresses of
// roles, is not recorded.
func Set(stack string, list []Unit) *units.Set {
	var back, spares []units.Unit
	for _, r := range list {
		if u := r.unit(); r.Spare {
			spares = append(spares, u)
		} else {
			back = append(back, u)
		}
	}
	return units.NewSet(stack, back).WithSpares(spares)
}

func (r Unit) unit() units.Unit {
	u := units.Unit{Name: r.Name, Desired: r.Desired, Group: r.Group}
	for _, o := range r.Options {
		u.Options = append(u.Options, units.Option{Section: o[0], Name: o[1], Value: o[2]})
	}
	for _, w := range r.Waits {
		u.Waits = append(u.Waits, units.Wait{Unit: units.Name(w[0]), Subject: w[1], Probe: w[2]})
	}
	if r.Update != nil {
		update := units.Update(*r.Update)
		u.Update = &update
	}
	return u
}

// Digest identifies units: names, desired states and contents. How a change of
// them is rolled out is no part of it.
func Digest(list []Unit) string {
	h := sha256.New()
	var plain []Unit
	for _, u := range list {
		if u.Update = nil; !u.Spare {
			plain = append(plain, u)
		}
	}
	if plain == nil {
		plain = []Unit{}
	}
	h.Write([]byte(encode(plain)))
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// pieceSize bounds one value. etcd takes requests of up to 1.5 MB by default, and
// holds all of its data in memory; values of a quarter of that are no burden.
const pieceSize = 256 << 10

// pack makes pieces of units: JSON, gzip, base64 with the letters that need no
// escape in a form.
func pack(list []Unit) []string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, encode(list)) // a buffer takes all
	w.Close()
	text := base64.RawURLEncoding.EncodeToString(b.Bytes())
	var pieces []string
	for len(text) > pieceSize {
		pieces, text = append(pieces, text[:pieceSize]), text[pieceSize:]
	}
	return append(pieces, text)
}

// unpack is the way back.
func unpack(text string) ([]Unit, error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var list []Unit
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return nil, err
	}
	return list, nil
}

func (s *Store) writePieces(ctx context.Context, r Revision, pieces []string) error {
	op := fmt.Sprintf("record revision %d of %s", r.Number, r.Stack)
	for i, text := range pieces {
		key, err := s.key(r.Stack, "texts", r.folder(), fmt.Sprintf("%04d", i))
		if err != nil {
			return err
		}
		if _, err := s.set(ctx, op, key, text, etcd.SetOptions{NoValueOnSuccess: true}); err != nil {
			return err
		}
	}
	return nil
}

// Read gives the units of a revision. The error is of Kind Damaged when they are
// not what was written.
func (s *Store) Read(ctx context.Context, r Revision) ([]Unit, error) {
	op := fmt.Sprintf("read revision %d of %s", r.Number, r.Stack)
	key, err := s.key(r.Stack, "texts", r.folder())
	if err != nil {
		return nil, err
	}
	answer, err := s.get(ctx, op, key, true)
	if err != nil {
		return nil, err
	}
	text := ""
	for i, node := range answer.Node.Nodes {
		if path.Base(node.Key) != fmt.Sprintf("%04d", i) {
			return nil, fail(op, Damaged, "piece %d of its units is missing", i)
		}
		text += node.Value
	}
	list, err := unpack(text)
	switch {
	case err != nil:
		return nil, fail(op, Damaged, "its units cannot be read: %w", err)
	case Digest(list) != r.Digest:
		return nil, fail(op, Damaged, "its units are not those that were recorded")
	}
	return list, nil
}

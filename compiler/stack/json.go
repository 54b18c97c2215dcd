package stack

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/syntax"
)

// json renders a TOML value as it goes into etcd: a string as it is, anything
// else as compact JSON with the keys in the order of the file.
func (d *decoder) json(v *syntax.Value) (Text, bool) {
	r, ok := d.resolve(v)
	if !ok {
		return Text{}, false
	}
	if r.Kind == syntax.String {
		t := d.text(v)
		return t, t.Given()
	}
	var b strings.Builder
	if !d.appendJSON(&b, r) {
		return Text{}, false
	}
	return plainText(d.pos(v.Span), nil, b.String()), true
}

func (d *decoder) appendJSON(b *strings.Builder, written *syntax.Value) bool {
	v, ok := d.resolve(written)
	if !ok {
		return false
	}
	switch v.Kind {
	case syntax.String:
		s, ok := d.closed(d.text(written))
		if !ok {
			return false
		}
		appendQuoted(b, s)
	case syntax.Integer:
		b.WriteString(strconv.FormatInt(v.Int, 10))
	case syntax.Bool:
		b.WriteString(strconv.FormatBool(v.Bool))
	case syntax.Float:
		return d.appendFloat(b, v)
	case syntax.Array:
		return d.appendList(b, v)
	case syntax.KindTable:
		return d.appendTable(b, v)
	default:
		d.want(v, "a value that JSON can hold")
		return false
	}
	return true
}

func appendQuoted(b *strings.Builder, s string) {
	var quoted strings.Builder
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	b.WriteString(strings.TrimSuffix(quoted.String(), "\n"))
}

func (d *decoder) appendFloat(b *strings.Builder, v *syntax.Value) bool {
	if math.IsInf(v.Float, 0) || math.IsNaN(v.Float) {
		d.want(v, "a number that JSON can hold")
		return false
	}
	b.WriteString(strconv.FormatFloat(v.Float, 'g', -1, 64))
	return true
}

func (d *decoder) appendList(b *strings.Builder, v *syntax.Value) bool {
	b.WriteByte('[')
	for i, e := range v.Elems {
		if i > 0 {
			b.WriteByte(',')
		}
		if !d.index(i).appendJSON(b, e) {
			return false
		}
	}
	b.WriteByte(']')
	return true
}

func (d *decoder) appendTable(b *strings.Builder, v *syntax.Value) bool {
	b.WriteByte('{')
	for i, e := range v.Table.Entries {
		if i > 0 {
			b.WriteByte(',')
		}
		appendQuoted(b, e.Key)
		b.WriteByte(':')
		if !d.at(e.Key).appendJSON(b, e.Value) {
			return false
		}
	}
	b.WriteByte('}')
	return true
}

package stack

import (
	"fmt"
	"math"
	"time"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// parseDuration reads "30s", "5m", "1h30m" or "infinity", which is 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "infinity" || s == "0" {
		return 0, nil
	}
	t, err := time.ParseDuration(s)
	if err == nil && t < 0 {
		err = fmt.Errorf("negative duration %q", s)
	}
	return t, err
}

// durationShape is what duration reads.
func durationShape() Shape {
	return eitherShape(stringShape(NotEmpty), Shape{Kind: ShapeInteger, High: math.MaxInt64})
}

func (d *decoder) duration(v *syntax.Value) time.Duration {
	r, ok := d.resolve(v)
	if !ok {
		return 0
	}
	if r.Kind == syntax.Integer && r.Int >= 0 {
		return time.Duration(r.Int) * time.Second
	}
	if r.Kind != syntax.String {
		d.want(r, `a duration such as "5m"`)
		return 0
	}
	t, err := parseDuration(r.Str)
	if err != nil {
		d.errorf(diag.BadValue, v.Span, "%q is not a duration", r.Str).help(`write it like "30s", "5m" or "1h30m"; "infinity" waits for ever`)
	}
	return t
}

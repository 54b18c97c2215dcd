package syntax

import (
	"strconv"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

// number reads a number or a date, nil when there is no such one. Plain decimal
// integers, which are nearly all, are read here; every other form goes through
// a TOML decoder.
func (p *parser) number(n *unstable.Node, span source.Span) *Value {
	if n.Kind == unstable.Integer && plainInteger(n.Data) {
		if i, err := strconv.ParseInt(span.Text(), 10, 64); err == nil {
			v := p.newValue(Integer, span)
			v.Int = i
			return v
		}
	}
	v := p.newValue(0, span)
	if !v.decode(span.Text()) {
		message, help := wordFault(span.Text())
		p.fail(diag.Syntax, span, "%s", message).Help = help
		return nil
	}
	return v
}

// decode sets v to what a number, boolean or date stands for.
func (v *Value) decode(word string) bool {
	var decoded struct{ V any }
	if _, err := toml.Decode("v = "+word, &decoded); err != nil {
		return false
	}
	switch x := decoded.V.(type) {
	case int64:
		v.Kind, v.Int = Integer, x
	case float64:
		v.Kind, v.Float = Float, x
	case bool:
		v.Kind, v.Bool = Bool, x
	case time.Time:
		v.Kind = Datetime
		return offsetMinute(word) < 60
	default:
		return false
	}
	return true
}

// offsetMinute returns the minutes of a date's offset (the 30 of +05:30), 0 when
// it has none. The decoder does not look at them.
func offsetMinute(date string) int {
	if i := len(date) - len("+00:00"); i > 0 && date[i+3] == ':' && (date[i] == '+' || date[i] == '-') {
		minute, _ := strconv.Atoi(date[i+4:])
		return minute
	}
	return 0
}

func plainInteger(s []byte) bool {
	if len(s) == 0 || len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

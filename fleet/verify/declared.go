package verify

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/units/expect"
)

// declared asks what the stack file itself wants to know. Every machine that has the
// unit must give the right answer; of etcd's addresses one that answers is enough.
func (e *eye) declared(c expect.Check) {
	at, ofKey := c.Ask.Path, c.Ask.Key != ""
	if ofKey {
		at = keysPath + c.Ask.Key
	}
	spots := e.spots(c.Ask, at)
	if len(spots) == 0 {
		e.tell(c, Result{Result: Fails, Expected: e.wanted(c), Seen: "nobody to ask: it is on no machine", Help: "stackc status tells how it stands"})
	}
	var silent []Result
	for _, s := range spots {
		r := Result{On: s.on, Expected: e.wanted(c), Help: "stackc why tells more of the unit that is asked"}
		if s.closed != "" {
			r.Result, r.Seen = Unasked, s.closed
			silent = append(silent, r)
			continue
		}
		a := e.answer(s.question)
		r.Result, r.Seen = e.held(c, a, ofKey)
		if ofKey && a.Err != "" {
			silent = append(silent, r)
			continue
		}
		e.tell(c, r)
		if ofKey {
			return
		}
	}
	for i, r := range silent {
		if i == 0 || !ofKey {
			e.tell(c, r)
		}
	}
}

// wanted says what the answer must be.
func (e *eye) wanted(c expect.Check) string {
	w := c.Want
	switch {
	case w.Listed:
		list := e.addresses(w, w.Roles)
		if len(list) == 0 {
			return "an empty list"
		}
		return strings.Join(slices.Sorted(slices.Values(list)), ", ")
	case w.Contains != "":
		return fmt.Sprintf("%q in the answer", w.Contains)
	}
	return "an answer"
}

// held judges an answer.
func (e *eye) held(c expect.Check, a Answer, ofKey bool) (Outcome, string) {
	w := c.Want
	if !a.good() {
		if ofKey && a.Status == 404 && w.Listed {
			return verdict(len(e.addresses(w, w.Roles)) == 0), "there is no such key"
		}
		return Fails, a.String()
	}
	if w.Contains != "" && !strings.Contains(string(a.Body), w.Contains) {
		return Fails, "an answer without it: " + clip(string(a.Body))
	}
	if !w.Listed {
		return Holds, a.String()
	}
	got, err := listed(a.Body, w.List)
	if err != "" {
		return Fails, err
	}
	slices.Sort(got)
	seen := strings.Join(got, ", ")
	if len(got) == 0 {
		seen = "an empty list"
	}
	return verdict(sameSet(e.addresses(w, w.Roles), got)), seen
}

// clip is the beginning of a text, on one line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// listed takes a list out of JSON, the keys below a directory of etcd for "". Its
// second result says why there is none.
func listed(body []byte, where string) (list []string, why string) {
	if where == "" {
		return children(body)
	}
	var data any
	if err := json.Unmarshal(body, &data); err != nil {
		return nil, "an answer that is no JSON: " + clip(string(body))
	}
	found := []any{data}
	for _, step := range strings.Split(where, ".") {
		key, each := strings.CutSuffix(step, "[]")
		var next []any
		for _, v := range found {
			object, ok := v.(map[string]any)
			in, there := object[key]
			switch array, isArray := in.([]any); {
			case !ok || !there:
				return nil, fmt.Sprintf("an answer without %q of %q", key, where)
			case each && in == nil: // what Go writes for a list without elements
			case each && !isArray:
				return nil, fmt.Sprintf("an answer whose %q of %q is no array", key, where)
			case each:
				next = append(next, array...)
			default:
				next = append(next, in)
			}
		}
		found = next
	}
	list = []string{}
	for _, v := range found {
		list = append(list, strings.Trim(fmt.Sprint(v), `"`))
	}
	return list, ""
}

// children are the last parts of the keys below a directory, of a key without any its value.
func children(body []byte) (list []string, why string) {
	var answer struct {
		Node struct {
			Dir   bool
			Value string
			Nodes []struct{ Key string }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, "an answer that is no JSON: " + clip(string(body))
	}
	if !answer.Node.Dir {
		return []string{answer.Node.Value}, ""
	}
	list = []string{}
	for _, n := range answer.Node.Nodes {
		list = append(list, path.Base(n.Key))
	}
	return list, ""
}

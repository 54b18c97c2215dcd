package emit

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// placement writes [X-Fleet] (fleet v1.0.0 job/job.go). One pair stands on a
// line: fleet loses pairs that share one without quotes.
func (w *writer) placement() {
	u := w.unit
	put := func(name, value string, pos stack.Pos, key string) {
		w.line("X-Fleet", name, value, w.origin(pos, key, "where fleet may place the unit"))
	}
	if u.Global.Set {
		put("Global", "true", u.Global.Pos, "global")
	}
	if u.MachineID.Value != "" {
		put("MachineID", u.MachineID.Value, u.MachineID.Pos, "machine_id")
	}
	w.metadata(put)
	for i, leader := range w.node.Leaders {
		put("MachineOf", string(w.targets(leader)[0]), w.node.LeaderWords[i].Pos, "machine_of")
	}
	for i, word := range u.Conflicts {
		put("Conflicts", w.conflict(word, i), word.Pos, "conflicts")
	}
	if u.Spread.Set {
		w.spread(put)
	}
}

// metadata writes the pairs of the unit's roles and its own.
func (w *writer) metadata(put func(name, value string, pos stack.Pos, key string)) {
	seen := map[string]bool{}
	for _, word := range w.unit.Roles {
		role := w.t.Stack.Role(word.Value)
		if role == nil {
			continue
		}
		for _, pair := range role.Pairs {
			if !seen[pair.Value] {
				put("MachineMetadata", pair.Value, word.Pos, "role")
			}
			seen[pair.Value] = true
		}
	}
	for _, pair := range w.unit.Metadata {
		if !seen[pair.Value] {
			put("MachineMetadata", pair.Value, pair.Pos, "metadata")
		}
		seen[pair.Value] = true
	}
}

// conflict resolves one word of conflicts: a unit of the stack, or a pattern for names outside of it.
func (w *writer) conflict(word stack.Word, i int) string {
	if n := w.t.Node(word.Value); n != nil && n.Unit != nil {
		if n.Unit.Counted() {
			return string(n.Name().Of("*"))
		}
		return string(n.Name())
	}
	full := units.Complete(word.Value) == word.Value // with the suffix of a unit
	if n := w.t.ByName(units.Name(word.Value)); n == nil && !full && !strings.ContainsAny(word.Value, "*?[") {
		w.add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownUnit, word.Pos, w.path(fmt.Sprintf("conflicts[%d]", i)), "there is no unit %q in the stack", word.Value),
			word.Value, w.keys(), fmt.Sprintf("for a unit of another stack write its full name, %q", units.Complete(word.Value))))
	}
	return units.Complete(word.Value)
}

func (w *writer) spread(put func(name, value string, pos stack.Pos, key string)) {
	if w.instance == "" {
		w.add(stack.Finding(diag.Error, diag.BadValue, w.unit.Spread.Pos, w.path("spread"), "spread keeps instances apart, and %q has no count", w.node.Key).
			WithHelp("add count = N, or leave spread out"))
		return
	}
	put("Conflicts", string(w.node.Name().Of("*")), w.unit.Spread.Pos, "spread")
}

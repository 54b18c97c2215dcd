package compare

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// pair is a unit that was given another name.
type pair struct {
	old, new units.Unit
	likeness float64
}

const (
	// alike is the part of lines that a renamed unit must keep.
	alike = 0.6
	// mostPairs bounds the comparing of every unit that went with every one that
	// came: beyond it only units that are equal but for the name are paired.
	mostPairs = 20_000
)

// renames pairs units that went with units that came and are much the same.
func renames(removed, added []units.Unit) []pair {
	if len(removed) == 0 || len(added) == 0 {
		return nil
	}
	var candidates []pair
	if len(removed)*len(added) <= mostPairs {
		candidates = similar(removed, added)
	} else {
		candidates = equalContent(removed, added)
	}
	slices.SortStableFunc(candidates, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.likeness, a.likeness), cmp.Compare(a.old.Name, b.old.Name), cmp.Compare(a.new.Name, b.new.Name))
	})
	var pairs []pair
	for _, c := range candidates {
		taken := slices.ContainsFunc(pairs, func(p pair) bool { return p.old.Name == c.old.Name || p.new.Name == c.new.Name })
		if !taken {
			pairs = append(pairs, c)
		}
	}
	return pairs
}

func similar(removed, added []units.Unit) []pair {
	prints := make([]map[string]int, len(added))
	for i, u := range added {
		prints[i] = fingerprint(u)
	}
	var list []pair
	for _, old := range removed {
		mine := fingerprint(old)
		for i, new := range added {
			if old.Name.Type() != new.Name.Type() || firstProgram(old) != firstProgram(new) {
				continue
			}
			if l := likeness(mine, prints[i]); l >= alike {
				list = append(list, pair{old, new, l})
			}
		}
	}
	return list
}

func equalContent(removed, added []units.Unit) []pair {
	byText := map[string][]units.Unit{}
	for _, u := range added {
		byText[anonymous(u)] = append(byText[anonymous(u)], u)
	}
	var list []pair
	for _, old := range removed {
		text := anonymous(old)
		if same := byText[text]; len(same) > 0 {
			list = append(list, pair{old, same[0], 1})
			byText[text] = same[1:]
		}
	}
	return list
}

// anonymous is the text of a unit without its own name.
func anonymous(u units.Unit) string {
	text := strings.ReplaceAll(u.Text(), string(u.Name), "%n")
	return string(u.Name.Type()) + "\n" + text
}

// fingerprint counts the lines of a unit, commands by their words, without the
// marks that every unit of a stack has and without its own name.
func fingerprint(u units.Unit) map[string]int {
	counts := map[string]int{}
	for _, o := range u.Options {
		if strings.HasPrefix(o.Section, "X-") {
			continue
		}
		value := strings.ReplaceAll(unfold(o.Value), string(u.Name), "%n")
		if known, ok := units.LookupDirective(o.Section, o.Name); ok && known.Kind == units.KindExec {
			// A command says most about what a unit is.
			for _, word := range strings.Fields(value) {
				counts[o.Name+" "+word]++
			}
			continue
		}
		counts[o.Section+"."+o.Name+"="+value]++
	}
	return counts
}

// firstProgram is the program that a service runs, "" for other units.
func firstProgram(u units.Unit) string {
	value, _ := units.Last(u.Options, "Service", "ExecStart")
	return programOf(unfold(value))
}

// likeness is the part of all lines that both have, from 0 to 1.
func likeness(a, b map[string]int) float64 {
	common, total := 0, 0
	for line, n := range a {
		common += 2 * min(n, b[line])
		total += n
	}
	for _, n := range b {
		total += n
	}
	if total == 0 {
		return 0
	}
	return float64(common) / float64(total)
}

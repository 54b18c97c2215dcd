package units

import "strings"

// Suggest finds the candidate that word was probably meant to be: the one with
// the fewest changes (letters added, lost, replaced or two neighbours swapped),
// if these are few for the length of the word. Letter case does not count. Of
// several as near, the alphabetically first is taken, so that the answer does not
// depend on their order. word itself is never suggested.
func Suggest(word string, candidates []string) (string, bool) {
	best, found := "", false
	allowed := min((len(word)+1)/3, 4)
	lower := strings.ToLower(word)
	for _, c := range candidates {
		gap := len(word) - len(c)
		if c == word || max(gap, -gap) > allowed {
			continue
		}
		d := distance(lower, strings.ToLower(c))
		if d < allowed || d == allowed && (!found || c < best) {
			best, found, allowed = c, true, d
		}
	}
	return best, found
}

// distance is the Damerau-Levenshtein distance in its restricted form (optimal
// string alignment), over bytes.
func distance(a, b string) int {
	var room [3][48]int
	var rows [3][]int
	for i := range rows {
		rows[i] = room[i][:0]
		for j := range len(b) + 1 {
			rows[i] = append(rows[i], j)
		}
	}
	before, last, row := rows[0], rows[1], rows[2]
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

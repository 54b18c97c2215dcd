package review

import "github.com/stackc/stackc/units"

// HTML writes a report as one page.
func HTML(r *Report, old, new *units.Set) string { return "" }

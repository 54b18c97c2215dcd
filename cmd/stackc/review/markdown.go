package review

// Markdown writes a report for a pull request.
func Markdown(r *Report) string { return "" }

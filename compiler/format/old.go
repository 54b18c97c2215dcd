package format

import "strings"

// oldEscapes writes the escapes \e and \xHH, which TOML 1.1 added, as TOML 1.0
// has them. The text is a key or a string with its quotes.
func oldEscapes(text string) string {
	if !strings.HasPrefix(text, `"`) || !strings.Contains(text, `\e`) && !strings.Contains(text, `\x`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'e':
			b.WriteString(`\u001B`)
		case 'x':
			b.WriteString(`\u00`)
		default:
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String()
}

// withSeconds adds the seconds to a time without them, which TOML 1.0 wants.
// Any other value comes back as it is.
func withSeconds(text string) string {
	colon := strings.IndexByte(text, ':')
	if colon < 0 || text[0] == '"' || text[0] == '\'' {
		return text
	}
	if end := colon + 3; end == len(text) || end < len(text) && text[end] != ':' {
		return text[:end] + ":00" + text[end:]
	}
	return text
}

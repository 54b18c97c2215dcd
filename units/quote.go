package units

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ShellQuote makes s one word of a POSIX shell, as it is when it needs no quotes
// and in single quotes otherwise.
func ShellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, shellSpecial) && s[0] != '~' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellSpecial reports whether the shell might take r for more than a letter.
func shellSpecial(r rune) bool {
	if r < 0x80 && alphanumeric(byte(r)) {
		return false
	}
	return !strings.ContainsRune("%+,-./:@_~", r)
}

// ExecQuote writes arguments of an Exec line so that systemd's own splitting,
// unescaping, specifiers and variables (extract_first_word, unit_full_printf,
// replace_env_argv) give back exactly these words. "$" becomes "$$", "%" becomes
// "%%", and a word is quoted, as a whole, only if it must be. The result is always
// one line that [CheckValue] accepts.
//
// The first word of a command line is the program. systemd takes no variables in
// its path, so that a "$" in it cannot be written right; and it reads -, @, +, !
// and : before it as prefixes, quoted or not. An absolute path without "$" has
// neither trouble. No argument of a process can hold NUL: written \x00 it makes
// [SplitExec] fail.
func ExecQuote(words ...string) string {
	return joinQuoted(words, true)
}

// QuoteWords quotes words for directives that split their value and expand
// specifiers but no variables, such as Environment=: as [ExecQuote], with "$" as
// it is.
func QuoteWords(words ...string) string {
	return joinQuoted(words, false)
}

// ShellCommand is the Exec line that runs script in the shell: /bin/sh -c and
// the script, quoted for systemd. Newlines in it are kept, as \n.
func ShellCommand(script string) string {
	return ExecQuote("/bin/sh", "-c", script)
}

// EscapeSpecifiers keeps systemd from reading specifiers such as %i in s.
func EscapeSpecifiers(s string) string {
	return strings.ReplaceAll(s, "%", "%%")
}

func joinQuoted(words []string, exec bool) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		quoteWord(&b, word, exec)
	}
	return b.String()
}

func quoteWord(b *strings.Builder, word string, exec bool) {
	if exec && word == ";" {
		// Understood by every systemd, ";" in quotes only by those since 218.
		b.WriteString(`\;`)
		return
	}
	var quote byte
	if word == "" || needsQuotes(word) {
		quote = quoteFor(word)
		b.WriteByte(quote)
	}
	for i := 0; i < len(word); {
		r, size := utf8.DecodeRuneInString(word[i:])
		writeRune(b, r, word[i:i+size], quote, exec)
		i += size
	}
	if quote != 0 {
		b.WriteByte(quote)
	}
}

// needsQuotes reports whether systemd, or fleet's trimming of values, would not
// leave the word as it is.
func needsQuotes(word string) bool {
	return !validText(word) || strings.ContainsFunc(word, func(r rune) bool {
		return r == '"' || r == '\'' || r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// quoteFor chooses the quotes that need the fewest backslashes.
func quoteFor(word string) byte {
	if strings.Count(word, `"`) > strings.Count(word, "'") {
		return '\''
	}
	return '"'
}

// writeRune writes one character of a word. In words that are not quoted only
// "$" and "%" are ever changed.
func writeRune(b *strings.Builder, r rune, text string, quote byte, exec bool) {
	switch {
	case r == '%' || r == '$' && exec:
		b.WriteString(text + text)
	case r == '\\' || quote != 0 && r == rune(quote):
		b.WriteString(`\` + text)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == '\r':
		b.WriteString(`\r`)
	case unicode.IsControl(r), !validText(text):
		for _, c := range []byte(text) {
			b.Write([]byte{'\\', 'x', hexDigits[c>>4], hexDigits[c&15]})
		}
	default:
		b.WriteString(text)
	}
}

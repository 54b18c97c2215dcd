package emit

import (
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/stackc/stackc/units"
)

// pause is how many seconds lie between two tries of a waiter.
const pause = 3

// Until is the shell's loop around a test: endless, or as long as wait says. Each
// try that fails writes one line to the journal, which names the unit.
func Until(name units.Name, wait time.Duration, test, what string) string {
	message := fmt.Sprintf("%s: waiting for %s, try", name, what)
	giveUp := ""
	begin := "n=0"
	if wait > 0 {
		limit := int(math.Ceil(wait.Seconds()))
		begin = fmt.Sprintf("n=0; end=$(($(date +%%s)+%d))", limit)
		giveUp = fmt.Sprintf("if [ $(date +%%s) -ge $end ]; then echo %s; exit 1; fi; ",
			units.ShellQuote(fmt.Sprintf("%s: gave up waiting for %s after %s", name, what, wait)))
	}
	return fmt.Sprintf("%s; until %s; do n=$((n+1)); %secho %s $n; sleep %d; done", begin, test, giveUp, units.ShellQuote(message), pause)
}

// HasVariable is the shell's test whether a file gives a variable a value that is not empty.
func HasVariable(name, file string) string {
	return fmt.Sprintf("grep -qs -e %s %s", units.ShellQuote("^"+name+"=."), units.ShellQuote(file))
}

// Fetch is the shell's script that fetches a file, checks it against its SHA-256
// unless sum is "", and moves it into place in one step; mode is octal digits.
func Fetch(name units.Name, from, to, sum, mode string) string {
	what := fmt.Sprintf("%s: waiting for download %s, try", name, from)
	var b strings.Builder
	fmt.Fprintf(&b, `f=%s; t="$f".%s; `, units.ShellQuote(to), units.ShellQuote(string(name)))
	if sum != "" {
		fmt.Fprintf(&b, `ok() { echo "%s  $1" | sha256sum -c --status 2>/dev/null; }; if ok "$f"; then exec chmod %s "$f"; fi; `, sum, mode)
	}
	fmt.Fprintf(&b, `if command -v curl >/dev/null; then get() { curl -fsL --connect-timeout 5 -Y 1 -y 30 -o "$t" %[1]s; }; else get() { wget -q -T 30 -t 1 -O "$t" %[1]s; }; fi; `, units.ShellQuote(from))
	fmt.Fprintf(&b, "mkdir -p %s; n=0; until get; do ", units.ShellQuote(path.Dir(to)))
	if sum == "" {
		b.WriteString(`if [ -s "$f" ]; then rm -f "$t"; exit 0; fi; `)
	}
	fmt.Fprintf(&b, "n=$((n+1)); echo %s $n; sleep %d; done; ", units.ShellQuote(what), pause)
	if sum != "" {
		fmt.Fprintf(&b, `if ! ok "$t"; then echo %s; rm -f "$t"; exit 1; fi; `, units.ShellQuote(fmt.Sprintf("%s: %s is not the file with sha256 %s", name, from, sum)))
	}
	fmt.Fprintf(&b, `chmod %s "$t" && mv -f "$t" "$f"`, mode)
	return b.String()
}

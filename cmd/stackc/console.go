package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/charmbracelet/colorprofile"
)

// console writes for people and programs. Everything is written with colours;
// what the stream's reader cannot show is taken out on the way.
type console struct {
	process
	colour choice
}

func newConsole(p process) *console {
	return &console{process: p, colour: newChoice("auto", "auto", "always", "never")}
}

// stdout is for data: what was asked for.
func (c *console) stdout() io.Writer { return c.writer(c.out, c.outTerminal) }

// stderr is for findings, errors and remarks.
func (c *console) stderr() io.Writer { return c.writer(c.err, c.errTerminal) }

func (c *console) writer(w io.Writer, terminal bool) io.Writer {
	return &colorprofile.Writer{Forward: w, Profile: c.profile(terminal)}
}

// profile says what a stream shows. The program uses the 16 colours of the
// terminal's own palette only, so that there is nothing to find out about it.
// NO_COLOR takes colours away and leaves bold letters (no-color.org);
// CLICOLOR_FORCE gives them to pipes as well (bixense.com/clicolors).
func (c *console) profile(terminal bool) colorprofile.Profile {
	switch {
	case c.colour.value == "always":
		return colorprofile.ANSI
	case c.colour.value == "never":
		return colorprofile.NoTTY
	case (!terminal || c.dumb()) && !c.forced():
		return colorprofile.NoTTY
	case c.getenv("NO_COLOR") != "":
		return colorprofile.ASCII
	}
	return colorprofile.ANSI
}

func (c *console) forced() bool {
	force := c.getenv("CLICOLOR_FORCE")
	return force != "" && force != "0"
}

// dumb reports whether the terminal understands no escape sequences.
func (c *console) dumb() bool {
	name := c.getenv("TERM")
	return name == "" || name == "dumb"
}

// live reports whether a block of lines may be drawn again and again on stdout.
// In continuous integration there is sometimes a terminal and never a person.
func (c *console) live() bool {
	return c.outTerminal && !c.dumb() && c.getenv("CI") == ""
}

// textWidth is the number of columns to fold text on stdout to, 0 when lines may
// have any length: what programs read is never folded.
func (c *console) textWidth() int {
	if !c.outTerminal {
		return 0
	}
	columns, _ := c.size()
	return columns
}

// frame is the size of the terminal, a usual one when it does not tell.
func (c *console) frame() (columns, rows int) {
	columns, rows = c.size()
	if columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// printf writes data for people.
func (c *console) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.stdout(), format, args...)
	return err
}

// remark writes a line on stderr. That it cannot be written is nobody's concern.
func (c *console) remark(format string, args ...any) {
	fmt.Fprintf(c.stderr(), format+"\n", args...)
}

// json writes data for programs.
func (c *console) json(data any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(data)
}

// painted gives text with the colours that stdout shows, for text that is written
// together with movements of the cursor.
func (c *console) painted(text string) string {
	var b bytes.Buffer
	w := colorprofile.Writer{Forward: &b, Profile: c.profile(c.outTerminal)}
	w.WriteString(text)
	return b.String()
}

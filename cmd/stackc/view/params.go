package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Param is one parameter of a stack file or of a library.
type Param struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Help string `json:"help,omitempty"`
	// Values are all that the parameter may be, of a list all that its elements may be.
	Values []any `json:"values,omitempty"`
	// Required says that the parameter has no default.
	Required bool `json:"required,omitempty"`
	// Default and Value are strings, integers, booleans or lists of them, nil for
	// none. Value is what the parameter stands for with all that is given.
	Default any `json:"default,omitempty"`
	Value   any `json:"value,omitempty"`
	// Declared is where the parameter is declared, and From where its Value was
	// given; From is nil for a value that is missing.
	Declared Place  `json:"declared"`
	From     *Place `json:"from,omitempty"`
	// AtDefault says that nothing but the default gave the Value.
	AtDefault bool `json:"at_default"`
}

// LibraryParams are the parameters of one library as it is used once.
type LibraryParams struct {
	Library string `json:"library"`
	// Used is where it is used, the nearest `use` first.
	Used   []Using `json:"used"`
	Params []Param `json:"params"`
}

// Params writes what can be set in a stack file, and what its libraries have
// besides that the file leaves as it is.
func Params(stack string, list []Param, libraries []LibraryParams, width int) string {
	var b strings.Builder
	if len(list) == 0 {
		fmt.Fprintf(&b, "stack %s has no parameters\n", clean(stack))
	} else {
		rows := [][]string{head("NAME", "TYPE", "DEFAULT", "VALUE", "FROM", "HELP")}
		for _, p := range list {
			rows = append(rows, []string{
				strong(clean(p.Name)), p.Type, defaultText(p), valueText(p), clean(fromText(p)), clean(helpText(p)),
			})
		}
		b.WriteString(lastBelow("", rows, width))
	}
	for _, l := range libraries {
		b.WriteString(libraryText(l, width))
	}
	return b.String()
}

// libraryText lists the parameters of a library that are left at their defaults.
func libraryText(l LibraryParams, width int) string {
	var rows [][]string
	for _, p := range l.Params {
		if p.AtDefault {
			rows = append(rows, []string{clean(p.Name), p.Type, defaultText(p), clean(helpText(p))})
		}
	}
	if len(rows) == 0 {
		return ""
	}
	var used []string
	for _, u := range l.Used {
		used = append(used, fmt.Sprintf("%s:%d:%d", u.File, u.Line, u.Column))
	}
	head := fmt.Sprintf("library %q, used at %s, takes its own defaults for", l.Library, strings.Join(used, " by "))
	return "\n" + hanging(clean(head), "  ", width) + lastBelow("  ", rows, width)
}

// lastBelow writes a table the last column of which is text, such as a help. Where width
// does not hold it that text stands in a line of its own below each row.
func lastBelow(indent string, rows [][]string, width int) string {
	if fits(rows, len(indent), width) {
		return columns(indent, rows, width)
	}
	var short [][]string
	for _, row := range rows {
		short = append(short, row[:len(row)-1])
	}
	widths := widthsOf(short)
	var b strings.Builder
	for i, row := range short {
		b.WriteString(indent + line(row, widths) + "\n")
		last := rows[i][len(row)]
		if isHead := i == 0 && last == strong(ansi.Strip(last)); last != "" && !isHead {
			b.WriteString(hanging(indent+"    "+last, indent+"    ", width))
		}
	}
	return b.String()
}

func defaultText(p Param) string {
	if p.Required {
		return wary("required")
	}
	return clean(short(literal(p.Default)))
}

// valueText is the value of a parameter when that is not the default.
func valueText(p Param) string {
	switch {
	case p.Value == nil && p.Required:
		return bad("missing")
	case p.Value == nil || p.AtDefault:
		return "-"
	}
	return clean(short(literal(p.Value)))
}

func fromText(p Param) string {
	if p.From == nil || p.AtDefault {
		return "-"
	}
	return p.From.String()
}

// helpText is what the file says of a parameter, and what it may be.
func helpText(p Param) string {
	if len(p.Values) == 0 {
		return p.Help
	}
	words := make([]string, len(p.Values))
	for i, v := range p.Values {
		words[i] = literal(v)
	}
	text := "one of " + strings.Join(words, ", ")
	if p.Help != "" {
		text = p.Help + "; " + text
	}
	return text
}

// literal writes a value as TOML has it.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "-"
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = literal(e)
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return fmt.Sprint(value)
}

// longest is how many characters of a value a table shows.
const longest = 40

func short(s string) string {
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}

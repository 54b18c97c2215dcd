package view

import (
	"fmt"
	"strconv"
	"strings"
)

// Library is one library of a stack, or one that comes with stackc.
type Library struct {
	// Source is "std:NAME", or a path seen from the folder of the stack file.
	Source string `json:"source"`
	// Name and Version are what the library says of itself; Version may be "".
	Name        string `json:"name"`
	Version     string `json:"version,omitempty"`
	Description string `json:"description,omitempty"`
	// SHA256 is the checksum of what is compiled.
	SHA256 string `json:"sha256"`
	// State is locked, vendored or not locked, of a library of a stack.
	State string `json:"state,omitempty"`
	// Vendored is the copy that is compiled in the place of the source.
	Vendored string `json:"vendored,omitempty"`
}

// LibraryDetails is all that a library says of itself.
type LibraryDetails struct {
	Library
	Params  []Param   `json:"params"`
	Exports []Export  `json:"exports"`
	Needs   *Needs    `json:"needs,omitempty"`
	Uses    []Library `json:"uses"`
}

// Export is a unit or host entry that a stack which uses the library may name.
type Export struct {
	Name string `json:"name"`
	// Kind is unit or host.
	Kind string `json:"kind"`
	Unit string `json:"unit,omitempty"`
	// Ready is how followers learn that it is up: the kind and what is asked.
	Ready string `json:"ready,omitempty"`
	Port  int    `json:"port,omitempty"`
}

// Needs is what must be in the stack that uses a library.
type Needs struct {
	Host      []Need `json:"host,omitempty"`
	Libraries []Need `json:"libraries,omitempty"`
	Systemd   int    `json:"systemd,omitempty"`
}

// Need is one thing that a library needs, with what for or in which versions.
type Need struct {
	Name string `json:"name"`
	Says string `json:"says"`
}

// Libraries writes a table; used says that the libraries are those of a stack.
func Libraries(list []Library, used bool, width int) string {
	head := []string{strong("SOURCE"), strong("NAME"), strong("VERSION")}
	if used {
		head = append(head, strong("STATE"), strong("SHA256"))
	} else {
		head = append(head, strong("DESCRIPTION"))
	}
	rows := [][]string{head}
	for _, l := range list {
		row := []string{clean(l.Source), clean(l.Name), orDash(clean(l.Version))}
		if used {
			row = append(row, stateText(l), l.SHA256[:12])
		} else {
			row = append(row, clean(l.Description))
		}
		rows = append(rows, row)
	}
	return lastBelow("", rows, width)
}

func stateText(l Library) string {
	switch l.State {
	case "not locked":
		return wary(l.State)
	case "vendored":
		return "vendored in " + clean(l.Vendored)
	}
	return l.State
}

// ShowLibrary writes all that a library says of itself.
func ShowLibrary(l LibraryDetails, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s (%s)\n", strong(clean(l.Name)), orDash(clean(l.Version)), clean(l.Source))
	if l.Description != "" {
		b.WriteString(hanging("  "+clean(l.Description), "  ", width))
	}
	b.WriteString("  sha256 " + l.SHA256 + "\n")
	section := func(title string, rows [][]string) {
		if len(rows) > 0 {
			b.WriteString("\n" + strong(title) + "\n" + lastBelow("  ", rows, width))
		}
	}
	var params, exports, needs, uses [][]string
	for _, p := range l.Params {
		params = append(params, []string{clean(p.Name), p.Type, defaultText(p), clean(helpText(p))})
	}
	section("parameters", params)
	for _, e := range l.Exports {
		port := ""
		if e.Port > 0 {
			port = "port " + strconv.Itoa(e.Port)
		}
		exports = append(exports, []string{clean(e.Name), e.Kind, orDash(clean(e.Unit)), orDash(port), clean(e.Ready)})
	}
	section("exports", exports)
	if n := l.Needs; n != nil {
		for _, h := range n.Host {
			needs = append(needs, []string{"host", clean(h.Name), clean(h.Says)})
		}
		for _, x := range n.Libraries {
			needs = append(needs, []string{"library", clean(x.Name), clean(x.Says)})
		}
		if n.Systemd > 0 {
			needs = append(needs, []string{"systemd", strconv.Itoa(n.Systemd), "or later"})
		}
	}
	section("needs", needs)
	for _, u := range l.Uses {
		uses = append(uses, []string{clean(u.Source), clean(u.Name), orDash(clean(u.Version))})
	}
	section("uses", uses)
	return b.String()
}

// CaseLine writes what came of a case of a library.
func CaseLine(result, name, reason string) string {
	text := good("ok    ")
	switch result {
	case "failed":
		text = bad("FAIL  ")
	case "updated":
		text = wary("new   ")
	}
	text += " " + clean(name)
	if reason != "" {
		text += ": " + clean(reason)
	}
	return text + "\n"
}

// CaseDifference writes what differs in a file of a case, wanted lines behind a
// minus and those that come behind a plus.
func CaseDifference(file, diff string) string {
	var b strings.Builder
	b.WriteString("       " + clean(file) + "\n")
	for line := range strings.Lines(diff) {
		line = clean(strings.TrimSuffix(line, "\n"))
		switch {
		case strings.HasPrefix(line, "-"):
			line = gone(line)
		case strings.HasPrefix(line, "+"):
			line = good(line)
		case strings.HasPrefix(line, "@@"):
			continue
		}
		b.WriteString("       " + line + "\n")
	}
	return b.String()
}

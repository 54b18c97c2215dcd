package view

import (
	"fmt"
	"strings"
)

// PortGroup is machines that have the same ports open.
type PortGroup struct {
	// Name is that of their roles; ID is what firewalls call them.
	Name     string   `json:"name"`
	ID       string   `json:"id,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Machines []string `json:"machines,omitempty"`
	Ports    []Port   `json:"ports"`
}

// Port is a port, or several in a row, on which something listens.
type Port struct {
	First    int    `json:"first"`
	Last     int    `json:"last"`
	Protocol string `json:"protocol"`
	// What listens, and what for.
	What []string `json:"what"`
	// Open says that others must reach it, From from where.
	Open bool         `json:"open"`
	From []PortSource `json:"from,omitempty"`
	// Here are those who use it on its own machine only.
	Here []string `json:"here,omitempty"`
	// Loopback says that it listens on the loopback address alone.
	Loopback bool `json:"loopback,omitempty"`
}

// PortSource is from where a port is used.
type PortSource struct {
	// From is a role, "every machine", "operator", "anyone", machines, or an address.
	From string `json:"from"`
	// Who are those that ask from there.
	Who []string `json:"who,omitempty"`
}

// Ports writes a table for each group of machines.
func Ports(groups []PortGroup, width int) string {
	var b strings.Builder
	for i, g := range groups {
		if i > 0 {
			b.WriteString("\n")
		}
		title := clean(g.Name)
		if list := strings.Join(g.Machines, ", "); list != "" && list != g.Name {
			title += ": " + clean(list)
		}
		b.WriteString(strong(title) + "\n")
		rows := [][]string{head("PORT", "WHAT", "FROM")}
		for _, open := range []bool{true, false} {
			for _, p := range g.Ports {
				if p.Open == open {
					rows = append(rows, []string{p.number(), clean(strings.Join(p.What, "; ")), p.users()})
				}
			}
		}
		b.WriteString(columns("  ", rows, width))
	}
	return b.String()
}

func (p Port) number() string {
	if p.First == p.Last {
		return fmt.Sprintf("%d/%s", p.First, p.Protocol)
	}
	return fmt.Sprintf("%d-%d/%s", p.First, p.Last, p.Protocol)
}

// users says who must reach the port, or why it may stay closed.
func (p Port) users() string {
	var list []string
	for _, s := range p.From {
		text := clean(s.From)
		if len(s.Who) > 0 {
			text += " (" + clean(strings.Join(s.Who, ", ")) + ")"
		}
		list = append(list, text)
	}
	here := ""
	if len(p.Here) > 0 {
		here = " (" + clean(strings.Join(p.Here, ", ")) + ")"
	}
	switch {
	case p.Open:
		return strings.Join(list, ", ")
	case p.Loopback:
		return faint("closed: on the loopback address" + here)
	case here != "":
		return faint("closed: for its own machine" + here)
	}
	return faint("closed: nobody in the stack asks from elsewhere")
}

package view

import (
	"strings"

	"github.com/stackc/stackc/fleet"
)

// Why writes a diagnosis: how the unit is, the causes, then what they rest on. Lines
// are at most width columns long where that can be, or of any length when it is 0.
func Why(machines []fleet.Machine, d fleet.Diagnosis, width int) string {
	var b strings.Builder
	b.WriteString(whyHead(d) + "\n")
	rows := [][]string{}
	for i, text := range d.Causes {
		rows = append(rows, []string{label("because", i), clean(text)})
	}
	if d.Wanted != "" {
		rows = append(rows, []string{"wanted", clean(string(d.Wanted) + ", content " + whyContent(d.Content))})
	}
	if d.Desired != "" {
		rows = append(rows, []string{"fleet", fleetState(Standing{Desired: d.Desired, Current: d.Current, Global: d.Global})})
	}
	for i, at := range d.Spots {
		if at.Machine != "" {
			rows = append(rows, []string{label("systemd", i), clean(orDash(at.Systemd)) + " on " + machineName(machines, at.Machine)})
		}
	}
	for i, m := range d.Machines {
		rows = append(rows, []string{label("machines", i), machineName(machines, m.Machine) + " " + eligibleText(d, m)})
	}
	for i, p := range d.Peers {
		rows = append(rows, []string{label("peers", i), peerText(machines, p)})
	}
	for i, command := range d.Next {
		rows = append(rows, []string{label("next", i), clean(command)})
	}
	b.WriteString(columns("  ", rows, width))
	return b.String()
}

// label is the first cell of the first row of a kind.
func label(text string, i int) string {
	if i > 0 {
		return ""
	}
	return faint(text)
}

func whyHead(d fleet.Diagnosis) string {
	whose := "no stack"
	if d.Stack != "" {
		whose = "stack " + clean(d.Stack)
	}
	text := strong(clean(string(d.Unit)))
	if d.Spots[0].State != fleet.IsMissing {
		text += " of " + whose
	}
	var seen []string
	for _, at := range d.Spots {
		if word := conditionWord(at.State); len(seen) == 0 || seen[len(seen)-1] != word {
			seen = append(seen, word)
		}
	}
	return text + ": " + strings.Join(seen, ", ")
}

func whyContent(content string) string {
	if content == "same" {
		return "as the cluster has it"
	}
	return content
}

func eligibleText(d fleet.Diagnosis, m fleet.Eligible) string {
	switch {
	case m.Refused != "" && m.Has:
		return "has it and may not keep it: " + clean(m.Refused)
	case m.Refused != "":
		return "cannot have it: " + clean(m.Refused)
	case m.Has:
		return "has it"
	case m.Next && !d.Global:
		return "could have it, and fleet would choose it now (prediction)"
	}
	return "could have it"
}

func peerText(machines []fleet.Machine, p fleet.Peer) string {
	text := clean(p.By) + " "
	switch {
	case p.Unit == "": // of the hosts, or a server outside: what is asked is all there is to name
		text += clean(p.Probe)
	case p.Probe != "":
		text += clean(string(p.Unit)) + " (" + clean(p.Probe) + ")"
	default:
		text += clean(string(p.Unit))
	}
	if p.State != "" {
		text += ", " + conditionWord(p.State)
	}
	if len(p.Machines) > 0 {
		text += " on " + machineNames(machines, p.Machines)
	}
	if p.Wrong != "" && p.Wrong != "it is "+string(p.State) {
		text += ": " + bad(clean(p.Wrong))
	}
	return text
}

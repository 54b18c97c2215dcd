package box

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Machine describes one machine.
type Machine struct {
	Name     string            `json:"name"`
	ID       string            `json:"id"` // as of machine-id(5): 32 hexadecimal digits
	Address  string            `json:"address"`
	Metadata map[string]string `json:"metadata"`
}

// ParseMachines reads machine descriptions of the form
//
//	[NAME:][KEY=VALUE[,KEY=VALUE]...][@ADDRESS]
//
// such as "role=master@10.20.30.40" or "m2:role=node,disk=ssd". A name of 32 hexadecimal digits is
// the machine's id. What is left out is counted up: names n1, n2, ..., ids in the order of the
// machines, addresses from 10.20.30.40.
func ParseMachines(texts []string) ([]Machine, error) {
	var out []Machine
	taken := map[string]bool{}
	for i, text := range texts {
		m, err := parseMachine(i, text)
		if err != nil {
			return nil, fmt.Errorf("machine %q: %w", text, err)
		}
		if taken[m.Name] || taken[m.ID] {
			return nil, fmt.Errorf("machine %q: there is another %q", text, m.Name)
		}
		taken[m.Name], taken[m.ID] = true, true
		out = append(out, m)
	}
	return out, nil
}

var (
	machineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	machineID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func parseMachine(index int, text string) (Machine, error) {
	m := Machine{
		Name:     fmt.Sprintf("n%d", index+1),
		Address:  fmt.Sprintf("10.20.30.%d", 40+index),
		Metadata: map[string]string{},
	}
	if name, rest, ok := strings.Cut(text, ":"); ok && machineName.MatchString(name) {
		m.Name, text = name, rest
	}
	if i := strings.LastIndex(text, "@"); i >= 0 {
		m.Address, text = text[i+1:], text[:i]
		if _, err := netip.ParseAddr(m.Address); err != nil {
			return m, fmt.Errorf("bad address %q", m.Address)
		}
	}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			if text == "" {
				break
			}
			return m, fmt.Errorf("metadata %q is not KEY=VALUE", pair)
		}
		m.Metadata[key] = value
	}
	m.ID = idOf(index, m.Name)
	return m, nil
}

// idOf makes an id that sorts as the machines do: fleet gives a unit to the lowest id among the
// least loaded machines, and people expect that to be the first.
func idOf(index int, name string) string {
	if machineID.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("f1ee7%03x%x", index+1, sum[:12])
}

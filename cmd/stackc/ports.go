package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/ports"
	"github.com/stackc/stackc/compiler/stack"
)

// portsOptions says of which machines, and in which form.
type portsOptions struct {
	machine, role, dir string
	operators          paths
	how                choice
}

func (p *program) ports() *cli.Command {
	in, form := newInput(), newFormat()
	o := &portsOptions{how: newChoice("", words(ports.Systems())...)}
	return &cli.Command{
		Name:      "ports",
		Usage:     "list the ports that machines must have open, and to whom",
		ArgsUsage: "FILE",
		Description: `Lists for the machines of each role the ports on which units, units of the hosts, etcd,
fleet, flannel and ssh listen, and from where each is used: by units of other machines,
which follows from what waits for what, by operators, or by anyone. What nobody on
another machine uses is shown as closed. --how writes the open ones as rules: commands for
Amazon or Google, resources of a template, or a file for iptables-restore, which lets
ssh in always, and where machines have addresses of IPv6 one for ip6tables-restore.

examples:
  stackc ports k8s.toml
  stackc ports k8s.toml --role master --output json
  stackc ports k8s.toml --how gce --operator 198.51.100.7
  stackc ports lab.toml --how iptables -o rules/

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag(),
			&cli.StringFlag{Name: "machine", Destination: &o.machine, Usage: "list those of the one machine of that `NAME`"},
			&cli.StringFlag{Name: "role", Destination: &o.role, Usage: "list those of all machines of a role, by its `NAME`"},
			&cli.GenericFlag{Name: "how", Value: &o.how, Usage: "print rules for the `KIND` " + orList(words(ports.Systems()))},
			&cli.GenericFlag{Name: "operator", Value: &o.operators, Usage: "with --how: operators come from the network `CIDR` (repeatable)"},
			&cli.StringFlag{Name: "o", Aliases: []string{"output-dir"}, Destination: &o.dir, Usage: "with --how: write the rules into `DIR`, which is made if needed"},
		),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			return p.listPorts(in, form, o, path)
		},
	}
}

// check reports flags that do not go together.
func (o *portsOptions) check() error {
	switch {
	case o.how.value == "" && o.dir != "":
		return misuse("add --how "+string(ports.IPTables)+", for example", "-o is for rules, and --how does not say which")
	case o.how.value == "" && len(o.operators.given) > 0:
		return misuse("add --how "+string(ports.IPTables)+", for example", "--operator is for rules, and --how does not say which")
	}
	for _, text := range o.operators.given {
		_, err := netip.ParsePrefix(text)
		if a, other := netip.ParseAddr(text); other == nil && a.Zone() == "" {
			err = nil
		}
		if err != nil {
			return misuse(`write it like 198.51.100.0/24, or an address`, "--operator: %q is no network", text)
		}
	}
	return nil
}

func (p *program) listPorts(in *input, form *format, o *portsOptions, path string) error {
	result, findings, err := in.loadResult(p.console, path, form)
	if err != nil {
		return err
	}
	if err := named(result.Topology.Stack, o.machine, o.role); err != nil {
		return err
	}
	list := ports.Of(result.Topology, result.Checks)
	groups, found := o.narrowed(result.Topology.Stack, list)
	if found.HasErrors() {
		return p.refused(in, form, path, found)
	}
	var rules []ports.Text
	if o.how.value != "" {
		var refused *ports.Error
		if rules, err = list.Rules(ports.System(o.how.value), groups, o.operators.given); errors.As(err, &refused) {
			return &failure{code: exitError, err: err, help: refused.Help, kind: kindError}
		}
	}
	if o.dir != "" {
		if err := writeRules(o.dir, rules); err != nil {
			return err
		}
	}
	return p.showPorts(form, o, list, groups, rules, findings)
}

// narrowed are the groups that are asked for.
func (o *portsOptions) narrowed(s *stack.Stack, list *ports.List) ([]*ports.Group, diag.List) {
	var found diag.List
	switch {
	case len(s.Units)+len(s.Hosts) == 0 && s.Bootstrap == nil:
		found.Add(stack.Finding(diag.Error, diag.MissingKey, s.Pos, "unit", "stack %q has neither units nor host entries nor [bootstrap], so nothing listens", s.Name).
			WithHelp(`add [unit.NAME] with a port, or [bootstrap] with etcd = {}`))
	case o.machine != "":
		return list.WithMachine(o.machine), nil
	case o.role != "":
		groups := list.WithRole(o.role)
		if len(groups) == 0 {
			found.Add(stack.Finding(diag.Error, diag.UnknownMachine, s.Role(o.role).Pos, "roles."+o.role, "no machine of the inventory has role %q", o.role).
				WithHelp("give it to a machine: role = \"" + o.role + "\""))
		}
		return groups, found
	}
	return list.Groups, found
}

// portsReport is the JSON form of the list.
type portsReport struct {
	Stack  string           `json:"stack"`
	Groups []view.PortGroup `json:"groups"`
	// Server is that of [pxe].
	Server   *view.PortGroup `json:"server,omitempty"`
	Rules    []portRules     `json:"rules,omitempty"`
	Findings []diag.Finding  `json:"findings"`
}

// portRules are the rules of one file.
type portRules struct {
	File string `json:"file"`
	Text string `json:"text"`
}

func (p *program) showPorts(form *format, o *portsOptions, list *ports.List, groups []*ports.Group, rules []ports.Text, findings diag.List) error {
	report := portsReport{Stack: list.Stack, Groups: []view.PortGroup{}, Findings: diag.Findings(findings)}
	for _, g := range groups {
		report.Groups = append(report.Groups, portGroup(list, g))
	}
	if list.Server != nil && o.machine == "" && o.role == "" {
		server := portGroup(list, list.Server)
		report.Server = &server
	}
	for _, r := range rules {
		report.Rules = append(report.Rules, portRules{filepath.Join(o.dir, r.Name), r.Text})
	}
	switch {
	case form.isJSON():
		return p.json(report)
	case o.dir != "":
		var b strings.Builder
		for _, r := range report.Rules {
			b.WriteString(r.File + "\n")
		}
		return p.printf("%s", b.String())
	case len(rules) > 1 && len(groups) == 1:
		return misuse("write them into a folder with -o DIR", "there are %d files, for IPv4 and for IPv6", len(rules))
	case len(rules) > 1:
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		each := "one"
		if len(rules) > len(groups) {
			each = "two"
		}
		return misuse("write them into a folder with -o DIR, or ask for one with --machine or --role", "there are %d files, %s for each of %s", len(rules), each, strings.Join(names, "; "))
	case len(rules) == 1:
		return p.printf("%s", rules[0].Text)
	}
	shown := slices.Clone(report.Groups)
	if report.Server != nil {
		shown = append(shown, *report.Server)
	}
	return p.printf("%s", view.Ports(shown, p.textWidth()))
}

// portGroup is a group as it is shown.
func portGroup(list *ports.List, g *ports.Group) view.PortGroup {
	shown := view.PortGroup{Name: g.Name, ID: g.ID, Roles: g.Roles, Ports: []view.Port{}}
	for _, m := range g.Machines {
		shown.Machines = append(shown.Machines, m.Name)
	}
	for _, o := range g.Openings {
		row := view.Port{First: o.First, Last: o.Last, Protocol: o.Protocol, What: o.What, Open: o.Open(), Here: o.Here, Loopback: o.Loopback}
		for _, s := range list.Sources(o) {
			row.From = append(row.From, view.PortSource{From: s.From, Who: s.Who})
		}
		shown.Ports = append(shown.Ports, row)
	}
	return shown
}

// writeRules makes dir hold the rules; other files there stay.
func writeRules(dir string, rules []ports.Text) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, r := range rules {
		if err := replaceHost(filepath.Join(dir, r.Name), r.Text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

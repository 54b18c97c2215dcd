package ports

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// System is a firewall that [List.Rules] writes for.
type System string

// The systems.
const (
	AWS            System = "aws"            // commands of aws
	CloudFormation System = "cloudformation" // resources of a template
	GCE            System = "gce"            // commands of gcloud
	IPTables       System = "iptables"       // a file for iptables-restore for each group, and one for ip6tables-restore
)

// Systems returns all systems, in the order in which they are documented.
func Systems() []System { return []System{AWS, CloudFormation, GCE, IPTables} }

// Apart reports whether the rules of each group are a text of their own.
func (s System) Apart() bool { return s == IPTables }

// Text is rules, with the name of a file for them.
type Text struct{ Name, Text string }

// Error is why rules cannot be written, with what to do about it.
type Error struct{ Message, Help string }

func (e *Error) Error() string { return e.Message }

// Rules writes what opens the ports of groups. from are the networks of operators;
// without any they are a variable of the shell or a parameter of the template, and
// iptables lets them in for ssh alone.
func (l *List) Rules(system System, groups []*Group, from []string) ([]Text, error) {
	w := &writer{list: l, operators: from}
	if err := w.onlyAddresses(groups); err != nil {
		return nil, err
	}
	families := []family{four}
	if w.six = w.hasIPv6(); w.six {
		families = append(families, six)
	}
	switch system {
	case AWS:
		return []Text{{"aws.sh", w.aws(groups)}}, nil
	case GCE:
		return []Text{{"gce.sh", w.gce(groups)}}, nil
	case CloudFormation:
		return []Text{{"security-groups.json", w.cloudFormation(groups)}}, nil
	}
	var texts []Text
	for _, g := range groups {
		for _, f := range families {
			text, err := w.iptables(g, f)
			if err != nil {
				return nil, err
			}
			texts = append(texts, Text{g.ID + f.suffix, text})
		}
	}
	return texts, nil
}

// onlyAddresses refuses what no rule here can say: names.
func (w *writer) onlyAddresses(groups []*Group) error {
	for _, g := range groups {
		for _, o := range g.Openings {
			for _, u := range o.Uses {
				if u.Kind == Address && !isAddress(u.Address) {
					return &Error{fmt.Sprintf("%s comes from %q, and the rules are for addresses", u.Who, u.Address), "give that host entry its address"}
				}
			}
		}
	}
	return nil
}

type writer struct {
	list      *List
	operators []string
	six       bool // somebody has an address of IPv6
}

// plain is a name as all systems take it: lower case, digits and hyphens.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s, "-")
}

// longest is how long names may be: a rule of Google has 63, with a number behind it.
const longest = 56

// identify gives each group a name that no other has in any system.
func (l *List) identify() {
	taken := map[string]bool{}
	for _, g := range l.Groups {
		base := plain(l.Stack + "-" + g.Name)
		if base == "" || base[0] < 'a' {
			base = "stack-" + base
		}
		base = strings.Trim(base[:min(len(base), longest)], "-")
		g.ID = base
		for n := 2; taken[camel(g.ID)]; n++ {
			g.ID = fmt.Sprintf("%s-x%d", base, n)
		}
		taken[camel(g.ID)] = true
	}
}

// operatorWord stands for the networks of operators that are not said.
const operatorWord = `"$OPERATOR"`

// networks are those of operators, quoted for the shell.
func (w *writer) networks() []string {
	if len(w.operators) == 0 {
		return []string{operatorWord}
	}
	list := make([]string, len(w.operators))
	for i, o := range w.operators {
		list[i] = units.ShellQuote(network(o))
	}
	return list
}

// network is an address as a network, which clouds want.
func network(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return s
}

// everywhere is the network of everybody, and everywhere6 that of IPv6.
const (
	everywhere  = "0.0.0.0/0"
	everywhere6 = "::/0"
)

// aws makes a security group for each group of machines, and rules in it. The groups
// come first, for rules name them.
func (w *writer) aws(groups []*Group) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "aws ec2 create-security-group --group-name %s --description %s\n", g.ID, units.ShellQuote("stack "+w.list.Stack+": "+g.Name))
	}
	for _, g := range groups {
		for _, o := range g.Openings {
			for _, source := range w.awsSources(o) {
				fmt.Fprintf(&b, "aws ec2 authorize-security-group-ingress --group-name %s %s\n", g.ID, source)
			}
		}
	}
	return b.String()
}

func (w *writer) awsSources(o *Opening) []string {
	return w.sources(o, func(kind Kind, name string) string {
		ports := fmt.Sprintf("--protocol %s --port %s ", o.Protocol, o.Port("-"))
		switch {
		case kind == Machines:
			return ports + "--source-group " + name
		case six.has(unquoted(name)): // --cidr is for IPv4 alone
			return fmt.Sprintf("--ip-permissions 'IpProtocol=%s,FromPort=%d,ToPort=%d,Ipv6Ranges=[{CidrIpv6=%s}]'", o.Protocol, o.First, o.Last, unquoted(name))
		}
		return ports + "--cidr " + name
	})
}

// unquoted is a network without the quotes of the shell.
func unquoted(name string) string { return strings.Trim(name, "'") }

// sources are from where a port is used, each once: groups by name, networks quoted
// for the shell. Whoever lets everybody in needs no other word.
func (w *writer) sources(o *Opening, say func(kind Kind, name string) string) []string {
	var list []string
	add := func(s string) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	for _, u := range o.Uses {
		switch u.Kind {
		case Anyone:
			if w.six {
				return []string{say(Anyone, everywhere), say(Anyone, everywhere6)}
			}
			return []string{say(Anyone, everywhere)}
		case Machines:
			add(say(Machines, u.Group.ID))
		case Address:
			add(say(Address, units.ShellQuote(network(u.Address))))
		case Operator:
			for _, n := range w.networks() {
				add(say(Operator, n))
			}
		}
	}
	return list
}

// gce makes a rule for each group of machines and each source, by the tags of both.
func (w *writer) gce(groups []*Group) string {
	var b strings.Builder
	for _, g := range groups {
		by := map[string][]string{} // ports by where they are used from
		var order []string
		for _, o := range g.Openings {
			for _, source := range w.gceSources(o) {
				if by[source] == nil {
					order = append(order, source)
				}
				by[source] = append(by[source], o.Protocol+":"+o.Port("-"))
			}
		}
		for i, source := range order {
			name := fmt.Sprintf("%s-%d", g.ID, i+1)
			fmt.Fprintf(&b, "gcloud compute firewall-rules create %s --network \"$NETWORK\" --allow %s %s --target-tags %s\n", name, strings.Join(by[source], ","), source, g.ID)
		}
	}
	return b.String()
}

func (w *writer) gceSources(o *Opening) []string {
	return w.sources(o, func(kind Kind, name string) string {
		if kind == Machines {
			return "--source-tags " + name
		}
		return "--source-ranges " + name
	})
}

// cloudFormation makes the resources of a template. Rules are resources of their own,
// so that groups may name each other.
func (w *writer) cloudFormation(groups []*Group) string {
	type object = map[string]any
	resources, parameters := object{}, object{"VPC": object{"Type": "AWS::EC2::VPC::Id"}}
	for _, g := range groups {
		id := g.Resource()
		resources[id] = object{"Type": "AWS::EC2::SecurityGroup", "Properties": object{
			"GroupDescription": "stack " + w.list.Stack + ": " + g.Name, "VpcId": object{"Ref": "VPC"},
		}}
		for _, o := range g.Openings {
			for i, source := range w.sources(o, func(kind Kind, name string) string { return fmt.Sprint(int(kind)) + name }) {
				rule := object{"GroupId": object{"Fn::GetAtt": []string{id, "GroupId"}}, "IpProtocol": o.Protocol, "FromPort": o.First, "ToPort": o.Last}
				switch kind, name := source[:1], source[1:]; {
				case kind == fmt.Sprint(int(Machines)):
					rule["SourceSecurityGroupId"] = object{"Fn::GetAtt": []string{camel(name), "GroupId"}}
				case name == operatorWord:
					parameters["Operator"] = object{"Type": "String", "Description": "the network of those who log in and run stackc"}
					rule["CidrIp"] = object{"Ref": "Operator"}
				case six.has(unquoted(name)):
					rule["CidrIpv6"] = unquoted(name)
				default:
					rule["CidrIp"] = unquoted(name)
				}
				resources[fmt.Sprintf("%s%s%sN%d", id, strings.ToUpper(o.Protocol), o.Port("to"), i+1)] = object{"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule}
			}
		}
	}
	text, err := json.MarshalIndent(object{"Parameters": parameters, "Resources": resources}, "", "  ")
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	return string(text) + "\n"
}

// Resource is what a template calls the security group of a group.
func (g *Group) Resource() string { return camel(g.ID) }

// camel is a name as a template takes it: letters and digits.
func camel(s string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(s, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

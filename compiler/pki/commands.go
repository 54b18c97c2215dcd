package pki

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// command is a program of Kubernetes, etcd or flannel as the stack runs it.
type command struct {
	program string // "kube-apiserver"
	flags   map[string]string
	from    string // what to call it in an error: "unit.kube-apiserver"
	roles   []string
	owner   string // of its files, "" for root
}

// has returns a flag's value, and whether it names something.
func (c command) has(flag string) (string, bool) {
	v := c.flags[flag]
	return v, v != "" && v != "/dev/null"
}

// commandsOf returns the programs of the units, and those of static pods among the
// files of the hosts.
func commandsOf(t *topology.Topology, set *units.Set) []command {
	var list []command
	for _, u := range set.Units {
		for _, value := range units.Get(u.Options, "Service", "ExecStart") {
			for _, words := range commandLines(value) {
				if c, ok := commandOf(words); ok {
					n := t.ByName(u.Name)
					c.from, c.roles = n.Path(), rolesOf(t, n, 0)
					list = append(list, c)
				}
			}
		}
	}
	for _, f := range t.Stack.Files {
		if c, ok := podCommand(f.Content.Source()); ok {
			c.from = "file." + stack.Key(f.Path)
			for _, w := range f.Roles {
				c.roles = append(c.roles, w.Value)
			}
			list = append(list, c)
		}
	}
	return slices.Concat(list, etcdHosts(t.Stack), bootEtcd(t.Stack))
}

// commandLines are the lines of one ExecStart=, each as its words; none of a value that
// systemd cannot split, which is a finding of its own.
func commandLines(value string) [][]string {
	commands, err := units.SplitExec(value)
	if err != nil {
		return nil
	}
	lines := make([][]string, len(commands))
	for i, c := range commands {
		for _, w := range c.Words {
			lines[i] = append(lines[i], w.Text)
		}
	}
	return lines
}

// rolesOf returns the roles on whose machines a unit may be, nil for all machines.
func rolesOf(t *topology.Topology, n *topology.Node, depth int) []string {
	if n == nil || n.Unit == nil || depth > len(t.Nodes()) {
		return nil
	}
	var list []string
	for _, w := range n.Unit.Roles {
		list = append(list, w.Value)
	}
	if len(list) == 0 && len(n.Unit.MachineOf) > 0 {
		return rolesOf(t, t.Resolve(n.Unit.MachineOf[0].Value), depth+1)
	}
	return list
}

// podCommand returns the program of a static pod, a JSON text.
func podCommand(text string) (command, bool) {
	if !strings.Contains(text, `"Pod"`) {
		return command{}, false
	}
	var pod struct {
		Kind string
		Spec struct{ Containers []struct{ Command []string } }
	}
	if err := json.Unmarshal([]byte(text), &pod); err != nil || pod.Kind != "Pod" || len(pod.Spec.Containers) == 0 {
		return command{}, false
	}
	return commandOf(pod.Spec.Containers[0].Command)
}

// commandOf reads the flags of a command line, if it is one of a program of Kubernetes,
// of etcd or flannel.
func commandOf(words []string) (command, bool) {
	if len(words) == 0 {
		return command{}, false
	}
	program, rest := path.Base(words[0]), words[1:]
	if program == "hyperkube" && len(rest) > 0 { // its first word says which program it is
		program, rest = rest[0], rest[1:]
		if program != "kubelet" && !strings.HasPrefix(program, "kube-") {
			program = "kube-" + program
		}
	}
	switch program {
	case apiserver, controllerManager, scheduler, proxy, kubelet, etcd, flanneld:
	case "etcd2":
		program = etcd // as CoreOS calls it
	default:
		return command{}, false
	}
	c := command{program: program, flags: map[string]string{}}
	for i, word := range rest {
		name, ok := strings.CutPrefix(word, "-")
		if !ok {
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if !given && i+1 < len(rest) && !strings.HasPrefix(rest[i+1], "-") {
			value = rest[i+1]
		}
		c.flags[strings.ReplaceAll(name, "_", "-")] = value
	}
	return c, true
}

// The programs that have certificates.
const (
	apiserver         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	proxy             = "kube-proxy"
	kubelet           = "kubelet"
	etcd              = "etcd"
	flanneld          = "flanneld"
)

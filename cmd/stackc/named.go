package main

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// named refuses a machine or role of the command line that the stack does not have; ""
// asks for none. The mistake is not in the file, so that no line of that is shown.
func named(s *stack.Stack, machine, role string) error {
	var machines, roles []string
	for _, m := range s.Machines {
		machines = append(machines, m.Name)
	}
	for _, r := range s.Roles {
		roles = append(roles, r.Name)
	}
	switch {
	case machine != "" && s.Machine(machine) == nil:
		return notNamed(s, "machine", machine, machines, "[machine.NAME]")
	case role != "" && s.Role(role) == nil:
		return notNamed(s, "role", role, roles, "[roles]")
	}
	return nil
}

// listedNames is how many names a help lists: an inventory may have hundreds.
const listedNames = 20

func notNamed(s *stack.Stack, what, name string, known []string, table string) error {
	help := fmt.Sprintf("the stack has no %ss; %s declares them", what, table)
	if n := len(known); n > 0 {
		list := strings.Join(known[:min(n, listedNames)], ", ")
		if n > listedNames {
			list += fmt.Sprintf(" and %d more", n-listedNames)
		}
		help = fmt.Sprintf("the %ss are %s", what, list)
		if n == 1 {
			help = fmt.Sprintf("the only %s is %s", what, list)
		}
	}
	return misuse(help, "--%s %s: stack %q has no such %s%s", what, shellWord(name), s.Name, what, didYouMean(name, known, ""))
}

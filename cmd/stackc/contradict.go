package main

import "slices"

// contradiction is a pair of flags that ask for opposite things. To carry out one of
// them would leave the other undone without a word.
type contradiction struct {
	command string // "" for every command
	a, b    string
	why     string
	help    string
}

const lookOnce = "leave --watch out, and the exit code tells of one look; --watch --drift tells what differs as it happens"

// contradictions are the pairs that follow from the flags alone, in the order in which
// they are looked for. What else does not go together depends on the arguments, and is
// told by the commands.
func contradictions() []contradiction {
	return []contradiction{
		{"status", "watch", "exit-code", "one looks until Ctrl-C, the other looks once and ends", lookOnce},
		{"status", "drift", "exit-code", "one tells of differences from FILE alone, the other of all that is not right",
			"leave --drift out: --exit-code ends with 2 when units differ from FILE and nothing is worse"},
		{"gc", "dry-run", "wait", "one writes nothing, the other waits for what it then removes", "leave --wait out to be told what there is now"},
		{"bootstrap", "machine", "role", "one asks for the file of a machine, the other for that of a role", "leave one of them out"},
		{"ports", "machine", "role", "one asks for the ports of a machine, the other for those of a role", "leave one of them out"},
		{"diff", "git-driver", "textconv", "git calls one with two versions, the other with one file", "leave one of them out"},
		{"diff", "git", "revision", "one compares with a git revision, the other with the cluster", "leave one of them out"},
		{"diff", "machines", "revision", "one says which machines there are, and of a revision the cluster is asked", "leave --machines out"},
		{"diff", "raw", "output", "one is a form of its own, the other asks for another", "leave one of them out"},
		{"", "no-state", "etcd-endpoint", "one does without the etcd that the other names", "leave one of them out"},
	}
}

// contradiction returns an error for the first pair of flags that the command line gives
// and that cannot both be meant. A variable of the environment is no word of this command
// line: its flag beats it.
func (a *arguments) contradiction() error {
	given := func(name string) bool { return slices.Contains(a.given, name) }
	for _, c := range contradictions() {
		if (c.command == "" || c.command == a.command.Name) && given(c.a) && given(c.b) {
			return misuse(c.help, "--%s and --%s contradict each other: %s", c.a, c.b, c.why)
		}
	}
	return nil
}

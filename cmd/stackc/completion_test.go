package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// completions are command lines, and what may stand at the end of each. Of the
// alternatives behind a bar the first is bash's own, which replaces only what stands
// behind the last = or : of a word.
var completions = []struct{ line, want string }{
	{"stackc subm", "submit"},
	{"stackc s", "schema start status stop submit"},
	{"stackc completion z", "zsh"},
	{"stackc library ve", "vendor"},
	{"stackc library lock sh", "shop.toml"},
	{"stackc mirror fe", "fetch"},
	{"stackc mirror fetch sh", "shop.toml"},
	{"stackc mirror fetch shop.toml --paral", "--parallel"},
	{"stackc man subm", "submit"},
	{"stackc plan --outp", "--output"},
	{"stackc plan --output ", "json text"},
	{"stackc plan --output=j", "json|--output=json"},
	{"stackc plan shop.toml --output json --out", ""},
	{"stackc --color=al", "always|--color=always"},
	{"stackc explain shop.toml w", "web.service"},
	{"stackc explain --set greeting=hi shop.toml ", "client.service web.service"},
	{"stackc plan shop.toml --set ", "fast= fast=false fast=true greeting= server="},
	{"stackc plan shop.toml --set fast=t", "true|fast=true"},
	{"stackc plan shop.toml --set gr", "greeting="},
	{"stackc check sh", "shop.toml"},
	{"stackc submit shop.toml --pru", "--prune"},
	{"stackc init --from std:fl", "flannel|std:flannel"},
	{"stackc library test std:fl", "flannel|std:flannel"},
	{"stackc library lock std", ""},
	{"stackc plan --overlay sh", "shop.toml"},
	{"stackc ports --how ", "aws cloudformation gce iptables"},
	{"stackc ports lab.toml --machine ", "core-01 core-02"},
	{"stackc bootstrap lab.toml --role m", "master"},
	{"stackc explain broken.toml ", ""},
	{"stackc version ", ""},
	{"stackc nonsense ", ""},
}

// completionFolder is a folder with a stack file and others beside it.
func completionFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.Replace(strings.Replace(firstFile, `"NAME"`, `"shop"`, 1), "[params]\n", "[params]\nfast = false\n", 1)
	write(t, filepath.Join(dir, "shop.toml"), text)
	write(t, filepath.Join(dir, "shop.txt"), "")
	write(t, filepath.Join(dir, "lab.toml"), "stack = \"lab\"\n[roles]\nmaster = \"m=1\"\nnode = \"n=1\"\n[machine.core-01]\nrole = \"master\"\n[machine.core-02]\nrole = \"node\"\n")
	write(t, filepath.Join(dir, "broken.toml"), "[")
	return dir
}

// TestCompletion asks bash, zsh and fish themselves, each with its script.
func TestCompletion(t *testing.T) {
	dir := completionFolder(t)
	for _, shell := range [][]string{
		{"bash", "--norc", repository("cmd/stackc/testdata/try.bash")},
		{"fish", "--no-config", repository("cmd/stackc/testdata/try.fish")},
		{"zsh", "-f", repository("cmd/stackc/testdata/try.zsh"), t.TempDir()},
	} {
		t.Run(shell[0], func(t *testing.T) {
			var lines strings.Builder
			for _, c := range completions {
				lines.WriteString(c.line + "\n")
			}
			cmd := exec.Command(shell[0], shell[1:]...)
			cmd.Dir = dir
			cmd.Stdin = strings.NewReader(lines.String())
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb")
			var errors bytes.Buffer
			cmd.Stderr = &errors
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, errors.String())
			}
			checkCompletions(t, shell[0], string(out))
			if errors.Len() > 0 {
				t.Errorf("%s says: %s", shell[0], errors.String())
			}
		})
	}
}

// checkCompletions holds the answers of a shell, each with an empty line behind,
// against the table.
func checkCompletions(t *testing.T, shell, out string) {
	t.Helper()
	rest := strings.Split(out, "\n")
	for _, c := range completions {
		end := slices.Index(rest, "")
		if end < 0 {
			t.Fatalf("%q has no answer", c.line)
		}
		got := slices.Sorted(slices.Values(rest[:end]))
		rest = rest[end+1:]
		own, other, both := strings.Cut(c.want, "|")
		if both && shell != "bash" {
			own = other
		}
		if d := cmp.Diff(strings.Fields(own), got, cmp.Transformer("text", func(l []string) string { return strings.Join(l, "\n") })); d != "" {
			t.Errorf("%q (-want +%s):\n%s", c.line, shell, d)
		}
	}
}

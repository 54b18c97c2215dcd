package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackc/stackc/fleet"
)

func TestGuessEtcd(t *testing.T) {
	for _, tt := range []struct {
		endpoint  string
		tunnelled bool
		want      string
	}{
		{"unix:///var/run/fleet.sock", false, "http://127.0.0.1:2379 http://127.0.0.1:4001"},
		{"unix:///var/run/fleet.sock", true, "http://127.0.0.1:2379 http://127.0.0.1:4001"},
		{"http://10.0.0.1:49153", false, "http://10.0.0.1:2379 http://10.0.0.1:4001"},
		{"https://fleet.example:49153", false, "http://fleet.example:2379 http://fleet.example:4001"},
		{"http://[fd00::1]:49153", false, "http://[fd00::1]:2379 http://[fd00::1]:4001"},
		{"http://127.0.0.1:49153", false, ""},
		{"http://localhost:49153", false, ""},
		{"http://[::1]:49153", false, ""},
		{"http://127.0.0.1:49153", true, "http://127.0.0.1:2379 http://127.0.0.1:4001"},
	} {
		e, err := fleet.ParseEndpoint(tt.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(guessEtcd(e, tt.tunnelled), " "); got != tt.want {
			t.Errorf("%s, tunnelled %v: %q, want %q", tt.endpoint, tt.tunnelled, got, tt.want)
		}
	}
}

// TestBelongs: an etcd that was guessed is used only if fleet's own machines are in it.
func TestBelongs(t *testing.T) {
	startBox(t, "any")
	conn, err := fleet.Dial(fleet.Config{Endpoint: os.Getenv("FLEETCTL_ENDPOINT")})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, tt := range []struct{ etcd, prefix, want string }{
		{os.Getenv("STACKC_ETCD"), "", ""},
		{os.Getenv("STACKC_ETCD"), "/another/fleet/", "is not that of this fleet"},
		{"http://127.0.0.1:1", "", "no etcd answers at http://127.0.0.1:1"},
		{os.Getenv("CONTROL"), "", "no etcd answers at "},
	} {
		g := newConnection()
		g.etcdPrefix = tt.prefix
		store, err := g.openState([]string{tt.etcd}, 0)
		if err != nil {
			t.Fatal(err)
		}
		reason, err := g.belongs(t.Context(), conn, store)
		store.Close()
		if err != nil || tt.want == "" && reason != "" || !strings.Contains(reason, tt.want) {
			t.Errorf("etcd %s, prefix %q: %q, %v, want %q", tt.etcd, tt.prefix, reason, err, tt.want)
		}
	}
}

func TestGitCommit(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no git", nil, ""},
		{"a branch", map[string]string{".git/HEAD": "ref: refs/heads/a/b\n", ".git/refs/heads/a/b": commit + "\n"}, commit},
		{"no branch", map[string]string{".git/HEAD": commit + "\n"}, commit},
		{"packed", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": "# pack-refs with: peeled\nffff refs/heads/main2\n" + commit + " refs/heads/main\n^eeee\n"}, commit},
		{"no commit yet", map[string]string{".git/HEAD": "ref: refs/heads/main\n"}, ""},
		{"a further working tree", map[string]string{".git": "gitdir: main/.git/worktrees/w\n", "main/.git/worktrees/w/HEAD": "ref: refs/heads/w\n",
			"main/.git/worktrees/w/commondir": "../..\n", "main/.git/refs/heads/w": commit + "\n"}, commit},
		{"a file that is no git", map[string]string{".git": "hello\n"}, ""},
	} {
		dir := t.TempDir()
		for name, text := range tt.files {
			write(t, filepath.Join(dir, name), text)
		}
		if tt.files == nil { // whatever lies above the folder is not the test's
			write(t, filepath.Join(dir, ".git"), "gitdir: nowhere\n")
		}
		if got := gitCommit(filepath.Join(dir, "stacks", "shop.toml")); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := gitCommit("-"); got != "" {
		t.Errorf("the standard input is of commit %q", got)
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{"a.toml": "a.toml", "level=2": "level=2", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x;y": "'$x;y'", "-": "-"} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

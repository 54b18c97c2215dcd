package lab

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	one := NodeConfig{Name: "a", Address: "10.20.30.40", Etcd: true}
	tests := []struct {
		name   string
		config Config
		want   string // part of the error, empty for none
	}{
		{"defaults", Config{}, ""},
		{"one node", Config{Nodes: []NodeConfig{one}}, ""},
		{"id with a slash", Config{ID: "../etc"}, "lab id"},
		{"id too long for a namespace's name", Config{ID: "abcdefghijklm"}, "lab id"},
		{"nobody runs etcd", Config{Nodes: []NodeConfig{{Name: "a", Address: "10.20.30.40"}}}, "0 nodes run etcd"},
		{"two run etcd", Config{Nodes: []NodeConfig{one, {Name: "b", Address: "10.20.30.41", Etcd: true}}}, "2 nodes run etcd"},
		{"one name twice", Config{Nodes: []NodeConfig{one, {Name: "a", Address: "10.20.30.41"}}}, "unique name"},
		{"name longer than an interface's may be", Config{Nodes: []NodeConfig{{Name: "abcdefghijk", Address: "10.20.30.40", Etcd: true}}}, "unique name"},
		{"address that is none", Config{Nodes: []NodeConfig{{Name: "a", Address: "master", Etcd: true}}}, "no IPv4 address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := tt.config.withDefaults()
			if tt.want == "" && (err != nil || c.ID == "" || len(c.Nodes) == 0 || c.Log == nil) {
				t.Errorf("got %+v, %v", c, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error is %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestMachineID(t *testing.T) {
	for address, want := range map[string]string{
		"10.20.30.40":  "10203040000000000000000000000000",
		"10.20.30.7":   "10203007000000000000000000000000",
		"10.20.30.142": "10203042000000000000000000000000",
	} {
		n := &Node{NodeConfig: NodeConfig{Address: address}}
		if got := n.MachineID(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// TestProcess holds that a process is told from a later one with its number.
func TestProcess(t *testing.T) {
	p := thisProcess()
	if !p.alive() {
		t.Error("this process is dead")
	}
	for name, other := range map[string]Process{
		"none":                     {},
		"a later one":              {p.PID, p.Start + 1, p.Boot},
		"one of an earlier boot":   {p.PID, p.Start, "other"},
		"a number nobody can have": {1 << 30, 0, p.Boot},
	} {
		if other.alive() {
			t.Errorf("%s is alive", name)
		}
	}
}

// TestBuildMirror holds that no two files have one sum and that the sums are those of the files.
func TestBuildMirror(t *testing.T) {
	program := filepath.Join(t.TempDir(), "standin")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := Binaries{Standin: map[string]string{}}
	seen := map[string]string{}
	for _, release := range Releases() {
		b.Standin[release] = program
		dir := t.TempDir()
		sums, err := b.BuildMirror(dir, release)
		if err != nil {
			t.Fatal(err)
		}
		for name, sum := range sums {
			what := name + " of " + release
			if seen[sum] != "" {
				t.Errorf("%s and %s are the same", what, seen[sum])
			}
			seen[sum] = what
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%s: %v, %v", what, info, err)
			}
		}
		if len(sums) != len(mirrored(release)) {
			t.Errorf("%d sums of %d files of %s", len(sums), len(mirrored(release)), release)
		}
	}
	if _, err := b.BuildMirror(t.TempDir(), "1.12"); err == nil {
		t.Error("there are stand-ins for 1.12")
	}
}

// TestServeMirror reads the log of a mirror on loopback.
func TestServeMirror(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	log, err := os.Create(filepath.Join(t.TempDir(), "mirror.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ended := make(chan error, 1)
	go func() { ended <- ServeMirror(t.Context(), address, dir, log) }()
	eventually(t, "the mirror", func() error { _, err := net.DialTimeout("tcp", address, time.Second); return err })
	if body := getBody(t, http.DefaultClient, "http://"+address+"/file"); body != "content" {
		t.Errorf("it serves %q", body)
	}
	resp, err := http.Get("http://" + address + "/absent")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()

	l := &Lab{Dir: filepath.Dir(log.Name())}
	got, err := l.MirrorRequests()
	if err != nil || len(got) != 2 {
		t.Fatalf("requests are %v, %v", got, err)
	}
	for i, want := range []MirrorRequest{
		{Client: "127.0.0.1", Method: "GET", Path: "/file", Status: 200, Bytes: 7},
		{Client: "127.0.0.1", Method: "GET", Path: "/absent", Status: 404, Bytes: got[1].Bytes},
	} {
		want.Time = got[i].Time
		if got[i] != want {
			t.Errorf("request %d is %+v, want %+v", i, got[i], want)
		}
	}
}

// TestStateRoundTrip holds that another process reads what was written.
func TestStateRoundTrip(t *testing.T) {
	dir := t.TempDir()
	c, err := Config{ID: "x", Dir: dir, Keep: true, Binaries: Binaries{Fleetctl: "/f", Standin: map[string]string{"0.7": "/s"}}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	made, err := create(c)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(dir, "x")
	if err != nil {
		t.Fatal(err)
	}
	a, errA := json.Marshal(made.state)
	b, errB := json.Marshal(opened.state)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("wrote %s, read %s", a, b)
	}
	if _, err := create(c); err == nil {
		t.Error("one id was given twice")
	}
	if all, err := List(dir); err != nil || len(all) != 1 || all[0].ID != "x" {
		t.Errorf("the list is %v, %v", all, err)
	}
	if err := Sweep(dir); err != nil {
		t.Error(err)
	}
	if _, err := Open(dir, "x"); err != nil {
		t.Errorf("a lab to be kept was swept: %v", err)
	}
}

package fleet

import (
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	tests := []struct{ name, text, socket, base, fault string }{
		{name: "default", text: "", socket: "/var/run/fleet.sock", base: "http://fleet"},
		{name: "unix", text: "unix:///run/f.sock", socket: "/run/f.sock", base: "http://fleet"},
		{name: "file is unix", text: "file:///run/f.sock", socket: "/run/f.sock", base: "http://fleet"},
		{name: "http", text: "http://10.0.0.1:49153", base: "http://10.0.0.1:49153"},
		{name: "https", text: "https://fleet.example:1", base: "https://fleet.example:1"},
		{name: "path", text: "http://proxy/cluster1", base: "http://proxy/cluster1"},
		{name: "no scheme", text: "10.0.0.1:49153", fault: "write http://10.0.0.1:49153"},
		{name: "bare path", text: "/var/run/fleet.sock", fault: "write unix:///var/run/fleet.sock"},
		{name: "two slashes", text: "unix://var/run/fleet.sock", fault: "write unix:///var/run/fleet.sock"},
		{name: "no socket", text: "unix://", fault: "names no socket"},
		{name: "unknown scheme", text: "ftp://x", fault: `unknown scheme "ftp"`},
		{name: "no host", text: "http://", fault: "names no host"},
		{name: "slash at the end", text: "http://proxy/cluster1/", base: "http://proxy/cluster1"},
		{name: "no slashes, socket", text: "unix:/run/f.sock", fault: "write unix:///run/f.sock"},
		{name: "no slashes, host", text: "http:10.0.0.1:49153", fault: "write http://10.0.0.1:49153"},
		{name: "password", text: "http://me:secret@a", fault: "may have a host"},
		{name: "not a URL", text: "http://a b", fault: "invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := ParseEndpoint(tt.text)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("error %v, want %q in it", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e.Socket != tt.socket || e.Base.String() != tt.base {
				t.Errorf("socket %q base %q, want %q and %q", e.Socket, e.Base.String(), tt.socket, tt.base)
			}
		})
	}
}

func TestParseEndpoints(t *testing.T) {
	list, err := ParseEndpoints("http://a:1, unix:///run/f.sock,https://b")
	if err != nil || len(list) != 3 || list[0].Text != "http://a:1" || list[1].Socket != "/run/f.sock" || list[2].Base.Host != "b" {
		t.Errorf("%+v, %v", list, err)
	}
	for text, fault := range map[string]string{"http://a,": "comma too many", "http://a,b": "no scheme", ",": "comma too many"} {
		if _, err := ParseEndpoints(text); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: error %v, want %q", text, err, fault)
		}
	}
}

func TestDialRefusesWhatCannotWork(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		fault  string
	}{
		{"endpoint", Config{Endpoint: "nowhere"}, "no scheme"},
		{"etcd", Config{Endpoint: "unix:///run/etcd", Etcd: &EtcdConfig{}}, "is not one of etcd"},
		{"etcd's password", Config{Endpoint: "ftp://me:word@a", Etcd: &EtcdConfig{}}, `"ftp://me:xxxxx@a" is not one of etcd`},
		{"CA", Config{CA: []byte("x")}, "no certificate in PEM form"},
		{"certificate alone", Config{Cert: []byte("x")}, "needs its key"},
		{"key alone", Config{Key: []byte("x")}, "needs its certificate"},
		{"pair", Config{Cert: []byte("x"), Key: []byte("y")}, "PEM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dial(tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.fault) || KindOf(err) != Misused {
				t.Errorf("error %v of kind %q, want %q in it", err, KindOf(err), tt.fault)
			}
		})
	}
}

package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestGuideCommandLines gives each program the command line of its guide's unit.
func TestGuideCommandLines(t *testing.T) {
	const env, master = "10.120.0.1", "10.20.30.40"
	tests := []struct {
		name, release, program, args string
		refused                      string // the flag that is named, empty when the line is taken
	}{
		{"0.7 apiserver", "0.7", "kube-apiserver", "-address=127.0.0.1 -port=8080 -etcd_servers=http://127.0.0.1:4001 -portal_net=10.100.0.0/16 -logtostderr=true", ""},
		{"0.7 controller-manager", "0.7", "kube-controller-manager", "-master=http://127.0.0.1:8080 -machines=10.120.0.1,10.120.0.2,10.120.0.3", ""},
		{"0.7 scheduler", "0.7", "kube-scheduler", "-master=127.0.0.1:8080", ""},
		{"0.7 proxy", "0.7", "kube-proxy", "-etcd_servers=http://127.0.0.1:4001 -logtostderr=true", ""},
		{"0.7 kubelet", "0.7", "kubelet", "-address=" + env + " -port=10250 -hostname_override=" + env + " -etcd_servers=http://127.0.0.1:4001 -logtostderr=true", ""},
		{"0.7 flannel", "0.7", "flannel", "-iface=" + env, ""},
		{"0.7 takes two dashes too", "0.7", "kube-scheduler", "--master=127.0.0.1:8080", ""},
		{"0.7 has no dashes inside names", "0.7", "kube-proxy", "-etcd-servers=http://127.0.0.1:4001", "-etcd-servers"},
		{"0.7 has no port for the kubelet's health", "0.7", "kubelet", "-healthz_port=10248", "-healthz_port"},

		{"0.15 apiserver of the guide", "0.15", "kube-apiserver", "--address=0.0.0.0 --port=8080 --service-cluster-ip-range=10.100.0.0/16 --etcd-servers=http://127.0.0.1:4001 --logtostderr=true", "--service-cluster-ip-range"},
		{"0.15 apiserver", "0.15", "kube-apiserver", "--address=0.0.0.0 --port=8080 --portal_net=10.100.0.0/16 --etcd_servers=http://127.0.0.1:4001 --logtostderr=true", ""},
		{"0.15 apiserver with dashes", "0.15", "kube-apiserver", "--portal-net=10.100.0.0/16 --etcd-servers=http://127.0.0.1:4001", ""},
		{"0.15 controller-manager", "0.15", "kube-controller-manager", "--master=127.0.0.1:8080 --logtostderr=true", ""},
		{"0.15 scheduler", "0.15", "kube-scheduler", "--master=127.0.0.1:8080", ""},
		{"0.15 register", "0.15", "kube-register", "--metadata=role=node --fleet-endpoint=unix:///var/run/fleet.sock --healthz-port=10248 --api-endpoint=http://127.0.0.1:8080", ""},
		{"0.15 proxy of the guide", "0.15", "kube-proxy", "--etcd-servers=http://" + master + ":4001 --logtostderr=true", "--etcd-servers"},
		{"0.15 proxy", "0.15", "kube-proxy", "--master=http://" + master + ":8080 --logtostderr=true", ""},
		{"0.15 kubelet", "0.15", "kubelet", "--address=0.0.0.0 --port=10250 --hostname-override=10.20.30.41 --api-servers=" + master + ":8080 --healthz-bind-address=0.0.0.0 --healthz-port=10248 --logtostderr=true", ""},
		{"0.15 kubelet from etcd", "0.15", "kubelet", "--etcd_servers=http://127.0.0.1:4001", "--etcd_servers"},
		{"0.15 wants two dashes", "0.15", "kube-scheduler", "-master=127.0.0.1:8080", "-master"},
		{"1.11 apiserver", "1.11", "kube-apiserver", "--secure-port=6443 --etcd-servers=http://127.0.0.1:2379 --tls-cert-file=/srv/kubernetes/server.cert", ""},
		{"1.11 apiserver with underscores", "1.11", "kube-apiserver", "--etcd_servers=http://127.0.0.1:2379", ""},
		{"1.11 apiserver as of 0.15", "1.11", "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379 --portal_net=10.100.0.0/16", "--portal_net"},
		{"1.11 controller-manager as of 0.7", "1.11", "kube-controller-manager", "--master=127.0.0.1:8080 --machines=10.0.0.1", "--machines"},
		{"1.11 kubelet as of 0.15", "1.11", "kubelet", "--api-servers=10.20.30.40:8080", "--api-servers"},
		{"1.11 kubelet", "1.11", "kubelet", "--kubeconfig=/var/lib/kubelet/kubeconfig --pod-manifest-path=/etc/kubernetes/manifests", ""},
		{"0.15 flanneld", "0.15", "flanneld", "-etcd-endpoints http://" + master + ":4001", ""},
		{"0.15 flanneld as 0.1 was called", "0.15", "flanneld", "-etcd-endpoint http://" + master + ":4001", "-etcd-endpoint"},

		{"a number that is none", "0.15", "kube-scheduler", "--master=x --port=http", "--port"},
		{"an empty address", "0.15", "kubelet", "--address= --api_servers=x", "--address"},
		{"a network that is none", "0.15", "kube-apiserver", "--portal_net=10.100.0.0", "--portal_net"},
		{"a bool that is none", "0.7", "kubelet", "-logtostderr=ja", "-logtostderr"},
		{"a flag without its value", "0.15", "kube-scheduler", "--master", "--master"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := lookupTable(tt.release, tt.program)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = table.parse(strings.Fields(tt.args))
			var refused *flagError
			errors.As(err, &refused)
			switch {
			case tt.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.refused != "" && (refused == nil || refused.flag != tt.refused):
				t.Errorf("error is %v, want one about %s", err, tt.refused)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	goTable := newTable(goStyle, "name b:bool")
	posix := newTable(posixStyle, "name b:bool")
	tests := []struct {
		name  string
		table table
		args  string
		want  values
		rest  string
	}{
		{"value behind =", goTable, "-name=x", values{"name": "x"}, ""},
		{"value as the next word", goTable, "-name x", values{"name": "x"}, ""},
		{"value with = in it", posix, "--name=role=node", values{"name": "role=node"}, ""},
		{"bool alone", goTable, "-b -name=x", values{"b": "true", "name": "x"}, ""},
		{"bool takes no next word: Go's parsing ends there", goTable, "-b true -name=x", values{"b": "true"}, "true -name=x"},
		{"bool takes no next word: pflag goes on", posix, "--b true --name=x", values{"b": "true", "name": "x"}, "true"},
		{"two dashes end the flags", posix, "--b -- --name=x", values{"b": "true"}, "--name=x"},
		{"the last one wins", posix, "--name=x --name=y", values{"name": "y"}, ""},
		{"nothing", goTable, "", values{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rest, err := tt.table.parse(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tt.want) || strings.Join(rest, " ") != tt.rest {
				t.Errorf("got %v and %q, want %v and %q", got, rest, tt.want, tt.rest)
			}
		})
	}
}

// TestTables holds what every table must satisfy.
func TestTables(t *testing.T) {
	for _, release := range []string{"0.7", "0.15", "1.11"} {
		for _, program := range programs {
			table, err := lookupTable(release, program)
			if err != nil {
				t.Errorf("%s %s: %v", release, program, err)
				continue
			}
			for _, name := range table.required {
				if _, ok := table.flags[name]; !ok {
					t.Errorf("%s %s requires %s, which it does not know", release, program, name)
				}
			}
			if table.dashes {
				for name := range table.flags {
					if strings.Contains(name, "-") {
						t.Errorf("%s %s: %s can never be given: dashes are read as underscores", release, program, name)
					}
				}
			}
		}
	}
	if _, err := lookupTable("1.12", "kubelet"); err == nil {
		t.Error("there is a table for 1.12")
	}
	if _, err := lookupTable("0.15", "kube-standin"); err == nil {
		t.Error("the stand-in plays a program of its own name")
	}
}

func TestEndpoints(t *testing.T) {
	got := endpoints("10.20.30.40:8080, http://a:1/,,https://b", "/healthz")
	want := []string{"http://10.20.30.40:8080/healthz", "http://a:1/healthz", "https://b/healthz"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

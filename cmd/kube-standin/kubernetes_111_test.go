package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestFirewall111: without certificates a kubelet of 1.11 finds the apiserver by a
// kubeconfig that names a server alone, and registers its node; YAML and JSON are both
// taken. (With certificates: TestTLS of cmd/stackc.)
func TestFirewall111(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	soon := map[string]string{"KUBE_STANDIN_DELAY": "0"}
	api := start(t, "1.11", soon, "hyperkube", "apiserver", "--insecure-port=8080", "--insecure-bind-address=127.93.0.1", "--etcd-servers="+answering(t, &up))
	at := api.address(t, 0)
	eventually(t, "the apiserver is healthy", healthy(t, at))
	for i, text := range []string{
		"kind: Config\ncurrent-context: local\nclusters:\n- name: local\n  cluster:\n    server: http://" + at + "\ncontexts:\n- name: local\n  context:\n    cluster: local\n",
		`{"kind": "Config", "current-context": "x", "clusters": [{"name": "c", "cluster": {"server": "http://` + at + `/"}}], "contexts": [{"name": "x", "context": {"cluster": "c"}}]}`,
	} {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		write(t, path, text)
		name := []string{"10.0.0.2", "10.0.0.3"}[i]
		kubelet := start(t, "1.11", soon, "hyperkube", "kubelet", "--address=127.0.0.1", "--port=0", "--healthz-port=0", "--hostname-override="+name, "--kubeconfig="+path)
		eventually(t, "the kubelet is healthy", healthy(t, kubelet.address(t, 0)))
		body, err := get(t.Context(), http.DefaultClient, "http://"+at+nodesPath)
		if err != nil || !strings.Contains(string(body), `"name":"`+name+`"`) {
			t.Errorf("nodes are %s (%v), want %s among them", body, err, name)
		}
	}
	manager := start(t, "1.11", soon, "hyperkube", "controller-manager", "--address=127.0.0.1", "--port=0", "--master="+at)
	eventually(t, "the controller-manager is healthy", healthy(t, manager.address(t, 0)))
}

// TestRefusals111: what the real programs do not start without.
func TestRefusals111(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "none"), "kind: Config\n")
	write(t, filepath.Join(dir, "short"), "token,user\n")
	write(t, filepath.Join(dir, "text"), "no PEM")
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"a kubelet without its kubeconfig", []string{"kubelet", "--kubeconfig=" + dir + "/nowhere"}, "invalid kubeconfig: open "},
		{"a kubeconfig without a server", []string{"kubelet", "--kubeconfig=" + dir + "/none"}, "names no server"},
		{"an apiserver without its certificate", []string{"apiserver", "--etcd-servers=http://127.0.0.1:1", "--tls-cert-file=" + dir + "/nowhere", "--tls-private-key-file=" + dir + "/nowhere"}, "no such file"},
		{"a certificate that is none", []string{"apiserver", "--etcd-servers=http://127.0.0.1:1", "--tls-cert-file=" + dir + "/text", "--tls-private-key-file=" + dir + "/text"}, "failed to find any PEM data"},
		{"a controller-manager without its key", []string{"controller-manager", "--master=127.0.0.1:1", "--service-account-private-key-file=" + dir + "/nowhere"}, "no such file"},
		{"an apiserver without etcd", []string{"apiserver"}, "no --etcd_servers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, "1.11", nil, append([]string{"hyperkube"}, tt.args...)...)
			if code := <-s.code; code != exitFailed || !strings.Contains(s.log.String(), tt.says) {
				t.Errorf("exit code %d, want %q in\n%s", code, tt.says, s.log)
			}
		})
	}
	if _, err := newGate(values{"token_auth_file": dir + "/short"}, nil); err == nil || !strings.Contains(err.Error(), "at least 3 columns") {
		t.Errorf("a table of tokens without uid: %v", err)
	}
}

// TestPods: a kubelet starts the apiserver of its directory, and registers there.
func TestPods(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	dir := t.TempDir()
	const at = "127.93.0.2:8080"
	write(t, filepath.Join(dir, "manifests", "kube-apiserver.json"), `{"kind": "Pod", "spec": {"containers": [{"command": ["/hyperkube", "apiserver",
		"--insecure-bind-address=127.93.0.2", "--etcd-servers=`+answering(t, &up)+`"]}]}}`)
	write(t, filepath.Join(dir, "manifests", "kube-scheduler.json"), `{"kind": "Pod", "spec": {"containers": [{"command": ["/hyperkube", "scheduler", "--nonsense"]}]}}`)
	write(t, filepath.Join(dir, "kubeconfig"), `{"current-context": "x", "clusters": [{"name": "c", "cluster": {"server": "http://`+at+`"}}], "contexts": [{"name": "x", "context": {"cluster": "c"}}]}`)
	kubelet := start(t, "1.11", map[string]string{"KUBE_STANDIN_DELAY": "0"}, "hyperkube", "kubelet", "--address=127.0.0.1", "--port=0", "--healthz-port=0",
		"--hostname-override=m", "--kubeconfig="+dir+"/kubeconfig", "--pod-manifest-path="+dir+"/manifests")
	eventually(t, "the kubelet registers with what it started", func() bool {
		body, err := get(t.Context(), http.DefaultClient, "http://"+at+nodesPath)
		return err == nil && strings.Contains(string(body), `"name":"m"`)
	})
	eventually(t, "a pod that cannot start is told", func() bool {
		return strings.Contains(kubelet.log.String(), "kube-scheduler.json ended with 2")
	})
	write(t, filepath.Join(dir, "bad", "x.json"), `{"kind": "Service"}`)
	bad := start(t, "1.11", nil, "hyperkube", "kubelet", "--kubeconfig="+dir+"/kubeconfig", "--pod-manifest-path="+dir+"/bad")
	if code := <-bad.code; code != exitFailed || !strings.Contains(bad.log.String(), "x.json is no pod") {
		t.Errorf("exit code %d: %s", code, bad.log)
	}
}

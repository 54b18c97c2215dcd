package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
)

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf is who sent the request, whoever reaches the insecure port for one that came through no gate.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// service111 derives listeners and needs from the flags of 1.11.
func (p player) service111() (service, error) {
	f := p.flags
	switch p.program {
	case "kube-apiserver":
		return p.apiserver111()
	case "kube-controller-manager":
		n, err := p.apiNeed111()
		return service{listen: []string{join(f, "address", "0.0.0.0", "port", "10252")}, needs: n}, firstError(err, readable(f["service_account_private_key_file"], f["root_ca_file"]))
	case "kube-scheduler":
		n, err := p.apiNeed111()
		return service{listen: []string{join(f, "address", "0.0.0.0", "port", "10251")}, needs: n}, err
	case "kube-proxy":
		n, err := p.apiNeed111()
		return service{listen: []string{f.or("healthz_bind_address", join(f, "bind_address", "0.0.0.0", "healthz_port", "10256"))}, needs: n}, err
	case "kubelet":
		return p.kubelet111()
	}
	return service{}, unknownProgram(p.program)
}

func (p player) apiserver111() (service, error) {
	f := p.flags
	s := service{needs: []need{etcdNeed(f["etcd_servers"])}, api: &nodes{}}
	if port := f.or("insecure_port", f.or("port", "8080")); port != "0" {
		s.listen = []string{net.JoinHostPort(f.or("insecure_bind_address", f.or("address", "127.0.0.1")), port)}
	}
	if f["tls_cert_file"] == "" {
		p.logf("no --tls-cert-file: the real one makes itself a certificate, the stand-in has no secure port")
		return s, nil
	}
	config, err := serverTLS(f["tls_cert_file"], f["tls_private_key_file"])
	if err != nil {
		return s, err
	}
	g, err := newGate(f, nil)
	s.secure = []secureListener{{at: join(f, "bind_address", "0.0.0.0", "secure_port", "6443"), tls: config, gate: g}}
	return s, firstError(err, readable(f["service_account_key_file"], f["kubelet_certificate_authority"], f["kubelet_client_certificate"], f["kubelet_client_key"]))
}

// kubelet111 registers its node; from then on it is healthy.
func (p player) kubelet111() (service, error) {
	f := p.flags
	s := service{listen: []string{join(f, "healthz_bind_address", "127.0.0.1", "healthz_port", "10248")}}
	api, err := readKubeconfig(f["kubeconfig"])
	if err != nil {
		return s, fmt.Errorf("failed to run Kubelet: invalid kubeconfig: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return s, err
	}
	name := cmp.Or(f["hostname_override"], host)
	s.needs = []need{{name: "the apiserver", ask: func(ctx context.Context) error { return api.register(ctx, name) }}}
	if f["tls_cert_file"] == "" {
		s.listen = append(s.listen, join(f, "address", "0.0.0.0", "port", "10250"))
		return s, nil
	}
	config, err := serverTLS(f["tls_cert_file"], f["tls_private_key_file"])
	if err != nil {
		return s, err
	}
	g, err := newGate(f, nil)
	s.secure = []secureListener{{at: join(f, "address", "0.0.0.0", "port", "10250"), tls: config, gate: g}}
	return s, err
}

// apiNeed111 is the apiserver that --kubeconfig or --master names.
func (p player) apiNeed111() ([]need, error) {
	if path := p.flags["kubeconfig"]; path != "" {
		api, err := readKubeconfig(path)
		return []need{{name: "the apiserver", ask: func(ctx context.Context) error { return api.get(ctx, nodesPath) }}}, err
	}
	return sourceNeed(p.flags["master"], "")
}

func (c client) get(ctx context.Context, path string) error {
	_, err := c.call(ctx, http.MethodGet, path, nil)
	return err
}

// register puts a node of that name.
func (c client) register(ctx context.Context, name string) error {
	var n node
	n.Metadata.Name = name
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPost, nodesPath, body)
	return err
}

func (c client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return callWith(ctx, c.http, method, c.server+path, http.Header{"Content-Type": {"application/json"}, "Authorization": bearer(c.token)}, body)
}

func bearer(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"Bearer " + token}
}

// readable says which of the files that were named is not there.
func readable(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

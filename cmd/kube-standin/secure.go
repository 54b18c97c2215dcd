package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
)

// nodesPath is where the API of 1.11 keeps its nodes.
const nodesPath = "/api/v1/nodes"

// caller is who the apiserver takes a client for: the subject of its certificate, the row of its token, or nobody.
type caller struct {
	name   string
	groups []string
}

var anonymous = caller{"system:anonymous", []string{"system:unauthenticated"}}

// gate authenticates and authorizes the requests of the secure port as 1.11 does with --authorization-mode=Node,RBAC and its own roles, as far as the
// stand-in has something to protect: /healthz and /version are for all, nodes for those of system:masters, system:nodes and the proxy.
type gate struct {
	clientCA  *x509.CertPool
	tokens    map[string]caller
	passwords map[string]caller // by password and name, as authorized has them
	anonymous bool
	next      http.Handler
}

// newGate reads what the flags name.
func newGate(f values, next http.Handler) (*gate, error) {
	g := &gate{tokens: map[string]caller{}, passwords: map[string]caller{}, anonymous: f.or("anonymous_auth", "true") == "true", next: next}
	if path := f["client_ca_file"]; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if g.clientCA, err = pool(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if path := f["token_auth_file"]; path != "" {
		if err := readSecrets(path, "token", func(secret string, who caller) { g.tokens[secret] = who }); err != nil {
			return nil, err
		}
	}
	if path := f["basic_auth_file"]; path != "" {
		if err := readSecrets(path, "password", func(secret string, who caller) { g.passwords[secret+","+who.name] = who }); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// readSecrets reads rows of secret,user,uid,"group,group" (staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile, …/password/passwordfile).
func readSecrets(path, secret string, add func(secret string, who caller)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	rows := csv.NewReader(file)
	rows.FieldsPerRecord = -1
	all, err := rows.ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, row := range all {
		if len(row) < 3 {
			return fmt.Errorf("%s file %q must have at least 3 columns (%s, user name, user uid), found %d", secret, path, secret, len(row))
		}
		who := caller{name: row[1]}
		if len(row) > 3 {
			who.groups = strings.Split(row[3], ",")
		}
		add(row[0], who)
	}
	return nil
}

// who authenticates a request; false is 401.
func (g *gate) who(r *http.Request) (caller, bool) {
	if certs := r.TLS.PeerCertificates; len(certs) > 0 && g.clientCA != nil {
		_, err := certs[0].Verify(x509.VerifyOptions{Roots: g.clientCA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return caller{certs[0].Subject.CommonName, certs[0].Subject.Organization}, err == nil
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		who, known := g.tokens[token]
		return who, known
	}
	if name, password, ok := r.BasicAuth(); ok {
		who, known := g.passwords[password+","+name]
		return who, known
	}
	return anonymous, g.anonymous
}

// may says whether a caller may do what the request asks for.
func (c caller) may(r *http.Request) bool {
	switch {
	case r.URL.Path == "/healthz" || r.URL.Path == "/version" || slices.Contains(c.groups, "system:masters"):
		return true
	case slices.Contains(c.groups, "system:nodes"):
		return strings.HasPrefix(c.name, "system:node:") && strings.HasPrefix(r.URL.Path, nodesPath)
	}
	return c.name == "system:kube-proxy" && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, nodesPath)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := g.who(r)
	switch {
	case !ok:
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
	case !who.may(r):
		http.Error(w, fmt.Sprintf("forbidden: User %q cannot %s path %q", who.name, strings.ToLower(r.Method), r.URL.Path), http.StatusForbidden)
	default:
		g.next.ServeHTTP(w, r.WithContext(withCaller(r.Context(), who)))
	}
}

// serverTLS asks clients for a certificate and lets the gate judge it, as the apiserver does.
func serverTLS(certFile, keyFile string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}, nil
}

// nodes is the list of nodes of the API of 1.11, in memory.
type nodes struct {
	mu    sync.Mutex
	names []string
}

// node is one of them.
type node struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

func (n *nodes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case r.URL.Path == "/version":
		fmt.Fprintln(w, `{"major":"1","minor":"11","gitVersion":"v1.11.0-standin"}`)
	case r.URL.Path == nodesPath && r.Method == http.MethodGet:
		list := make([]node, len(n.names))
		for i, name := range n.names {
			list[i].Metadata.Name = name
		}
		w.Header().Set("Content-Type", "application/json")
		// A reader that has gone away cannot be told so.
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "NodeList", "apiVersion": "v1", "items": list})
	case r.URL.Path == nodesPath && r.Method == http.MethodPost:
		n.add(w, r)
	default:
		http.NotFound(w, r)
	}
}

// add registers a node. A kubelet may register itself alone (admission plugin NodeRestriction).
func (n *nodes) add(w http.ResponseWriter, r *http.Request) {
	var got node
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.Metadata.Name == "" {
		http.Error(w, "a node needs a name", http.StatusBadRequest)
		return
	}
	name := got.Metadata.Name
	if who := callerOf(r.Context()); slices.Contains(who.groups, "system:nodes") && who.name != "system:node:"+name {
		http.Error(w, fmt.Sprintf("node %q cannot modify node %q", strings.TrimPrefix(who.name, "system:node:"), name), http.StatusForbidden)
		return
	}
	if !slices.Contains(n.names, name) {
		n.names = append(n.names, name)
		slices.Sort(n.names)
	}
	w.WriteHeader(http.StatusCreated)
}

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// minionsPath is where the API of the time kept its nodes (pkg/api/v1beta1).
const minionsPath = "/api/v1beta1/minions"

// minions is the little of the Kubernetes API that the stand-in has: the nodes that are posted, kept in memory and written to etcd for whoever looks there.
type minions struct {
	etcd []string // URLs of the directory of minions, any of which will do
	mu   sync.Mutex
	ids  []string
	mux  *http.ServeMux
}

// minion is one node of the list.
type minion struct {
	ID string `json:"id"`
}

// minionList is the answer to a GET.
type minionList struct {
	Kind  string   `json:"kind"`
	Items []minion `json:"items"`
}

// registryMinions is where the apiserver of the time kept them in etcd (pkg/registry/etcd).
const registryMinions = "/v2/keys/registry/minions/"

func newMinions(etcd string) *minions {
	m := &minions{mux: http.NewServeMux(), etcd: endpoints(etcd, registryMinions)}
	m.mux.HandleFunc("GET "+minionsPath, m.list)
	m.mux.HandleFunc("POST "+minionsPath, m.add)
	return m
}

func (m *minions) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

func (m *minions) list(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	answer := minionList{Kind: "MinionList", Items: []minion{}}
	for _, id := range m.ids {
		answer.Items = append(answer.Items, minion{id})
	}
	w.Header().Set("Content-Type", "application/json")
	// A reader that has gone away cannot be told so.
	_ = json.NewEncoder(w).Encode(answer)
}

func (m *minions) add(w http.ResponseWriter, r *http.Request) {
	var got minion
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.ID == "" {
		http.Error(w, "a minion needs an id", http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.keep(r.Context(), got.ID); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !slices.Contains(m.ids, got.ID) {
		m.ids = append(m.ids, got.ID)
		slices.Sort(m.ids)
	}
	w.WriteHeader(http.StatusCreated)
}

// keep writes a minion to etcd.
func (m *minions) keep(ctx context.Context, id string) error {
	object, err := json.Marshal(minion{id})
	if err != nil {
		return err
	}
	form := url.Values{"value": {string(object)}}.Encode()
	for _, at := range m.etcd {
		if _, err = call(ctx, http.DefaultClient, http.MethodPut, at+url.PathEscape(id), "application/x-www-form-urlencoded", []byte(form)); err == nil {
			return nil
		}
	}
	return err
}

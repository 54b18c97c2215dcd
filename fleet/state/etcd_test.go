package state

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/fleet/fleettest"
)

// TestEtcdIsLikeEtcd puts the same requests before the etcd in memory and a real one.
func TestEtcdIsLikeEtcd(t *testing.T) {
	memory := fleettest.NewEtcd()
	server := httptest.NewServer(memory)
	defer server.Close()
	r := rand.New(rand.NewPCG(3, 5))
	var ours, theirs etcdSide
	for i := range 600 {
		q := drawEtcdRequest(r)
		ours.base, theirs.base = server.URL, shared.etcd
		mine, real := ours.do(t, q), theirs.do(t, q)
		if d := cmp.Diff(real, mine); d != "" {
			t.Fatalf("request %d, %+v (-etcd +memory):\n%s", i, q, d)
		}
	}
}

// etcdRequest is a request whose comparison is in words, since indexes differ.
type etcdRequest struct {
	Method, Key string
	Query, Form url.Values
	// Prev is "right" or "wrong" for prevIndex.
	Prev string
}

func drawEtcdRequest(r *rand.Rand) etcdRequest {
	key := []string{"a", "b", "d/a", "d/b", "d/e/f", "d", "d/e"}[r.IntN(7)]
	q := etcdRequest{Method: []string{"GET", "PUT", "PUT", "PUT", "DELETE"}[r.IntN(5)], Key: "/like/" + key, Query: url.Values{}, Form: url.Values{}}
	maybe := func(n int, set func()) {
		if r.IntN(n) == 0 {
			set()
		}
	}
	switch q.Method {
	case "GET":
		q.Query.Set("sorted", "true")
		maybe(2, func() { q.Query.Set("recursive", "true") })
		maybe(2, func() { q.Query.Set("quorum", "true") })
		maybe(4, func() { q.Key = "/like" })
	case "PUT":
		q.Form.Set("value", fmt.Sprint(r.IntN(100)))
		maybe(4, func() { q.Form.Set("ttl", "1000") })
		maybe(3, func() { q.Query.Set("prevExist", []string{"true", "false"}[r.IntN(2)]) })
		maybe(5, func() { q.Query.Set("noValueOnSuccess", "true") })
	case "DELETE":
		maybe(2, func() { q.Query.Set("dir", "true"); q.Query.Set("recursive", "true") })
	}
	if q.Method != "GET" && q.Query.Get("prevExist") != "false" && q.Query.Get("dir") == "" {
		maybe(3, func() { q.Prev = []string{"right", "right", "wrong"}[r.IntN(3)] })
	}
	return q
}

// etcdSide is one of the two.
type etcdSide struct {
	base  string
	index map[string]uint64
}

// etcdSaid is what counts of an answer.
type etcdSaid struct {
	Status, Code int
	Action       string
	Node         map[string]any
	Headers      bool
}

func (s *etcdSide) do(t *testing.T, q etcdRequest) etcdSaid {
	t.Helper()
	query := url.Values{}
	for k, v := range q.Query {
		query[k] = v
	}
	if s.index == nil {
		s.index = map[string]uint64{}
	}
	switch q.Prev {
	case "right":
		query.Set("prevIndex", fmt.Sprint(max(s.index[q.Key], 1)))
	case "wrong":
		query.Set("prevIndex", "4294967295")
	}
	req, err := http.NewRequest(q.Method, s.base+"/v2/keys"+q.Key+"?"+query.Encode(), strings.NewReader(q.Form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if q.Method == "PUT" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		ErrorCode int
		Action    string
		Node      map[string]any
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if index, ok := answer.Node["modifiedIndex"].(float64); ok {
		s.index[q.Key] = uint64(index)
	}
	plain(answer.Node)
	return etcdSaid{resp.StatusCode, answer.ErrorCode, answer.Action, answer.Node, resp.Header.Get("X-Etcd-Index") != ""}
}

// plain takes out of a node what differs from one store to another.
func plain(node map[string]any) {
	delete(node, "modifiedIndex")
	delete(node, "createdIndex")
	delete(node, "expiration")
	if _, has := node["ttl"]; has {
		node["ttl"] = true
	}
	if node["value"] == "" {
		delete(node, "value")
	}
	below, _ := node["nodes"].([]any)
	for _, n := range below {
		plain(n.(map[string]any))
	}
}

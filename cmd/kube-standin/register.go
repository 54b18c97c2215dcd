package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// register plays kube-register: the machines of fleet that carry the metadata and whose kubelet answers /healthz are posted to the apiserver as minions.
// It listens nowhere; systemd sees it running from the start, as with the real one.
func (p player) register(ctx context.Context) error {
	if !sleep(ctx, p.delay) {
		return nil
	}
	known, said := []string{}, ""
	for {
		ids, err := p.registerOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && said != err.Error():
			p.logf("not done yet: %v", err)
			said = err.Error()
		case err == nil && !slices.Equal(ids, known):
			p.logf("registered %s", strings.Join(ids, ", "))
			known, said = ids, ""
		}
		if !sleep(ctx, time.Second) {
			return nil
		}
	}
}

// registerOnce posts every machine that is ready and returns their addresses.
func (p player) registerOnce(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	machines, err := fleetMachines(ctx, p.flags["fleet-endpoint"])
	if err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	api := strings.TrimRight(p.flags["api-endpoint"], "/")
	if _, err := get(ctx, http.DefaultClient, api+"/healthz"); err != nil {
		return nil, fmt.Errorf("apiserver: %w", err)
	}
	var ids []string
	for _, m := range machines {
		health := "http://" + net.JoinHostPort(m.PrimaryIP, p.flags.or("healthz-port", "10255")) + "/healthz"
		if !m.has(p.flags.or("metadata", "k8s=kubelet")) {
			continue
		}
		if _, err := get(ctx, http.DefaultClient, health); err != nil {
			continue
		}
		if err := postMinion(ctx, api, m.PrimaryIP); err != nil {
			return nil, fmt.Errorf("apiserver: %w", err)
		}
		ids = append(ids, m.PrimaryIP)
	}
	slices.Sort(ids)
	return ids, nil
}

func postMinion(ctx context.Context, api, id string) error {
	body, err := json.Marshal(minion{id})
	if err != nil {
		return err
	}
	_, err = call(ctx, http.DefaultClient, http.MethodPost, api+minionsPath, "application/json", body)
	return err
}

// machine is a member of the fleet cluster, as GET /fleet/v1/machines gives it.
type machine struct {
	PrimaryIP string            `json:"primaryIP"`
	Metadata  map[string]string `json:"metadata"`
}

// has says whether the machine carries every pair of a "key=value,key=value" list.
func (m machine) has(pairs string) bool {
	for _, pair := range strings.Split(pairs, ",") {
		if key, value, _ := strings.Cut(pair, "="); m.Metadata[key] != value {
			return false
		}
	}
	return true
}

// fleetMachines asks fleet's API, at a unix socket or over http, for its machines.
func fleetMachines(ctx context.Context, endpoint string) ([]machine, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	client, base := http.DefaultClient, strings.TrimRight(endpoint, "/")
	if u.Scheme == "unix" {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", u.Path)
		}
		client, base = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, "http://fleet"
	}
	data, err := get(ctx, client, base+"/fleet/v1/machines")
	if err != nil {
		return nil, err
	}
	var page struct {
		Machines []machine `json:"machines"`
	}
	err = json.Unmarshal(data, &page)
	return page.Machines, err
}

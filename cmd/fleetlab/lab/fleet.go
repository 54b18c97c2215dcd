package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sort"
	"strings"
	"time"
)

// waitForMachines returns when the fleet of every node lists all machines with their metadata.
func (l *Lab) waitForMachines(ctx context.Context) error {
	var want []string
	for _, n := range l.nodes {
		want = append(want, n.Address+" "+n.Metadata)
	}
	sort.Strings(want)
	for _, n := range l.nodes {
		err := poll(ctx, func() error { return n.lists(ctx, want) })
		if err != nil {
			return fmt.Errorf("%s: fleet: %w; its console:\n%s", n.Name, err, n.consoleTail())
		}
		l.log("%s: fleet lists %d machines", n.Name, len(want))
	}
	return nil
}

// lists says why the node's fleet does not list just the wanted machines, nil when it does.
func (n *Node) lists(ctx context.Context, want []string) error {
	machines, err := n.Machines(ctx)
	if err != nil {
		return err
	}
	var got []string
	for _, m := range machines {
		got = append(got, m.PrimaryIP+" "+m.metadata())
	}
	sort.Strings(got)
	if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
		return fmt.Errorf("lists %q, not %q", g, w)
	}
	return nil
}

// Machine is a member of the cluster as fleet's API gives it.
type Machine struct {
	ID        string            `json:"id"`
	PrimaryIP string            `json:"primaryIP"`
	Metadata  map[string]string `json:"metadata"`
}

func (m Machine) metadata() string {
	var pairs []string
	for k, v := range m.Metadata {
		pairs = append(pairs, k+"="+v)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ",")
}

// Machines asks the node's own fleet for the members of the cluster.
func (n *Node) Machines(ctx context.Context) ([]Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://fleet/fleet/v1/machines", nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.FleetClient().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /fleet/v1/machines: %s", resp.Status)
	}
	var page struct {
		Machines []Machine `json:"machines"`
	}
	err = json.NewDecoder(resp.Body).Decode(&page)
	return page.Machines, err
}

// FleetClient speaks to the node's fleet through its unix socket, whatever host the URL names.
func (n *Node) FleetClient() *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", n.Socket())
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// FleetctlCommand prepares fleet's own fleetctl, on the host, for the master's endpoint.
func (l *Lab) FleetctlCommand(ctx context.Context, args ...string) *exec.Cmd {
	return groupCommand(ctx, l.state.Binaries.Fleetctl, append([]string{"--endpoint", l.Endpoint()}, args...)...)
}

// Fleetctl runs fleet's own fleetctl against the master and returns its standard output.
func (l *Lab) Fleetctl(ctx context.Context, args ...string) (string, error) {
	return output(l.FleetctlCommand(ctx, args...), "fleetctl", args)
}

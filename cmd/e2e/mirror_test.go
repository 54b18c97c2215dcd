package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// agent is a program that machines fetch.
const agent = "#!/bin/sh\n# version %d\nexec sleep infinity\n"

// TestMirror takes a stack into a room without the Internet: what it downloads is
// fetched from an origin, which is then switched off, and served to the machines by
// stackc. A file that is corrupted on the mirror is refused, with its name, by those who fetch it.
func TestMirror(t *testing.T) {
	c := up(t, lab.Config{Nodes: []lab.NodeConfig{
		{Name: "master", Address: "10.20.30.40", Metadata: "role=master", Etcd: true},
		{Name: "node1", Address: "10.20.30.41", Metadata: "role=node"},
	}})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, agent, 1)
	}))
	defer origin.Close()
	file := stack(t, "room", fmt.Sprintf(`
[unit.agent]
global   = true
download = [{ url = "http://10.20.30.40:8080/v1/agent", origin = "%s/agent", to = "/opt/bin/agent", unverified = true }]
[unit.agent.Service]
ExecStart = "/opt/bin/agent"
Restart   = "always"
`, origin.URL))
	www := filepath.Join(t.TempDir(), "www")
	start(t, "mirror", "fetch", file, www).wait(t, done).says(t, "fetched   v1/agent", "1 has no sha256")
	start(t, "mirror", "lock", file, www).wait(t, done).says(t, "written   v1/agent  "+hashOf(fmt.Sprintf(agent, 1)))
	origin.Close()

	master := c.Master()
	check := func() (string, error) { return master.ExecNetns(within(t), program, "mirror", "check", file) }
	server := serveMirror(t, master, www)
	if out, err := check(); err != nil || !strings.Contains(out, "right     v1/agent") {
		t.Errorf("the mirror is not right: %v\n%s", err, out)
	}
	c.stackc(t, done, "submit", file).says(t, "agent.service  up")

	// It is as long as before, so that only its content can tell.
	if err := os.WriteFile(filepath.Join(www, "v1", "agent"), fmt.Appendf(nil, agent, 2), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); err == nil || !strings.Contains(out, "wrong     v1/agent  http://10.20.30.40:8080/v1/agent: its sha256 is "+hashOf(fmt.Sprintf(agent, 2))) {
		t.Errorf("the corrupted file is not told of: %v\n%s", err, out)
	}
	late := stack(t, "late", fmt.Sprintf(`
allow = ["no-restart"]
[roles]
node = "role=node"
[unit.late]
role     = "node"
download = [{ url = "http://10.20.30.40:8080/v1/agent", to = "/opt/bin/late", sha256 = %q }]
[unit.late.Service]
ExecStart = "/opt/bin/late"
Restart   = "no"
`, hashOf(fmt.Sprintf(agent, 1))))
	c.stackc(t, unitFailed, "submit", late).says(t, "late.service failed")
	journal, err := c.Node("node1").Journal(within(t), "late.service")
	if want := "http://10.20.30.40:8080/v1/agent is not the file with sha256 " + hashOf(fmt.Sprintf(agent, 1)); err != nil || !strings.Contains(journal, want) {
		t.Errorf("the journal does not say %q: %v\n%s", want, err, journal)
	}
	if _, err := os.Stat(c.Node("node1").Path("/opt/bin/late")); !os.IsNotExist(err) {
		t.Errorf("the corrupted file is there: %v", err)
	}

	// Put right, it is fetched by whoever is started again.
	if err := os.WriteFile(filepath.Join(www, "v1", "agent"), fmt.Appendf(nil, agent, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	c.stackc(t, done, "restart", late)
	log := server.stop(t)
	for _, want := range []string{"10.20.30.40 GET /v1/agent 200", "10.20.30.41 GET /v1/agent 200"} {
		if !slices.ContainsFunc(log, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("the mirror did not note %q:\n%s", want, strings.Join(log, "\n"))
		}
	}
}

// mirrorServer is stackc mirror serve in the network of a node.
type mirrorServer struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func serveMirror(t *testing.T, n *lab.Node, www string) *mirrorServer {
	t.Helper()
	s := &mirrorServer{cmd: n.NetnsCommand(t.Context(), program, "mirror", "serve", www, "--listen", ":8080")}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if s.lines = bufio.NewScanner(out); !s.lines.Scan() {
		t.Fatalf("the mirror does not serve: %v", s.cmd.Wait())
	}
	return s
}

// stop ends it as systemd would, and returns what it noted.
func (s *mirrorServer) stop(t *testing.T) []string {
	t.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM); err != nil { // nsenter is the program by now
		t.Fatal(err)
	}
	var log []string
	for s.lines.Scan() {
		log = append(log, s.lines.Text())
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the mirror ended with %v", err)
	}
	return log
}

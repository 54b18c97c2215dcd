package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// build builds packages under the names given, and returns the directory of the programs.
func build(t *testing.T, packages map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, pkg := range packages {
		cmd := exec.Command("go", "build", "-ldflags", "-X github.com/coreos/fleet/version.Version=1.0.0", "-o", filepath.Join(dir, name), pkg)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
		}
	}
	return dir
}

// process is a running fleetbox.
type process struct {
	*testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	ready  ready
	bin    string
	temp   string // its TMPDIR
}

func launch(t *testing.T, bin string, args ...string) *process {
	t.Helper()
	p := &process{T: t, bin: bin, temp: t.TempDir(), cmd: exec.Command(filepath.Join(bin, "fleetbox"), args...)}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.temp)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		p.cmd.Wait()
		t.Fatalf("no ready line: %v\n%s", err, p.stderr.String())
	}
	if err := json.Unmarshal(line, &p.ready); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return p
}

// gone waits for the end of the process and looks at what it left.
func (p *process) gone() {
	p.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			p.Errorf("fleetbox: %v", err)
		}
	case <-time.After(20 * time.Second):
		p.Fatal("fleetbox does not end")
	}
	if p.stderr.Len() > 0 {
		p.Errorf("stderr: %s", p.stderr.String())
	}
	left, err := os.ReadDir(p.temp)
	if err != nil || len(left) > 0 {
		p.Errorf("left behind: %v, %v", left, err)
	}
}

// fleetctl runs fleet's own client against the box.
func (p *process) fleetctl(args ...string) string {
	p.Helper()
	cmd := exec.Command(filepath.Join(p.bin, "fleetctl"), args...)
	cmd.Env = append(os.Environ(), "FLEETCTL_ENDPOINT="+p.ready.Fleet[0])
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.Errorf("fleetctl %q: %v", args, err)
	}
	return regexp.MustCompile(`[ \t]+`).ReplaceAllString(string(out), " ")
}

func (p *process) control(method, path, body string) string {
	p.Helper()
	out, err := exec.Command(filepath.Join(p.bin, "fleetbox"), "control", p.ready.Control, method, path, body).CombinedOutput()
	if err != nil {
		p.Errorf("control %s %s: %v", method, path, err)
	}
	return string(out)
}

func TestFleetctlDrivesTheBox(t *testing.T) {
	bin := build(t, map[string]string{"fleetbox": ".", "fleetd": "./fleetd", "fleetctl": "github.com/coreos/fleet/fleetctl"})
	dir := t.TempDir()
	socket := filepath.Join(dir, "fleet.sock")
	p := launch(t, bin, "--fast", "--socket", socket, "--control", filepath.Join(dir, "control.sock"),
		"--machine", "role=master", "--machine", "role=node")
	files := filepath.Join(dir, "units")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	api, web := filepath.Join(files, "api.service"), filepath.Join(files, "web@.service")
	write(t, api, "[Service]\nExecStart=/bin/api\n[X-Fleet]\nMachineMetadata=role=master\n")
	write(t, web, "[Service]\nExecStart=/bin/web %i\n[X-Fleet]\nMachineMetadata=role=node\n")

	p.expect(p.fleetctl("list-machines", "--no-legend"), "f1ee7001... 10.20.30.40 role=master", "f1ee7002... 10.20.30.41 role=node")
	p.expect(p.fleetctl("submit", api, web), "Unit api.service inactive", "Unit web@.service inactive")
	p.expect(p.fleetctl("start", "api.service"), "Unit api.service launched on f1ee7001.../10.20.30.40")
	p.expect(p.fleetctl("start", "web@1.service"), "Unit web@1.service launched on f1ee7002.../10.20.30.41")
	p.expect(p.fleetctl("list-units"), "api.service f1ee7001.../10.20.30.40 active running", "web@1.service f1ee7002.../10.20.30.41 active running")
	p.expect(p.fleetctl("list-unit-files"), "api.service ", " launched launched f1ee7001.../10.20.30.40", "web@.service ", " inactive inactive -")
	p.expect(p.fleetctl("cat", "api.service"), "ExecStart=/bin/api")
	p.expect(p.fleetctl("stop", "api.service"), "Unit api.service loaded on f1ee7001")
	p.expect(p.control("GET", "/units?unit=api.service", ""), `"active": "inactive"`, `"machine": "n1"`)
	p.expect(p.fleetctl("unload", "api.service"), "Unit api.service inactive")
	p.expect(p.fleetctl("destroy", "api.service", "web@.service", "web@1.service"), "Destroyed api.service", "Destroyed web@1.service")
	if out := p.fleetctl("list-unit-files", "--no-legend"); strings.TrimSpace(out) != "" {
		t.Errorf("left: %s", out)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.gone()
	for _, name := range []string{"fleet.sock", "control.sock"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
	t.Run("versions", func(t *testing.T) {
		for _, name := range []string{"fleetctl", "fleetd"} {
			out, err := exec.Command(filepath.Join(bin, name), "--version").Output()
			if want := name + " version 1.0.0\n"; err != nil || string(out) != want {
				t.Errorf("%q, %v, want %q", out, err, want)
			}
		}
	})
	t.Run("ends with standard input", func(t *testing.T) {
		p := launch(t, bin, "--until-eof")
		if len(p.ready.Machines) != 3 || p.ready.Machines[0].Metadata["role"] != "master" {
			t.Errorf("ready line: %+v", p.ready)
		}
		p.stdin.Close()
		p.gone()
	})
}

func (p *process) expect(got string, wants ...string) {
	p.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			p.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCommandLine(t *testing.T) {
	bin := build(t, map[string]string{"fleetbox": "."})
	tests := []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"help", []string{"--help"}, exitOK, "fleetbox control http"},
		{"unknown flag", []string{"--nodes", "3"}, exitUsage, "not defined: -nodes"},
		{"exec", []string{"--fast", "exec", "--", "sh", "-c", "echo $FLEETCTL_ENDPOINT $FLEETBOX_ETCD $FLEETBOX_CONTROL >&2; exit 7"}, 7, "http://127.0.0.1:"},
		{"exec of stackc", []string{"exec", "--", "sh", "-c", `test -n "$STACKC_ETCD" && test "$STACKC_ETCD" = "$FLEETBOX_ETCD"`}, exitOK, ""},
		{"exec of what is killed", []string{"exec", "sh", "-c", "kill -9 $$"}, 137, ""},
		{"exec of nothing", []string{"exec", "--"}, exitError, "no command"},
		{"exec until-eof", []string{"--until-eof", "exec", "true"}, exitUsage, "unexpected"},
		{"argument", []string{"start"}, exitUsage, `unexpected argument "start"`},
		{"bad machine", []string{"--machine", "master"}, exitError, `metadata "master" is not KEY=VALUE`},
		{"bad rule", []string{"--rule", `{"unit":"x","slow":"1s"}`}, exitError, `unknown field "slow"`},
		{"rule", []string{"--rule", `{"unit":"x","delay":"1s"}`, "exec", "sh", "-c", bin + "/fleetbox control $FLEETBOX_CONTROL GET /rules >&2"}, exitOK, `"delay": "1s"`},
		{"short ttl", []string{"--ttl", "1s"}, exitError, "at least 2s"},
		{"bad address", []string{"--listen", "nowhere"}, exitError, "nowhere"},
		{"bad etcd address", []string{"--etcd", "nowhere"}, exitError, "nowhere"},
		{"control without path", []string{"control", "http://127.0.0.1:1"}, exitUsage, "usage"},
		{"control without box", []string{"control", "unix:///nonexistent/socket", "GET", "/box"}, exitError, "no such file"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			temp := t.TempDir()
			var stderr bytes.Buffer
			cmd := exec.Command(filepath.Join(bin, "fleetbox"), tc.args...)
			cmd.Env = append(os.Environ(), "TMPDIR="+temp)
			cmd.Stderr = &stderr
			cmd.Run() // the exit code tells
			if code := cmd.ProcessState.ExitCode(); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("stderr: %s", stderr.String())
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

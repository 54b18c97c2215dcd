package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/stackc/stackc/cmd/stackc/sshtest"
)

var update = flag.Bool("update", false, "write the expected output anew")

// waiting is how many scripts run at a time: most of their time they wait for units.
const waiting = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", waiting); err != nil { // the flag itself still wins
		panic(err)
	}
	testscript.Main(leakless{m}, map[string]func(){"stackc": main})
}

// leakless runs the tests and then finds goroutines that they have left behind.
type leakless struct{ tests *testing.M }

func (l leakless) Run() int {
	code := l.tests.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// TestScripts runs the scripts at the top of the repository on the real main. The
// first word of a script's name is the subcommand that it is about.
func TestScripts(t *testing.T) {
	box := sync.OnceValues(func() (string, error) { return buildBox(t.TempDir()) })
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"by-hand": byHand,
			"cluster": func(ts *testscript.TestScript, neg bool, args []string) { startCluster(ts, box, args) },
			"sshd":    startSSH,
			"serve":   startMirror,
			"answer":  answer,
			"etcdput": putKey,
			"control": func(ts *testscript.TestScript, neg bool, args []string) { control(ts, box, args) },
		},
	})
}

// setUp takes away what the environment of the test may say to stackc, and points
// it to where there is no cluster.
func setUp(env *testscript.Env) error {
	env.Setenv("FLEETCTL_ENDPOINT", "unix://"+filepath.Join(env.WorkDir, "no.sock"))
	env.Setenv("STACKS", repository("stacks"))
	env.Values[servedKey{}] = map[string]func() error{}
	env.Values[serversKey{}] = map[string]*http.Server{}
	return nil
}

func repository(path string) string {
	abs, err := filepath.Abs(filepath.Join("../..", path))
	if err != nil {
		panic(err)
	}
	return abs
}

// buildBox builds the fleet cluster in one process that scripts talk to.
func buildBox(dir string) (string, error) {
	path := filepath.Join(dir, "fleetbox")
	out, err := exec.Command("go", "build", "-C", repository("cmd/fleetbox"), "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
}

// exits CODE PROGRAM ARGS... runs a program and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// startCluster starts a cluster with fleetbox's flags, and tells stackc where it
// and its etcd are. CONTROL is the address of its control API, ENDPOINT that of fleet.
func startCluster(ts *testscript.TestScript, box func() (string, error), args []string) {
	path, err := box()
	ts.Check(err)
	ready, stop, err := launchBox(path, ts.Getenv("WORK"), args...)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("FLEETCTL_ENDPOINT", ready.Fleet[0])
	ts.Setenv("ENDPOINT", ready.Fleet[0])
	ts.Setenv("CONTROL", ready.Control)
	ts.Setenv("ETCD", ready.Etcd)
	ts.Setenv("ETCD_PORT", ready.Etcd[strings.LastIndexByte(ready.Etcd, ':')+1:])
	ts.Setenv("STACKC_ETCD", ready.Etcd)
}

// startMirror DIR NAME serves a folder until the end of the script, or until
// serve -stop NAME; NAME is its URL, and what it wrote is then in NAME.log.
func startMirror(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR NAME, or serve -stop NAME")
	}
	name := args[1]
	if args[0] == "-stop" {
		stop := served(ts)[name]
		if stop == nil {
			ts.Fatalf("nothing is served as %s", name)
		}
		ts.Check(stop())
		return
	}
	cmd := exec.Command("stackc", "mirror", "serve", args[0], "--listen", "127.0.0.1:0")
	cmd.Dir = ts.MkAbs(".")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	ts.Check(err)
	fields := strings.Fields(line)
	ts.Setenv(name, fields[len(fields)-1])
	stop := sync.OnceValue(func() error {
		cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended by itself, which Wait tells
		rest, err := io.ReadAll(reader)
		return errors.Join(err, cmd.Wait(), os.WriteFile(ts.MkAbs(name+".log"), []byte(line+string(rest)), 0o666))
	})
	served(ts)[name] = stop
	ts.Defer(func() { stop() })
}

// servedKey is the key under which a script keeps how to stop what it serves.
type servedKey struct{}

func served(ts *testscript.TestScript) map[string]func() error {
	return ts.Value(servedKey{}).(map[string]func() error)
}

// startSSH starts an SSH server with those lines in its sshd_config. SSH_HOST is
// user@host:port, SSH_PORT the same without the user, HOME that of a user whom it lets in and who knows it.
func startSSH(ts *testscript.TestScript, neg bool, lines []string) {
	server, err := sshtest.Start(ts.MkAbs("sshd"), lines...)
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv("SSH_HOST", server.Address())
	ts.Setenv("SSH_PORT", server.Host+":"+server.Port)
	ts.Setenv("HOME", server.Home)
	ts.Setenv("SSH_AUTH_SOCK", "")
}

// control METHOD PATH [BODY] calls the cluster's control API; the answer is in stdout.
func control(ts *testscript.TestScript, box func() (string, error), args []string) {
	path, err := box()
	ts.Check(err)
	if len(args) > 2 {
		args = []string{args[0], args[1], strings.Join(args[2:], " ")}
	}
	ts.Check(ts.Exec(path, append([]string{"control", ts.Getenv("CONTROL")}, args...)...))
}

// serversKey is under which a script keeps its servers, by their addresses.
type serversKey struct{}

// answer ADDRESS DIR [NAME] answers HTTP at an address of the loopback network, of which each
// machine of a script may have one, with the files of a folder. At port 0 it is one that is
// free, which NAME then is. ! answer ADDRESS ends that.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	servers := ts.Value(serversKey{}).(map[string]*http.Server)
	if neg {
		ts.Check(servers[args[0]].Close())
		return
	}
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	if len(args) > 2 {
		ts.Setenv(args[2], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(ts.MkAbs(args[1])))}
	servers[l.Addr().String()] = server
	go server.Serve(l)
	ts.Defer(func() { server.Close() })
}

// putKey KEY VALUE puts a key into the cluster's etcd.
func putKey(ts *testscript.TestScript, neg bool, args []string) {
	form := url.Values{"value": {args[1]}}
	r, err := http.NewRequest(http.MethodPut, ts.Getenv("ETCD")+"/v2/keys"+args[0]+"?"+form.Encode(), nil)
	ts.Check(err)
	response, err := http.DefaultClient.Do(r)
	ts.Check(err)
	response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		ts.Fatalf("etcd answers %s", response.Status)
	}
}

package bootstrap_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/units"
)

// vendor are units that the image has.
const vendor = "[Service]\nExecStart=/bin/true\n"

// program finds the commands of a unit file, which must be there for systemd.
var program = regexp.MustCompile(`(?m)^Exec\w+=(/\S+)`)

// TestVerify has systemd itself read all units of each host, with their pieces: it
// finds no fault in a line, no program missing and no ring of units.
func TestVerify(t *testing.T) {
	for _, h := range allHosts(t) {
		root := t.TempDir()
		var names []string
		for _, u := range h.Units {
			if _, err := units.ParseName(u.Name); err != nil || u.Mask {
				continue // networkd's own, of which systemd-analyze knows nothing
			}
			names = append(names, u.Name)
			writeUnit(t, root, u)
		}
		for _, name := range []string{"network-online.target", "sockets.target", "multi-user.target", "sysinit.target", "basic.target", "shutdown.target"} {
			put(t, filepath.Join(root, "etc/systemd/system", name), "[Unit]\nDescription=of the image\n")
		}
		for _, name := range []string{"docker.service", "etcd2.service", "fleet.service"} { // of the image
			if path := filepath.Join(root, "etc/systemd/system", name); !slices.Contains(names, name) {
				put(t, path, vendor)
			}
		}
		put(t, filepath.Join(root, "bin/true"), "#!/bin/true\n")
		put(t, filepath.Join(root, "bin/sh"), "#!/bin/true\n")
		args := append([]string{"--man=no", "--recursive-errors=yes", "--root=" + root, "verify"}, names...)
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if _, failed := err.(*exec.ExitError); err != nil && !failed {
			t.Fatalf("systemd-analyze, of the Debian package systemd: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "Failed to prepare filename") {
				t.Errorf("%s: systemd says %s", h.Name, line)
			}
		}
	}
}

// writeUnit puts a unit into a root folder; programs that it runs are made there.
func writeUnit(t *testing.T, root string, u bootstrap.Unit) {
	t.Helper()
	dir := filepath.Join(root, "etc/systemd/system")
	text := u.Content
	if text == "" {
		text = vendor
		if strings.HasSuffix(u.Name, ".socket") {
			text = "[Socket]\nListenStream=/run/x\n"
		}
	}
	put(t, filepath.Join(dir, u.Name), text)
	for _, d := range u.DropIns {
		put(t, filepath.Join(dir, u.Name+".d", d.Name), d.Content)
		text += d.Content
	}
	for _, m := range program.FindAllStringSubmatch(text, -1) {
		put(t, filepath.Join(root, m[1]), "#!/bin/true\n")
	}
	if strings.HasSuffix(u.Name, ".socket") { // it starts the unit of its name
		service := strings.TrimSuffix(u.Name, ".socket") + ".service"
		if _, err := os.Stat(filepath.Join(dir, service)); err != nil {
			put(t, filepath.Join(dir, service), vendor)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// scriptOf is the shell's script of a command of a unit, as systemd hands it on, with
// the machine's folder /run, /etc and its etcd elsewhere.
func scriptOf(t *testing.T, u bootstrap.Unit, about string, replace ...string) string {
	t.Helper()
	text := u.Content
	for _, d := range u.DropIns {
		text += d.Content
	}
	options, err := units.ParseAsFleet(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		if !strings.Contains(o.Value, about) || !strings.HasPrefix(o.Name, "Exec") {
			continue
		}
		commands, err := units.SplitExec(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		script, ok := commands[0].Words[2].Literal()
		if !ok {
			t.Fatalf("systemd puts something into %s", o.Value)
		}
		return strings.NewReplacer(replace...).Replace(strings.ReplaceAll(script, "sleep 3", "sleep 0.01"))
	}
	t.Fatalf("no command of %s is about %s", u.Name, about)
	return ""
}

func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// TestScripts runs what units do before their programs.
func TestScripts(t *testing.T) {
	hosts := map[string]*bootstrap.Host{}
	for _, h := range allHosts(t) {
		hosts[h.Name+" "+strings.Join(h.Roles, ",")] = h
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "subnet.env"), "FLANNEL_SUBNET=10.1.7.1/24\nFLANNEL_MTU=1450\n")
	put(t, filepath.Join(dir, "network-environment"), "DEFAULT_IPV4=10.20.30.40\n")

	flannel := hosts["core-01 master,minion"]
	sh(t, scriptOf(t, flannel.Unit("docker.service"), "printf", "/run/flannel/", dir+"/", "/run/", dir+"/"))
	holds(t, filepath.Join(dir, "flannel_docker_opts.env"), "DOCKER_OPT_BIP=--bip=10.1.7.1/24\nDOCKER_OPT_MTU=--mtu=1450\n")

	var puts []string
	etcd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		puts = append(puts, r.Method+" "+r.URL.String()+" "+r.FormValue("value"))
		w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusPreconditionFailed}[len(puts)-1])
	}))
	defer etcd.Close()
	sh(t, scriptOf(t, flannel.Unit("flanneld.service"), "prevExist", "http://127.0.0.1:2379", etcd.URL))
	one := `PUT /v2/keys/coreos.com/network/config?prevExist=false {"Network":"10.1.0.0/16","Backend":{"Type":"vxlan"}}`
	if strings.Join(puts, "\n") != one+"\n"+one {
		t.Errorf("etcd was asked %q: a key that is there is right, an etcd that is not is asked again", puts)
	}

	program := hosts["core-02 node"]
	sh(t, scriptOf(t, program.Unit("fleet.service"), "printf", "/etc/", dir+"/", "/run/stackc", dir))
	holds(t, filepath.Join(dir, "fleet.service.env"), "FLEET_METADATA=role=node\nFLEET_PUBLIC_IP=10.20.30.40\nFLEET_ETCD_SERVERS=http://10.20.30.40:4001\n")
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, want %q (%v)", filepath.Base(path), got, want, err)
	}
}

package importer_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/units"
)

const idiomaticDir = "../../testdata/idiomatic"

// listed writes lifts and what is left, one a line.
func listed(r importer.Result) string {
	var b strings.Builder
	for _, l := range r.Lifts {
		fmt.Fprintf(&b, "%s:%d: %s: %s\n", l.Place.File().Name(), l.Place.Position().Line, l.Word, l.Message)
		for _, o := range l.Removed {
			fmt.Fprintf(&b, "  - [%s] %s=%s\n", o.Section, o.Name, o.Value)
		}
		for _, o := range l.Added {
			fmt.Fprintf(&b, "  + [%s] %s=%s\n", o.Section, o.Name, o.Value)
		}
	}
	for _, l := range r.Left {
		fmt.Fprintf(&b, "%s:%d: left: %s\n", l.Place.File().Name(), l.Place.Position().Line, l.Message)
	}
	return strings.ReplaceAll(b.String(), "../../testdata/", "")
}

// TestIdiomatic holds what an idiomatic import writes, changes and leaves against a
// golden that people can read.
func TestIdiomatic(t *testing.T) {
	r := importer.Import(importer.Request{Stack: "golden", Files: load(t, idiomaticDir+"/*"), Idiomatic: true})
	compile(t, r.Text)
	for name, got := range map[string]string{"testdata/idiomatic.toml": r.Text, "testdata/idiomatic.txt": listed(r)} {
		want, err := os.ReadFile(name)
		if *update {
			err = os.WriteFile(name, []byte(got), 0o666)
			want = []byte(got)
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is otherwise (-want +got):\n%s", name, diff)
		}
	}
}

// count is options as a multiset, those of b taken from those of a.
func count(a, b []units.Option) map[units.Option]int {
	m := map[units.Option]int{}
	for _, o := range a {
		m[o]++
	}
	for _, o := range b {
		if m[o]--; m[o] == 0 {
			delete(m, o)
		}
	}
	return m
}

// onlyListed holds every difference between the files and what their idiomatic
// import compiles to against the lifts: what is different is listed, and what is
// listed is different. Of every unit that is kept as its text it is said why.
func onlyListed(t testing.TB, files []importer.File, r importer.Result) {
	t.Helper()
	set := compile(t, r.Text)
	kept := 0
	for _, l := range r.Left {
		if strings.HasPrefix(l.Message, keptText) {
			kept++
		}
	}
	if kept != r.Verbatim {
		t.Errorf("%d units are kept as their text, and of %d it is said why:\n%s", r.Verbatim, kept, listed(r))
	}
	for _, f := range files {
		options, _, err := held(f.Text)
		u, ok := set.Lookup(units.Name(f.Name))
		if err != nil || !ok {
			continue // the law is held elsewhere
		}
		var removed, added []units.Option
		reordered := false
		for _, l := range r.Lifts {
			if l.Unit == u.Name {
				removed, added = append(removed, l.Removed...), append(added, l.Added...)
				reordered = reordered || l.Word == "order"
			}
		}
		if diff := cmp.Diff(count(options, u.Options), count(removed, added)); diff != "" {
			t.Errorf("%s: what is different is not what is listed (-different +listed):\n%s", f.Path, diff)
		}
		if len(removed)+len(added) == 0 && !reordered && u.Hash() != units.Hash(options) {
			t.Errorf("%s has another hash, and nothing is listed", f.Path)
		}
		before, _ := units.ParsePlacement(u.Name, options)
		now, _ := units.ParsePlacement(u.Name, u.Options)
		for _, p := range []*units.Placement{&before, &now} {
			for _, list := range append([][]string{p.MachineOf, p.Conflicts}, values(p.Metadata)...) {
				slices.Sort(list)
			}
		}
		if diff := cmp.Diff(before, now); diff != "" {
			t.Errorf("%s is placed otherwise (-before +now):\n%s", f.Path, diff)
		}
	}
}

func values(m units.Metadata) (lists [][]string) {
	for _, key := range m.Keys() {
		lists = append(lists, m[key])
	}
	return lists
}

// TestIdiomaticIsListed imports all units idiomatically, each alone and all of a
// folder together.
func TestIdiomaticIsListed(t *testing.T) {
	for _, folder := range []string{idiomaticDir + "/*", unitsDir + "/*", guidesDir + "/digitalocean-v0.7/*", guidesDir + "/offline-v0.15/master/*", guidesDir + "/offline-v0.15/node/*"} {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(folder, "../../testdata/"), "/", "-"), func(t *testing.T) {
			files := load(t, folder)
			together := importer.Import(importer.Request{Stack: "all", Files: files, Idiomatic: true})
			onlyListed(t, files, together)
			plain := importer.Import(importer.Request{Stack: "all", Files: files})
			if !slices.Equal(plain.Units, together.Units) {
				t.Errorf("units %v, and %v without words", together.Units, plain.Units)
			}
			if again := importer.Import(importer.Request{Stack: "all", Files: files, Idiomatic: true}); again.Text != together.Text || listed(again) != listed(together) {
				t.Error("the same files give another stack")
			}
			for _, f := range files {
				one := []importer.File{f}
				onlyListed(t, one, importer.Import(importer.Request{Stack: "one", Files: one, Idiomatic: true}))
			}
		})
	}
}

// TestLoops recognises loops that wait, and says why others stay.
func TestLoops(t *testing.T) {
	for name, tt := range map[string]struct{ line, want string }{
		"curl":              {`/bin/sh -c 'until curl -s http://127.0.0.1:4001/version; do sleep 1; done'`, `ready = { http = "/version" }`},
		"curl quietly":      {`/bin/bash -c "until curl -sf http://127.0.0.1:4001/version >/dev/null 2>&1; do echo waiting; sleep 1; done"`, `ready = { http = "/version" }`},
		"curl, no scheme":   {`/bin/sh -c 'while ! curl -fs localhost:4001; do sleep 1s; done;'`, `ready = { http = "/" }`},
		"curl with method":  {`/bin/sh -c 'until curl -X POST http://127.0.0.1:4001/; do sleep 1; done'`, `left: no word of stackc's asks the same as: curl -X POST`},
		"curl with key":     {`/bin/sh -c 'until curl --cacert /ca http://127.0.0.1:4001/; do sleep 1; done'`, `left: no word of stackc's asks the same as`},
		"curl and grep":     {`/bin/sh -c 'until curl -s http://127.0.0.1:4001/ | grep -q ok; do sleep 1; done'`, `left: the test is more than one command`},
		"wget":              {`/bin/sh -c 'until wget -q -O /dev/null http://127.0.0.1:4001/v2/keys; do sleep 1; done'`, `ready = { http = "/v2/keys" }`},
		"wget spider":       {`/bin/sh -c 'until wget -q --spider http://127.0.0.1:4001/v2/keys; do sleep 1; done'`, `ready = { http = "/v2/keys" }`},
		"nc":                {`/bin/sh -c 'while ! nc -z -w 1 127.0.0.1 4001; do sleep 1; done'`, `ready = { tcp = true }`},
		"dev tcp":           {`/bin/bash -c 'until (echo > /dev/tcp/127.0.0.1/4001) 2>/dev/null; do sleep 1; done'`, `ready = { tcp = true }`},
		"endless":           {`/bin/sh -c 'while true; do curl -sf http://127.0.0.1:4001/version && break; sleep 5; done'`, `ready = { http = "/version" }`},
		"several lines":     {`/bin/sh -c "until curl -sf http://127.0.0.1:4001/version; do \n  sleep 5\ndone"`, `ready = { http = "/version" }`},
		"file":              {`/bin/sh -c 'while [ ! -f /run/flannel/subnet.env ]; do sleep 1; done'`, `ready = { file = "/run/flannel/subnet.env" }`},
		"test":              {`/bin/sh -c 'until test -s /run/flannel/subnet.env; do sleep 1; done'`, `ready = { file = "/run/flannel/subnet.env" }`},
		"socket":            {`/bin/sh -c 'until [ -S /var/run/docker.sock ]; do sleep 1; done'`, `ready = { command = "[ -S /var/run/docker.sock ]" }`},
		"file nobody makes": {`/bin/sh -c 'until [ -e /tmp/x ]; do sleep 1; done'`, `left: the loop that waits for /tmp/x: no unit is known that brings it about`},
		"docker":            {`/bin/sh -c 'until docker version; do sleep 1; done'`, `ready = { command = "docker version" }`},
		"container":         {`/bin/sh -c 'until docker inspect box; do sleep 1; done'`, `ready = { command = "docker inspect box" }`},
		"no container":      {`/bin/sh -c 'until docker inspect boxes; do sleep 1; done'`, `left: the loop that waits for container boxes: no unit is known`},
		"etcd":              {`/bin/sh -c 'until etcdctl --endpoint http://127.0.0.1:4001 ls /; do sleep 1; done'`, `ready = { command = "etcdctl --endpoint http://127.0.0.1:4001 ls /" }`},
		"etcd key":          {`/bin/sh -c 'until etcdctl get /box/up; do sleep 1; done'`, `ready = { etcd = "/box/up" }`},
		"etcd key of none":  {`/bin/sh -c 'until etcdctl get /box/down; do sleep 1; done'`, `left: the loop that waits for etcd key /box/down: no unit is known`},
		"unit":              {`/bin/sh -c 'until systemctl is-active -q docker; do sleep 1; done'`, `ready = { unit = true }`},
		"outside":           {`/bin/sh -c 'until nc -z db.example.com 5432; do sleep 1; done'`, "address = \"db.example.com\"\nport    = 5432\nready   = { tcp = true }"},
		"variable":          {`/bin/sh -c 'until curl -s http://${IP}:4001/; do sleep 1; done'`, `left: the loop has a variable or specifier`},
		"more":              {`/bin/sh -c 'until curl -s http://127.0.0.1:4001/; do systemctl restart x; sleep 1; done'`, `left: the loop does more than wait: systemctl restart x`},
		"bounded":           {`/bin/sh -c 'for i in 1 2; do curl http://127.0.0.1:4001/ && break; sleep 1; done'`, `left: a loop of another form`},
		"no loop":           {`/bin/sh -c 'echo until now'`, "ExecStartPre = \"/bin/sh -c 'echo until now'\""},
		"ping":              {`/bin/sh -c 'until ping -c 1 10.0.0.1; do sleep 1; done'`, `left: no word of stackc's asks the same as: ping`},
		"download":          {`/usr/bin/curl -L -o /opt/bin/x http://10.0.0.2/x`, `[{ url = "http://10.0.0.2/x", to = "/opt/bin/x", mode = "0644", unverified = true }]`},
		"ignored download":  {`-/usr/bin/curl -o /opt/bin/x http://10.0.0.2/x`, `left: the download: its failure is ignored`},
		"keyed download":    {`/usr/bin/curl --cert /c -o /opt/bin/x http://10.0.0.2/x`, `left: the download: curl is called with a flag`},
		"a put":             {`/bin/sh -c 'until etcdctl mk /k "{}"; do sleep 1; done'`, `left: the test is more than one command`},
		"a quoted put":      {`/bin/sh -c "until etcdctl set /k '{ \"a\": 1 }'; do sleep 1; done"`, `left: the loop puts a key: etcd_put says that`},
		"no path":           {`/usr/bin/wget http://10.0.0.2/x`, `left: the download: the file that it writes has no absolute path`},
	} {
		t.Run(name, func(t *testing.T) {
			files := []importer.File{
				{Path: "a.service", Name: "a.service", Text: "[Unit]\nWants=docker.service etcd.service\nAfter=docker.service etcd.service\n[Service]\nExecStartPre=" + tt.line + "\nExecStart=/bin/a\nRestart=always\n[X-Fleet]\nMachineOf=box.service\n"},
				{Path: "box.service", Name: "box.service", Text: "[Service]\nExecStartPre=/usr/bin/docker pull box\nExecStart=/usr/bin/docker run --name box box\nExecStartPost=/usr/bin/etcdctl set /box/up 1\nRestart=always\n"},
				{Path: "flannel.service", Name: "flannel.service", Text: "[Service]\nExecStart=/opt/bin/flanneld\nRestart=always\n[X-Fleet]\nGlobal=true\n"},
			}
			r := importer.Import(importer.Request{Stack: "loops", Files: files, Idiomatic: true})
			if all := r.Text + listed(r); !strings.Contains(all, tt.want) {
				t.Errorf("nothing says %q:\n%s", tt.want, all)
			}
			onlyListed(t, files, r)
		})
	}
}

// TestLoopOfAnother keeps a loop that asks its own machine while the other may be
// on another one, and one that something earlier in the unit is about.
func TestLoopOfAnother(t *testing.T) {
	api := importer.File{Path: "api.service", Name: "api.service", Text: "[Service]\nExecStart=/opt/bin/api --port=8080\nRestart=always\n[X-Fleet]\nMachineMetadata=role=back\n"}
	loop := func(before, url string) importer.File {
		return importer.File{Path: "a.service", Name: "a.service", Text: "[Service]\n" + before + "ExecStartPre=/bin/sh -c 'until curl -s " + url + "; do sleep 1; done'\nExecStart=/bin/a\nRestart=always\n"}
	}
	remote := loop("", "http://10.0.0.1:8080/")
	remote.Path, remote.Name = "b.service", "b.service"
	for want, files := range map[string][]importer.File{
		`a.service:2: left: the loop that waits for http://127.0.0.1:8080/: "api" may be on another machine, and the loop asks this one`: {api, remote, loop("", "http://127.0.0.1:8080/")},
		`a.service:3: left: the loop that waits for http://10.0.0.1:8080/: line 2 is about the same`:                                     {api, loop("ExecStartPre=/bin/start --at=:8080\n", "http://10.0.0.1:8080/")},
		`b.service:2: left: the loop that waits for http://10.0.0.1:8080/: ready of "api" is { http = "/up" } already`:                   {api, loop("", "http://10.0.0.1:8080/up"), remote},
	} {
		r := importer.Import(importer.Request{Stack: "loops", Files: files, Idiomatic: true})
		if got := listed(r); !strings.Contains(got, want) {
			t.Errorf("nothing says %q:\n%s", want, got)
		}
		onlyListed(t, files, r)
	}
}

// TestPlacementOfInstances keeps what only an instance of a template gives its value,
// and says what is the same for all of them.
func TestPlacementOfInstances(t *testing.T) {
	for option, want := range map[string]string{
		"MachineOf=web@%i.service":       "MachineOf=web@%i.service",
		"Conflicts=%n":                   "Conflicts=%n",
		"X-Conflicts=%N.timer":           "X-Conflicts=%N.timer",
		"MachineMetadata=rack=%i":        "MachineMetadata=rack=%i",
		"X-Conflicts=%p@*.service":       "Conflicts=log@*.service",
		"X-ConditionMachineOf=b.service": "MachineOf=b.service",
	} {
		files := []importer.File{
			{Path: "log@.service", Name: "log@.service", Text: "[Service]\nExecStart=/bin/log %i\nRestart=always\n[X-Fleet]\n" + option + "\n"},
			{Path: "web@.service", Name: "web@.service", Text: "[Service]\nExecStart=/bin/web\nRestart=always\n"},
			{Path: "b.service", Name: "b.service", Text: "[Service]\nExecStart=/bin/b\nRestart=always\n"},
		}
		r := importer.Import(importer.Request{Stack: "instances", Files: files, Idiomatic: true})
		u, _ := compile(t, r.Text).Lookup("log@.service")
		if got := u.Text(); !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("%s became\n%s", option, got)
		}
		onlyListed(t, files, r)
	}
}

// TestIdiomaticComments finds every comment of the files in the stack, those of lines
// that are gone too.
func TestIdiomaticComments(t *testing.T) {
	for _, f := range load(t, idiomaticDir+"/*", unitsDir+"/*", guidesDir+"/*/*", guidesDir+"/*/*/*") {
		if _, refused := refusedFiles[f.Name]; refused {
			continue
		}
		r := importer.Import(importer.Request{Stack: "alone", Files: []importer.File{f}, Idiomatic: true})
		parsed, _ := units.Parse(f.Text)
		for _, c := range parsed.Comments {
			if text := strings.Trim(asJSON(c.Text)[1:], " \t\x01"); !strings.Contains(r.Text, text) {
				t.Errorf("%s: comment %q is lost:\n%s", f.Path, c.Text, r.Text)
			}
		}
	}
}

// TestLoopInPost says what a loop behind the start is for.
func TestLoopInPost(t *testing.T) {
	f := importer.File{Path: "a.service", Name: "a.service", Text: "[Service]\nExecStart=/bin/a\nExecStartPost=-/bin/sh -c 'until curl -s http://127.0.0.1:80/; do sleep 1; done'\nRestart=always\n"}
	r := importer.Import(importer.Request{Stack: "post", Files: []importer.File{f}, Idiomatic: true})
	if got := listed(r); !strings.Contains(got, "a.service:3: left: a loop in ExecStartPost= watches the unit itself") {
		t.Errorf("nothing is said:\n%s", got)
	}
}

// FuzzIdiomatic holds that an idiomatic import changes nothing that it does not list.
func FuzzIdiomatic(f *testing.F) {
	for _, pattern := range []string{idiomaticDir + "/*", unitsDir + "/*"} {
		for _, file := range load(f, pattern) {
			f.Add(file.Text, "[Service]\nExecStart=/bin/b --port=8080\n")
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		files := []importer.File{{Path: "a", Name: "a.service", Text: a}, {Path: "b", Name: "b.service", Text: b}}
		onlyListed(t, files, importer.Import(importer.Request{Stack: "fuzz", Files: files, Idiomatic: true}))
	})
}

package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// text reads a unit file.
func text(name units.Name, lines ...string) units.Unit {
	file, faults := units.Parse(strings.Join(lines, "\n"))
	if len(faults) > 0 {
		panic(faults[0])
	}
	return units.Unit{Name: name, Options: file.Options(), Desired: units.Launched}
}

// told writes differences so that a table can hold them.
func told(u Unit) []string {
	list := []string{}
	for _, d := range u.Directives {
		for _, e := range d.Edits {
			said := fmt.Sprintf("%s %s %s", d.Name, d.How, e.Op)
			switch {
			case len(e.Args) > 0:
				for _, a := range e.Args {
					sign := ""
					if a.Gone {
						sign = "-"
					} else if a.Fresh {
						sign = "+"
					}
					said += fmt.Sprintf(" %s[%s|%s|%s]", sign, a.Name, a.Old, a.New)
				}
			case e.NewStep != nil:
				said += " " + e.NewStep.String()
			case e.OldStep != nil:
				said += " " + e.OldStep.String()
			default:
				said += fmt.Sprintf(" %q %q", e.Old, e.New)
			}
			list = append(list, said)
		}
	}
	return list
}

func TestUnits(t *testing.T) {
	waiter := func(name, what, test string) string {
		script := fmt.Sprintf("n=0; until %s; do n=$((n+1)); echo %s $n; sleep 3; done", test, units.ShellQuote(name+": waiting for "+what+", try"))
		return "ExecStartPre=" + units.ShellCommand(script)
	}
	tests := []struct {
		name     string
		old, new string
		kind     Kind
		want     []string
	}{
		{"the same", "[Service]\nExecStart=/x", "[Service]\nExecStart=/x", Same, nil},
		{"quoting", `[Service]` + "\n" + `ExecStart=/x "a b" c`, `[Service]` + "\n" + `ExecStart=/x 'a b' "c"`, Rewritten, nil},
		{"folding", "[Service]\nExecStart=/x \\\n  a \\\n  b", "[Service]\nExecStart=/x a b", Rewritten, nil},
		{"order of a set", "[Unit]\nAfter=a.service b.service", "[Unit]\nAfter=b.service\nAfter=a.service", Rewritten, nil},
		{"words of a set", "[Unit]\nAfter=a.service b.service", "[Unit]\nAfter=b.service c.service", Changed,
			[]string{`After set remove "a.service" ""`, `After set add "" "c.service"`}},
		{"order of directives", "[Service]\nExecStart=/x\nNice=1", "[Service]\nNice=1\nExecStart=/x", Rewritten, nil},
		{"order of commands", "[Service]\nExecStartPre=/a\nExecStartPre=/b", "[Service]\nExecStartPre=/b\nExecStartPre=/a", Changed,
			[]string{`ExecStartPre commands move "/b" "/b"`}},
		{"boolean", "[Service]\nRemainAfterExit=yes", "[Service]\nRemainAfterExit=true", Rewritten, nil},
		{"last value counts", "[Service]\nNice=1\nNice=2", "[Service]\nNice=2", Rewritten, nil},
		{"a value", "[Service]\nNice=1", "[Service]\nNice=2", Changed, []string{`Nice value change "1" "2"`}},
		{"a value comes", "[Service]\nNice=1", "[Service]\nNice=1\nUser=x", Changed, []string{`User value add "" "x"`}},
		{"a value emptied", "[Service]\nNice=1", "[Service]\nNice=", Changed, []string{`Nice value remove "1" ""`}},
		{"a flag", "[Service]\nExecStart=/x --port=8080 --v=2", "[Service]\nExecStart=/x --port=8081 --v=2", Changed,
			[]string{"ExecStart commands change [--port|8080|8081]"}},
		{"a flag in two words", "[Service]\nExecStart=/x -p 8080 --v=2", "[Service]\nExecStart=/x -p 8081 --v=2", Changed,
			[]string{"ExecStart commands change [-p|8080|8081]"}},
		{"docker's variables", "[Service]\nExecStart=/x run -e A=1 -e B=2 img:1", "[Service]\nExecStart=/x run -e A=1 -e B=3 img:2", Changed,
			[]string{"ExecStart commands change [-e B|2|3] [|img:1|img:2]"}},
		{"docker's image behind a flag without a value", "[Service]\nExecStart=-/usr/bin/docker run --rm img:1", "[Service]\nExecStart=-/usr/bin/docker run --rm img:2", Changed,
			[]string{"ExecStart commands change [|img:1|img:2]"}},
		{"docker's flags in one word", "[Service]\nExecStart=/usr/bin/docker run -it img:1", "[Service]\nExecStart=/usr/bin/docker run --rm -it img:1", Changed,
			[]string{"ExecStart commands change +[--rm||]"}},
		{"a flag without a value comes before the image", "[Service]\nExecStart=/usr/bin/docker run --name a img:1", "[Service]\nExecStart=/usr/bin/docker run --name a --rm img:2", Changed,
			[]string{"ExecStart commands change [|img:1|img:2] +[--rm||]"}},
		{"docker's flag with a value", "[Service]\nExecStart=/usr/bin/docker run --rm -v /a:/a img", "[Service]\nExecStart=/usr/bin/docker run --rm -v /b:/a img", Changed,
			[]string{"ExecStart commands change [-v|/a:/a|/b:/a]"}},
		{"docker rm -v takes none", "[Service]\nExecStopPost=/usr/bin/docker rm -f -v one", "[Service]\nExecStopPost=/usr/bin/docker rm -f -v two", Changed,
			[]string{"ExecStopPost commands change [|one|two]"}},
		{"the program in the container has its own flags", "[Service]\nExecStart=/usr/bin/docker run --rm -p 1:1 img app -d /a", "[Service]\nExecStart=/usr/bin/docker run --rm -p 1:1 img app -d /b", Changed,
			[]string{"ExecStart commands change [-d|/a|/b]"}},
		{"rkt", "[Service]\nExecStart=/usr/bin/rkt --dir /r run --net=host --inherit-env img:1", "[Service]\nExecStart=/usr/bin/rkt --dir /r run --net=host --inherit-env img:2", Changed,
			[]string{"ExecStart commands change [|img:1|img:2]"}},
		{"a flag comes and one goes", "[Service]\nExecStart=/x --a --b=1", "[Service]\nExecStart=/x --b=1 --c=2", Changed,
			[]string{"ExecStart commands change -[--a||] +[--c||2]"}},
		{"a flag at another place", "[Service]\nExecStart=/x --a=1 --b=2 --c=3 --d", "[Service]\nExecStart=/x --b=2 --c=3 --d --a=4", Changed,
			[]string{"ExecStart commands change [--a|1|4]"}},
		{"another program", "[Service]\nExecStart=/x --a", "[Service]\nExecStart=/y --a", Changed,
			[]string{`ExecStart commands change "/x --a" "/y --a"`}},
		{"a prefix", "[Service]\nExecStop=/x --a", "[Service]\nExecStop=-/x --a", Changed,
			[]string{`ExecStop commands change "/x --a" "-/x --a"`}},
		{"what a reset takes away", "[Service]\nExecStartPre=/a\nExecStartPre=\nExecStartPre=/b", "[Service]\nExecStartPre=/b", Rewritten, nil},
		{"variables", "[Service]\nEnvironment=A=1 B=2\nEnvironment=C=3", "[Service]\nEnvironment=\"C=3\" B=4", Changed,
			[]string{`Environment variables remove "A=1" ""`, "Environment variables change [B|2|4]"}},
		{"variables reset", "[Service]\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2", "[Service]\nEnvironment=B=2", Rewritten, nil},
		{"the last of two variables", "[Service]\nEnvironment=A=1\nEnvironment=A=2", "[Service]\nEnvironment=A=2", Rewritten, nil},
		{"order of environment files", "[Service]\nEnvironmentFile=/a\nEnvironmentFile=/b", "[Service]\nEnvironmentFile=/b\nEnvironmentFile=/a", Changed,
			[]string{`EnvironmentFile list move "/b" "/b"`}},
		{"metadata is a set", "[X-Fleet]\nMachineMetadata=a=1\nMachineMetadata=b=2", "[X-Fleet]\nMachineMetadata=\"b=2\" \"a=1\"", Rewritten, nil},
		{"metadata that fleet reads as one", "[X-Fleet]\nMachineMetadata=a=1 b=2", "[X-Fleet]\nMachineMetadata=b=2 a=1", Changed,
			[]string{`MachineMetadata set remove "a=1 b=2" ""`, `MachineMetadata set add "" "b=2 a=1"`}},
		{"a waiter comes", "[Service]\nExecStart=/x", "[Service]\n" + waiter("u.service", "db (http://h:1/ok)", "curl http://h:1/ok") + "\nExecStart=/x", Changed,
			[]string{"ExecStartPre commands add wait for db: http://h:1/ok"}},
		{"a waiter asks elsewhere", "[Service]\n" + waiter("u.service", "db (http://h:1/ok)", "curl http://h:1/ok"),
			"[Service]\n" + waiter("u.service", "db (http://h:2/ok)", "curl http://h:2/ok"), Changed,
			[]string{"ExecStartPre commands change [asks|http://h:1/ok|http://h:2/ok]"}},
		{"another waiter", "[Service]\n" + waiter("u.service", "db (tcp h:1)", "a"), "[Service]\n" + waiter("u.service", "etcd (tcp h:1)", "a"), Changed,
			[]string{"ExecStartPre commands remove wait for db: tcp h:1", "ExecStartPre commands add wait for etcd: tcp h:1"}},
		{"a waiter among commands", "[Service]\nExecStartPre=/a\nExecStartPre=/c", "[Service]\nExecStartPre=/a\n" + waiter("u.service", "X in /e", "grep X /e") + "\nExecStartPre=/c", Changed,
			[]string{"ExecStartPre commands add wait for X: file /e"}},
		{"another section", "[X-Stackc]\nStack=a", "[X-Stackc]\nStack=b", Changed, []string{`Stack list change "a" "b"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := Units(text("u.service", tt.old), text("u.service", tt.new))
			if u.Kind != tt.kind {
				t.Errorf("kind is %s, want %s", u.Kind, tt.kind)
			}
			if d := cmp.Diff(tt.want, slices.Clip(append([]string(nil), told(u)...))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if back := Units(text("u.service", tt.new), text("u.service", tt.old)); back.Kind != tt.kind {
				t.Errorf("the other way round it is %s", back.Kind)
			}
		})
	}
}

// TestFolding compares a value over several lines as systemd reads it with the same as
// fleet holds it, with its lines.
func TestFolding(t *testing.T) {
	for _, lines := range []string{
		"[Service]\nExecStart=/bin/sh -c \"run \\\n    --a \\\n  b\"\n",
		"[Unit]\nDescription=one \\\n  two\n",
	} {
		held, err := units.ParseAsFleet(lines)
		if err != nil {
			t.Fatal(err)
		}
		if u := Units(text("u.service", lines), units.Unit{Name: "u.service", Options: held, Desired: units.Launched}); u.Kind != Rewritten {
			t.Errorf("%q is %s as fleet holds it: %v", lines, u.Kind, told(u))
		}
	}
}

func TestState(t *testing.T) {
	old := text("u.service", "[Service]\nExecStart=/x")
	new := old
	new.Desired = units.Loaded
	if u := Units(old, new); u.Kind != Changed || len(u.Directives) != 0 {
		t.Errorf("%+v", u)
	}
}

func TestRenames(t *testing.T) {
	web := func(name units.Name, more ...string) units.Unit {
		return text(name, append([]string{"[Service]", "ExecStart=/opt/bin/web --port=8080 --name=" + string(name), "Restart=always"}, more...)...)
	}
	tests := []struct {
		name     string
		old, new []units.Unit
		want     []string
	}{
		{"with its own name in it", []units.Unit{web("a.service")}, []units.Unit{web("b.service")}, []string{"renamed a.service b.service"}},
		{"with a change", []units.Unit{web("a.service")}, []units.Unit{web("b.service", "RestartSec=3")}, []string{"renamed a.service b.service"}},
		{"another program", []units.Unit{web("a.service")}, []units.Unit{text("b.service", "[Service]\nExecStart=/bin/other\nRestart=always")}, []string{"removed a.service", "added b.service"}},
		{"another type", []units.Unit{web("a.service")}, []units.Unit{{Name: "a.timer", Options: web("a.service").Options}}, []string{"removed a.service", "added a.timer"}},
		{"the likest", []units.Unit{web("a.service", "RestartSec=3"), web("b.service")}, []units.Unit{web("c.service", "RestartSec=3")}, []string{"removed b.service", "renamed a.service c.service"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, u := range Sets(units.NewSet("s", tt.old), units.NewSet("s", tt.new)) {
				said := string(u.Kind)
				for _, side := range []*units.Unit{u.Old, u.New} {
					if side != nil {
						said += " " + string(side.Name)
					}
				}
				got = append(got, said)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestManyRenames goes beyond the number of pairs that are compared in full.
func TestManyRenames(t *testing.T) {
	var old, new []units.Unit
	for i := range 200 {
		line := fmt.Sprintf("[Service]\nExecStart=/bin/x --id=%d", i)
		old = append(old, text(units.Name(fmt.Sprintf("a%d.service", i)), line))
		new = append(new, text(units.Name(fmt.Sprintf("b%d.service", i)), line))
	}
	for _, u := range Sets(units.NewSet("s", old), units.NewSet("s", new)) {
		if u.Kind != Renamed || len(u.Directives) > 0 {
			t.Fatalf("%s %s %v", u.Kind, u.Name, told(u))
		}
	}
}

// drawUnit makes a unit of lines of all the ways to compare.
func drawUnit(t *rapid.T, label string) units.Unit {
	lines := []string{"[Unit] After=a.service b.service", "[Unit] After=c.service", "[Unit] After=", "[Service] ExecStartPre=/bin/a x",
		"[Service] ExecStartPre=", "[Service] ExecStart=/bin/x --a=1 --b 2 c", "[Service] ExecStart=/bin/x --a=2 c", "[Service] Environment=A=1 B=2",
		"[Service] Environment=A=3", "[Service] Environment=", "[Service] Nice=1", "[Service] Nice=2", "[Service] EnvironmentFile=/a",
		"[Service] EnvironmentFile=/b", "[X-Fleet] MachineMetadata=a=1", "[X-Fleet] MachineMetadata=\"b=2\" \"c=3\"", "[X-Fleet] Conflicts=x@* y", "[X-Any] K=v", "[Nope] K=v"}
	var options []units.Option
	for _, l := range rapid.SliceOfN(rapid.SampledFrom(lines), 0, 12).Draw(t, label) {
		section, rest, _ := strings.Cut(strings.TrimPrefix(l, "["), "] ")
		name, value, _ := strings.Cut(rest, "=")
		options = append(options, units.Option{Section: section, Name: name, Value: value})
	}
	return units.Unit{Name: "u.service", Options: options, Desired: units.Launched}
}

// TestLaws holds for any two units: nothing differs from itself, what differs one
// way differs the other, places are those of lines, and equal text is Same.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawUnit(t, "a"), drawUnit(t, "b")
		if u := Units(a, a); u.Kind != Same {
			t.Fatalf("differs from itself: %s", u.Kind)
		}
		there, back := Units(a, b), Units(b, a)
		if there.Kind != back.Kind {
			t.Fatalf("%s there, %s back", there.Kind, back.Kind)
		}
		if (there.Kind == Same) != units.Equal(a.Options, b.Options) {
			t.Fatalf("%s", there.Kind)
		}
		for _, d := range there.Directives {
			if len(d.Edits) == 0 {
				t.Fatalf("%s has no edits", d.Name)
			}
			for _, e := range d.Edits {
				for _, side := range []struct {
					at      int
					options []units.Option
				}{{e.OldAt, a.Options}, {e.NewAt, b.Options}} {
					if side.at >= 0 && (side.options[side.at].Name != d.Name || side.options[side.at].Section != d.Section) {
						t.Fatalf("%s: line %d is %v", d.Name, side.at, side.options[side.at])
					}
				}
				if (e.Op == Add) != (e.OldAt < 0) || (e.Op == Remove) != (e.NewAt < 0) {
					t.Fatalf("%s: %+v", d.Name, e)
				}
			}
		}
	})
}

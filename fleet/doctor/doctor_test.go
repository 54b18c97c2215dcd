package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

var machines = []fleet.Machine{
	{ID: "aaaaaaaa1", IP: "10.0.0.1", Metadata: map[string]string{"role": "node"}},
	{ID: "bbbbbbbb2", IP: "10.0.0.2", Metadata: map[string]string{"role": "node"}},
}

// unit is one that is launched on a machine, with options written "Section Name=value".
func unit(name, machine string, lines ...string) fleet.Unit {
	options := []units.Option{{Section: "Service", Name: "ExecStart", Value: "/usr/bin/x"}}
	for _, line := range lines {
		section, rest, _ := strings.Cut(line, " ")
		key, value, _ := strings.Cut(rest, "=")
		options = append(options, units.Option{Section: section, Name: key, Value: value})
	}
	return fleet.Unit{Name: units.Name(name), Options: options, Hash: units.Hash(options), Desired: units.Launched, Current: units.Launched, Machine: machine}
}

func row(u fleet.Unit, machine, text string) fleet.UnitState {
	words := strings.Split(text, "/")
	return fleet.UnitState{Unit: u.Name, Machine: machine, Hash: u.Hash, Load: words[0], Active: words[1], Sub: words[2]}
}

const running = "loaded/active/running"

// healthy is what is known of a cluster that nothing is wrong with.
func healthy() Facts {
	a, g := unit("a.service", "aaaaaaaa1"), unit("g.service", "", "X-Fleet Global=true", "X-Fleet MachineMetadata=role=node")
	once := unit("once.service", "bbbbbbbb2", "Service Type=oneshot")
	begun := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &Registry{Endpoint: "http://etcd:2379", Contents: Contents{Total: 40, Dead: 37}}
	for i, m := range machines {
		member := Member{ID: m.ID, IP: m.IP, Version: "1.0.0"}
		r.Members = append(r.Members, member)
		for n := range 6 {
			r.Beats = append(r.Beats, Beat{Member: member, Whole: m.IP, At: begun.Add(time.Duration(15*n+i) * time.Second), Lasts: 30 * time.Second})
		}
	}
	return Facts{
		Registry: r,
		Clocks:   []Clock{NewClock("http://etcd:2379", begun, begun.Add(100*time.Millisecond), begun.Add(2*time.Second))},
		Looks: []*fleet.Snapshot{fleet.NewSnapshot(machines, []fleet.Unit{a, g, once}, []fleet.UnitState{
			row(a, "aaaaaaaa1", running), row(g, "aaaaaaaa1", running), row(g, "bbbbbbbb2", running), row(once, "bbbbbbbb2", "loaded/inactive/dead"),
		})},
	}
}

func TestHealthy(t *testing.T) {
	r := Examine(healthy())
	if !r.Healthy || len(r.Findings) > 0 || len(r.Checks) != len(Conditions()) {
		t.Errorf("%+v", r)
	}
}

// with adds units and what is said of them to every look.
func with(f *Facts, list []fleet.Unit, rows ...fleet.UnitState) {
	for i, s := range f.Looks {
		f.Looks[i] = fleet.NewSnapshot(s.Machines, slices.Concat(s.Units, list), slices.Concat(s.States, rows))
	}
}

func TestConditions(t *testing.T) {
	tests := []struct {
		name      string
		change    func(*Facts)
		condition Condition
		subject   string
		says      []string // in evidence and repair
	}{
		{"no leader", func(f *Facts) {
			f.Registry.NoLeader, f.Registry.Lost = "timed out", []Peer{{Name: "n2", Host: "10.0.0.2"}}
		}, NoLeader, "http://etcd:2379", []string{"timed out", "n2 at 10.0.0.2", "ssh core@10.0.0.2 sudo systemctl restart etcd2"}},
		{"one ID in turns", func(f *Facts) {
			for i := range f.Registry.Beats {
				if b := &f.Registry.Beats[i]; b.ID == "bbbbbbbb2" && i%4 == 1 {
					b.IP, b.Whole = "10.0.0.9", "10.0.0.9"
				}
			}
		}, SameID, "bbbbbbbb2", []string{"10.0.0.2 (fleet 1.0.0) and 10.0.0.9 (fleet 1.0.0)", "2 of the last 6", "machine-id"}},
		{"one ID and one address", func(f *Facts) {
			for i := range f.Registry.Beats {
				f.Registry.Beats[i].At = time.Unix(int64(7*i/2), 0)
			}
		}, SameID, "aaaaaaaa1", []string{"every 3.5s", "every 15s"}},
		{"IDs that begin alike", func(f *Facts) {
			f.Registry.Members = append(f.Registry.Members, Member{ID: "aaaaaaaa9", IP: "10.0.0.9", Version: "1.0.0"})
			f.Registry.Began = true
		}, SameID, "aaaaaaaa", []string{"aaaaaaaa1 and aaaaaaaa9"}},
		{"twice", func(f *Facts) {
			u := unit("db.service", "aaaaaaaa1")
			with(f, []fleet.Unit{u}, row(u, "aaaaaaaa1", running), row(u, "bbbbbbbb2", "loaded/activating/start-pre"))
		}, RunsTwice, "db.service", []string{"fleet has it on aaaaaaaa/10.0.0.1", "ssh core@10.0.0.2 sudo systemctl stop db.service"}},
		{"bad alias", func(f *Facts) {
			u, other := unit("bad.service", "aaaaaaaa1", "Install Alias=bad.socket"), unit("other.service", "aaaaaaaa1")
			with(f, []fleet.Unit{u, other})
		}, Unloadable, "bad.service", []string{"Alias=bad.socket", "says nothing of other.service", "stackc unload bad.service"}},
		{"bad setting", func(f *Facts) {
			u := unit("bad.service", "aaaaaaaa1")
			with(f, []fleet.Unit{u}, row(u, "aaaaaaaa1", "bad-setting/inactive/dead"))
		}, Unloadable, "bad.service", []string{"aaaaaaaa/10.0.0.1 says bad-setting/inactive/dead"}},
		{"a machine that is silent", func(f *Facts) {
			with(f, []fleet.Unit{unit("x.service", "bbbbbbbb2"), unit("y.service", "bbbbbbbb2")})
		}, Unloadable, "bbbbbbbb/10.0.0.2", []string{"nothing of x.service and y.service", "stackc unload x.service"}},
		{"a machine that is silent of a global unit", func(f *Facts) {
			u := unit("x.service", "", "X-Fleet Global=true")
			with(f, []fleet.Unit{u}, row(u, "aaaaaaaa1", running))
		}, Unloadable, "bbbbbbbb/10.0.0.2", []string{"nothing of x.service"}},
		{"no machine", func(f *Facts) {
			with(f, []fleet.Unit{unit("x y.service", "", "X-Fleet MachineMetadata=role=gpu")})
		}, Unplaced, "x y.service", []string{"aaaaaaaa/10.0.0.1 and bbbbbbbb/10.0.0.2: metadata role=node, needs role=gpu", "stackc unload 'x y.service'"}},
		{"nobody places", func(f *Facts) {
			f.Registry.Engine = "bbbbbbbb2"
			with(f, []fleet.Unit{unit("x.service", "")})
		}, Unplaced, "x.service", []string{"although aaaaaaaa/10.0.0.1 could have it", "ssh core@10.0.0.2 journalctl"}},
		{"dead", func(f *Facts) {
			u := unit("x.service", "aaaaaaaa1")
			with(f, []fleet.Unit{u}, row(u, "aaaaaaaa1", "loaded/inactive/dead"))
		}, DeadUnit, "x.service", []string{"loaded/inactive/dead on aaaaaaaa/10.0.0.1", "stackc restart x.service"}},
		{"failed", func(f *Facts) {
			u := unit("x.service", "aaaaaaaa1")
			with(f, []fleet.Unit{u}, row(u, "aaaaaaaa1", "loaded/failed/failed"))
		}, DeadUnit, "x.service", []string{"loaded/failed/failed"}},
		{"no content", func(f *Facts) {
			f.Registry.Contents = Contents{Total: 3, Missing: []string{"a b.service"}, Prefix: "/fleet/"}
		},
			NoContent, "a b.service", []string{"not the content that it names", "etcdctl --endpoints http://etcd:2379 rm --recursive '/fleet/job/a b.service'"}},
		{"no content, and a journal", func(f *Facts) { f.Registry.Contents = Contents{Missing: []string{"x.service"}, Journal: true} },
			NoContent, "x.service", []string{"stackc gc"}},
		{"dead contents", func(f *Facts) { f.Registry.Contents = Contents{Total: 5003, Dead: 5000, DeadBytes: 3 << 20} },
			DeadContents, "registry", []string{"5000 contents (3.0 MB)", "beside 3 that", "stackc gc"}},
		{"versions", func(f *Facts) { f.Registry.Members[0].Version = "0.11.8" },
			MixedVersions, "1.0.0", []string{"1.0.0 on bbbbbbbb/10.0.0.2; 0.11.8 on aaaaaaaa/10.0.0.1", "ssh core@10.0.0.1 sudo update_engine_client -update"}},
		{"clock behind", func(f *Facts) {
			at := time.Unix(1000, 0)
			f.Clocks = append(f.Clocks, NewClock("http://fleet", at, at.Add(time.Minute), at.Add(2*time.Minute)))
		}, ClockSkew, "http://fleet", []string{"its clock is 59s behind this", "ssh core@fleet sudo systemctl restart systemd-timesyncd"}},
		{"clock ahead", func(f *Facts) {
			at := time.Unix(1000, 0)
			f.Clocks = append(f.Clocks, NewClock("http://fleet", at, at.Add(-9*time.Second), at.Add(-3*time.Second)))
		}, ClockSkew, "http://fleet", []string{"its clock is 3s ahead of this", "ssh core@fleet sudo"}},
	}
	found := map[Condition]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(&f)
			r := Examine(f)
			i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Condition == tt.condition && f.Subject == tt.subject })
			if i < 0 || r.Healthy {
				t.Fatalf("not found: %+v", r)
			}
			for _, other := range r.Findings {
				if other.Condition != tt.condition {
					t.Errorf("found as well: %+v", other)
				}
			}
			text := r.Findings[i].Evidence + "\n" + strings.Join(r.Findings[i].Repair, "\n")
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if r.Findings[i].Consequence == "" || len(r.Findings[i].Repair) == 0 {
				t.Errorf("%+v", r.Findings[i])
			}
			for _, c := range r.Checks {
				if (c.State == Found) != (c.Condition == tt.condition) {
					t.Errorf("%+v", c)
				}
			}
			found[tt.condition] = true
		})
	}
	for _, c := range Conditions() {
		if !found[c] {
			t.Errorf("no test of %s", c)
		}
	}
}

// TestSettled: what only some of the last looks show is not told, and is looked at again.
func TestSettled(t *testing.T) {
	f := healthy()
	calm := f.Looks[0]
	if Unsettled(f.Looks) || Unsettled(nil) {
		t.Error("a calm look is to be repeated")
	}
	u := unit("x.service", "aaaaaaaa1")
	with(&f, []fleet.Unit{u}, row(u, "aaaaaaaa1", "loaded/failed/failed"))
	ill := f.Looks[0]
	for name, tt := range map[string]struct {
		looks            []*fleet.Snapshot
		unsettled, found bool
	}{
		"once":          {[]*fleet.Snapshot{ill}, true, true},
		"over":          {[]*fleet.Snapshot{ill, calm}, false, false},
		"just begun":    {[]*fleet.Snapshot{calm, calm, ill, ill, ill}, true, false},
		"always":        {[]*fleet.Snapshot{ill, ill, ill, ill, ill}, false, true},
		"since a while": {[]*fleet.Snapshot{calm, ill, ill, ill, ill, ill}, false, true},
		"off and on":    {[]*fleet.Snapshot{ill, ill, ill, calm, ill, ill}, true, false},
	} {
		f.Looks = tt.looks
		if got := Unsettled(tt.looks); got != tt.unsettled {
			t.Errorf("%s: unsettled %v", name, got)
		}
		if r := Examine(f); r.Healthy == tt.found || (len(r.Findings) > 0) != tt.found {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestUnknown: what could not be looked at is not fine, and says why.
func TestUnknown(t *testing.T) {
	ofUnits, ofEtcd := []Condition{RunsTwice, Unloadable, Unplaced, DeadUnit}, []Condition{NoLeader, SameID, NoContent, DeadContents, MixedVersions}
	for name, tt := range map[string]struct {
		change func(*Facts)
		want   []Condition
	}{
		"fleet":         {func(f *Facts) { f.Looks, f.NoFleet = nil, "away" }, ofUnits},
		"etcd":          {func(f *Facts) { f.Registry, f.NoRegistry = nil, "away" }, ofEtcd},
		"one key":       {func(f *Facts) { f.Registry.Unread = map[Condition]string{DeadContents: "away"} }, []Condition{DeadContents}},
		"clocks":        {func(f *Facts) { f.Clocks = nil }, []Condition{ClockSkew}},
		"registrations": {func(f *Facts) { f.Registry.Beats = f.Registry.Beats[:4] }, []Condition{SameID}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			tt.change(&f)
			r := Examine(f)
			var got []Condition
			for _, c := range r.Unknown() {
				got = append(got, c.Condition)
				if c.Saw == "" {
					t.Errorf("no reason: %+v", c)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(tt.want))
			if !slices.Equal(got, want) || r.Healthy || len(r.Findings) > 0 {
				t.Errorf("%v, want %v: %+v", got, want, r)
			}
		})
	}
}

func TestList(t *testing.T) {
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprint(i))
	}
	for n, want := range map[int]string{0: "", 1: "0", 2: "0 and 1", 5: "0, 1, 2, 3 and 4", 7: "0, 1, 2, 3, 4 and 2 more"} {
		if got := list(names[:n]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package doctor

import (
	"strings"
	"testing"
	"time"
)

// seen is a clock behind an endpoint that is ahead by so much.
func seen(where string, ahead time.Duration) Clock {
	at := time.Unix(1000, 0)
	return NewClock(where, at.Add(ahead), at, at)
}

// TestClocks: which clock is wrong, and on which machine it is set.
func TestClocks(t *testing.T) {
	for name, tt := range map[string]struct {
		clocks []Clock
		want   string // subjects and repairs
	}{
		"none":         {[]Clock{seen("http://10.0.0.1:2379", time.Second), seen("http://10.0.0.2:2379", 0)}, ""},
		"one of two":   {[]Clock{seen("http://10.0.0.1:2379", 0), seen("http://10.0.0.2:2379", time.Minute)}, "http://10.0.0.2:2379: ssh core@10.0.0.2 " + setClock},
		"by name":      {[]Clock{seen("https://etcd-2.example.com:2379", -time.Minute)}, "https://etcd-2.example.com:2379: ssh core@etcd-2.example.com " + setClock},
		"IPv6":         {[]Clock{seen("http://[fd00::1]:2379", -time.Minute)}, "http://[fd00::1]:2379: ssh core@fd00::1 " + setClock},
		"a socket":     {[]Clock{seen("unix:///var/run/fleet.sock", time.Minute)}, "unix:///var/run/fleet.sock: on the machine of unix:///var/run/fleet.sock: " + setClock},
		"loopback":     {[]Clock{seen("http://127.0.0.1:2379", time.Minute)}, "http://127.0.0.1:2379: on the machine of http://127.0.0.1:2379: " + setClock},
		"this machine": {[]Clock{seen("http://10.0.0.1:2379", time.Minute), seen("http://10.0.0.2:2379", 61*time.Second)}, "this machine: " + setClock},
		"one machine twice": {[]Clock{seen("http://10.0.0.1:2379", time.Minute), seen("http://10.0.0.1:49153", time.Minute)},
			"http://10.0.0.1:2379: ssh core@10.0.0.1 " + setClock + "\nhttp://10.0.0.1:49153: ssh core@10.0.0.1 " + setClock},
		"two otherwise": {[]Clock{seen("http://10.0.0.1:2379", time.Minute), seen("http://10.0.0.2:2379", -time.Minute)},
			"http://10.0.0.1:2379: ssh core@10.0.0.1 " + setClock + "\nhttp://10.0.0.2:2379: ssh core@10.0.0.2 " + setClock},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			f.Clocks = tt.clocks
			var got []string
			for _, f := range Examine(f).Findings {
				got = append(got, f.Subject+": "+strings.Join(f.Repair, "; "))
			}
			if text := strings.Join(got, "\n"); text != tt.want {
				t.Errorf("got\n%s\nwant\n%s", text, tt.want)
			}
		})
	}
	f := healthy()
	f.Clocks = []Clock{seen("http://10.0.0.1:2379", time.Minute), seen("http://10.0.0.2:2379", 61*time.Second)}
	if text := Examine(f).Findings[0].Evidence; text != "its clock is 1m0s behind those of http://10.0.0.1:2379 and http://10.0.0.2:2379" {
		t.Errorf("evidence %q", text)
	}
}

// TestWorthRemoving is the rule that doctor and the note of a submit share.
func TestWorthRemoving(t *testing.T) {
	for _, tt := range []struct {
		dead int
		page time.Duration
		want bool
	}{
		{0, time.Minute, false}, {99, time.Minute, false}, {100, SlowList, true}, {100, SlowList - 1, false}, {499, 0, false}, {500, 0, true},
	} {
		if got := WorthRemoving(tt.dead, tt.page); got != tt.want {
			t.Errorf("%d contents, a page in %s: %v", tt.dead, tt.page, got)
		}
		f := healthy()
		f.Registry.Contents, f.Page = Contents{Total: tt.dead + 3, Dead: tt.dead}, tt.page
		if r := Examine(f); r.Healthy == tt.want {
			t.Errorf("%d contents, a page in %s: %+v", tt.dead, tt.page, r)
		}
	}
}

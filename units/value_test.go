package units_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// valueCase are values of one directive, good ones and bad ones.
type valueCase struct {
	section, key string
	good, bad    []string
}

var valueCases = []valueCase{
	{"Service", "Restart", []string{"always", "no", "on-failure"}, []string{"alway", "Always", "yes", "%i", "al%ways"}},
	{"Service", "Type", []string{"notify", "oneshot"}, []string{"Notify", "single"}},
	{"Service", "RemainAfterExit", []string{"Yes", "1", "off", "T"}, []string{"ture", "2", "enabled", "%i"}},
	{"Service", "PrivateMounts", []string{"yes"}, []string{"maybe"}},
	{"Service", "RestartSec", []string{"10", "1h 30min", "1min30s 500ms", "2.5 s", "infinity", "1.5", "5 5", "100us", "2M", "3 weeks 1d", ".5", "+5", "12.34 .56"},
		[]string{"5 parsecs", "%i", "10 s x", "s", "-5", "5mins", "1.2.3", "five", "infinity5", "99999999999999999999"}},
	{"Service", "TimeoutStopSec", []string{"90", "0", "infinity"}, []string{"90seconds ago", "none"}},
	{"Service", "TimerSlackNSec", []string{"50ns", "1us", "2 nsec"}, []string{"1ps"}},
	{"Service", "UMask", []string{"0022", "7777", "22"}, []string{"0999", "%i", "rw", "77777"}},
	{"Service", "KillSignal", []string{"SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-2", "SIGRTMIN", "64", "SIGPIPE"}, []string{"SIGTREM", "SIG%i", "sigterm", "0", "65", "SIGRTMIN+31", "FOO", "SIG", "RTMIN-1"}},
	{"Service", "KillMode", []string{"mixed", "none"}, []string{"cgroup", "Mixed"}},
	{"Service", "Nice", []string{"0", "-20", "19", "0x5"}, []string{"20", "-21", "high", "5.5", "%i"}},
	{"Service", "OOMScoreAdjust", []string{"-1000", "1000", "0"}, []string{"1001", "-1001", "max"}},
	{"Service", "CPUQuota", []string{"20%", "200%", "12.5%", "5‰"}, []string{"20", "-5%", "0%", "%", "5.%", "12.345%", "half"}},
	{"Service", "CPUShares", []string{"1024", "2"}, []string{"1", "262145", "many"}},
	{"Service", "BlockIOWeight", []string{"500"}, []string{"9", "1001"}},
	{"Service", "MemoryMax", []string{"512M", "1.5G", "infinity", "50%", "1G 500M", "4096", "10 K", "1B"}, []string{"512MB", "%i", "512m", "-1", "101%", "1M 1G", "lots", "1MiB"}},
	{"Service", "MemoryLimit", []string{"1G"}, []string{"1g"}},
	{"Service", "TasksMax", []string{"100", "infinity", "15%"}, []string{"0", "-1", "ten", "110%"}},
	{"Service", "LimitNOFILE", []string{"65536", "infinity", "1024:65536", "0x100", "1024:infinity", "0"}, []string{"abc", "%i", "65536:1024", "-1", "64K", "1024:", "1024:x", "1024 65536", "infinity:1", "unlimited"}},
	{"Service", "LimitCORE", []string{"infinity", "1G", "64M:1G"}, []string{"1GB", "unlimited"}},
	{"Service", "LimitMEMLOCK", []string{"64K", "infinity"}, []string{"64k"}},
	{"Service", "LimitNPROC", []string{"100:200"}, []string{"200:100"}},
	{"Service", "LimitCPU", []string{"90", "5min", "1h:2h"}, []string{"5 mins", "x"}},
	{"Service", "LimitRTTIME", []string{"500ms"}, []string{"soon"}},
	{"Service", "LimitNICE", []string{"+5", "-10", "30", "40"}, []string{"+20", "-21", "41", "x"}},
	{"Service", "StandardOutput", []string{"journal", "null", "journal+console", "syslog", "file:/tmp/x", "append:/tmp/x", "fd:x", "inherit"}, []string{"Journal", "/tmp/x", "file:tmp", "log"}},
	{"Service", "StandardInput", []string{"null", "socket", "tty-force", "data", "fd:in", "file:/x"}, []string{"stdin"}},
	{"Service", "User", []string{"core", "root", "0", "1000", "_x", "a.b", "x-y@z"}, []string{"a b", "a:b", "a/b", "65535", "4294967295", "."}},
	{"Service", "Group", []string{"docker"}, []string{"docker users"}},
	{"Service", "SupplementaryGroups", []string{"docker wheel"}, []string{"a:b"}},
	{"Service", "WorkingDirectory", []string{"/var", "~", "-/var", "-~", "/a//b/"}, []string{"var", "~/x", "./x", "--/x"}},
	{"Service", "RootDirectory", []string{"/srv"}, []string{"srv"}},
	{"Service", "EnvironmentFile", []string{"/etc/x", "-/etc/x", "/etc/*.env"}, []string{"etc/x", "x", "--/etc/x"}},
	{"Service", "Environment", []string{"A=1", `"A=1 2" B=3`, "'A=x'", "A=", "_A1=x"}, []string{"A=two words", "1D=1", "A", "=x", "A-B=1"}},
	{"Service", "PassEnvironment", []string{"A B"}, []string{"A=1", "1A"}},
	{"Service", "UnsetEnvironment", []string{"A B=1"}, []string{"1A"}},
	{"Service", "ReadOnlyPaths", []string{"/etc -/usr -+/x", "+/x"}, []string{"etc", "/etc usr"}},
	{"Service", "RuntimeDirectory", []string{"a a/b"}, []string{"/run/a"}},
	{"Service", "BindPaths", []string{"/a:/b:rbind -/c"}, []string{"a:/b"}},
	{"Service", "TemporaryFileSystem", []string{"/a:ro"}, []string{"a"}},
	{"Service", "ProtectSystem", []string{"full", "strict", "yes"}, []string{"all"}},
	{"Service", "ProtectHome", []string{"read-only", "tmpfs", "no"}, []string{"readonly"}},
	{"Service", "SyslogLevel", []string{"info", "3"}, []string{"information", "8"}},
	{"Service", "CPUSchedulingPolicy", []string{"rr", "batch"}, []string{"roundrobin"}},
	{"Service", "IOSchedulingClass", []string{"best-effort", "3"}, []string{"best"}},
	{"Service", "IOSchedulingPriority", []string{"7"}, []string{"8", "-1"}},
	{"Service", "CPUAffinity", []string{"0 2", "0-3,5", "0,1 4"}, []string{"all", "0;1"}},
	{"Service", "SecureBits", []string{"keep-caps noroot"}, []string{"keep"}},
	{"Service", "CapabilityBoundingSet", []string{"CAP_NET_ADMIN", "~CAP_SYS_ADMIN CAP_CHOWN", "cap_chown", "~12 CAP_BPF", "CAP_CHECKPOINT_RESTORE"},
		[]string{"NET_ADMIN", "CAP_NET_ADMN", "~CAP_SYS_ADMIN CAP_SYSADMIN", "CAP_ALL"}},
	{"Service", "AmbientCapabilities", []string{"CAP_NET_BIND_SERVICE", "~cap_net_raw", "CAP_NET_BIND_SERVICE CAP_WAKE_ALARM"}, []string{"CAP_NET_BIND_SERVCE"}},
	{"Service", "RestrictAddressFamilies", []string{"AF_UNIX AF_INET", "~AF_INET", "none"}, []string{"INET"}},
	{"Service", "RestrictNamespaces", []string{"yes", "net ipc", "~user"}, []string{"network"}},
	{"Service", "DeviceAllow", []string{"/dev/null rw", "char-pts rwm", "/dev/sda"}, []string{"null rw", "/dev/null rx"}},
	{"Service", "SuccessExitStatus", []string{"1 2 SIGKILL", "143", "TEMPFAIL 250 SIGUSR1"}, []string{"256", "sigkill"}},
	{"Service", "NotifyAccess", []string{"main"}, []string{"yes"}},
	{"Service", "BusName", []string{"org.example.A"}, []string{"example", "org..x", "org.1x"}},
	{"Unit", "Documentation", []string{"http://x man:a(1)", "https://x file:/x info:x"}, []string{"see README", "www.x.org"}},
	{"Unit", "ConditionPathExists", []string{"/x", "!/x", "|/x", "|!/x"}, []string{"x", "!x", "~/x"}},
	{"Unit", "RequiresMountsFor", []string{"/a /b"}, []string{"a"}},
	{"Unit", "StartLimitBurst", []string{"5"}, []string{"-5", "five"}},
	{"Unit", "StartLimitIntervalSec", []string{"1min"}, []string{"1 minit"}},
	{"Unit", "DefaultDependencies", []string{"no"}, []string{"none"}},
	{"Unit", "FailureAction", []string{"reboot"}, []string{"restart"}},
	{"Unit", "OnFailureJobMode", []string{"replace"}, []string{"fast"}},
	{"Unit", "FailureActionExitStatus", []string{"255"}, []string{"256", "-1"}},
	{"Socket", "ListenStream", []string{"80", "0.0.0.0:80", "[::]:80", "127.0.0.1:65535", "/run/x.sock", "@abstract", "vsock:2:1234", "[::1]:1"},
		[]string{"0", "65536", "127.0.0.1", "run/x.sock", "localhost:80", "http", "1.2.3.4:0", "1.2.3:80", "::1:80:", "127.0.0.1:http", "[1.2.3.4]:80", "-80", "vsock:x:1"}},
	{"Socket", "Service", []string{"a.service"}, []string{"a.socket"}},
	{"Service", "Sockets", []string{"a.socket b.socket"}, []string{"a.service"}},
	{"Service", "Slice", []string{"system.slice"}, []string{"a.service"}},
	{"Socket", "ListenDatagram", []string{"514", "/dev/log"}, []string{"70000"}},
	{"Socket", "ListenFIFO", []string{"/run/fifo"}, []string{"fifo"}},
	{"Socket", "ListenSpecial", []string{"/dev/kmsg"}, []string{"kmsg"}},
	{"Socket", "SocketMode", []string{"0660"}, []string{"u=rw"}},
	{"Socket", "BindIPv6Only", []string{"both", "ipv6-only", "yes"}, []string{"ipv6"}},
	{"Socket", "Backlog", []string{"128"}, []string{"-1"}},
	{"Socket", "ReceiveBuffer", []string{"8K"}, []string{"8k"}},
	{"Socket", "SocketUser", []string{"root"}, []string{"a:b"}},
	{"Socket", "Priority", []string{"6", "-1"}, []string{"six"}},
	{"Timer", "OnBootSec", []string{"15min", "1h"}, []string{"daily", "15 minits"}},
	{"Timer", "OnCalendar", []string{"daily", "Mon 04:00"}, []string{"dayly", "25:00"}},
	{"Timer", "AccuracySec", []string{"1us"}, []string{"fine"}},
	{"Timer", "Persistent", []string{"true"}, []string{"tru"}},
	{"Path", "PathExists", []string{"/run/x"}, []string{"run/x"}},
	{"Path", "DirectoryMode", []string{"0755"}, []string{"755x"}},
}

// stricter are those that systemd 252 takes, with why they are a fault all the same.
var stricter = map[string]string{
	"User=a b":                                          "a warning there: it does not match strict user/group name rules; only a lax check lets it pass",
	"Group=docker users":                                "the same",
	"SecureBits=keep":                                   "systemd passes over the word without a line in the journal",
	"CapabilityBoundingSet=NET_ADMIN":                   "the same",
	"CapabilityBoundingSet=CAP_NET_ADMN":                "the same",
	"CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYSADMIN": "the same: it takes one away, and leaves the other",
	"CapabilityBoundingSet=CAP_ALL":                     "the same",
	"AmbientCapabilities=CAP_NET_BIND_SERVCE":           "the same",
}

// typeOf is the unit type that has a section, and what else such a unit needs.
func hostOf(section string) (suffix, body string) {
	switch section {
	case "Socket":
		return "socket", "[Socket]\nListenStream=9\nService=stackc-none.service\n"
	case "Timer":
		return "timer", "[Timer]\nOnBootSec=9\nUnit=stackc-none.service\n"
	case "Path":
		return "path", "[Path]\nPathExists=/x\nUnit=stackc-none.service\n"
	}
	return "service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"
}

// refused lets systemd itself read files of that folder and returns the lines it
// does not like, as "file:line".
func refused(t *testing.T, dir string, files []string) map[string]string {
	t.Helper()
	args := append([]string{"--man=no", "--recursive-errors=no", "verify"}, files...)
	cmd := exec.Command("systemd-analyze", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_COLOR=0", "LC_ALL=C", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatalf("systemd-analyze, of the Debian package systemd: %v", err)
	}
	place := regexp.MustCompile(`(?m)^(?:[^\s:]*/)?([^\s:/]+):(\d+): (.*)$`)
	lines := map[string]string{}
	for _, m := range place.FindAllStringSubmatch(string(out), -1) {
		if !strings.HasPrefix(m[3], "Unit uses ") && !strings.Contains(m[3], "is obsolete") { // out of fashion, but no fault
			lines[m[1]+":"+m[2]] = m[3]
		}
	}
	if len(lines) == 0 {
		t.Fatalf("systemd-analyze says nothing of any line:\n%s", out)
	}
	return lines
}

// TestValuesAgainstSystemd holds the table above against systemd's own reading.
func TestValuesAgainstSystemd(t *testing.T) {
	dir := t.TempDir()
	type written struct {
		name, text string
		good       bool
	}
	var all []written
	var files []string
	for _, c := range valueCases {
		d, ok := units.LookupDirective(c.section, c.key)
		if !ok {
			t.Fatalf("there is no %s=", c.key)
		}
		for i, value := range slices.Concat(c.good, c.bad) {
			good := i < len(c.good)
			faults := d.CheckValue(value)
			if (faults == nil) != good {
				t.Errorf("%s=%s: %+v", c.key, value, faults)
			}
			for _, f := range faults {
				if f.Start < 0 || f.End <= f.Start || f.End > len(value) {
					t.Errorf("%s=%s is at fault from %d to %d", c.key, value, f.Start, f.End)
				}
			}
			suffix, body := hostOf(c.section)
			name := fmt.Sprintf("v%d.%s", len(all), suffix)
			line := c.key + "=" + value
			if err := os.WriteFile(filepath.Join(dir, name), []byte("["+c.section+"]\n"+line+"\n"+body), 0o600); err != nil {
				t.Fatal(err)
			}
			all, files = append(all, written{name, line, good}), append(files, "./"+name)
		}
	}
	lines := refused(t, dir, files)
	seen := map[string]bool{}
	for _, w := range all {
		said := lines[w.name+":2"]
		_, known := stricter[w.text]
		if known && said == "" {
			seen[w.text] = true
			continue
		}
		if (said == "") != w.good {
			t.Errorf("%s: good is %v, and systemd says %q", w.text, w.good, said)
		}
	}
	for text, why := range stricter {
		if !seen[text] || why == "" {
			t.Errorf("%s: no difference to explain (%q)", text, why)
		}
	}
}

// TestCheckValueLeavesSpecifiers: what only systemd can expand is not judged.
func TestCheckValueLeavesSpecifiers(t *testing.T) {
	for _, c := range [][3]string{
		{"Service", "User", "%i"}, {"Service", "WorkingDirectory", "%h/x"}, {"Service", "StandardOutput", "file:/%i"},
		{"Service", "Environment", "A=%i %i"}, {"Service", "ReadOnlyPaths", "%t /x"}, {"Socket", "ListenStream", "%i"}, {"Timer", "OnCalendar", "%i"},
		{"Service", "ExecStart", "anything"}, {"Service", "Restart", ""}, {"Service", "Nice", " "},
	} {
		d, _ := units.LookupDirective(c[0], c[1])
		if fault := d.CheckValue(c[2]); fault != nil {
			t.Errorf("%s=%s: %+v", c[1], c[2], fault)
		}
	}
}

// TestCheckValuePlaces: the part at fault, and what to write instead.
func TestCheckValuePlaces(t *testing.T) {
	for _, c := range []struct{ section, key, value, part, help string }{
		{"Service", "Restart", "alway", "alway", `did you mean "always"?`},
		{"Service", "Type", "Notify", "Notify", `did you mean "notify"?`},
		{"Service", "RemainAfterExit", "ture", "ture", `did you mean "true"?`},
		{"Service", "KillSignal", "SIGTREM", "SIGTREM", `did you mean "SIGTERM"?`},
		{"Service", "KillSignal", "sigterm", "sigterm", `did you mean "SIGTERM"?`},
		{"Service", "CPUQuota", "20", "20", "write 20%"},
		{"Service", "MemoryMax", "512MB", "512MB", "write 512M"},
		{"Service", "MemoryMax", "512m", "512m", "write 512M"},
		{"Service", "MemoryMax", "1GiB", "1GiB", "write 1G"},
		{"Service", "LimitNOFILE", "200:100", "200:100", "write 100:200"},
		{"Service", "LimitNOFILE", "200:x", "x", ""},
		{"Service", "LimitMEMLOCK", "1:64k", "64k", "write 64K"},
		{"Service", "WorkingDirectory", "-~/x", "~/x", "~ stands only alone; write %h/x for a directory below it"},
		{"Service", "EnvironmentFile", "-x", "x", ""},
		{"Service", "User", "a b", " ", ""},
		{"Service", "Environment", `A=1 "B C" D=2`, `"B C"`, `each word is NAME=value; one with blanks stands in quotes as a whole, as in Environment = '"NAME=two words"'`},
		{"Service", "Environment", `A=1 "B=2`, `"`, ""},
		{"Service", "ReadOnlyPaths", "/a b /c", "b", ""},
		{"Service", "RuntimeDirectory", "a /run/b", "/run/b", "write RuntimeDirectory=b"},
		{"Service", "RestrictAddressFamilies", "~AF_UNIX INET", "INET", `did you mean "AF_INET"?`},
		{"Service", "DeviceAllow", "/dev/null rx", "rx", ""},
		{"Socket", "ListenStream", "127.0.0.1:70000", "70000", ""},
		{"Socket", "ListenStream", "localhost:80", "localhost", "a host name cannot stand here; write the address itself, 127.0.0.1 for localhost"},
		{"Socket", "ListenStream", "lo:80x", "80x", ""},
		{"Timer", "OnCalendar", "dayly", "dayly", `did you mean "daily"?`},
		{"Timer", "OnCalendar", "Mon 25:00", "25", ""},
		{"Timer", "OnCalendar", "*-13-01", "13", ""},
		{"Timer", "OnCalendar", "Sun..Mon", "Mon", ""},
		{"Timer", "OnCalendar", "Mon,Foo", "Foo", ""},
		{"Timer", "OnCalendar", "04:00 x", "x", ""},
		{"Unit", "ConditionPathExists", "|! x", "x", ""},
	} {
		d, _ := units.LookupDirective(c.section, c.key)
		faults := d.CheckValue(c.value)
		if len(faults) != 1 {
			t.Errorf("%s=%s: %+v", c.key, c.value, faults)
			continue
		}
		part := c.value[faults[0].Start:faults[0].End]
		if part != c.part || faults[0].Help != c.help {
			t.Errorf("%s=%s: %q, %q: %s", c.key, c.value, part, faults[0].Help, faults[0].Reason)
		}
	}
}

// calendarOracle returns those of the events that systemd does not take.
func calendarOracle(t interface{ Fatalf(string, ...any) }, specs []string) map[string]bool {
	cmd := exec.Command("systemd-analyze", append([]string{"calendar", "--"}, specs...)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_COLOR=0", "LC_ALL=C", "TZ=UTC")
	var errors strings.Builder
	cmd.Stderr = &errors
	if err := cmd.Run(); err != nil {
		if _, failed := err.(*exec.ExitError); !failed {
			t.Fatalf("systemd-analyze, of the Debian package systemd: %v", err)
		}
	}
	bad := map[string]bool{}
	for line := range strings.Lines(errors.String()) {
		if strings.HasPrefix(line, "Hint: ") {
			continue
		}
		spec, ok := strings.CutPrefix(line, "Failed to parse calendar specification '")
		if !ok {
			t.Fatalf("systemd-analyze says %q", line)
		}
		bad[spec[:strings.LastIndex(spec, "': ")]] = true
	}
	return bad
}

// listFromEnd matches several days that count from the end of the month: systemd 252
// takes three days off the range for each of them (chain_valid), which is a fault
// of that version and not of the event.
var listFromEnd = regexp.MustCompile(`~[^ ]*,`)

func checkCalendars(t interface {
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, specs []string) (good int) {
	bad := calendarOracle(t, specs)
	for _, spec := range specs {
		fault := units.CheckCalendar(spec)
		if fault == nil && bad[spec] && listFromEnd.MatchString(spec) {
			continue
		}
		if (fault != nil) != bad[spec] {
			t.Errorf("%q: systemd refuses it: %v, and here it is %+v", spec, bad[spec], fault)
		}
		if fault == nil {
			good++
		} else if fault.Start < 0 || fault.End < fault.Start || fault.End > len(spec) {
			t.Errorf("%q is at fault from %d to %d", spec, fault.Start, fault.End)
		}
	}
	return good
}

func TestCalendarAgainstSystemd(t *testing.T) {
	specs := strings.Split(strings.TrimSpace(calendarTable), "\n")
	if good := checkCalendars(t, specs); good < 60 || len(specs)-good < 60 {
		t.Errorf("of %d events %d are good", len(specs), good)
	}
}

// TestDrawnCalendars draws events, most of them nearly right.
func TestDrawnCalendars(t *testing.T) {
	number := rapid.OneOf(rapid.SampledFrom([]string{"0", "1", "00", "7", "12", "13", "23", "24", "28", "29", "31", "32", "59", "60", "99", "2015", "1969", "2200", "*"}),
		rapid.Map(rapid.IntRange(0, 70), strconv.Itoa))
	component := rapid.Custom(func(t *rapid.T) string {
		s := number.Draw(t, "n")
		if rapid.IntRange(0, 3).Draw(t, "range") == 0 {
			s += ".." + number.Draw(t, "to")
		}
		if rapid.IntRange(0, 4).Draw(t, "repeat") == 0 {
			s += "/" + number.Draw(t, "every")
		}
		return s
	})
	chain := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(component, 1, 2).Draw(t, "chain"), ",")
	})
	spec := rapid.Custom(func(t *rapid.T) string {
		var parts []string
		if rapid.Bool().Draw(t, "days") {
			day := rapid.SampledFrom([]string{"Mon", "tue", "Wednesday", "Sun", "Sat", "Foo", "Mond", "Thu,"})
			sep := rapid.SampledFrom([]string{"", "..", ",", "-", ".", " "}).Draw(t, "sep")
			parts = append(parts, day.Draw(t, "day")+sep+rapid.SampledFrom([]string{"", "Fri", "Mon", "Sunday"}).Draw(t, "until"))
		}
		if rapid.Bool().Draw(t, "date") {
			date := chain.Draw(t, "a") + rapid.SampledFrom([]string{"-", "~", "-", "/"}).Draw(t, "sep") + chain.Draw(t, "b")
			if rapid.Bool().Draw(t, "three") {
				date += rapid.SampledFrom([]string{"-", "~", ":"}).Draw(t, "sep2") + chain.Draw(t, "c")
			}
			parts = append(parts, date)
		}
		if rapid.Bool().Draw(t, "time") {
			clock := chain.Draw(t, "h") + ":" + chain.Draw(t, "m")
			if rapid.Bool().Draw(t, "seconds") {
				clock += ":" + chain.Draw(t, "s") + rapid.SampledFrom([]string{"", ".5", ".1234567", "."}).Draw(t, "f")
			}
			parts = append(parts, clock)
		}
		if rapid.IntRange(0, 4).Draw(t, "zone") == 0 {
			parts = append(parts, rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "utc", "x"}).Draw(t, "name"))
		}
		return strings.Join(parts, rapid.SampledFrom([]string{" ", " ", " ", "  ", "x"}).Draw(t, "blank"))
	})
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		good += checkCalendars(t, rapid.SliceOfN(spec, 40, 40).Draw(t, "specs"))
	})
	if good == 0 {
		t.Error("no event was good")
	}
}

const calendarTable = `
minutely
hourly
daily
weekly
monthly
quarterly
semiannually
semi-annually
biannually
bi-annually
yearly
annually
anually
DAILY
dayly
day
never
noon
midnight
Mon
mon
Monday
Mond
Mon..Fri
Mon-Fri
Mon..Fri,Sun
Mon,Wed,Fri
Mon,
Mon,,Tue
Mon..
Fri..Mon
Mon..Tue..Wed
Mon.Tue
Mon Tue
Mon,Foo
Mon 04:00
Mon,Tue *-*-* 00:00
Mon *-*-01..07 04:00
Mon,Tue *-*-01..04 12:00:00
Thu,Fri 2012-*-1,5 11:12:13
Wed..Wed,Wed *-1
Wed *-*-1
Wednesday,Sat 2003-03-05
Sat,Thu,Mon..Wed,Sat..Sun
mon,tue *-*-* 7:05
2003-02-09 18:00:00
2003-03-05 05:40
2003-03-05
03-05
3-5
13-1
0-1
12-32
12-31
*-12-32
2-30
*-*-*
*-*
*
* *:*
*:*
*:0/15
*:00/15:00
*:0/60
*:0/59
*:30/30
*:15/45
*-*-1/31
*-*-1/30
*-*-2/30
10:00
10:00:00
10:00:00.5
10:00:00.123456
10:00:00.1234567
10:00:59.999999
10:00:60
10:00:59.9999999
10
10:
:10
10:60
24:00
23:59:59
25:00
1,2,3:0
1,2,:0
1..3:0
3..1:0
3..3:0
1..8/3:0
1..2/3:0
1..2/0:0
1/0:0
0..23:0
0..24:0
08:05:40 UTC
08:05:40 utc
08:05:40 Europe/Berlin
08:05:40 America/New_York
08:05:40 CET
08:05:40 Foo/Bar Baz
08:05:40 x
08:05:40 Mon
daily UTC
daily Europe/Berlin
daily 04:00
hourly *
UTC
Mon UTC
@1395716396
@0
@
@x
@-1
@1395716396 UTC
@1395716396 10:00
2015-01-01 @5
70-01-01
69-01-01
00-01-01
99-01-01
100-01-01
1969-12-31
1970-01-01
2199-12-31
2200-01-01
2000-2100-01-01
2015/2-01-01
2010..2020/2-*-*
*-02~03
*~1
*~31
*~28
*~29
*~01/7
*~07/1
Mon *-05~07/1
*-05~1..7
*-05~7..1
*-*~*
05~03
2015~05-03
2015-05~03
2015~05~03
2015.05.03
2015/05/03
05/08/2018
2015-05-03T10:00
2015-05-03  10:00
2015-05-03 10:00 
 10:00
10:00-11:00
10 :00
10: 00
5.5:0
00:00:1.5/2.5
00:00:0..30/0.5
00:00:0..0.5
00:00:*
00:00:*/5
*:*:*
*:*:0/5
00:00:00..59
1-1-1-1
a-b-c
4am
04:00am
every day
1 day
weekly 10:00
Mon..Fri 10:00..11:00
Mon..Fri 9..17:00
Mon..Fri 9..17:0/30:00
2003-02..04-05
2003-02-04..05
9..11,13:00,30
`

// TestPathNamesAgainstSystemd: a mount is called after its path, which
// systemd-escape says as well.
func TestPathNamesAgainstSystemd(t *testing.T) {
	part := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09-_.:\\@ é+=\"'")), 1, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		var paths []string
		for range 30 {
			parts := rapid.SliceOfN(part, 0, 4).Draw(t, "parts")
			path := "/" + strings.Join(parts, rapid.SampledFrom([]string{"/", "//", "/./"}).Draw(t, "slash")) + rapid.SampledFrom([]string{"", "/"}).Draw(t, "end")
			if slices.Contains(strings.Split(path, "/"), "..") {
				continue // refused by both, and one ends systemd-escape
			}
			paths = append(paths, path)
		}
		if len(paths) == 0 {
			return
		}
		out, err := exec.Command("systemd-escape", append([]string{"--path", "--suffix=mount", "--"}, paths...)...).Output()
		if err != nil {
			t.Fatalf("systemd-escape of %q: %v", paths, err)
		}
		want := strings.Fields(string(out))
		for i, path := range paths {
			name, err := units.PathName(path, units.TypeMount)
			if err != nil || string(name) != want[i] {
				t.Errorf("%q is %q, %v, and systemd says %q", path, name, err, want[i])
			}
		}
	})
}

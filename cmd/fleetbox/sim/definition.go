package sim

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/fleet/unit"
	gsunit "github.com/coreos/go-systemd/unit"
)

// definition is what a unit file says, as far as the simulation needs it. It never changes.
type definition struct {
	text string // the file as fleet wrote it
	hash string // fleet's hash of it
	kind string // suffix without the dot: service, timer, ...

	requires, bindsTo, requisite []string
	wants, partOf, after, before []string
	conflicts                    []string
	service                      service
	startLimit                   int           // starts allowed within startWindow
	startWindow                  time.Duration // 0: no limit
	problem                      string        // why systemd refuses the file (bad-setting); "" if it does not
	trigger                      string        // the unit a timer or path starts
}

// service holds the options of a [Service] section that decide the states of the unit.
type service struct {
	typ           string // Type=
	remain        bool   // RemainAfterExit=
	restart       string // Restart=
	restartDelay  time.Duration
	startTimeout  time.Duration // 0: none
	hasPre        bool          // there is an ExecStartPre=
	ignoreFailure bool          // ExecStart=-...
}

// defaults of systemd-system.conf(5).
const (
	defaultStartTimeout = 90 * time.Second
	defaultRestartDelay = 100 * time.Millisecond
	defaultStartLimit   = 5
	defaultStartWindow  = 10 * time.Second
)

// define reads the unit file that fleet hands over for name.
func define(name string, file unit.UnitFile) *definition {
	s := sections(file.Contents)
	d := &definition{
		text:      file.String(),
		hash:      file.Hash().String(),
		kind:      kindOf(name),
		requires:  s.words("Unit", "Requires"),
		bindsTo:   s.words("Unit", "BindsTo"),
		requisite: s.words("Unit", "Requisite"),
		wants:     append(s.words("Unit", "Wants"), s.words("Unit", "Upholds")...),
		partOf:    s.words("Unit", "PartOf"),
		after:     s.words("Unit", "After"),
		before:    s.words("Unit", "Before"),
		conflicts: s.words("Unit", "Conflicts"),
	}
	d.startLimit, d.startWindow = s.startLimit()
	d.service = s.service()
	d.trigger = s.trigger(name, d.kind)
	d.problem = s.problem(name, d.kind)
	return d
}

func kindOf(name string) string {
	return strings.TrimPrefix(path.Ext(name), ".")
}

// sections gives access to options by section and name, with systemd.syntax(7)'s rule that an empty
// assignment forgets what was assigned before.
type sections map[string]map[string][]string

func (s sections) lines(section, option string) []string {
	var out []string
	for _, v := range s[section][option] {
		v = strings.TrimSpace(strings.ReplaceAll(v, "\\\n", " "))
		if v == "" {
			out = nil
			continue
		}
		out = append(out, v)
	}
	return out
}

func (s sections) words(section, option string) []string {
	var out []string
	for _, line := range s.lines(section, option) {
		for _, word := range strings.Fields(line) {
			out = append(out, strings.Trim(word, `"'`))
		}
	}
	return out
}

// last is the value that counts for an option that has one value; "" if it was not given.
func (s sections) last(section, option string) string {
	lines := s.lines(section, option)
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

func (s sections) service() service {
	svc := service{
		typ:          s.last("Service", "Type"),
		remain:       isTrue(s.last("Service", "RemainAfterExit")),
		restart:      s.last("Service", "Restart"),
		restartDelay: defaultRestartDelay,
		hasPre:       len(s.lines("Service", "ExecStartPre")) > 0,
	}
	if start := s.lines("Service", "ExecStart"); len(start) > 0 {
		prefix, _ := splitPrefix(start[0])
		svc.ignoreFailure = strings.Contains(prefix, "-")
	}
	if d, err := parseSpan(s.last("Service", "RestartSec")); err == nil {
		svc.restartDelay = d
	}
	if svc.typ == "" {
		svc.typ = "simple"
		if len(s.lines("Service", "ExecStart")) == 0 {
			svc.typ = "oneshot" // systemd.service(5), Type=
		}
	}
	svc.startTimeout = s.startTimeout(svc.typ)
	return svc
}

func (s sections) startTimeout(typ string) time.Duration {
	timeout := defaultStartTimeout
	if typ == "oneshot" {
		timeout = 0
	}
	for _, option := range []string{"TimeoutSec", "TimeoutStartSec"} {
		if d, err := parseSpan(s.last("Service", option)); err == nil {
			timeout = d
		}
	}
	return timeout
}

// startLimit reads the limit from where it is documented and from where it was before systemd 230.
func (s sections) startLimit() (int, time.Duration) {
	limit, window := defaultStartLimit, defaultStartWindow
	for _, section := range []string{"Service", "Unit"} {
		for _, option := range []string{"StartLimitInterval", "StartLimitIntervalSec"} {
			if d, err := parseSpan(s.last(section, option)); err == nil {
				window = d
			}
		}
		if n, err := strconv.Atoi(s.last(section, "StartLimitBurst")); err == nil {
			limit = n
		}
	}
	return limit, window
}

func (s sections) trigger(name, kind string) string {
	section := map[string]string{"timer": "Timer", "path": "Path"}[kind]
	if section == "" {
		return ""
	}
	if other := s.last(section, "Unit"); other != "" {
		return other
	}
	return strings.TrimSuffix(name, kind) + "service"
}

// problem is the reason for load state bad-setting, after the verify functions of systemd 252
// (service.c, timer.c, path.c, socket.c, mount.c).
func (s sections) problem(name, kind string) string {
	switch kind {
	case "service":
		return s.serviceProblem()
	case "timer":
		return s.needsAny("Timer", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec",
			"OnCalendar", "OnClockChange", "OnTimezoneChange")
	case "path":
		return s.needsAny("Path", "PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty")
	case "socket":
		return s.needsAny("Socket", "ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO",
			"ListenSpecial", "ListenNetlink", "ListenMessageQueue", "ListenUSBFunction")
	case "mount":
		if msg := s.needsAny("Mount", "What"); msg != "" {
			return msg
		}
		return s.whereProblem("Mount", name, kind)
	case "automount":
		return s.whereProblem("Automount", name, kind)
	}
	return ""
}

func (s sections) serviceProblem() string {
	start, stop := s.lines("Service", "ExecStart"), s.lines("Service", "ExecStop")
	svc := s.service()
	restart := svc.restart
	switch {
	case len(start) == 0 && len(stop) == 0:
		return "service has no ExecStart= and no ExecStop="
	case len(start) == 0 && (svc.typ != "oneshot" || !svc.remain):
		return "service has no ExecStart= setting, which is only allowed for Type=oneshot with RemainAfterExit=yes"
	case len(start) > 1 && svc.typ != "oneshot":
		return "service has more than one ExecStart= setting, which is only allowed for Type=oneshot"
	case svc.typ == "oneshot" && (restart == "always" || restart == "on-success"):
		return "service has Restart=" + restart + ", which is not allowed for Type=oneshot"
	case svc.typ == "dbus" && s.last("Service", "BusName") == "":
		return "service is of type D-Bus but has no BusName="
	}
	return s.execProblem()
}

func (s sections) execProblem() string {
	for _, option := range []string{"ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"} {
		for _, line := range s.lines("Service", option) {
			_, command := splitPrefix(line)
			words := strings.Fields(command)
			if len(words) == 0 {
				return option + "= has an empty path"
			}
			program := strings.Trim(words[0], `"'`)
			if strings.Contains(program, "/") && !strings.HasPrefix(program, "/") && !strings.HasPrefix(program, "%") {
				return option + "= is neither a valid executable name nor an absolute path: " + program
			}
		}
	}
	return ""
}

func (s sections) needsAny(section string, options ...string) string {
	for _, option := range options {
		if s.last(section, option) != "" {
			return ""
		}
	}
	return fmt.Sprintf("unit lacks a value for %s=", options[0])
}

func (s sections) whereProblem(section, name, kind string) string {
	where := s.last(section, "Where")
	want := gsunit.UnitNamePathUnescape(strings.TrimSuffix(name, "."+kind))
	if where != "" && path.Clean(where) != want {
		return fmt.Sprintf("Where=%s does not match the unit name", where)
	}
	return ""
}

// splitPrefix parts the special characters before an executable (systemd.service(5), "Command
// lines") from the rest.
func splitPrefix(line string) (prefix, command string) {
	command = strings.TrimLeft(line, "@-:+!|")
	return line[:len(line)-len(command)], strings.TrimSpace(command)
}

func isTrue(v string) bool {
	switch strings.ToLower(v) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}

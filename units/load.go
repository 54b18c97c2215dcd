package units

import (
	"errors"
	"fmt"
	"strings"
)

// checkLoad applies what systemd checks once it has read a unit of each type
// (service_verify, socket_verify, … of version 252). What it refuses is
// "bad-setting" and never starts.
func (r *rules) checkLoad() {
	switch r.name.Type() {
	case TypeService:
		r.checkService()
		r.checkExec("Service")
	case TypeSocket:
		r.checkSocket()
		r.checkExec("Socket")
	case TypeTimer:
		r.needOne("Timer", "a timer needs one of OnCalendar=, OnBootSec=, OnActiveSec=, OnStartupSec=, OnUnitActiveSec=, OnUnitInactiveSec=",
			"OnCalendar", "OnBootSec", "OnActiveSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnClockChange", "OnTimezoneChange")
	case TypePath:
		r.needOne("Path", "a path unit needs one of PathExists=, PathExistsGlob=, PathChanged=, PathModified=, DirectoryNotEmpty=",
			"PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty")
	case TypeMount:
		if _, ok := Last(r.opts, "Mount", "What"); !ok {
			r.fail(RuleSetting, -1, "a mount needs What=")
		}
		r.checkWhere("Mount")
	case TypeAutomount:
		r.checkWhere("Automount")
	}
}

// needOne reports a unit that has a value for none of the keys of its section.
func (r *rules) needOne(section, reason string, keys ...string) {
	for _, key := range keys {
		if len(Values(r.opts, section, key)) > 0 {
			return
		}
	}
	r.fail(RuleSetting, -1, "%s", reason)
}

func (r *rules) checkService() {
	starts := commandCount(Values(r.opts, "Service", "ExecStart"))
	kind := serviceType(r.opts)
	at := r.at("Service", "Type")
	switch {
	case starts == 0:
		r.checkNoStart(kind)
	case starts > 1 && kind != "oneshot":
		r.fail(RuleSetting, r.at("Service", "ExecStart"), "only a service of Type=oneshot may have several ExecStart=")
	}
	if _, ok := Last(r.opts, "Service", "BusName"); !ok && kind == "dbus" {
		r.fail(RuleSetting, at, "a service of Type=dbus needs BusName=")
	}
	if exit, _ := Last(r.opts, "Service", "ExitType"); exit == "cgroup" && kind == "oneshot" {
		r.fail(RuleSetting, r.at("Service", "ExitType"), "ExitType=cgroup is not for services of Type=oneshot")
	}
	r.checkRestart(kind)
	r.checkPAM("Service")
}

// checkNoStart judges a service without ExecStart=: it must have something to do
// all the same.
func (r *rules) checkNoStart(kind string) {
	if action, ok := Last(r.opts, "Unit", "SuccessAction"); ok && action != "none" && kind == "oneshot" {
		return
	}
	remain, _ := Last(r.opts, "Service", "RemainAfterExit")
	stays, _ := ParseBool(remain)
	switch {
	case len(Values(r.opts, "Service", "ExecStop")) == 0:
		r.fail(RuleSetting, -1, "a service needs ExecStart=")
	case kind != "oneshot":
		r.fail(RuleSetting, r.at("Service", "Type"), "only a service of Type=oneshot may be without ExecStart=")
	case !stays:
		r.fail(RuleSetting, -1, "a service without ExecStart= needs RemainAfterExit=yes")
	}
}

// checkRestart knows that systemd 244 allowed oneshots to restart after failure.
func (r *rules) checkRestart(kind string) {
	restart, ok := Last(r.opts, "Service", "Restart")
	if !ok || kind != "oneshot" || restart == "no" {
		return
	}
	at := r.at("Service", "Restart")
	if restart == "always" || restart == "on-success" {
		r.fail(RuleSetting, at, "a service of Type=oneshot cannot have Restart=%s", restart)
		return
	}
	r.fail(RuleSetting, at, "a service of Type=oneshot cannot have Restart=%s", restart)
	r.errors[len(r.errors)-1].Before = 244
}

func (r *rules) checkPAM(section string) {
	if _, ok := Last(r.opts, section, "PAMName"); !ok {
		return
	}
	switch mode, _ := Last(r.opts, section, "KillMode"); mode {
	case "", "control-group", "mixed":
	default:
		r.fail(RuleSetting, r.at(section, "KillMode"), "PAMName= needs KillMode=control-group or mixed, not %s", mode)
	}
}

// commandCount is how many commands the values of an Exec directive make. What
// cannot be read counts as one; [rules.checkExec] reports it.
func commandCount(values []string) int {
	n := 0
	for _, v := range values {
		if !strings.Contains(v, ";") {
			n++
			continue
		}
		commands, err := SplitExec(v)
		if err != nil {
			n++
		}
		n += len(commands)
	}
	return n
}

func (r *rules) checkSocket() {
	r.needOne("Socket", "a socket needs a Listen setting such as ListenStream=",
		"ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO", "ListenSpecial",
		"ListenNetlink", "ListenMessageQueue", "ListenUSBFunction")
	r.checkPAM("Socket")
	accept, _ := Last(r.opts, "Socket", "Accept")
	if yes, _ := ParseBool(accept); !yes {
		return
	}
	for _, key := range [...]string{"ListenDatagram", "ListenFIFO", "ListenSpecial", "ListenNetlink", "ListenMessageQueue"} {
		if len(Values(r.opts, "Socket", key)) > 0 {
			r.fail(RuleSetting, r.at("Socket", "Accept"), "Accept=yes is for stream sockets, not for %s=", key)
		}
	}
	if _, ok := Last(r.opts, "Socket", "Service"); ok {
		r.fail(RuleSetting, r.at("Socket", "Service"), "Service= is not for sockets with Accept=yes")
	}
	if most, _ := Last(r.opts, "Socket", "MaxConnections"); most == "0" {
		r.fail(RuleSetting, r.at("Socket", "MaxConnections"), "Accept=yes needs MaxConnections above 0")
	}
}

// checkWhere holds the name of a mount against its Where=, which must match; an
// absent Where= is taken from the name.
func (r *rules) checkWhere(section string) {
	at := r.at(section, "Where")
	where, ok := Last(r.opts, section, "Where")
	if !ok {
		path, err := UnescapePath(r.name.Base())
		if err != nil {
			r.fail(RuleSetting, -1, "the name is not an escaped path, and there is no Where=")
			return
		}
		where = path
	}
	if strings.Contains(where, "%") {
		return
	}
	if strings.Trim(where, "/") == "" {
		r.fail(RuleSetting, at, "the root directory cannot be a %s unit", r.name.Type())
		return
	}
	switch name, err := PathName(where, r.name.Type()); {
	case err != nil:
		r.fail(RuleSetting, at, "Where=: %v", err)
	case name != r.name:
		r.fail(RuleSetting, at, "the unit for Where=%s must be called %s", where, name)
	}
}

// checkExec reads every command line of a section.
func (r *rules) checkExec(section string) {
	for i, o := range r.opts {
		if o.Section != section || !strings.HasPrefix(o.Name, "Exec") {
			continue
		}
		if d, ok := LookupDirective(section, o.Name); !ok || d.Kind != KindExec {
			continue
		}
		_, faults := CheckExec(o.Value)
		for _, f := range faults {
			if f.Unread {
				r.fail(RuleExec, i, "%s= cannot be read: at column %d: %s", o.Name, f.Start+1, f.Reason)
				continue
			}
			r.fail(RuleExec, i, "%s", f.Reason)
			r.errors[len(r.errors)-1].Before = f.Before
		}
	}
}

// ExecFault is what keeps systemd from running a command line.
type ExecFault struct {
	// Start and End bound the bytes of the value that are at fault.
	Start, End int
	// Unread is whether the line cannot even be split into words.
	Unread bool
	// Before is the systemd version that lifted the rule, 0 if it holds in all.
	Before int
	// Reason is a sentence without a full stop.
	Reason string
}

// CheckExec splits the value of an ExecStart= or the like into commands, and tells
// why systemd would not load a unit with it.
func CheckExec(value string) ([]Command, []ExecFault) {
	commands, err := SplitExec(value)
	if err != nil {
		var at *SplitError
		if errors.As(err, &at) {
			start := min(at.Column-1, max(len(value)-1, 0))
			return nil, []ExecFault{{Start: start, End: min(start+1, len(value)), Unread: true, Reason: at.Reason}}
		}
	}
	var faults []ExecFault
	for _, c := range commands {
		faults = append(faults, checkProgram(c)...)
	}
	return commands, faults
}

// checkProgram follows systemd's demands on the path of a program. Those with a
// specifier are left to systemd.
func checkProgram(c Command) (faults []ExecFault) {
	word := c.Words[0]
	program := word.Text
	fail := func(before int, format string, args ...any) {
		faults = append(faults, ExecFault{Start: word.Column - 1, End: word.End, Before: before, Reason: fmt.Sprintf(format, args...)})
	}
	switch {
	case strings.Contains(program, "%"):
	case strings.HasPrefix(program, "$"):
		fail(0, "the program cannot be a variable, as in %q", program)
	case strings.HasSuffix(program, "/"):
		fail(0, "the program %q is a directory", program)
	case strings.ContainsAny(program, "\"'\\") || strings.ContainsFunc(program, forbidden):
		fail(0, "the program %q has a quote, backslash or control character", program)
	case strings.HasPrefix(program, "/"):
	case strings.Contains(program, "/") || program == "." || program == "..":
		fail(0, "the program %q is not an absolute path", program)
	default:
		fail(239, "the program %q is not an absolute path", program)
	}
	if strings.Contains(c.Prefixes, "@") && len(c.Words) < 2 {
		fail(0, `the prefix "@" needs the program's own name as the second word`)
	}
	return faults
}

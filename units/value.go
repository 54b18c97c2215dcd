package units

import (
	"fmt"
	"slices"
	"strings"
)

// ValueFault is what systemd would find wrong with a value. systemd ignores such
// an assignment, or the word of it at fault, with a line in the journal.
type ValueFault struct {
	// Start and End bound the bytes of the value that are at fault.
	Start, End int
	// Reason is a sentence without a full stop.
	Reason string
	// Help is what to write instead, "" when nothing better can be said than Reason.
	Help string
}

// CheckValue says what every systemd since 208 that has the directive would find wrong with a
// value, nil for nothing; of a list, each word at fault. It judges only directives whose grammar does not change with the
// machine, and no word with a specifier, which only systemd can expand. An
// empty value is right: it resets the directive.
func (d Directive) CheckValue(value string) []ValueFault {
	if strings.Trim(value, blanks) == "" {
		return nil
	}
	c := valueCheck{d: d, value: value}
	whole := d.Specifiers() && !wordwise(d.parser) && strings.Contains(value, "%")
	if check := checkOf(d.parser); check != nil && !whole {
		check(&c)
	}
	return c.faults
}

// valueCheck judges one value.
type valueCheck struct {
	d      Directive
	value  string
	faults []ValueFault
}

// fail reports the bytes [start, end) of the value.
func (c *valueCheck) fail(start, end int, help, format string, args ...any) {
	c.faults = append(c.faults, ValueFault{Start: start, End: end, Reason: fmt.Sprintf(format, args...), Help: help})
}

// piece is a part of a value: what it says, without quotes and marks before it, and the
// bytes [start, end) at which it stands.
type piece struct {
	text       string
	start, end int
}

// from is the piece that begins there and goes to the end of the value.
func (c *valueCheck) from(start int) piece { return piece{c.value[start:], start, len(c.value)} }

// wrong reports a piece.
func (c *valueCheck) wrong(w piece, help, format string, args ...any) {
	c.fail(w.start, w.end, help, format, args...)
}

// failWhole reports all of the value.
func (c *valueCheck) failWhole(help, format string, args ...any) {
	c.fail(0, len(c.value), help, format, args...)
}

// didYouMean is the help that names a word close to value, "" when none is.
func didYouMean(value string, words ...string) string {
	word, ok := value, slices.Contains(words, value)
	if !ok {
		word, ok = Suggest(value, words)
	}
	if ok {
		return fmt.Sprintf("did you mean %q?", word)
	}
	return ""
}

// Specifiers reports whether systemd expands specifiers such as %i in the values
// of the directive, in some version at least. In a number or one of a few words it
// does not: there a % is a fault.
func (d Directive) Specifiers() bool {
	switch d.Kind {
	case KindBool, KindSeconds, KindEnum, KindNumber, KindBytes, KindMode, KindSignal, KindPercent, KindLimit:
		return false
	}
	return boolOr(d.parser) == nil || d.parser == "exec_output" || d.parser == "exec_input"
}

// checkOf returns how the values of a parser function are judged, nil when they
// are not.
func checkOf(parser string) func(*valueCheck) {
	switch parser {
	case "bool", "tristate", "job_mode_isolate":
		return (*valueCheck).boolean
	case "sec", "sec_fix_0", "sec_def_infinity", "service_timeout", "service_timeout_abort", "job_timeout_sec", "job_running_timeout_sec":
		return func(c *valueCheck) { c.seconds(false) }
	case "nsec":
		return func(c *valueCheck) { c.seconds(true) }
	case "timer":
		return (*valueCheck).timer
	case "mode":
		return (*valueCheck).mode
	case "signal":
		return (*valueCheck).signal
	case "socket_listen":
		return (*valueCheck).listen
	case "user_group_compat":
		return func(c *valueCheck) { c.user(c.from(0)) }
	case "bus_name":
		return (*valueCheck).busName
	case "socket_service":
		return func(c *valueCheck) { c.unitOf(c.from(0), TypeService) }
	case "unit_slice":
		return func(c *valueCheck) { c.unitOf(c.from(0), TypeSlice) }
	}
	if enumOf(parser) != nil || boolOr(parser) != nil {
		return (*valueCheck).enum
	}
	if check := checkOfNumber(parser); check != nil {
		return check
	}
	if check := checkOfPath(parser); check != nil {
		return check
	}
	if wordwise(parser) {
		return (*valueCheck).words
	}
	return nil
}

// checkOfNumber is [checkOf] for what is counted or measured.
func checkOfNumber(parser string) func(*valueCheck) {
	switch parser {
	case "unsigned":
		return func(c *valueCheck) { c.integer(0, 1<<32-1) }
	case "int":
		return func(c *valueCheck) { c.integer(-1<<31, 1<<31-1) }
	case "exec_nice":
		return func(c *valueCheck) { c.integer(-20, 19) }
	case "exec_oom_score_adjust":
		return func(c *valueCheck) { c.integer(-1000, 1000) }
	case "exec_io_priority":
		return func(c *valueCheck) { c.integer(0, 7) }
	case "exec_cpu_sched_prio":
		return func(c *valueCheck) { c.integer(0, 99) }
	case "exit_status":
		return func(c *valueCheck) { c.integer(0, 255) }
	case "tty_size":
		return func(c *valueCheck) { c.integer(0, 65535) }
	case "cpu_shares":
		return func(c *valueCheck) { c.integer(2, 262144) }
	case "blockio_weight":
		return func(c *valueCheck) { c.integer(10, 1000) }
	case "cg_weight":
		return func(c *valueCheck) { c.integer(1, 10000) }
	case "memory_limit":
		return (*valueCheck).memory
	case "iec_size":
		return (*valueCheck).bytes
	case "tasks_max":
		return (*valueCheck).tasks
	case "cpu_quota", "managed_oom_mem_pressure_limit":
		return (*valueCheck).percent
	case "rlimit":
		return (*valueCheck).limit
	}
	return nil
}

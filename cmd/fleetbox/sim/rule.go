package sim

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

// Rule says how units behave when they are started. The newest rule that matches a unit decides
// alone; a unit without a rule is up at once and stays up. A rule counts from the next start on.
type Rule struct {
	ID      int    `json:"id"`                // given by World.AddRule
	Unit    string `json:"unit"`              // a unit name or glob, as of path.Match
	Machine string `json:"machine,omitempty"` // name or id of a machine; empty: every machine

	// Phase is where a starting unit waits for Delay, Hold and WaitsFor: "start-pre" or "start".
	// Empty: start-pre if the unit has an ExecStartPre=, otherwise start.
	Phase    string   `json:"phase,omitempty"`
	Delay    Duration `json:"delay,omitempty"`     // how long it waits
	Hold     bool     `json:"hold,omitempty"`      // it waits until World.Release
	WaitsFor []string `json:"waits_for,omitempty"` // it waits until each of these units is active on some machine

	// Fail makes the main process end with ExitCode (1 if that is 0) as soon as it runs.
	Fail     bool `json:"fail,omitempty"`
	ExitCode int  `json:"exit_code,omitempty"`
	Times    int  `json:"times,omitempty"` // only this many starts fail on each machine; 0: all

	ExitAfter Duration `json:"exit_after,omitempty"` // the main process ends with ExitCode after it has been up for so long
	StopDelay Duration `json:"stop_delay,omitempty"` // how long it takes to stop
	LoadError string   `json:"load_error,omitempty"` // systemd refuses to load the file
}

// Duration is a time.Duration that JSON writes as in "1.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(d).String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Check says what is wrong with a rule.
func (r Rule) Check() error {
	if r.Unit == "" {
		return fmt.Errorf("a rule needs a unit name or glob")
	}
	if _, err := path.Match(r.Unit, ""); err != nil {
		return fmt.Errorf("bad glob %q", r.Unit)
	}
	if r.Phase != "" && r.Phase != phaseStartPre && r.Phase != phaseStart {
		return fmt.Errorf("bad phase %q: want %q or %q", r.Phase, phaseStartPre, phaseStart)
	}
	return nil
}

// ParseRule reads a rule written in JSON.
func ParseRule(text string) (Rule, error) {
	var r Rule
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("rule %s: %w", text, err)
	}
	return r, r.Check()
}

func (r Rule) matches(s *Systemd, unit string) bool {
	return s.is(r.Machine) && matches(r.Unit, unit)
}

// matches reports whether a unit name matches a glob; an empty glob matches all.
func matches(glob, unit string) bool {
	ok, err := path.Match(glob, unit)
	return glob == "" || err == nil && ok
}

// waits reports whether a unit under this rule waits in the given phase.
func (r Rule) waits(d *definition, phase string) bool {
	if r.Delay == 0 && !r.Hold && len(r.WaitsFor) == 0 {
		return false
	}
	at := r.Phase
	if at == "" {
		at = phaseStart
		if d.service.hasPre {
			at = phaseStartPre
		}
	}
	return at == phase
}

func (r Rule) exitCode() int {
	if r.Fail && r.ExitCode == 0 {
		return 1
	}
	return r.ExitCode
}

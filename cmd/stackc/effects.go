package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// lineOf is one line of a compiled unit, with what has to be known of the rest to
// say what is done with it.
type lineOf struct {
	units.Option
	placement units.Placement
	// word is the word of the stack file that made a line of the compiler:
	// "after", "env", "download", "etcd_put"; "" for other lines.
	word string
	// wait is how long a waiter of the unit may take, "" for ever.
	wait string
}

// effects tells what fleet and systemd do with a line, in sentences; for a
// directive of which there is nothing to tell, none. What fleet does is that of
// fleet v1.0.0 (job/job.go, agent/, engine/), for systemd see systemd.unit(5),
// systemd.service(5) and systemd.exec(5).
func effects(l lineOf) []string {
	switch {
	case l.Section == "X-Fleet":
		return placementEffects(l)
	case strings.HasPrefix(l.Section, "X-"):
		return ownSectionEffects(l)
	case l.Section == "Unit":
		return relationEffects(l)
	case l.Section == "Service":
		return serviceEffects(l)
	case l.Section == "Install":
		return []string{"fleet 1.0 enables the unit when it loads it, and then systemd may start what fleet holds for stopped"}
	}
	return known(l.Option)
}

// placementEffects tells of [X-Fleet].
func placementEffects(l lineOf) []string {
	switch l.Name {
	case "MachineMetadata":
		return []string{"fleet runs the unit on " + runsOn(units.Placement{Metadata: l.placement.Metadata, Global: l.placement.Global}) + " (all MachineMetadata= lines together)"}
	case "Global":
		return []string{
			"fleet runs it on every machine that fits, and on a new one as soon as that joins; nothing is scheduled",
			"a change reaches all machines at once",
		}
	case "MachineOf":
		return []string{fmt.Sprintf("fleet places it where %s is, and leaves it unplaced while %s is nowhere; it follows when %s moves", l.Value, l.Value, l.Value)}
	case "MachineID":
		return []string{"fleet places it on this machine alone; while the machine is gone the unit is nowhere"}
	case "Conflicts":
		return []string{fmt.Sprintf("fleet keeps it off every machine that has a unit matching %s, and those off its own; when none is left it waits", l.Value)}
	}
	return []string{}
}

// runsOn says in words which machines a placement means.
func runsOn(p units.Placement) string {
	which := "one machine"
	if p.Global {
		which = "every machine"
	}
	if p.MachineID != "" {
		return "machine " + p.MachineID
	}
	var where []string
	for _, key := range p.Metadata.Keys() {
		where = append(where, key+" is "+orList(p.Metadata[key]))
	}
	if len(where) > 0 {
		which += " where " + strings.Join(where, ", and ")
	}
	if len(p.MachineOf) == 0 {
		return which
	}
	beside := "the machine of " + strings.Join(p.MachineOf, " and ")
	if len(where) > 0 {
		return beside + ", " + strings.Join(where, ", and ")
	}
	return beside
}

// ownSectionEffects tells of sections that systemd does not read.
func ownSectionEffects(l lineOf) []string {
	list := []string{"systemd passes over a section that begins with X-; fleet keeps it, and it counts in the unit's hash"}
	if l.Section == "X-Stackc" && l.Name == "Stack" {
		list = append(list, fmt.Sprintf("stackc tells by it that the unit belongs to stack %q, and leaves units of others alone", l.Value))
	}
	return list
}

// relationEffects tells of [Unit]. Names are what systemd sees on one machine.
func relationEffects(l lineOf) []string {
	names := strings.Join(units.Words(l.Value), " and ")
	stays := "a unit that is not on this machine counts as missing, and fleet still says launched"
	replaced := fmt.Sprintf("when fleet replaces %s in place systemd stops this unit, and nobody starts it again but a plan of stackc", names)
	switch l.Name {
	case "Wants":
		return []string{fmt.Sprintf("systemd starts %s with this unit; that it is missing or fails holds nothing back", names)}
	case "After":
		return []string{fmt.Sprintf("of both, systemd starts %s first and stops it last; it starts neither for that", names)}
	case "Before":
		return []string{fmt.Sprintf("of both, systemd starts %s last and stops it first; it starts neither for that", names)}
	case "Requires", "BindsTo":
		return []string{fmt.Sprintf("systemd starts %s with this unit, which stays dead without it", names), stays, replaced}
	case "Requisite":
		return []string{fmt.Sprintf("systemd fails this unit at once unless %s is up already", names), stays, replaced}
	case "PartOf":
		return []string{fmt.Sprintf("when %s is stopped or restarted systemd does the same to this unit", names), replaced}
	case "Conflicts":
		return []string{fmt.Sprintf("systemd stops %s when this unit starts on the same machine; fleet does not look at this line", names)}
	case "Description":
		return []string{"systemctl and the journal show it"}
	}
	if strings.HasPrefix(l.Name, "Condition") {
		return []string{"systemd skips the start without an error while this does not hold, and fleet still says launched"}
	}
	return known(l.Option)
}

// serviceEffects tells of [Service].
func serviceEffects(l lineOf) []string {
	switch l.Name {
	case "Type":
		return typeEffects(l.Value)
	case "TimeoutStartSec", "TimeoutSec":
		return timeoutEffects(l.Value)
	case "EnvironmentFile":
		return environmentEffects(l.Value)
	case "ExecStartPre":
		return beforeEffects(l)
	case "ExecStart":
		return []string{"systemd runs it when every ExecStartPre= has ended well"}
	case "Restart":
		return restartEffects(l.Value)
	case "RestartSec":
		return []string{"systemd waits so long before it starts the program again; the default is 100 ms, and five starts within 10 s make it failed"}
	case "RemainAfterExit":
		return []string{"the unit counts as active when its program has ended well"}
	}
	return known(l.Option)
}

func typeEffects(value string) []string {
	switch value {
	case "notify":
		return []string{"what comes after it is started once the program has told systemd that it is ready"}
	case "oneshot":
		return []string{
			"what comes after it is started when the program has ended",
			"a start may take as long as it wants; then systemd says inactive/dead, or active/exited with RemainAfterExit=",
		}
	case "forking":
		return []string{"what comes after it is started when the program has gone into the background"}
	case "simple":
		return []string{"what comes after it is started as soon as the program runs"}
	}
	return []string{}
}

func timeoutEffects(value string) []string {
	if slices.Contains([]string{"0", "infinity"}, value) {
		return []string{"a start has no limit; systemd's default of 90 s would end it while it waits"}
	}
	return []string{fmt.Sprintf("systemd fails the unit when a command of its start takes longer than %s; each ExecStartPre= has that time for itself", value)}
}

func environmentEffects(value string) []string {
	if file, optional := strings.CutPrefix(value, "-"); optional {
		return []string{fmt.Sprintf("systemd reads %s anew before each command, and passes over it while it is missing", file)}
	}
	return []string{fmt.Sprintf("systemd reads %s before each command, ExecStartPre= too; while it is missing the unit fails", value)}
}

// beforeEffects tells of ExecStartPre, the compiler's or the file's own.
func beforeEffects(l lineOf) []string {
	meanwhile := "until it ends systemd says activating/start-pre, and fleet launched"
	bound := "and never gives up"
	if l.wait != "" {
		bound = "and gives up after " + l.wait + ": then the unit fails"
	}
	switch l.word {
	case "after", "env":
		return []string{"it asks every 3 s, with a line in the journal for each try that fails, " + bound, meanwhile}
	case "etcd_put":
		return []string{"it puts the key if it is absent, asks again every 3 s until etcd answers, " + bound, meanwhile}
	case "download":
		return []string{downloadEffect(l.Value), meanwhile}
	}
	if strings.HasPrefix(l.Value, "-") {
		return []string{"systemd runs it before the program, in the order of the lines; that it fails is passed over"}
	}
	return []string{"systemd runs it before the program, in the order of the lines; when it fails the unit fails"}
}

func downloadEffect(command string) string {
	if strings.Contains(command, "sha256sum") {
		return "it fetches the file unless the right one is there, again every 3 s until it comes; a wrong sum fails the unit"
	}
	return "it fetches the file at every start; when that fails the file that is there serves, and without one it asks again every 3 s"
}

func restartEffects(value string) []string {
	never := "fleet never restarts a unit that has ended or failed"
	switch value {
	case "no":
		return []string{"systemd leaves the program alone when it has ended", never}
	case "always":
		return []string{"systemd starts it again whenever it ends, ExecStartPre= included, unless it was asked to stop it", never}
	}
	return []string{fmt.Sprintf("systemd starts it again, ExecStartPre= included, when it ends in the way that %q means", value), never}
}

// known tells what the table of directives says of a line.
func known(o units.Option) []string {
	d, ok := units.LookupDirective(o.Section, o.Name)
	switch {
	case ok && d.IgnoredSince > 0:
		return []string{fmt.Sprintf("systemd %d and later pass over it", d.IgnoredSince)}
	case ok && d.Since > 0:
		return []string{fmt.Sprintf("systemd %d and later know it", d.Since)}
	}
	return []string{}
}

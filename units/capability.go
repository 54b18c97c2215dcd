package units

import (
	"slices"
	"strings"
)

// capabilities returns those of Linux by their numbers, CAP_CHOWN being 0, without the CAP_
// before them (capabilities(7), include/uapi/linux/capability.h; none has come
// since Linux 5.9).
func capabilities() []string {
	return strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
		NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
		SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
		SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)
}

// capability judges a word of CapabilityBoundingSet= and AmbientCapabilities=: systemd
// takes names in any case, and numbers, and passes over everything else: a set that
// lacks what the program needs, or that still holds what it was to take away.
func (c *valueCheck) capability(w piece) {
	name, prefixed := strings.CutPrefix(strings.ToUpper(w.text), "CAP_")
	known := capabilities()
	switch {
	case strings.Trim(w.text, digits) == "", prefixed && slices.Contains(known, name):
		return
	case !prefixed:
		c.wrong(w, capabilityMeant(name), "%q is no capability: they begin with CAP_", w.text)
	default:
		help := capabilityMeant(name)
		if help == "" {
			help = "capabilities(7) lists them; one that is newer goes by its number"
		}
		c.wrong(w, help, "Linux has no capability %q, and systemd passes over the word", w.text)
	}
}

// capabilityMeant is the help that names the capability that a name without its
// CAP_ is close to, "" for none.
func capabilityMeant(name string) string {
	known := capabilities()
	if !slices.Contains(known, name) {
		meant, ok := Suggest(name, known)
		if !ok {
			return ""
		}
		name = meant
	}
	return `did you mean "CAP_` + name + `"?`
}

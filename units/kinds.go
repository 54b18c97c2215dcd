package units

// Kind is what the value of a directive is.
type Kind string

// The kinds that can be told apart from the function systemd parses them with.
const (
	KindBool     Kind = "bool"
	KindSeconds  Kind = "time span"
	KindCalendar Kind = "time"
	KindExec     Kind = "command"
	KindUnits    Kind = "units"
	KindUnit     Kind = "unit"
	KindPath     Kind = "path"
	KindPaths    Kind = "paths"
	KindEnum     Kind = "word"
	KindNumber   Kind = "number"
	KindBytes    Kind = "size"
	KindMode     Kind = "mode"
	KindSignal   Kind = "signal"
	KindPercent  Kind = "percentage"
	KindLimit    Kind = "limit"
	KindUser     Kind = "user"
	KindListen   Kind = "address"
	KindEnviron  Kind = "environment"
	KindString   Kind = "text"
	KindWords    Kind = "words"
	KindOther    Kind = "value"
)

// kindOf classes a directive by its parser function, and says whether repeated
// assignments add up.
func kindOf(parser string) (kind Kind, many bool) {
	switch parser {
	case "bool":
		return KindBool, false
	case "sec", "sec_fix_0", "sec_def_infinity", "nsec", "service_timeout", "service_timeout_abort",
		"job_timeout_sec", "job_running_timeout_sec":
		return KindSeconds, false
	case "timer":
		return KindCalendar, true
	case "rlimit":
		return KindLimit, false
	case "cpu_quota", "managed_oom_mem_pressure_limit":
		return KindPercent, false
	case "user_group_compat":
		return KindUser, false
	case "socket_listen":
		return KindListen, true
	case "exec":
		return KindExec, true
	case "unit_deps", "obsolete_unit_deps", "service_sockets", "":
		return KindUnits, true
	case "trigger_unit", "socket_service", "unit_slice", "busname_service":
		return KindUnit, false
	case "mode":
		return KindMode, false
	case "signal":
		return KindSignal, false
	case "unsigned", "int", "long", "exec_nice", "exec_oom_score_adjust", "exec_io_priority", "exec_cpu_sched_prio",
		"exit_status", "tty_size", "cpu_shares", "blockio_weight", "cg_weight":
		return KindNumber, false
	case "memory_limit", "iec_size", "tasks_max":
		return KindBytes, false
	}
	if enumOf(parser) != nil {
		return KindEnum, false
	}
	return kindOfText(parser)
}

func kindOfText(parser string) (kind Kind, many bool) {
	switch parser {
	case "environ":
		return KindEnviron, true
	case "unit_path_printf", "pid_file", "working_directory":
		return KindPath, false
	case "unit_env_file", "path_spec", "unit_condition_path":
		return KindPath, true
	case "namespace_path_strv", "unit_path_strv_printf", "unit_mounts_for", "exec_directories",
		"colon_separated_paths", "bind_paths", "temporary_filesystems":
		return KindPaths, true
	case "unit_string_printf", "string", "reboot_parameter":
		return KindString, false
	case "documentation", "pass_environ", "unset_environ", "user_group_strv_compat", "syscall_filter",
		"capability_set", "address_families", "exit_status", "set_status", "device_allow":
		return KindWords, true
	case "unit_condition_string", "unit_condition_null", "log_extra_fields",
		"set_credential", "load_credential", "import_credential", "open_file", "in_addr_prefixes",
		"blockio_bandwidth", "blockio_device_weight", "io_limit", "io_device_weight", "io_device_latency",
		"exec_input_text", "exec_input_data", "log_filter_patterns", "mount_images", "extension_images":
		return KindOther, true
	}
	return KindOther, false
}

// enumOf lists the words that a parser function accepts, nil for one that takes
// other values as well.
func enumOf(parser string) []string {
	switch parser {
	case "service_type":
		return []string{"simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"}
	case "service_restart":
		return []string{"no", "always", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort"}
	case "service_restart_mode":
		return []string{"normal", "direct", "debug"}
	case "service_exit_type":
		return []string{"main", "cgroup"}
	case "service_timeout_failure_mode":
		return []string{"terminate", "abort", "kill"}
	case "kill_mode":
		return []string{"control-group", "process", "mixed", "none"}
	case "notify_access":
		return []string{"none", "main", "exec", "all"}
	case "oom_policy":
		return []string{"continue", "stop", "kill"}
	case "collect_mode":
		return []string{"inactive", "inactive-or-failed"}
	case "device_policy":
		return []string{"auto", "closed", "strict"}
	}
	return enumOfExec(parser)
}

func enumOfExec(parser string) []string {
	switch parser {
	case "emergency_action":
		return []string{"none", "reboot", "reboot-force", "reboot-immediate", "poweroff", "poweroff-force",
			"poweroff-immediate", "exit", "exit-force", "soft-reboot", "soft-reboot-force", "kexec",
			"kexec-force", "halt", "halt-force", "halt-immediate"}
	case "exec_io_class":
		return []string{"none", "realtime", "best-effort", "idle", "0", "1", "2", "3"}
	case "exec_keyring_mode":
		return []string{"inherit", "private", "shared"}
	case "exec_utmp_mode":
		return []string{"init", "login", "user"}
	case "proc_subset":
		return []string{"all", "pid"}
	case "protect_proc":
		return []string{"noaccess", "invisible", "ptraceable", "default"}
	case "job_mode":
		return []string{"fail", "replace", "replace-irreversibly", "isolate", "flush", "ignore-dependencies",
			"ignore-requirements", "triggering", "restart-dependencies"}
	case "managed_oom_mode":
		return []string{"auto", "kill"}
	case "managed_oom_preference":
		return []string{"none", "avoid", "omit"}
	case "exec_cpu_sched_policy":
		return []string{"other", "batch", "idle", "fifo", "rr", "0", "1", "2", "3", "5"}
	case "socket_protocol":
		return []string{"udplite", "sctp", "mptcp"}
	case "log_level":
		return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "0", "1", "2", "3", "4", "5", "6", "7"}
	}
	return nil
}

// Words lists the values that a directive of [KindEnum] takes, else nil.
func (d Directive) Words() []string { return enumOf(d.parser) }

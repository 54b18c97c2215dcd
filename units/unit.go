// Package units is the model of systemd unit files as fleet holds them: ordered
// options, names, escaping, fleet's hash and fleet's rules of what it accepts.
// It is the one meeting point of the compiler, which makes a [Set], and the
// fleet client, which brings a cluster to it.
package units

// Option is one line of a unit file: Name=Value in [Section].
type Option struct {
	Section string
	Name    string
	Value   string
}

// State is the state that fleet is asked to bring a unit to (fleet v1.0.0 job/job.go).
type State string

// The three states fleet knows: known but not on a machine, on a machine but not
// started, and started.
const (
	Inactive State = "inactive"
	Loaded   State = "loaded"
	Launched State = "launched"
)

// Unit is one unit of a Set: what is to be submitted under Name.
type Unit struct {
	Name    Name
	Options []Option
	Desired State
	// Group is the unit of the stack file that this one was made from when
	// that gives several ("web" for web@1.service and web@2.service), else "".
	Group string
	// Waits lists what the unit's own ExecStartPre waiters hold out for, in the
	// order in which they run.
	Waits []Wait
	// Update says how a change of it is rolled out, nil for all at once. It is no
	// part of what fleet gets, nor of the hash.
	Update *Update
}

// Wait tells of one ExecStartPre waiter of a unit what it holds out for.
type Wait struct {
	// Unit is the unit waited for when it is one of the Set, else "".
	Unit Name
	// Subject is what a person calls it: "kube-apiserver", "etcd", "DEFAULT_IPV4".
	Subject string
	// Probe is what is asked: "http://10.0.0.1:8080/healthz", "file /run/x".
	Probe string
}

// Address is a constant address that the units of a Set rely on: some machine
// with the given metadata is expected to have it.
type Address struct {
	Role string
	// Host is the address without a port.
	Host string
	// Metadata is the role's constraint, by key, as in [X-Fleet] MachineMetadata.
	Metadata Metadata
}

// Metadata is a constraint on machines: every key must have one of its values.
type Metadata map[string][]string

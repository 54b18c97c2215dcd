// Package e2e holds the end-to-end tests of stackc: the real program, as it is
// built for users, against real clusters of three machines.
//
// Each test has a cluster of its own, with systemd, fleetd 1.0.0, etcd and a mirror
// (see cmd/fleetlab/lab), and takes it away. What stackc says is never believed:
// the tests ask fleet through its own fleetctl, etcd for what was written, systemd
// for what runs and since when, the mirror for who fetched what, and the programs
// for their health. They fail where there can be no cluster, unless
// STACKC_NO_CLUSTER=1 turns them off.
package e2e

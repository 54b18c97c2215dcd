// Package doctor finds what slows or endangers a fleet cluster. It is a function of
// what was read before: looks at the cluster through fleet's API, what lies in etcd,
// and clocks. It reads nothing itself; package probe does.
//
// A condition for which something could not be read is said to be unknown, with the
// reason, and never to be fine. What shows in one look only is not believed: rows
// vanish for seconds, and units move.
package doctor

// Package hosttest holds what bootstrap writes against the programs that read it:
// the validator of coreos-cloudinit and Ignition's own packages. It is a module of
// its own, for their requirements and licences are not for the program itself.
package hosttest

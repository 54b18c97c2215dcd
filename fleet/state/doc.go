// Package state keeps in etcd what fleet has no memory for: who changes a stack
// just now, what was submitted before, and which units are a stack's although
// their text does not say so.
//
// Everything lies under one prefix of the v2 keys API, /stackc by default:
//
//	PREFIX/v1/stacks/STACK/lock              a lease: JSON of a [Holder], with a TTL
//	PREFIX/v1/stacks/STACK/heads/00000007    JSON of a [Revision]
//	PREFIX/v1/stacks/STACK/texts/00000007-ID/0000…   its units, in pieces
//	PREFIX/v1/claims/STACK                   JSON: content hash by unit name
//	PREFIX/v1/wanted/STACK                   JSON: the unit names of a run that goes on
//	PREFIX/v1/reserved/STACK                 JSON: the hashes of the contents that it may write
//	PREFIX/v1/registry/…                     what a tidying of fleet's registry notes
//
// A revision is there once its head is: the pieces are written before it, so that
// a program that is killed leaves either nothing that counts or a revision that is
// marked as pending.
//
// The package knows nothing of fleet. What is written goes through a lease; what
// is only read needs none.
package state

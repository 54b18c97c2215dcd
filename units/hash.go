package units

import (
	"crypto/sha1"
	"encoding/hex"
)

// shortHash is how many digits of a hash fleetctl shows (fleet v1.0.0
// unit/unit.go, Hash.Short).
const shortHash = 7

// Hash is fleet's identity of a unit's content: the SHA-1, in hex, of the
// options as go-systemd serialises them (fleet v1.0.0 unit/unit.go,
// UnitFile.Hash). It is defined for every list of options, also for those that
// [Format] refuses, because a cluster may hold them.
func Hash(opts []Option) string {
	var room [1024]byte
	sum := sha1.Sum(appendText(room[:0], opts))
	return hex.EncodeToString(sum[:])
}

// ShortHash is the beginning of a hash as fleetctl prints it.
func ShortHash(hash string) string {
	return hash[:min(shortHash, len(hash))]
}

// Hash is fleet's hash of the unit's options.
func (u Unit) Hash() string { return Hash(u.Options) }

// Text is the unit file as fleet writes it. It does not check the options:
// where they may be at fault, use [Format].
func (u Unit) Text() string { return string(appendText(nil, u.Options)) }

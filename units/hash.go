package units

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
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

// HashOfJob reads the hash of the content that a unit has from the object which fleet
// keeps of the unit in its registry (fleet v1.0.0 registry/job.go, jobModel). It is ""
// where the object names none: fleet leaves such a unit out.
func HashOfJob(object string) (string, error) {
	var job struct{ UnitHash [sha1.Size]byte }
	if err := json.Unmarshal([]byte(object), &job); err != nil || job.UnitHash == [sha1.Size]byte{} {
		return "", err
	}
	return hex.EncodeToString(job.UnitHash[:]), nil
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

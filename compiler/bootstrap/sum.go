package bootstrap

import (
	"crypto/sha256"
	"encoding/hex"
)

// sumOf is the SHA-256 of a text as sha256sum prints it.
func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

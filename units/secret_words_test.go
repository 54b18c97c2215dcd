package units

import (
	"strings"
	"testing"
)

// TestSecretWords holds the quick look at a line to the words that the slow one knows.
func TestSecretWords(t *testing.T) {
	for _, w := range secretWords {
		if !containsAny(w, inSecretWords...) {
			t.Errorf("%q has none of %q", w, inSecretWords)
		}
		option := strings.ToUpper("my"+w) + "=hunter22"
		if found := Secrets(option); len(found) != 1 {
			t.Errorf("Secrets(%q) = %v", option, found)
		}
	}
}

package compiler_test

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// texts returns all stack files that the repository has.
func texts(t testing.TB) []string {
	t.Helper()
	var list []string
	for _, path := range archives(t, compileDir) {
		for _, f := range readCase(t, path).archive.Files {
			if filepath.Ext(f.Name) == ".toml" {
				list = append(list, string(f.Data))
			}
		}
	}
	for _, pattern := range []string{"../stacks/*.toml", "../stacks/*/*.toml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing in %s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, string(text))
		}
	}
	return list
}

// compileText compiles one text alone, with the libraries that come with the compiler.
func compileText(text string) compiler.Options {
	return compiler.Options{Opener: source.Map{stackFile: text, "lib.toml": "stack = \"lib\"\n"}, Std: stacks.Library{}}
}

// FuzzCompile holds the laws of a compile on any text whatever.
func FuzzCompile(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		result, findings := compiler.Compile(stackFile, compileText(text))
		checkLaws(t, result, findings)
		if again := everything(compiler.Compile(stackFile, compileText(text))); again != everything(result, findings) {
			t.Error("a second compile gives something else")
		}
	})
}

// TestMutations changes single characters of good stacks: the laws still hold.
func TestMutations(t *testing.T) {
	list := texts(t)
	letters := []string{"", " ", "\n", "\"", "'", "[", "]", "{", "}", "=", ".", ",", "#", "$", "${{", "}}", "\\", "\x00", "\r", "0", "-", "a", "é", "\xff"}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.SampledFrom(list).Draw(r, "text")
		if text == "" {
			return
		}
		at := rapid.IntRange(0, len(text)-1).Draw(r, "at")
		until := at + rapid.IntRange(0, 1).Draw(r, "away")
		text = text[:at] + rapid.SampledFrom(letters).Draw(r, "letter") + text[until:]
		result, findings := compiler.Compile(stackFile, compileText(text))
		checkLaws(r, result, findings)
	})
}

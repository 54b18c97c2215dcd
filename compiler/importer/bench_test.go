package importer_test

import (
	"fmt"
	"testing"

	"github.com/stackc/stackc/compiler/importer"
)

// BenchmarkImport imports 2,000 units, a third of them with continued lines.
func BenchmarkImport(b *testing.B) {
	var files []importer.File
	for i := range 2000 {
		name := fmt.Sprintf("unit-%d.service", i)
		command := "ExecStart=/opt/bin/a --one=1 --two=2\n"
		if i%3 == 0 {
			command = "ExecStart=/opt/bin/a \\\n  --one=1 \\\n  --two=2\n"
		}
		text := "# a unit\n[Unit]\nDescription=" + name + "\nAfter=docker.service\n[Service]\n" + command + "Restart=always\n[X-Fleet]\nMachineMetadata=role=node\n"
		files = append(files, importer.File{Path: name, Name: name, Text: text})
	}
	for b.Loop() {
		if r := importer.Import(importer.Request{Stack: "many", Files: files}); len(r.Units) != len(files) {
			b.Fatalf("%d units", len(r.Units))
		}
	}
}

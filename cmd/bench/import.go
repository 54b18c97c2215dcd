package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/stackc/stackc/compiler/importer"
)

// importUnits is how many units are imported.
const importUnits = 2000

// unitTexts are unit files as people write them: a third has continued lines, some
// have comments, and all lean on docker.
func unitTexts(n int) []importer.File {
	files := make([]importer.File, n)
	for i := range n {
		run := "/usr/bin/docker run --rm --name app%[1]d -p 8080:80 registry.example.com/app:1.%[1]d"
		if i%3 == 0 {
			run = strings.ReplaceAll(run, " -", " \\\n  -")
		}
		comment := ""
		if i%5 == 0 {
			comment = "# application %[1]d\n"
		}
		name := fmt.Sprintf("app%05d.service", i)
		files[i] = importer.File{Path: name, Name: name, Text: fmt.Sprintf(comment+`[Unit]
Description=application number %[1]d
Documentation=https://example.com/app/%[1]d
After=docker.service
Wants=docker.service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker rm -f app%[1]d
ExecStart=`+run+`
ExecStop=/usr/bin/docker stop app%[1]d
Restart=always
RestartSec=10

[X-Fleet]
MachineMetadata=role=node
`, i)}
	}
	return files
}

// imports measures an import together with the compile of what comes out, against
// go-systemd's reading and writing of the same units.
func (b *bench) imports() error {
	files := unitTexts(importUnits)
	ours, least, err := inTurns(b.rounds,
		func() error {
			r := importer.Import(importer.Request{Stack: "big", Files: files})
			if len(r.Units) != len(files) {
				return fmt.Errorf("%d of %d units are imported", len(r.Units), len(files))
			}
			set, err := compileText(r.Text)
			if err == nil && len(set.Units) != len(files) {
				err = fmt.Errorf("%d of %d units are compiled", len(set.Units), len(files))
			}
			return err
		},
		func() error {
			for _, f := range files {
				options, err := unit.DeserializeOptions(strings.NewReader(f.Text))
				if err != nil {
					return err
				}
				if _, err := io.Copy(io.Discard, unit.Serialize(options)); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	b.title("import of %d units and compile of the result, per unit", importUnits)
	each := func(d time.Duration) time.Duration { return (d / importUnits).Round(time.Microsecond / 10) }
	fmt.Fprintf(b.out, "%12s %24s %7s\n%12s %24s %6.2fx\n", "stackc", "go-systemd read + write", "ratio", each(ours), each(least), float64(ours)/float64(least))
	return nil
}

package lint

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/pattern"
)

// flags.toml lists flags that came, went or were renamed between releases.
//
//go:embed flags.toml
var flagsFile string

// releaseFlag is one row: a flag of a program in the releases [Since, Until).
type releaseFlag struct {
	Product string `toml:"product"`
	Program string `toml:"program"`
	Flag    string `toml:"flag"`
	Since   string `toml:"since"`   // first release that has it, "" when it was always there
	Until   string `toml:"until"`   // first release that no longer has it, "" when it stays
	Instead string `toml:"instead"` // what to write where the flag is not
	Source  string `toml:"source"`  // where the fact stands
}

// releaseFlags returns the table, by program and flag. It is part of the
// compiler's own text: that it parses is held by a test.
var releaseFlags = sync.OnceValue(func() map[string]releaseFlag {
	var table struct {
		Flag []releaseFlag `toml:"flag"`
	}
	if _, err := toml.Decode(flagsFile, &table); err != nil {
		panic(err)
	}
	rows := map[string]releaseFlag{}
	for _, r := range table.Flag {
		rows[r.Program+" "+r.Flag] = r
	}
	return rows
})

var flagWord = pattern.New(`\s--?([A-Za-z][A-Za-z0-9_-]*)`)

var versionForm = pattern.New(`^[0-9]+(\.[0-9]+)*$`)

// release: one that the table cannot judge by would pass every flag.
func release(c *checker, n *topology.Node) {
	w := n.Unit.Release
	if w.Value == "" {
		return
	}
	product, version, _ := strings.Cut(w.Value, "/")
	var products []string
	for _, r := range releaseFlags() {
		products = append(products, r.Product)
	}
	slices.Sort(products)
	products = slices.Compact(products)
	switch {
	case !slices.Contains(products, product):
		c.add(stack.Suggest(stack.Finding(diag.Error, diag.BadValue, w.Pos, n.Path()+".release", "no flags are known of the releases of %q", product),
			product, products, "they are known of "+strings.Join(products, " and ")+"; leave it out"))
	case !versionForm().MatchString(version):
		c.add(stack.Finding(diag.Error, diag.BadValue, w.Pos, n.Path()+".release", "%q does not name a release", w.Value).
			WithHelp(fmt.Sprintf("write the version in numbers, as in %q", product+"/0.15")))
	}
}

// flagRelease holds the flags of a command line against the release that the
// unit declares. Flags that the table does not know are not judged.
func flagRelease(c *checker, x text) {
	release := x.node.Unit.Release
	product, version, ok := strings.Cut(release.Value, "/")
	if x.directive != "ExecStart" || !ok {
		return
	}
	program := programOf(x.source)
	for _, m := range flagWord().FindAllStringSubmatch(x.source, -1) {
		flag := strings.ReplaceAll(m[1], "_", "-")
		row, known := releaseFlags()[program+" "+flag]
		if !known || row.Product != product || row.has(version) {
			continue
		}
		d := x.report(diag.Error, diag.FlagRelease, m[1], "%s %s has no flag %q: it %s", program, version, m[1], row.history(version)).
			WithNote(release.Pos.Span, "the release is declared here")
		if row.Instead != "" {
			d = d.WithHelp(fmt.Sprintf("write %s", row.Instead))
		}
		c.add(d)
	}
}

// programOf returns the program of a command line, by the name of its file.
// hyperkube is all programs of Kubernetes in one, and plays the one that its
// first word names, with or without "kube-" (cmd/hyperkube of Kubernetes).
func programOf(line string) string {
	program, rest, _ := strings.Cut(line, " ")
	program = path.Base(strings.TrimLeft(program, "-@+!:"))
	if program != "hyperkube" {
		return program
	}
	played, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if played == "kubelet" || strings.HasPrefix(played, "kube-") {
		return played
	}
	return "kube-" + played
}

func (r releaseFlag) has(version string) bool {
	return (r.Since == "" || !older(version, r.Since)) && (r.Until == "" || older(version, r.Until))
}

func (r releaseFlag) history(version string) string {
	if r.Since != "" && older(version, r.Since) {
		return "came with " + r.Since
	}
	return "went away with " + r.Until
}

// older compares versions number by number: 0.9 is older than 0.15.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := number(as, i), number(bs, i)
		if x != y {
			return x < y
		}
	}
	return false
}

func number(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return n
}

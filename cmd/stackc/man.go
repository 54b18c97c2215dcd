package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// manual makes the pages from the tree of commands and the tables of the language.
type manual struct{ app *cli.App }

// page is one page with the name of its file, such as stackc-submit.1.
type page struct{ file, text string }

func (p *program) man() *cli.Command {
	var dir string
	return &cli.Command{
		Name:      "man",
		Usage:     "print the manual pages",
		ArgsUsage: "[PAGE] [-o DIR]",
		Description: `Prints the manual page stackc(1), of a command, or with PAGE "5" the page of the
language, in the form that man(1) shows; with -o it writes all of them into files of DIR. make install puts them
where man looks for them.

examples:
  stackc man submit
  stackc man -o man

exit codes: 0 done; 1 error`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "o", Destination: &dir, Usage: "write all pages into files of `DIR`, which is made if needed"},
		},
		Action: func(ctx *cli.Context) error {
			pages := manual{ctx.App}.pages()
			switch args := ctx.Args(); {
			case dir != "" && args.Len() == 0:
				return writePages(dir, pages)
			case dir == "" && args.Len() <= 1:
				return p.printPage(pages, args.First())
			}
			if dir != "" {
				return misuse("leave one of them out", "-o writes all pages, and PAGE %q is given too", ctx.Args().First())
			}
			return wrongArguments(ctx, "one PAGE or -o DIR", ctx.Args().Slice())
		},
	}
}

func (p *program) printPage(pages []page, name string) error {
	file := "stackc-" + name + ".1"
	switch name {
	case "", "1", "stackc":
		file = "stackc.1"
	case "5":
		file = "stackc.5"
	}
	i := slices.IndexFunc(pages, func(p page) bool { return p.file == file })
	if i < 0 {
		known := []string{"stackc"}
		for _, p := range pages {
			known = append(known, strings.TrimSuffix(strings.TrimPrefix(p.file, "stackc-"), ".1"))
		}
		return misuse("stackc man -o DIR writes all pages", "there is no page %q%s", name, didYouMean(name, known, "stackc man "))
	}
	_, err := io.WriteString(p.out, pages[i].text)
	return err
}

func writePages(dir string, pages []page) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var errs []error
	for _, p := range pages {
		errs = append(errs, writeIfChanged(filepath.Join(dir, p.file), p.text))
	}
	return errors.Join(errs...)
}

// pages are all pages: the program, each command, and the language.
func (m manual) pages() []page {
	list := []page{{"stackc.1", m.program()}}
	for _, c := range m.app.VisibleCommands() {
		list = append(list, page{"stackc-" + c.Name + ".1", m.command(c)})
	}
	return append(list, page{"stackc.5", languagePage()})
}

// program is stackc(1).
func (m manual) program() string {
	r := newRoff("stackc", 1)
	r.section("Name")
	r.line("stackc - " + m.app.Usage)
	r.section("Synopsis")
	r.item("stackc", "COMMAND [FLAGS] [FILE]", "")
	r.section("Commands")
	for _, c := range m.app.VisibleCommands() {
		r.item("stackc-"+c.Name+"(1)", "", c.Usage)
	}
	r.section("Global flags")
	r.paragraph("They hold for every command, and may stand before or behind it. A flag beats its variable.")
	flags(r, m.app.VisibleFlags())
	r.section("Exit status")
	_, codes, _ := strings.Cut(appHelp, "exit codes: ")
	codes, _, _ = strings.Cut(codes, "\n\n")
	exitCodes(r, codes)
	r.section("See also")
	r.line("stackc(5) for the language of stack files, fleetctl(1), systemd.unit(5)")
	return r.b.String()
}

// command is the page of one command.
func (m manual) command(c *cli.Command) string {
	r := newRoff("stackc-"+c.Name, 1)
	r.section("Name")
	r.line("stackc-" + c.Name + " - " + c.Usage)
	r.section("Synopsis")
	r.item("stackc "+c.Name, strings.TrimSpace("[FLAGS] "+strings.TrimSpace(c.ArgsUsage)), "")
	text, examples, _ := strings.Cut("\n\n"+c.Description, "\n\nexample")
	examples, codes, _ := strings.Cut(examples, "\n\nexit codes: ")
	if strings.TrimSpace(text) != "" {
		r.section("Description")
		described(r, text)
	}
	if list := c.VisibleFlags(); len(list) > 0 {
		r.section("Flags")
		flags(r, list)
	}
	if _, lines, ok := strings.Cut(examples, ":\n"); ok {
		r.section("Examples")
		r.verbatim(strings.Split(strings.TrimRight(lines, "\n"), "\n"))
	}
	if codes != "" {
		r.section("Exit status")
		exitCodes(r, codes)
	}
	r.section("See also")
	r.line("stackc(1) for the global flags, stackc(5)")
	return r.b.String()
}

// exitCodes writes a list such as "0 done; 1 error".
func exitCodes(r *roff, codes string) {
	for code := range strings.SplitSeq(codes, ";") {
		number, meaning, _ := strings.Cut(strings.TrimSpace(code), " ")
		r.item(number, "", meaning)
	}
}

// described writes the text of a help: paragraphs, and tables as they stand.
func described(r *roff, text string) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		table := slices.ContainsFunc(lines, func(l string) bool {
			return strings.Contains(strings.TrimLeft(l, " "), "   ") || strings.HasPrefix(l, " ")
		})
		if table {
			r.verbatim(lines)
		} else {
			r.paragraph(block)
		}
	}
}

// flags writes a list of flags, with their defaults and variables.
func flags(r *roff, list []cli.Flag) {
	for _, f := range list {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		var names []string
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
		about := usageOf(f)
		if v := d.GetDefaultText(); v != "" && d.TakesValue() {
			about += fmt.Sprintf(" (default: %s)", v)
		}
		for _, v := range d.GetEnvVars() {
			about += " [$" + v + "]"
		}
		r.item(strings.Join(names, ", "), placeholderOf(f), about)
	}
}

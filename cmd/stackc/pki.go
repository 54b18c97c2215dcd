package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/keyring"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/pki"
)

// pkiWork is what pki was asked to do.
type pkiWork struct {
	in           *input
	form         *format
	dir          string
	days, within int
}

// Lives of certificates in days, when it is not said otherwise.
const (
	caDays   = 3650
	certDays = 365
)

// pkiVerb is one thing that pki can do.
type pkiVerb struct {
	name string
	// flags are those that mean something to it, besides those of FILE and --dir.
	flags []string
	run   func(p *program, o *pkiWork, f *keyring.Folder, names []string) error
}

func pkiVerbs() []pkiVerb {
	return []pkiVerb{
		{"init", []string{"days"}, (*program).initKeys},
		{"issue", []string{"days"}, (*program).issueKeys},
		{"renew", []string{"days", "within"}, (*program).renewKeys},
		{"list", []string{"within"}, (*program).listKeys},
		{"check", []string{"within"}, (*program).checkKeys},
	}
}

func (p *program) pki() *cli.Command {
	o := &pkiWork{in: newInput(), form: newFormat()}
	return &cli.Command{
		Name:      "pki",
		Usage:     "make, renew and check the certificates that a stack needs",
		ArgsUsage: "VERB FILE [NAME...]",
		Description: `init FILE           make a folder with a CA, which stays for ten years
issue FILE          make what is missing: keys, certificates, kubeconfigs, tokens
renew FILE [NAME…]  sign anew what ends soon or has other names by now, and NAMEs
list FILE           all files, until when they are good and where they belong
check FILE          what is missing, ends within 30 days, or is not as it must be

Which certificates there are, for whom and with which names follows from the stack:
from the command lines of Kubernetes and etcd in it, its roles and its machines. The
files are in STACK.pki beside FILE; nobody but their owner may read them. No key that
is there is ever written over, and none stands in a unit, a plan or the history.

examples:
  stackc pki init k8s-1.11.toml
  stackc pki init k8s-1.11.toml && stackc pki issue k8s-1.11.toml
  stackc pki init k8s-1.11.toml --dir keys && stackc pki check k8s-1.11.toml --dir keys

exit codes: 0 done, or all is right; 1 error; 2 there is something to issue or to
renew (check)`,
		Flags: append(o.in.flags(), o.form.flag(),
			&cli.StringFlag{Name: "dir", Destination: &o.dir, Usage: "keep the files in `DIR`, otherwise STACK.pki beside FILE"},
			&cli.IntFlag{Name: "days", Destination: &o.days, DefaultText: "3650 for the CA, otherwise 365", Usage: "what is signed is good for `N` days"},
			&cli.IntFlag{Name: "within", Destination: &o.within, Value: 30, Usage: "a certificate ends soon when it ends within `N` days"},
		),
		Action: func(ctx *cli.Context) error { return p.runPKI(ctx, o) },
	}
}

// runPKI carries out the verb that the first word is.
func (p *program) runPKI(ctx *cli.Context, o *pkiWork) error {
	const help = "stackc pki --help lists the verbs"
	var names []string
	for _, v := range pkiVerbs() {
		names = append(names, v.name)
	}
	words := ctx.Args().Slice()
	if len(words) == 0 {
		return misuse(help, "pki takes a verb: %s", strings.Join(names, ", "))
	}
	i := slices.Index(names, words[0])
	if i < 0 {
		return misuse(help, "pki cannot %q%s", words[0], didYouMean(words[0], names, "stackc pki "))
	}
	verb := pkiVerbs()[i]
	for _, flag := range []string{"days", "within"} {
		if ctx.IsSet(flag) && !slices.Contains(verb.flags, flag) {
			return misuse(help, "--%s means nothing to pki %s", flag, verb.name)
		}
	}
	switch given := words[1:]; {
	case len(given) == 0 && verb.name == "renew":
		return wrongWords(ctx, verb.name, "FILE [NAME...]", "a FILE and perhaps NAMEs", given)
	case len(given) != 1 && verb.name != "renew":
		return wrongWords(ctx, verb.name, "FILE", "one FILE", given)
	}
	if ctx.IsSet("days") && o.days < 1 || o.within < 0 {
		return misuse("", "a certificate is good for a day at least")
	}
	folder, err := p.keyFolder(o, words[1])
	if err != nil {
		return notMade(err)
	}
	return notMade(verb.run(p, o, folder, words[2:]))
}

// keyFolder plans what the stack needs, and says where it is.
func (p *program) keyFolder(o *pkiWork, path string) (*keyring.Folder, error) {
	result, _, err := o.in.loadResult(p.console, path, o.form)
	if err != nil {
		return nil, err
	}
	plan, err := pki.Of(result.Topology, result.Set)
	if err != nil {
		return nil, err
	}
	f := &keyring.Folder{Dir: o.dir, Plan: plan, Now: p.now(), Random: p.random}
	if f.Dir == "" {
		f.Dir = filepath.Join(filepath.Dir(path), strings.ReplaceAll(plan.Stack, "/", "-")+".pki")
	}
	return f, nil
}

// notMade gives errors about keys their help.
func notMade(err error) error {
	var needs *pki.Error
	var made *keyring.Error
	switch {
	case errors.As(err, &needs):
		return &failure{code: exitError, err: err, help: needs.Help, kind: kindError}
	case errors.As(err, &made):
		return &failure{code: exitError, err: err, help: made.Help, kind: kindError}
	}
	return err
}

// or returns a number of days, or what it is when it was not said.
func (o *pkiWork) or(days int) int {
	if o.days > 0 {
		return o.days
	}
	return days
}

func (o *pkiWork) soon() time.Duration { return time.Duration(o.within) * 24 * time.Hour }

func (p *program) initKeys(o *pkiWork, f *keyring.Folder, _ []string) error {
	made, err := f.Init(o.or(caDays))
	return p.made(o, f, made, err)
}

func (p *program) issueKeys(o *pkiWork, f *keyring.Folder, _ []string) error {
	made, err := f.Issue(o.or(certDays))
	return p.made(o, f, made, err)
}

func (p *program) renewKeys(o *pkiWork, f *keyring.Folder, names []string) error {
	made, err := f.Renew(o.or(certDays), o.soon(), names)
	return p.made(o, f, made, err)
}

// keysMade is the JSON form of what was written.
type keysMade struct {
	Stack string       `json:"stack"`
	Dir   string       `json:"dir"`
	Made  []string     `json:"made"`
	Error *errorReport `json:"error,omitempty"`
}

// made tells what was written, be it all or not.
func (p *program) made(o *pkiWork, f *keyring.Folder, made []string, err error) error {
	if made == nil {
		made = []string{}
	}
	if err != nil && len(made) == 0 {
		return err
	}
	if o.form.isJSON() {
		report := keysMade{Stack: f.Plan.Stack, Dir: f.Dir, Made: made}
		if err == nil {
			return p.json(report)
		}
		failed := judge(notMade(err))
		report.Error = failed.report()
		if err := p.json(report); err != nil {
			return err
		}
		return exitWith(failed.code)
	}
	if err := p.printf("%s", view.KeysMade(f.Dir, made)); err != nil {
		return err
	}
	return err
}

// keysReport is the JSON form of all files.
type keysReport struct {
	Stack string          `json:"stack"`
	Dir   string          `json:"dir"`
	Files []keyring.Entry `json:"files"`
}

func (p *program) listKeys(o *pkiWork, f *keyring.Folder, _ []string) error {
	state, err := f.State(o.soon())
	if err != nil {
		return err
	}
	return p.showKeys(o, f, state, func(list []keyring.Entry) string { return view.Keys(list, p.textWidth()) })
}

func (p *program) checkKeys(o *pkiWork, f *keyring.Folder, _ []string) error {
	state, err := f.State(o.soon())
	if err != nil {
		return err
	}
	wrong := slices.DeleteFunc(slices.Clone(state), func(e keyring.Entry) bool { return e.Status == keyring.OK })
	if len(wrong) == 0 {
		return p.showKeys(o, f, state, func(list []keyring.Entry) string { return view.KeysRight(f.Dir, list) })
	}
	if err := p.showKeys(o, f, wrong, func(list []keyring.Entry) string { return view.KeysWrong(f.Dir, list) }); err != nil {
		return err
	}
	return exitWith(exitChanges)
}

// showKeys writes files as JSON, or as text makes them.
func (p *program) showKeys(o *pkiWork, f *keyring.Folder, list []keyring.Entry, text func([]keyring.Entry) string) error {
	if o.form.isJSON() {
		return p.json(keysReport{Stack: f.Plan.Stack, Dir: f.Dir, Files: list})
	}
	return p.printf("%s", text(list))
}

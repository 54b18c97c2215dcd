package stack

import (
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// Announce says that fleet chooses the machine of a unit, and that followers on
// other machines learn its address from etcd.
type Announce struct {
	Pos Pos
	// Env is the variable that holds the address of the unit's machine, nil for the
	// address by which fleet itself knows the machine.
	Env *EnvVar
	// Broken says that the word is at fault, which is reported.
	Broken bool
}

// announceWords are the keys of an announcement that is a table.
var announceWords = []keyword[Announce]{
	key("env", form[*EnvVar]{mapShape(envPattern, stringShape(slashPattern+`|\$\{\{`)), (*decoder).oneEnv}, func(a *Announce) **EnvVar { return &a.Env },
		"the variable with the machine's own address, and the file on the machine that gives it", `{ DEFAULT_IPV4 = "/etc/network-environment" }`).required(),
}

func announceForm() form[*Announce] {
	return form[*Announce]{
		eitherShape(boolShape(), tableShape(Table{Name: "announce", Keys: keywordsOf(announceWords)})),
		(*decoder).announce,
	}
}

// announce reads `announce = true` or `announce = { env = { VARIABLE = "/file" } }`.
func (d *decoder) announce(v *syntax.Value) *Announce {
	a := &Announce{Pos: d.pos(v.Span)}
	before := len(*d.findings)
	if v.Kind == syntax.KindTable {
		read(d, a, v.Table, "announce", announceWords)
		words := keywordsOf(announceWords).Names()
		if v.Table.Get("env") == nil && !mistyped(v.Table, words, "env") {
			d.errorf(diag.MissingKey, v.Span, "announce does not say which variable holds the machine's address").
				help(`write { env = { COREOS_PRIVATE_IPV4 = "/etc/environment" } }, or true for the address by which fleet knows the machine`)
		}
	} else if f := d.flag(v); !f.Set && len(*d.findings) == before {
		return nil
	}
	a.Broken = len(*d.findings) > before
	return a
}

// oneEnv reads `{ VARIABLE = "/file" }`.
func (d *decoder) oneEnv(v *syntax.Value) *EnvVar {
	before := len(*d.findings)
	list := d.env(v)
	if v.Kind == syntax.KindTable && len(v.Table.Entries) != 1 && len(*d.findings) == before {
		d.errorf(diag.BadValue, v.Span, "a machine has one address: %d variables are named", len(v.Table.Entries)).
			help("name the one variable that holds the address that other machines reach")
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

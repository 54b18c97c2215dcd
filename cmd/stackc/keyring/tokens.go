package keyring

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strings"

	"github.com/stackc/stackc/compiler/pki"
)

// table is a file whose rows are secret,user,uid,"group,group" (kubernetes.io,
// "Authenticating", static token file and static password file).
type table struct {
	name   string // of the file
	secret string // "token"
	users  []pki.Identity
}

// tables are those of the plan.
func (f *Folder) tables() []table {
	var list []table
	for _, t := range []table{{pki.Tokens, "token", f.Plan.Tokens}, {pki.Passwords, "password", f.Plan.Passwords}} {
		if len(t.users) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// rows reads a table.
func (f *Folder) rows(t table) ([][]string, error) {
	text, err := f.Read(t.name)
	if err != nil || text == nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	help := "a row is " + t.secret + `,user,uid,"group,group"`
	if err != nil {
		// The error of the parser is left out: it may quote what it has read.
		return nil, fail(help, "%s is no table of %ss", f.path(t.name), t.secret)
	}
	for i, row := range rows {
		if len(row) < 3 {
			return nil, fail(help, "%s: row %d has no user and uid", f.path(t.name), i+1)
		}
	}
	return rows, nil
}

// lacking are those of the plan that have no secret in the rows yet.
func (t table) lacking(rows [][]string) []pki.Identity {
	has := map[string]bool{}
	for _, row := range rows {
		has[row[1]] = true
	}
	var list []pki.Identity
	for _, who := range t.users {
		if !has[who.User] {
			list = append(list, who)
		}
	}
	return list
}

// fill gives a secret to those that have none; rows that are there stay.
func (f *Folder) fill(t table) (bool, error) {
	rows, err := f.rows(t)
	if err != nil {
		return false, err
	}
	lacking := t.lacking(rows)
	for _, who := range lacking {
		var b [16]byte
		if _, err := io.ReadFull(f.Random, b[:]); err != nil {
			return false, err
		}
		rows = append(rows, []string{hex.EncodeToString(b[:]), who.User, who.User, strings.Join(who.Groups, ",")})
	}
	if len(lacking) == 0 {
		return false, nil
	}
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	if err := w.WriteAll(rows); err != nil {
		return false, err
	}
	return true, f.replace(t.name, text.Bytes())
}

func (f *Folder) tableState(t table) (Entry, error) {
	e := f.plain(t.name)
	rows, err := f.rows(t)
	if err != nil || e.Status != OK {
		return e, err
	}
	if lacking := t.lacking(rows); len(lacking) > 0 {
		e.Status, e.Note = Changed, lacking[0].User+" has no "+t.secret+" yet; stackc pki issue adds it"
	}
	return e, nil
}

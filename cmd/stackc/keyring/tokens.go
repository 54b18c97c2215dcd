package keyring

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strings"

	"github.com/stackc/stackc/compiler/pki"
)

// tokens reads the rows token,user,uid,"group,group" (kubernetes.io,
// "Authenticating", static token file).
func (f *Folder) tokens() ([][]string, error) {
	text, err := f.Read(pki.Tokens)
	if err != nil || text == nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		// The error of the parser is left out: it may quote what it has read.
		return nil, fail(`a row is token,user,uid,"group,group"`, "%s is no table of tokens", f.path(pki.Tokens))
	}
	for i, row := range rows {
		if len(row) < 3 {
			return nil, fail(`a row is token,user,uid,"group,group"`, "%s: row %d has no user and uid", f.path(pki.Tokens), i+1)
		}
	}
	return rows, nil
}

// lacking are those of the plan that have no token yet.
func (f *Folder) lacking(rows [][]string) []pki.Identity {
	has := map[string]bool{}
	for _, row := range rows {
		has[row[1]] = true
	}
	var list []pki.Identity
	for _, who := range f.Plan.Tokens {
		if !has[who.User] {
			list = append(list, who)
		}
	}
	return list
}

// addTokens gives a token to those that have none; rows that are there stay.
func (f *Folder) addTokens() (bool, error) {
	rows, err := f.tokens()
	if err != nil {
		return false, err
	}
	lacking := f.lacking(rows)
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
	return true, f.replace(pki.Tokens, text.Bytes())
}

func (f *Folder) tokenState() (Entry, error) {
	e := f.plain(pki.Tokens)
	rows, err := f.tokens()
	if err != nil || e.Status != OK {
		return e, err
	}
	if lacking := f.lacking(rows); len(lacking) > 0 {
		e.Status, e.Note = Changed, lacking[0].User+" has no token yet; stackc pki issue adds it"
	}
	return e, nil
}

package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/stackc/stackc/units"
)

// SavedPlan is a plan with what has to be known to carry it out later.
type SavedPlan struct {
	// Format is PlanVersion, and says that this is a plan at all.
	Format int `json:"stackc_plan"`
	// Program is the version of stackc that made it.
	Program string    `json:"program,omitempty"`
	Made    time.Time `json:"made"`
	By      string    `json:"by,omitempty"`
	// Endpoint is the fleet that it was made for.
	Endpoint string `json:"endpoint"`
	// File, Source and Git tell of what text it was made: its name, a digest of all
	// that went into the units, and the commit that was checked out.
	File   string `json:"file,omitempty"`
	Source string `json:"source,omitempty"`
	Git    string `json:"git,omitempty"`
	// Machines is a digest of the machines, Units one of the wanted units.
	Machines string `json:"machines"`
	Units    string `json:"units"`
	// Digest is that of the plan itself, so that a file that was cut off or edited
	// is noticed.
	Digest string `json:"digest"`
	Plan   *Plan  `json:"plan"`
}

// EncodePlan gives the text of a file for the plan; of head, what follows from the
// plan is filled in.
func EncodePlan(head SavedPlan, p *Plan) ([]byte, error) {
	head.Format, head.Plan = PlanVersion, p
	head.Machines, head.Units = digestOf(p.Machines), digestOf(p.contents())
	head.Digest = digestOf(p)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(head)
	return b.Bytes(), err
}

// contents are name, desired state and hash of each unit as the plan leaves it.
func (p *Plan) contents() [][3]string {
	var list [][3]string
	for _, u := range p.Units {
		list = append(list, [3]string{string(u.Unit), string(u.To), u.NewHash})
	}
	return list
}

// digestOf identifies plain data.
func digestOf(data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // only plain data is encoded
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:32]
}

// DecodePlan reads what EncodePlan wrote. The error says what is wrong with a text
// that is not that, whole and unchanged.
func DecodePlan(text []byte) (*SavedPlan, error) {
	var head struct {
		Format *int `json:"stackc_plan"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&head); err != nil {
		return nil, notWhole(text, err)
	}
	switch {
	case head.Format == nil:
		return nil, fmt.Errorf("it is not a plan: plan -o writes one")
	case *head.Format > PlanVersion:
		return nil, fmt.Errorf("it was written by a newer stackc: its format is %d, and this one knows %d", *head.Format, PlanVersion)
	case *head.Format != PlanVersion:
		return nil, fmt.Errorf("its format is %d, and this stackc knows %d only: plan again", *head.Format, PlanVersion)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("it is damaged: something stands behind the plan")
	}
	var saved SavedPlan
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&saved); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if saved.Plan == nil || digestOf(saved.Plan) != saved.Digest || digestOf(saved.Plan.Machines) != saved.Machines {
		return nil, fmt.Errorf("it is damaged, or was edited: its contents are not those that its digest is of")
	}
	return &saved, saved.Plan.check()
}

// notWhole words why a text is no JSON value.
func notWhole(text []byte, err error) error {
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(start) == 0:
		return fmt.Errorf("it is empty")
	case start[0] != '{':
		return fmt.Errorf("it is not a plan: plan -o writes one")
	case err == io.ErrUnexpectedEOF:
		return fmt.Errorf("it is cut off")
	}
	return fmt.Errorf("it is damaged: %w", err)
}

// check finds contents that do not belong to their hashes, and requests for what
// the plan does not have.
func (p *Plan) check() error {
	known := map[units.Name]bool{}
	for _, u := range p.Units {
		known[u.Unit] = true
		if len(u.Content) > 0 && units.Hash(u.options()) != u.NewHash {
			return fmt.Errorf("it is damaged: the content of %s is not that of its hash", u.Unit)
		}
		if len(u.Old) > 0 && units.Hash(u.old()) != u.OldHash {
			return fmt.Errorf("it is damaged: the old content of %s is not that of its hash", u.Unit)
		}
	}
	for _, r := range p.Rollouts {
		for _, name := range r.Units {
			if !known[name] {
				return fmt.Errorf("it is damaged: it rolls out %s, which it does not tell of", name)
			}
		}
	}
	for _, w := range p.Waves {
		for _, s := range w.Steps {
			if !known[s.Unit] {
				return fmt.Errorf("it is damaged: it has a request for %s, which it does not tell of", s.Unit)
			}
		}
		for _, name := range w.Hold {
			if !known[name] {
				return fmt.Errorf("it is damaged: it waits for %s, which it does not tell of", name)
			}
		}
	}
	return nil
}

package gc

import "time"

// Report is what a run has found and done.
type Report struct {
	// Prefix is fleet's directory in etcd.
	Prefix string `json:"prefix"`
	DryRun bool   `json:"dry_run,omitempty"`
	// Contents is how many there were at first, Live how many of them units have.
	Contents int `json:"contents"`
	Live     int `json:"live"`
	// Found is how many no unit has, FoundBytes what they take.
	Found      int   `json:"found"`
	FoundBytes int64 `json:"found_bytes"`
	// Young is how many of those found are not known to be old enough; Kept how many
	// a revision of the history has; Spared how many a unit took meanwhile, or
	// somebody else has changed or removed.
	Young  int `json:"young"`
	Kept   int `json:"kept"`
	Spared int `json:"spared"`
	// Removed is how many are gone by this run, RemovedBytes what they took.
	Removed      int   `json:"removed"`
	RemovedBytes int64 `json:"removed_bytes"`
	// Restored is how many were written again: a unit took them while they were
	// removed, by this run or by one before it that was cut short.
	Restored int `json:"restored"`
	// Pending is how many the journal has still: this run was cut short, and the next
	// one looks after them.
	Pending int `json:"pending,omitempty"`
	// Left is how many no unit has at the end.
	Left int `json:"left"`
	// ReadyAt is when the young ones are old enough, by etcd's clock.
	ReadyAt time.Time `json:"ready_at,omitzero"`
	// ListBefore and ListAfter are how long it took to read the registry as each of
	// fleet's agents does again and again.
	ListBefore time.Duration `json:"list_before"`
	ListAfter  time.Duration `json:"list_after,omitempty"`
	// Requests is how many were made to etcd.
	Requests int64 `json:"requests"`
}

// Stage is what a run is at.
type Stage string

// The stages, in their order.
const (
	// Watching is the time between the look at what there is and the first removal.
	Watching Stage = "watching"
	// Removing goes on while contents are removed.
	Removing Stage = "removing"
	// Settling is the time in which what is removed is brought back if a unit takes it.
	Settling Stage = "settling"
)

// Progress tells how far a run is. It is told at the beginning of a stage, after each
// batch, and once a second while nothing else happens.
type Progress struct {
	Stage Stage
	// Done of Total contents are looked at; 0 of 0 when it is time that passes.
	Done, Total int
	// Left is how long the stage takes at least.
	Left time.Duration
}

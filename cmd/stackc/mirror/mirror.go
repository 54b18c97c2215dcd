// Package mirror moves the files of a mirror: it fetches them into a folder,
// holds a folder or a web server against what they must be, and serves a folder.
// It knows nothing of stacks.
package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"
)

// Want is one file of a mirror.
type Want struct {
	// Path is its place below the folder, with slashes.
	Path string
	// URL is where it is asked for.
	URL string
	// SHA256 is what its content must have, "" when any will do.
	SHA256 string
}

// State is what has become of a file, or how it was found.
type State string

// The states of a file.
const (
	Fetched State = "fetched" // it is in the folder now
	Kept    State = "kept"    // it was there, and is right or not pinned
	Right   State = "right"   // its content is what it must be
	Loose   State = "loose"   // it is there, and nothing says what it must be
	Wrong   State = "wrong"   // its content is another
	Missing State = "missing" // there is no such file
	Away    State = "away"    // the server does not answer
	Failed  State = "failed"  // anything else
)

// Good reports whether the mirror can do with the file as it is.
func (s State) Good() bool { return s == Fetched || s == Kept || s == Right || s == Loose }

// Result is what has become of one file.
type Result struct {
	Want
	State State
	// Size is the length of the content in bytes, and Sum its SHA-256; both are of
	// the content that was found, be it wrong.
	Size int64
	Sum  string
	// Err says why the state is not a good one.
	Err error
}

// Watcher is told how a file comes in. Its methods are called by several
// goroutines; i is the place of the file in the list.
type Watcher interface {
	// Begun tells that a file is asked for, of which the folder has that many bytes
	// of total; total is -1 when the server does not say.
	Begun(i int, have, total int64)
	// Came tells of so many bytes more.
	Came(i int, n int64)
	// Ended tells what has become of a file.
	Ended(i int, r Result)
}

// each runs f for every file, so many at a time, and returns the results in the
// order of the files.
func each(wants []Want, parallel int, watch Watcher, f func(i int, w Want) Result) []Result {
	results := make([]Result, len(wants))
	var group errgroup.Group
	group.SetLimit(max(1, parallel))
	for i, w := range wants {
		group.Go(func() error {
			results[i] = f(i, w)
			watch.Ended(i, results[i])
			return nil
		})
	}
	group.Wait() // results hold what is at fault
	return results
}

// CheckFolder holds the files of a folder against what they must be.
func CheckFolder(ctx context.Context, dir *os.Root, wants []Want, parallel int, watch Watcher) []Result {
	return each(wants, parallel, watch, func(_ int, w Want) Result {
		if err := ctx.Err(); err != nil {
			return Result{Want: w, State: Failed, Err: err}
		}
		sum, size, err := sumOf(dir, w.Path)
		return w.judge(sum, size, err)
	})
}

// judge says what a content that was read is to the mirror.
func (w Want) judge(sum string, size int64, err error) Result {
	r := Result{Want: w, State: Right, Size: size, Sum: sum, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.State, r.Err = Missing, errors.New("there is no such file")
	case err != nil:
		r.State = stateOf(err)
	case w.SHA256 == "":
		r.State = Loose
	case sum != w.SHA256:
		r.State, r.Err = Wrong, fmt.Errorf("its sha256 is %s, and must be %s", sum, w.SHA256)
	}
	return r
}

// stateOf is the state of a file that was not had for that reason.
func stateOf(err error) State {
	var status *statusError
	switch {
	case errors.As(err, &status) && status.gone():
		return Missing
	case errors.As(err, &status), errors.Is(err, context.Canceled):
		return Failed
	case isAway(err):
		return Away
	}
	return Failed
}

// sumOf reads a file of the folder.
func sumOf(dir *os.Root, path string) (sum string, size int64, err error) {
	f, err := openFile(dir, path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// openFile opens a regular file for reading: anything else may never end, or is none.
func openFile(dir *os.Root, path string) (*os.File, error) {
	info, err := dir.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: %s", path, info.Mode().Type())
	}
	return dir.Open(path)
}

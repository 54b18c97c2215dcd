package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
)

// partSuffix is behind the name of a file of which not all is there yet.
const partSuffix = ".part"

// Fetch fills a folder, so many files at a time. A file that is there and right,
// or that is there and may be any, is left as it is. Others come into NAME.part,
// of which a later run goes on from the end, and are moved into their place when
// they are whole and right: what has a file's name is never half of it.
func (c *Client) Fetch(ctx context.Context, dir *os.Root, wants []Want, parallel int, watch Watcher) []Result {
	return each(wants, parallel, watch, func(i int, w Want) Result {
		if err := ctx.Err(); err != nil {
			return Result{Want: w, State: Failed, Err: err}
		}
		sum, size, err := sumOf(dir, w.Path)
		if err == nil && (w.SHA256 == "" || sum == w.SHA256) {
			return Result{Want: w, State: Kept, Size: size, Sum: sum}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Result{Want: w, State: Failed, Err: err}
		}
		f := &fetching{client: c, dir: dir, want: w, i: i, watch: watch, part: w.Path + partSuffix}
		r := f.run(ctx)
		if r.State == Right || r.State == Loose {
			r.State = Fetched
		}
		return r
	})
}

// fetching is one file on its way.
type fetching struct {
	client *Client
	dir    *os.Root
	want   Want
	i      int
	watch  Watcher
	part   string
	// version is what the server calls the content that part has a piece of, "" when
	// it comes from an earlier run or the server does not say.
	version string
	resumed bool // part began with what an earlier run had
}

func (f *fetching) run(ctx context.Context) Result {
	if err := f.dir.MkdirAll(path.Dir(f.want.Path), 0o777); err != nil {
		return Result{Want: f.want, State: Failed, Err: err}
	}
	// What is not pinned cannot be told from a piece of something else.
	if f.want.SHA256 == "" {
		if err := f.forget(); err != nil {
			return Result{Want: f.want, State: Failed, Err: err}
		}
	}
	f.resumed = f.have() > 0
	r := f.whole(ctx)
	if r.State == Wrong && f.resumed { // the piece may have been of another content
		f.resumed = false
		if err := f.forget(); err != nil {
			return Result{Want: f.want, State: Failed, Err: err}
		}
		r = f.whole(ctx)
	}
	switch {
	case r.State == Wrong:
		if err := f.forget(); err != nil {
			r.Err = errors.Join(r.Err, err)
		}
	case r.State.Good():
		if err := f.dir.Rename(f.part, f.want.Path); err != nil {
			return Result{Want: f.want, State: Failed, Err: err}
		}
	}
	return r
}

// whole brings in what part lacks, and reads it again.
func (f *fetching) whole(ctx context.Context) Result {
	err := f.client.patiently(ctx, func() (bool, error) {
		before := f.have()
		err := f.more(ctx)
		return f.have() > before, err
	})
	if err != nil {
		return Result{Want: f.want, State: stateOf(err), Err: err}
	}
	return f.want.judge(sumOf(f.dir, f.part))
}

// have is how many bytes part has.
func (f *fetching) have() int64 {
	info, err := f.dir.Stat(f.part)
	if err != nil {
		return 0
	}
	return info.Size()
}

// forget takes part away.
func (f *fetching) forget() error {
	f.version = ""
	if err := f.dir.Remove(f.part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// more asks for what part lacks (RFC 9110, 14.2): from its end, if the content is
// still the one that it has a piece of.
func (f *fetching) more(ctx context.Context) error {
	have, header := f.have(), http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if f.version != "" {
			header.Set("If-Range", f.version)
		}
	}
	return f.client.get(ctx, f.want.URL, header, func(r *http.Response, body io.Reader) error {
		how := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		switch {
		case r.StatusCode == http.StatusPartialContent && startsAt(r, have):
			how = os.O_WRONLY | os.O_APPEND
		case r.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
			if endsAt(r, have) {
				return nil // nothing is lacking
			}
			return errors.Join(f.forget(), errShorter) // from the beginning
		case r.StatusCode != http.StatusOK:
			return &statusError{r.StatusCode}
		default:
			have, f.resumed = 0, false
		}
		f.version = versionOf(r)
		return f.keep(r, body, how, have)
	})
}

// keep writes what comes into part.
func (f *fetching) keep(r *http.Response, body io.Reader, how int, have int64) error {
	total := int64(-1)
	if r.ContentLength >= 0 {
		total = have + r.ContentLength
	}
	f.watch.Begun(f.i, have, total)
	file, err := f.dir.OpenFile(f.part, how, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(file, counter(func(n int64) { f.watch.Came(f.i, n) })), body)
	if err == nil {
		err = file.Sync() // before the name says that it is whole
	}
	return errors.Join(err, file.Close())
}

// versionOf is what If-Range may be asked with: a strong tag (RFC 9110, 13.1.5), "" for none.
func versionOf(r *http.Response) string {
	if tag := r.Header.Get("ETag"); tag != "" && tag[0] == '"' {
		return tag
	}
	return ""
}

// startsAt reports whether a partial answer is what lies behind the first n bytes.
func startsAt(r *http.Response, n int64) bool {
	var start, end int64
	_, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &start, &end)
	return err == nil && start == n && n > 0
}

// endsAt reports whether the server says that the whole file has n bytes.
func endsAt(r *http.Response, n int64) bool {
	var size int64
	_, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes */%d", &size)
	return err == nil && size == n
}

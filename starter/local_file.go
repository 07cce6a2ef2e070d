package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"vitrine/internal/terminal"
)

// localFile is a file on this machine that can be read more than once.
type localFile struct {
	ctx       context.Context //nolint:containedctx // a feed is opened without one
	path      string
	bar       *terminal.Bar
	temporary bool
}

// openLocal finds the file of that name; - is stdin. What can be read once only, stdin or a pipe, is kept in a
// temporary file until close, up to a little more than limit bytes: whoever reads it sees that it is too large.
func (a *app) openLocal(ctx context.Context, name string, limit int64) (*localFile, error) {
	if name == "-" {
		return a.spool(ctx, a.Stdin, limit)
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, badInput(fmt.Errorf("there is no file %s: check its name, and the folder that you are in", name))
	case err != nil:
		return nil, badInput(err)
	case info.IsDir():
		return nil, badInput(fmt.Errorf("%s is a folder", name))
	case info.Mode().IsRegular():
		return &localFile{ctx: ctx, path: name, bar: a.ProgressOfBytes(info.Size(), "reading")}, nil
	}
	pipe, err := os.Open(name)
	if err != nil {
		return nil, badInput(err)
	}
	defer pipe.Close()
	return a.spool(ctx, pipe, limit)
}

func (a *app) spool(ctx context.Context, source io.Reader, limit int64) (*localFile, error) {
	kept, err := os.CreateTemp("", "vitrine-*")
	if err != nil {
		return nil, fmt.Errorf("keep what is read in a temporary file: %w", err)
	}
	f := &localFile{ctx: ctx, path: kept.Name(), temporary: true, bar: a.ProgressOfBytes(-1, "receiving")}
	size, err := io.Copy(kept, f.watch(io.LimitReader(source, limit+1)))
	if closed := kept.Close(); err == nil {
		err = closed
	}
	if err != nil {
		f.close()
		return nil, fmt.Errorf("keep what is read in a temporary file: %w", err)
	}
	_ = f.bar.Finish()
	f.bar = a.ProgressOfBytes(size, "reading")
	return f, nil
}

// open begins to read the file, each time from its beginning.
func (f *localFile) open() (io.ReadCloser, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	f.bar.Reset()
	return readCloser{f.watch(file), file}, nil
}

func (f *localFile) close() {
	_ = f.bar.Finish()
	if f.temporary {
		_ = os.Remove(f.path)
	}
}

func (f *localFile) watch(r io.Reader) io.Reader { return &watchedReader{f.ctx, r, f.bar} }

type readCloser struct {
	io.Reader
	io.Closer
}

// watchedReader moves the bar, and stops at Ctrl-C.
type watchedReader struct {
	ctx    context.Context //nolint:containedctx // a reader is given none
	source io.Reader
	bar    *terminal.Bar
}

func (r *watchedReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.source.Read(p)
	_ = r.bar.Add(n)
	return n, err
}

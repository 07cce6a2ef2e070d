package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
	file, info, err := openNamed(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Mode().IsRegular() {
		return &localFile{ctx: ctx, path: name, bar: a.ProgressOfBytes(info.Size(), "reading")}, nil
	}
	return a.spool(ctx, file, limit)
}

// readLocal reads the file of that name into memory, up to a byte more than limit; - is stdin.
func (a *app) readLocal(name string, limit int64) ([]byte, error) {
	source := a.Stdin
	if name != "-" {
		file, _, err := openNamed(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		source = file
	}
	content, err := io.ReadAll(io.LimitReader(source, limit+1))
	if err != nil {
		return nil, badInput(fmt.Errorf("read %s: %w", name, err))
	}
	return content, nil
}

// openNamed opens a file that somebody named, and says what to do if it cannot.
func openNamed(name string) (*os.File, os.FileInfo, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, badInput(notOpened(name, err))
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder: name a file in it", name)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, badInput(err)
	}
	return file, info, nil
}

// notOpened explains why a file cannot be read or written.
func notOpened(name string, err error) error {
	switch {
	case name == "":
		return errors.New("the name of the file is empty: is a variable of your shell not set?")
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s%s: check its name%s", name, missingFolder(name), lookedForIn(name))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be opened by you: give yourself the permission, or name a copy", name)
	}
	return err
}

// missingFolder says so if not even the folder of a file is there.
func missingFolder(name string) string {
	dir := filepath.Dir(name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return ", nor a folder " + dir
	}
	return ""
}

func lookedForIn(name string) string {
	if filepath.IsAbs(name) {
		return ""
	}
	if here, err := os.Getwd(); err == nil {
		return ", and the folder that you are in, " + here
	}
	return ", and the folder that you are in"
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

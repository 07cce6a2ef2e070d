package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"vitrine/internal/catalog"
)

// savePage writes the page to a file, or to stdout if it is called -.
func (a *app) savePage(ctx context.Context, docs catalog.Documents, r catalog.Report, name string) error {
	page, err := openPage(ctx, docs, r)
	if err != nil {
		return err
	}
	defer page.Close()
	if name == "-" {
		_, err = io.Copy(a.Stdout, page)
		return err
	}
	return writeFile(name, 0o644, page)
}

// showPage opens the page in a browser. The browser may read the file after this process has ended, so it stays; it has
// a merchant's products in it, so it is nobody else's to read.
func (a *app) showPage(ctx context.Context, docs catalog.Documents, r catalog.Report) error {
	page, err := openPage(ctx, docs, r)
	if err != nil {
		return err
	}
	defer page.Close()
	folder, err := os.MkdirTemp("", "vitrine-report-")
	if err != nil {
		return err
	}
	name := filepath.Join(folder, fmt.Sprintf("%s-%s.html", r.Account, r.Feed))
	if err := writeFile(name, 0o600, page); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	if !a.IsTerminal(a.Stdout) {
		a.Remark("There is no terminal, so no browser was opened. The page is here:")
	} else if err := a.browse(ctx, name); err != nil {
		a.Remark("No browser could be opened (%v). The page is here:", err)
	}
	a.Verbatim(name)
	return nil
}

// openPage is opened before anything is written, so that a page which is not there costs no file that is.
func openPage(ctx context.Context, docs catalog.Documents, r catalog.Report) (io.ReadCloser, error) {
	if r.Page == "" {
		return nil, fmt.Errorf("the report of account %s (%s feed) has no page: see it without --open and --page",
			r.Account, r.Feed)
	}
	return openObject(ctx, docs, r.Page)
}

func writeFile(name string, mode os.FileMode, content io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return badInput(notOpened(name, err))
	}
	if _, err := io.Copy(f, content); err != nil {
		return errors.Join(fmt.Errorf("%s is not complete: %w", name, err), f.Close())
	}
	return f.Close()
}

// openers are the programs that open a file with whatever the person chose for its kind.
var openers = map[string][]string{
	"darwin":  {"open"},
	"windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

func opener(system string) []string {
	if command, known := openers[system]; known {
		return command
	}
	return []string{"xdg-open"}
}

// browserGrace is how long an opener has to say that it cannot. Some of them stay for as long as the browser does.
const browserGrace = 2 * time.Second

// openInBrowser opens a file with the system's opener and leaves it alone.
func openInBrowser(ctx context.Context, name string) error {
	command := opener(runtime.GOOS)
	process := exec.Command(command[0], append(command[1:], name)...) // not CommandContext: the browser outlives us
	if err := process.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(browserGrace):
		return nil
	case <-ctx.Done():
		return nil
	}
}

func openObject(ctx context.Context, docs catalog.Documents, key string) (io.ReadCloser, error) {
	object, err := docs.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	return docs.Objects.Open(ctx, object)
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/staging"
	"vitrine/internal/stripeapi"
	"vitrine/internal/terminal"
)

// rehearsalOutput keeps the parts in files of this machine, and of what is found the rows with errors.
type rehearsalOutput struct {
	kind   feed.Kind
	dir    string
	errors map[string]judgedRow // by id; the first error of each
}

func newRehearsalOutput(kind feed.Kind, dir string) *rehearsalOutput {
	return &rehearsalOutput{kind: kind, dir: dir, errors: map[string]judgedRow{}}
}

func (o *rehearsalOutput) file(number int) string {
	return filepath.Join(o.dir, fmt.Sprintf("part-%03d", number))
}

// rehearsalPart is a part that is being written to a file.
type rehearsalPart struct{ *os.File }

// Abort gives the part up: it is written over, or removed with the others.
func (p rehearsalPart) Abort() { _ = p.Close() }

// Begin forgets a first pass.
func (o *rehearsalOutput) Begin() error {
	o.errors = map[string]judgedRow{}
	return nil
}

// Part begins a part.
func (o *rehearsalOutput) Part(number int) (feed.PartFile, error) {
	file, err := os.Create(o.file(number))
	return rehearsalPart{file}, err
}

// Found keeps the first error of a row that has an id.
func (o *rehearsalOutput) Found(f feed.Finding, _ *feed.Refusal) error {
	if f.Cause.Severity() != feed.Error || len(f.ID) == 0 {
		return nil
	}
	id := string(f.ID)
	if _, had := o.errors[id]; !had {
		reason, _ := feed.Explain(o.kind, f.Cause, f.Column)
		if f.Column != "" {
			reason = f.Column + ": " + reason
		}
		o.errors[id] = judgedRow{ID: id, Line: f.Line, Reason: reason}
	}
	return nil
}

func importsOf(stripe *stripeapi.Client, api feed.API) activities.Imports {
	if api == feed.V2 {
		return stripe.V2()
	}
	return stripe.V1()
}

// rehearsalRun is a name that no other rehearsal has: Stripe answers one under the same keys with what it has.
func rehearsalRun() string { return rand.Text()[:16] }

// rehearsalStage is where parts go to the sandbox.
type rehearsalStage struct {
	app       *app
	imports   activities.Imports
	rehearsal *rehearsal
	run       string
}

// perform sends the parts one after the other, and returns Stripe's reasons by the id of what it refused.
func (s rehearsalStage) perform(
	ctx context.Context, compared staging.Comparison, out *rehearsalOutput,
) (map[string]string, error) {
	refused := map[string]string{}
	for _, part := range compared.Delta.Parts {
		imported, err := s.send(ctx, part, len(compared.Delta.Parts), compared.Format, out.file(part.Number))
		if err != nil {
			return nil, err
		}
		named, strangers, err := s.read(ctx, imported, part, refused)
		if err != nil {
			return nil, err
		}
		if doubt := imported.Doubt(int64(part.Table.Len()), named, strangers); doubt != "" {
			s.rehearsal.Open = append(s.rehearsal.Open, imported.ID+": "+doubt)
		}
	}
	return refused, nil
}

// send brings a part to the sandbox, and waits until Stripe has ended its import.
func (s rehearsalStage) send(
	ctx context.Context, part feed.Part, of int, format lines.Format, file string,
) (catalog.Import, error) {
	r := s.rehearsal
	name := fmt.Sprintf("rehearsal/%s/%s/%s/%d", r.As, r.Feed, s.run, part.Number)
	s.app.Remark("Sending part %d of %d: %s, %s.", part.Number, of, terminal.Plural(int64(part.Table.Len()), "row"),
		terminal.Bytes(part.Bytes))
	uploaded, err := untilAnswered(ctx, func() (string, error) {
		body, err := os.Open(file) // anew for each try: the one before may still be reading
		if err != nil {
			return "", err
		}
		defer body.Close()
		return s.imports.Upload(ctx, catalog.Upload{
			Account: r.As, Feed: r.Feed, Filename: fmt.Sprintf("%s-%s-%03d.%s", r.As, r.Feed, part.Number, format),
			ContentType: format.ContentType(), Size: part.Bytes, Body: body, IdempotencyKey: name + "/upload",
			Sent: func(int64) {},
		})
	})
	if err != nil {
		return catalog.Import{}, fmt.Errorf("upload part %d: %w", part.Number, err)
	}
	imported, err := untilAnswered(ctx, func() (catalog.Import, error) {
		return s.imports.CreateImport(ctx, catalog.ID{Account: r.As, Feed: r.Feed}, uploaded, name+"/import")
	})
	if err != nil {
		return catalog.Import{}, fmt.Errorf("import part %d: %w", part.Number, err)
	}
	r.Imports = append(r.Imports, imported.ID)
	imported, err = s.await(ctx, imported)
	if err == nil && imported.Status == catalog.StatusFailed && imported.RowsFailed == 0 {
		err = fmt.Errorf("import %s failed as a whole: %s", imported.ID, imported.FailedReason)
	}
	return imported, err
}

// rehearsalDeadline is how long Stripe may take for an import.
const rehearsalDeadline = 2 * time.Hour

// await looks ever more rarely: Stripe rations reads.
func (s rehearsalStage) await(ctx context.Context, imported catalog.Import) (catalog.Import, error) {
	began, said := s.app.Now(), s.app.Now()
	for every := s.app.poll; !imported.Status.Final(); every = min(2*every, 10*time.Second) {
		now := s.app.Now()
		if now.Sub(began) > rehearsalDeadline {
			return imported, fmt.Errorf("stripe has not ended import %s within %s: its status is %q", imported.ID,
				rehearsalDeadline, imported.Status)
		}
		if now.Sub(said) >= 10*time.Second {
			said = now
			s.app.Remark("… %s is %s, for %s", imported.ID, imported.Status, terminal.Rough(now.Sub(began)))
		}
		if !pause(ctx, every) {
			return imported, context.Cause(ctx)
		}
		next, err := untilAnswered(ctx,
			func() (catalog.Import, error) { return s.imports.Import(ctx, s.rehearsal.As, imported.ID) })
		if err != nil {
			return imported, fmt.Errorf("read import %s: %w", imported.ID, err)
		}
		imported = next
	}
	return imported, nil
}

// read adds what an import refused; strangers are entries of its list that name no row of the part.
func (s rehearsalStage) read(
	ctx context.Context, imported catalog.Import, part feed.Part, refused map[string]string,
) (named, strangers int64, err error) {
	if imported.ErrorFile == "" {
		return 0, 0, nil
	}
	body, err := untilAnswered(ctx,
		func() (io.ReadCloser, error) { return s.imports.Refused(ctx, s.rehearsal.As, imported.ErrorFile) })
	if err != nil {
		return 0, 0, fmt.Errorf("read what %s refused: %w", imported.ID, err)
	}
	defer body.Close()
	hint := 0
	err = feed.ReadRefused(body, s.rehearsal.Feed, func(row feed.Refused) error {
		i, ours := part.Table.Find(row.ID, hint)
		if !ours {
			strangers++
			return nil
		}
		hint = i + 1
		if _, had := refused[string(row.ID)]; !had {
			named++
			refused[string(row.ID)] = row.Reason
		}
		return nil
	})
	var odd *feed.RefusedError
	if errors.As(err, &odd) {
		s.rehearsal.Open = append(s.rehearsal.Open, imported.ID+": "+odd.Error())
		err = nil
	}
	return named, strangers, err
}

// patientTries and longestPause bound what a person waits for in a rehearsal.
const (
	patientTries = 5
	longestPause = 30 * time.Second
)

// untilAnswered repeats what may pass.
func untilAnswered[T any](ctx context.Context, call func() (T, error)) (T, error) {
	for try, wait := 1, time.Second; ; try, wait = try+1, 2*wait {
		result, err := call()
		f, known := fault.Of(err)
		if err == nil || try == patientTries || known && f.Kind == fault.Permanent {
			return result, err
		}
		if known {
			wait = max(wait, f.After)
		}
		if !pause(ctx, min(wait, longestPause)) {
			return result, context.Cause(ctx)
		}
	}
}

func sortJudged(rows []judgedRow) {
	slices.SortFunc(rows, func(a, b judgedRow) int { return strings.Compare(a.ID, b.ID) })
}

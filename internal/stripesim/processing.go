package stripesim

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"vitrine/internal/simcontrol"
)

// maxSamples is how many refused rows an import of v2 shows without its error file.
const maxSamples = 5

// processing is one import at work. Nothing of it reaches the catalog before it is through.
type processing struct {
	imp        *importJob
	known      func(id string) bool // products of the catalog, or promotions
	named      map[string]bool      // with replace: ids that the file names, in good rows and bad ones
	targets    targets              // of a promotion
	changes    []change
	latest     map[string]int // id → its newest change
	rows       int64
	failedRows int64
	samples    []sample
	errorFile  *storedFile
	errorDisk  *os.File
	errorRows  *csv.Writer
}

// sample is a refused row as v2 shows it. What its row counts from is not documented: here, from the first row after
// the header, as 1.
type sample struct {
	Row          int64  `json:"row,string"`
	ID           string `json:"id"`
	Field        string `json:"field"`
	ErrorMessage string `json:"error_message"`
}

// process validates the file of an import and applies it.
func (h *imports) process(ctx context.Context, imp *importJob, generation int) {
	if imp.api == apiV1 {
		h.mu.Lock()
		imp.status = statusValidating
		h.mu.Unlock()
	}
	injected := failure{}
	if f := imp.fault; f != nil && f.Kind == simcontrol.FaultImportFail {
		injected = internalError(cmp.Or(f.Message, "Injected fault: the import failed."))
		if !f.Listed {
			h.settle(imp, generation, nil, injected)
			return
		}
	}
	p := h.begin(imp)
	failed := cmp.Or(h.read(ctx, p), injected)
	if ctx.Err() != nil {
		p.dropErrorFile()
		return
	}
	h.settle(imp, generation, p, failed)
}

func (h *imports) begin(imp *importJob) *processing {
	p := &processing{imp: imp, latest: map[string]int{}}
	if imp.replace {
		p.named = map[string]bool{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	owner := h.accountLocked(imp.account)
	p.known = func(id string) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return owner.has(imp.feed, id)
	}
	if imp.feed == &promotionFeed {
		p.targets = owner.targets()
	}
	return p
}

// read goes through the file once.
func (h *imports) read(ctx context.Context, p *processing) failure {
	disk, err := os.Open(p.imp.file.path)
	if err != nil {
		return internalError("The emulator could not open the file: " + err.Error())
	}
	defer disk.Close()
	rows := csv.NewReader(disk)
	rows.FieldsPerRecord = -1 // ragged rows are refused one by one
	rows.ReuseRecord = true
	if p.imp.file.ContentType == mimeTSV {
		rows.Comma = '\t' // quoted like CSV: nothing says how Stripe reads quotes in TSV
	}
	names, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return invalidFile("The file has no header.")
	}
	if err != nil {
		return malformed(err)
	}
	head, wrong := readHeader(p.imp.feed, names)
	if wrong != "" {
		return invalidFile(wrong)
	}
	if failed := h.readRows(ctx, p, rows, head); failed != (failure{}) {
		return failed
	}
	if p.rows == 0 {
		return invalidFile("The file has no rows.") // what Stripe makes of it is not documented
	}
	return h.closeErrorFile(p)
}

func (h *imports) readRows(ctx context.Context, p *processing, rows *csv.Reader, head header) failure {
	for ctx.Err() == nil {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return failure{}
		}
		if err != nil {
			return malformed(err)
		}
		p.rows++
		r := row{header: head, fields: fields}
		if p.named != nil {
			p.named[strings.Clone(r.id())] = true
		}
		wrong := p.judge(r)
		if wrong == (mistake{}) {
			p.take(r)
			continue
		}
		if err := h.refuse(p, r, wrong); err != nil {
			return internalError("The emulator could not write the error file: " + err.Error())
		}
	}
	return failure{}
}

// malformed fails the whole import: behind a broken quote nobody knows where rows begin. Stripe's reading is not
// documented.
func malformed(err error) failure {
	return invalidFile("The file cannot be parsed: " + err.Error() + ".")
}

// judge returns what is wrong with a row. To delete what is not there is wrong, too: that is not documented, and the
// stricter reading finds the client that lost track of its catalog. Feeds that update have to find what they update.
func (p *processing) judge(r row) mistake {
	if f := p.imp.fault; f != nil && f.Kind == simcontrol.FaultImportRefuse && slices.Contains(f.IDs, r.id()) {
		return mistake{message: cmp.Or(f.Message, "Injected fault: the row is refused.")}
	}
	if wrong := r.check(); wrong != (mistake{}) {
		return wrong
	}
	switch feed := r.header.feed; {
	case r.deletes() && !p.exists(r.id()):
		return wrongField(feed.id, "is not in the catalog, so it cannot be deleted")
	case feed.updates() && !p.known(r.id()):
		return wrongField(feed.id, "is not in the catalog")
	case feed == &promotionFeed && !r.deletes():
		return p.targets.check(r)
	}
	return mistake{}
}

func (p *processing) exists(id string) bool {
	if i, here := p.latest[id]; here {
		return !p.changes[i].delete
	}
	return p.known(id)
}

// take stages what a row does. The last row with an id wins; the ones before it are counted as skipped duplicates.
func (p *processing) take(r row) {
	c := changeOf(p.imp, r)
	if earlier, twice := p.latest[c.id]; twice {
		p.changes[earlier] = change{skipped: true}
	}
	p.latest[c.id] = len(p.changes)
	p.changes = append(p.changes, c)
}

// refuse writes a row to the error file: the message, then the fields as they came. A ragged row stays ragged there.
func (h *imports) refuse(p *processing, r row, wrong mistake) error {
	p.failedRows++
	if len(p.samples) < maxSamples {
		p.samples = append(p.samples,
			sample{Row: p.rows, ID: strings.Clone(r.id()), Field: wrong.field, ErrorMessage: wrong.message})
	}
	if p.errorRows == nil {
		if err := h.openErrorFile(p, r.header); err != nil {
			return err
		}
	}
	return p.errorRows.Write(append([]string{wrong.message}, r.fields...))
}

func (h *imports) openErrorFile(p *processing, head header) error {
	disk, err := os.CreateTemp(h.dir, "errors-")
	if err != nil {
		return err
	}
	p.errorDisk = disk
	p.errorRows = csv.NewWriter(disk)
	id := newID("file_")
	p.errorFile = &storedFile{
		ID: id, Account: p.imp.account, Filename: p.imp.id + "_errors.csv", Purpose: errorFilePurpose,
		ContentType: mimeCSV, path: disk.Name(),
	}
	return p.errorRows.Write(append([]string{"stripe_error_message"}, head.names...))
}

func (h *imports) closeErrorFile(p *processing) failure {
	if p.errorRows == nil {
		return failure{}
	}
	p.errorRows.Flush()
	size, err := p.errorDisk.Seek(0, io.SeekCurrent)
	err = errors.Join(p.errorRows.Error(), err, p.errorDisk.Close())
	if f := p.imp.fault; f != nil && f.Kind == simcontrol.FaultErrorFile && err == nil {
		size, err = makeOdd(p.errorFile.path, f.Odd)
	}
	if err != nil {
		return internalError("The emulator could not write the error file: " + err.Error())
	}
	p.errorFile.Size, p.errorFile.Created = size, h.options.Now()
	return failure{}
}

func (p *processing) dropErrorFile() {
	if p.errorDisk == nil {
		return
	}
	_ = p.errorDisk.Close() // it may be closed already
	_ = os.Remove(p.errorFile.path)
}

// settle ends an import and applies what it staged, all at once. A failed import has no result here, and no error file,
// unless a fault wants one: whether Stripe gives one is not documented.
func (h *imports) settle(imp *importJob, generation int, p *processing, failed failure) {
	listed := p != nil && p.errorFile != nil && imp.fault != nil && imp.fault.Listed
	if failed != (failure{}) && p != nil && !listed {
		p.dropErrorFile()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != h.generation {
		return
	}
	owner := h.accountLocked(imp.account)
	owner.inFlight[imp.flight()]--
	imp.finished = h.options.Now()
	defer h.tellLocked(imp)
	if failed != (failure{}) {
		imp.status, imp.failed = statusFailed, failed
		if listed {
			h.files.keepFileLocked(p.errorFile, imp.api)
			imp.done = &tally{rows: p.rows, failed: p.failedRows, errorFile: p.errorFile}
		}
		return
	}
	if p.errorFile != nil {
		h.files.keepFileLocked(p.errorFile, imp.api)
	}
	h.rememberLocked(owner)
	imp.done = p.apply(owner)
	imp.status = statusSucceeded
	if imp.done.failed > 0 {
		// Also if not one row was taken: the file was processed to its end.
		imp.status = statusSucceededWithErrors
	}
}

// apply brings the staged changes into the catalog and counts them.
func (p *processing) apply(owner *account) *tally {
	t := &tally{rows: p.rows, failed: p.failedRows, errorFile: p.errorFile, samples: p.samples}
	for _, c := range p.changes {
		if c.skipped {
			t.duplicates++
			continue
		}
		t.succeeded++
		switch known := owner.has(p.imp.feed, c.id); {
		case c.delete:
			t.deleted++
		case !known && !p.imp.feed.updates():
			t.created++
		}
		owner.change(p.imp, c)
	}
	if p.imp.replace {
		t.removed = owner.keepOnly(p.named)
	}
	return t
}

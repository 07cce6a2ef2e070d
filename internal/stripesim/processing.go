package stripesim

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
)

// fullRowBytes is the size of a file up to which a product keeps all columns of its row. Beyond it a product keeps only
// what a list shows, so that a 200 MB catalog costs the emulator a fraction of its size in memory.
const fullRowBytes = 8 * 1024 * 1024

// Product is a product of an account's catalog.
type Product struct {
	ID           string `json:"id"`
	Title        string `json:"title"`
	Price        string `json:"price"`
	Availability string `json:"availability"`
	RowSHA256    string `json:"row_sha256"` // of the row's fields, to compare rows that were not kept
	Import       string `json:"import"`     // the import set that last wrote it
	// Row is the whole row; absent if it came from a file of more than 8 MiB.
	Row map[string]string `json:"row,omitempty"`
}

// change is what a row does to the catalog.
type change struct {
	product Product
	delete  bool
	skipped bool // a later row of the same file has the same id
}

// processing is one import at work. Nothing of it reaches the catalog before it is through.
type processing struct {
	imp        *importSet
	known      func(id string) bool
	changes    []change
	latest     map[string]int // id → its newest change
	rows       int64
	failedRows int64
	errorFile  *storedFile
	errorDisk  *os.File
	errorRows  *csv.Writer
}

// failure is why an import ends failed.
type failure string

// process validates the file of an import and applies it.
func (s *Server) process(ctx context.Context, imp *importSet, generation int) {
	s.mu.Lock()
	imp.status = statusValidating
	s.mu.Unlock()
	if f := imp.fault; f != nil && f.Kind == FaultImportFail {
		reason := f.Message
		if reason == "" {
			reason = "Injected fault: the import failed."
		}
		s.settle(imp, generation, nil, failure(reason))
		return
	}
	p := &processing{imp: imp, latest: map[string]int{}}
	p.known = func(id string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, found := s.accountLocked(imp.account).catalog[id]
		return found
	}
	failed := s.read(ctx, p)
	if ctx.Err() != nil {
		p.dropErrorFile()
		return
	}
	s.settle(imp, generation, p, failed)
}

// read goes through the file once.
func (s *Server) read(ctx context.Context, p *processing) failure {
	disk, err := os.Open(p.imp.file.path)
	if err != nil {
		return failure("The emulator could not open the file: " + err.Error())
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
		return "The file has no header."
	}
	if err != nil {
		return malformed(err)
	}
	head, wrong := readHeader(names)
	if wrong != "" {
		return failure(wrong)
	}
	if failed := s.readRows(ctx, p, rows, head); failed != "" {
		return failed
	}
	if p.rows == 0 {
		return "The file has no rows." // what Stripe makes of it is not documented
	}
	return s.closeErrorFile(p)
}

func (s *Server) readRows(ctx context.Context, p *processing, rows *csv.Reader, head header) failure {
	for ctx.Err() == nil {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			return malformed(err)
		}
		p.rows++
		r := row{header: head, fields: fields}
		wrong := p.judge(r)
		if wrong == "" {
			p.take(r)
			continue
		}
		p.failedRows++
		if err := s.refuse(p, r, wrong); err != nil {
			return failure("The emulator could not write the error file: " + err.Error())
		}
	}
	return ""
}

// malformed fails the whole import: behind a broken quote nobody knows where rows begin. Stripe's reading is not
// documented.
func malformed(err error) failure {
	return failure("The file cannot be parsed: " + err.Error() + ".")
}

// judge returns what is wrong with a row. To delete what is not there is wrong, too: that is not documented, and the
// stricter reading finds the client that lost track of its catalog.
func (p *processing) judge(r row) string {
	if wrong := r.check(); wrong != "" {
		return wrong
	}
	if r.deletes() && !p.exists(r.value("id")) {
		return wrongField("id", "is not in the catalog, so it cannot be deleted")
	}
	return ""
}

func (p *processing) exists(id string) bool {
	if i, here := p.latest[id]; here {
		return !p.changes[i].delete
	}
	return p.known(id)
}

// take stages what a row does. The last row with an id wins; the ones before it are counted as skipped duplicates.
// Values are copied, because a field shares its memory with the whole row.
func (p *processing) take(r row) {
	id := strings.Clone(r.value("id"))
	c := change{delete: r.deletes(), product: Product{ID: id, Import: p.imp.id}}
	if !c.delete {
		c.product.Title = strings.Clone(r.value("title"))
		c.product.Price = strings.Clone(r.value("price"))
		c.product.Availability = strings.Clone(r.value("availability"))
		c.product.RowSHA256 = rowSHA256(r)
		if p.imp.file.Size <= fullRowBytes {
			c.product.Row = fullRow(r)
		}
	}
	if earlier, twice := p.latest[id]; twice {
		p.changes[earlier] = change{skipped: true}
	}
	p.latest[id] = len(p.changes)
	p.changes = append(p.changes, c)
}

func rowSHA256(r row) string {
	sum := sha256.New()
	addToDigest(sum, r.fields...)
	return hex.EncodeToString(sum.Sum(nil))
}

func fullRow(r row) map[string]string {
	full := make(map[string]string, len(r.fields))
	for i, name := range r.header.names {
		if r.fields[i] != "" {
			full[name] = strings.Clone(r.fields[i])
		}
	}
	return full
}

// refuse writes a row to the error file: the message, then the fields as they came. A ragged row stays ragged there.
func (s *Server) refuse(p *processing, r row, wrong string) error {
	if p.errorRows == nil {
		if err := s.openErrorFile(p, r.header); err != nil {
			return err
		}
	}
	return p.errorRows.Write(append([]string{wrong}, r.fields...))
}

func (s *Server) openErrorFile(p *processing, head header) error {
	disk, err := os.CreateTemp(s.dir, "errors-")
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

func (s *Server) closeErrorFile(p *processing) failure {
	if p.errorRows == nil {
		return ""
	}
	p.errorRows.Flush()
	size, err := p.errorDisk.Seek(0, io.SeekCurrent)
	err = errors.Join(p.errorRows.Error(), err, p.errorDisk.Close())
	if err != nil {
		return failure("The emulator could not write the error file: " + err.Error())
	}
	p.errorFile.Size, p.errorFile.Created = size, s.options.Now()
	return ""
}

func (p *processing) dropErrorFile() {
	if p.errorDisk == nil {
		return
	}
	_ = p.errorDisk.Close() // it may be closed already
	_ = os.Remove(p.errorFile.path)
}

// settle ends an import and applies what it staged, all at once. A failed import has no result here, and no error file:
// whether Stripe gives one is not documented.
func (s *Server) settle(imp *importSet, generation int, p *processing, failed failure) {
	if failed != "" && p != nil {
		p.dropErrorFile()
	}
	if failed == "" && p.errorFile != nil {
		s.keepFile(p.errorFile, generation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation {
		return
	}
	owner := s.accountLocked(imp.account)
	owner.inFlight[imp.format]--
	imp.finished = s.options.Now()
	if failed != "" {
		imp.status, imp.failedReason = statusFailed, string(failed)
		return
	}
	imp.result = p.apply(owner)
	imp.status = statusSucceeded
	if imp.result.Errors != nil {
		// Also if not one row was taken: the file was processed to its end.
		imp.status = statusSucceededWithErrors
	}
}

// apply brings the staged changes into the catalog and counts them.
func (p *processing) apply(owner *account) *importResult {
	result := &importResult{RowsProcessed: p.rows}
	for _, c := range p.changes {
		if c.skipped {
			result.SkippedDuplicates.RowCount++
			continue
		}
		result.Successes.RowCount++
		_, existed := owner.catalog[c.product.ID]
		switch {
		case c.delete:
			delete(owner.catalog, c.product.ID)
		case existed:
			owner.catalog[c.product.ID] = c.product
		default:
			owner.catalog[c.product.ID] = c.product
			result.ObjectsCreated++
		}
	}
	if p.failedRows > 0 {
		result.Errors = &importErrors{File: p.errorFile.ID, RowCount: p.failedRows}
	}
	return result
}

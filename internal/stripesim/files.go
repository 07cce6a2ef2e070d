package stripesim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

const (
	// uploadPurpose is the purpose of files for imports.
	uploadPurpose = "data_management_manual_upload"
	// errorFilePurpose is what files of refused rows have here. Stripe's name for it is not documented.
	errorFilePurpose = "data_management_import_errors"

	mimeCSV = "text/csv"
	mimeTSV = "text/tab-separated-values"

	// readSize is how much of an upload is read at once; mime/multipart on its own asks the network for 4 KiB.
	readSize = 256 * 1024
	// maxFieldBytes bounds a form field beside the file.
	maxFieldBytes = 4 * 1024
	// sniffBytes of a file are looked at to tell whether it is what its MIME type says.
	sniffBytes = 64 * 1024
)

// storedFile is a file of an account, its bytes on disk.
type storedFile struct {
	ID          string
	Account     string
	Filename    string
	Purpose     string
	ContentType string
	Size        int64
	SHA256      string
	Created     time.Time
	path        string
}

// object is Stripe's file object. base is the address that the call came to: the real url names files.stripe.com.
func (f *storedFile) object(base string) any {
	return struct {
		ID        string `json:"id"`
		Object    string `json:"object"`
		Created   int64  `json:"created"`
		ExpiresAt *int64 `json:"expires_at"`
		Filename  string `json:"filename"`
		Links     any    `json:"links"`
		Purpose   string `json:"purpose"`
		Size      int64  `json:"size"`
		Title     any    `json:"title"`
		Type      string `json:"type"`
		URL       string `json:"url"`
	}{
		ID: f.ID, Object: "file", Created: f.Created.Unix(), Filename: f.Filename,
		Links: map[string]any{
			"object": "list", "data": []any{}, "has_more": false, "url": "/v1/file_links?file=" + f.ID,
		},
		Purpose: f.Purpose, Size: f.Size, Type: f.kind(), URL: base + "/v1/files/" + f.ID + "/contents",
	}
}

func (f *storedFile) kind() string {
	if f.ContentType == mimeTSV {
		return "tsv"
	}
	return "csv"
}

func baseOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// upload is a multipart form that was read: the fields, and the file on disk.
type upload struct {
	fields      map[string]string
	filename    string
	contentType string
	hasFile     bool
	path        string
	size        int64
	sha256      string
	head        []byte // the first bytes of the file
}

// files is the Files API, and all files on disk: those of v2's imports and of refused rows as well.
type files struct {
	*core
	all []*storedFile // in the order of creation
}

func (h *files) forgetLocked() { h.all = nil }

// prepareUpload reads the form and streams the file to disk.
func (h *files) prepareUpload(r *http.Request) (operation, *apiError) {
	account, base := stateOf(r).account, baseOf(r)
	generation := h.currentGeneration()
	form, failed := h.readUpload(r)
	if failed != nil {
		form.remove()
		return operation{}, failed
	}
	return operation{
		digest: form.digest(r),
		drop:   form.remove,
		run: func() outcome {
			if e := h.checkUpload(form); e != nil {
				form.remove()
				return refused(*e)
			}
			file := h.keepUpload(account, form, generation)
			return outcome{answer: okAnswer(file.object(base)), stored: true}
		},
	}, nil
}

func (h *files) readUpload(r *http.Request) (*upload, *apiError) {
	form := &upload{fields: map[string]string{}}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return form, invalid("",
			"Invalid request: a file upload is multipart/form-data with a boundary, got Content-Type %q.",
			r.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(bufio.NewReaderSize(r.Body, readSize), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return form, unreadable(err)
		}
		if failed := h.readPart(part, form); failed != nil {
			return form, failed
		}
	}
	// What follows the closing boundary has no meaning, but an unread rest would cost the client its connection.
	if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxFieldBytes)); err != nil {
		return form, unreadable(err)
	}
	return form, nil
}

func (h *files) readPart(part *multipart.Part, form *upload) *apiError {
	name := part.FormName()
	if name == "file" {
		return h.readFilePart(part, form)
	}
	if _, twice := form.fields[name]; twice {
		return invalid(name, "Invalid request: the field %s is there twice.", name)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
	switch {
	case err != nil:
		return unreadable(err)
	case len(value) > maxFieldBytes:
		return invalid(name, "Invalid request: the field %s is too long.", name)
	}
	form.fields[name] = string(value)
	return nil
}

func (h *files) readFilePart(part *multipart.Part, form *upload) *apiError {
	if form.hasFile {
		return invalid("file", "Invalid request: more than one file.")
	}
	form.hasFile = true
	form.filename, form.contentType = part.FileName(), part.Header.Get("Content-Type")
	disk, err := os.CreateTemp(h.dir, "upload-")
	if err != nil {
		return broken(err)
	}
	form.path = disk.Name()
	if failed := form.store(part, disk, h.options.MaxFileBytes); failed != nil {
		_ = disk.Close() // the failure before it is the one to tell
		return failed
	}
	if err := disk.Close(); err != nil {
		return broken(err)
	}
	return nil
}

// store streams the part to disk. A file beyond the limit is read no further.
func (form *upload) store(part io.Reader, disk io.Writer, limit int64) *apiError {
	sum := sha256.New()
	head := &headWriter{limit: sniffBytes}
	// mime/multipart hands out 4 KiB at a time: collect them before they cost a system call each.
	collected := bufio.NewWriterSize(io.MultiWriter(disk, sum, head), readSize)
	size, err := io.Copy(collected, io.LimitReader(part, limit+1))
	if err != nil {
		return unreadable(err)
	}
	if err := collected.Flush(); err != nil {
		return broken(err)
	}
	form.size, form.sha256, form.head = size, hex.EncodeToString(sum.Sum(nil)), head.bytes
	if size > limit {
		return invalid("file", "The file is too large: at most %d bytes are accepted.", limit)
	}
	return nil
}

// headWriter keeps the first bytes that are written to it.
type headWriter struct {
	bytes []byte
	limit int
}

func (h *headWriter) Write(p []byte) (int, error) {
	if room := h.limit - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (form *upload) remove() {
	if form.path != "" {
		_ = os.Remove(form.path) // at worst it lies in the emulator's own directory until Close
	}
}

// digest covers everything that the client chose. Stripe does not say whether a file's bytes count as parameters of
// the call; here they do, so a key that is reused for another file is refused.
func (form *upload) digest(r *http.Request) string {
	sum := sha256.New()
	addToDigest(sum, r.Method, r.URL.Path, form.fields["purpose"], form.filename, form.contentType, form.sha256,
		strconv.FormatInt(form.size, 10), strconv.FormatBool(form.hasFile))
	return hex.EncodeToString(sum.Sum(nil))
}

// addToDigest writes each value with its length before it, so that no two lists of values look alike.
func addToDigest(sum hash.Hash, values ...string) {
	for _, v := range values {
		fmt.Fprintf(sum, "%d:%s;", len(v), v) // a hash never fails
	}
}

// checkUpload judges the form's parameters.
func (h *files) checkUpload(form *upload) *apiError {
	for name := range form.fields {
		if name != "purpose" {
			return unknownParameter(name)
		}
	}
	switch purpose := form.fields["purpose"]; {
	case purpose == "":
		return missing("purpose")
	case purpose != uploadPurpose:
		return invalid("purpose", "Invalid purpose: %q. The emulator knows only %s.", purpose, uploadPurpose)
	case !form.hasFile:
		return missing("file")
	case form.filename == "":
		return invalid("file", "Invalid file: the part has no filename.")
	case form.size == 0:
		return invalid("file", "Invalid file: it is empty.")
	}
	return checkFileType(form)
}

// checkFileType holds a client to "the MIME type must match the file" in its strictest reading: the part names one of
// the two types, the filename's extension goes with it, if there is one, and the first line is not written in the
// other.
func checkFileType(form *upload) *apiError {
	mediaType, _, err := mime.ParseMediaType(form.contentType)
	if err != nil || (mediaType != mimeCSV && mediaType != mimeTSV) {
		return invalid("file", "Invalid file: its part has Content-Type %q, expected %s or %s.", form.contentType,
			mimeCSV, mimeTSV)
	}
	form.contentType = mediaType
	own, other, extension := ",", "\t", ".csv"
	if mediaType == mimeTSV {
		own, other, extension = "\t", ",", ".tsv"
	}
	if form.filename != "" && !strings.EqualFold(filepath.Ext(form.filename), extension) {
		return invalid("file", "Invalid file: %s goes with a filename that ends in %s, got %q.", mediaType, extension,
			form.filename)
	}
	if bytes.IndexByte(form.head, 0) >= 0 || bytes.HasPrefix(form.head, []byte{0x1f, 0x8b}) ||
		bytes.HasPrefix(form.head, []byte("PK\x03\x04")) {
		return invalid("file", "Invalid file: its content is not text (compressed files are not accepted).")
	}
	firstLine, _, _ := bytes.Cut(form.head, []byte("\n"))
	if !bytes.Contains(firstLine, []byte(own)) && bytes.Contains(firstLine, []byte(other)) {
		return invalid("file", "Invalid file: its content does not look like %s.", mediaType)
	}
	return nil
}

func (h *files) keepUpload(account string, form *upload, generation int) *storedFile {
	file := &storedFile{
		ID: newID("file_"), Account: account, Filename: form.filename, Purpose: uploadPurpose,
		ContentType: form.contentType, Size: form.size, SHA256: form.sha256, Created: h.options.Now(), path: form.path,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation == h.generation { // otherwise a reset came in between
		h.keepFileLocked(file, apiV1)
	}
	return file
}

// keepFileLocked keeps a file. Those of v2 are no files of the Files API.
func (h *files) keepFileLocked(file *storedFile, api string) {
	if api == apiV1 {
		h.accountLocked(file.Account).files[file.ID] = file
	}
	h.all = append(h.all, file)
}

func (h *files) getFile(w http.ResponseWriter, r *http.Request) {
	file, failed := h.findFile(r)
	if failed != nil {
		failed.write(w)
		return
	}
	okAnswer(file.object(baseOf(r))).write(w, "")
}

func (h *files) getFileContents(w http.ResponseWriter, r *http.Request) {
	file, failed := h.findFile(r)
	if failed != nil {
		failed.write(w)
		return
	}
	h.sendFile(w, file)
}

// listFiles lists the account's own files; those of v2's imports are none of the Files API.
func (h *files) listFiles(c orderCall) (any, *apiError) {
	p, purpose := c.page(), c.text("purpose")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	own := h.accountLocked(c.account).files
	return listNewest(c, p, h.all, func(f *storedFile) (string, string) { return f.Account, f.ID },
		func(f *storedFile) bool {
			_, listed := own[f.ID]
			return listed && (purpose == "" || purpose == f.Purpose)
		}, func(f *storedFile) any { return f.object(baseOf(c.request)) })
}

// findFile finds a file of the caller's own account; those of others do not exist for it.
func (h *files) findFile(r *http.Request) (*storedFile, *apiError) {
	id := r.PathValue("id")
	h.mu.Lock()
	defer h.mu.Unlock()
	file, found := h.accountLocked(stateOf(r).account).files[id]
	if !found {
		return nil, &apiError{
			Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: "file",
			Message: fmt.Sprintf("No such file upload: '%s'", id),
		}
	}
	return file, nil
}

func invalid(param, format string, values ...any) *apiError {
	return &apiError{Status: http.StatusBadRequest, Type: invalidRequest, Param: param,
		Message: fmt.Sprintf(format, values...)}
}

func missing(param string) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: invalidRequest, Code: "parameter_missing", Param: param,
		Message: "Missing required param: " + param + ".",
	}
}

func unknownParameter(param string) *apiError {
	return &apiError{
		Status: http.StatusBadRequest, Type: invalidRequest, Code: "parameter_unknown", Param: param,
		Message: "Received unknown parameter: " + param,
	}
}

func unreadable(err error) *apiError {
	return invalid("", "Invalid request: the body ended too early or is malformed (%v).", err)
}

func broken(err error) *apiError {
	return &apiError{Status: http.StatusInternalServerError, Type: apiFailure,
		Message: "The emulator failed: " + err.Error()}
}

func (h *files) listed(wanted func(string) bool) []simcontrol.File {
	h.mu.Lock()
	defer h.mu.Unlock()
	files := []simcontrol.File{}
	for _, f := range h.all {
		if wanted(f.Account) {
			files = append(files, simcontrol.File{
				ID: f.ID, Account: f.Account, Filename: f.Filename, Purpose: f.Purpose,
				ContentType: f.ContentType, Size: f.Size, SHA256: f.SHA256, Created: f.Created,
			})
		}
	}
	return files
}

package stripesim

import (
	"context"
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Signed URLs live at a host of their own in the real world, stripeusercontent.com; here they share the emulator's.
const (
	uploadsPath   = "/_uploads/"
	downloadsPath = "/_downloads/"
	// catalogUploadPurpose is what files of product catalog imports have in the control API.
	catalogUploadPurpose = "product_catalog_import"
)

// signedURL lets whoever knows it do one thing for a while, without a key.
type signedURL struct {
	imp     *importJob
	expires time.Time
}

func isSigned(path string) bool {
	return strings.HasPrefix(path, uploadsPath) || strings.HasPrefix(path, downloadsPath)
}

// loggedPath leaves out of a signed URL what makes it a secret.
func loggedPath(path string) string {
	if isSigned(path) {
		return path[:strings.LastIndex(path, "/")+1]
	}
	return path
}

// signedURLs takes uploads and gives downloads to whoever knows a URL.
type signedURLs struct {
	*core
	files   *files
	imports *imports
	byPath  map[string]signedURL
}

func (h *signedURLs) forgetLocked() { h.byPath = map[string]signedURL{} }

// signLocked makes a URL below path, and forgets those that have expired.
func (h *signedURLs) signLocked(imp *importJob, base, path string) map[string]string {
	now := h.options.Now()
	maps.DeleteFunc(h.byPath, func(_ string, signed signedURL) bool { return !now.Before(signed.expires) })
	secret, expires := path+rand.Text(), now.Add(h.options.URLLifetime)
	h.byPath[secret] = signedURL{imp: imp, expires: expires}
	return map[string]string{"url": base + secret, "expires_at": stamp(expires)}
}

// serveSigned takes a call to a signed URL to its endpoint. The account is that of the import, for faults and the log.
func (s *Server) serveSigned(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	call := s.calls.record(r)
	answer := &answerWriter{ResponseWriter: w, limit: -1}
	defer func() { s.calls.finish(call, answer, started) }()
	state := &callState{request: call}
	s.mu.Lock()
	if signed, known := s.signedURLs.byPath[r.URL.Path]; known {
		state.account, call.Account = signed.imp.account, signed.imp.account
	}
	s.mu.Unlock()
	s.faults.serveWithFaults(answer, r.WithContext(context.WithValue(r.Context(), callKey{}, state)))
}

// open finds what a signed URL is for. A client that sends its key along has given it to a host that is not Stripe's
// API, so it is refused here.
func (h *signedURLs) open(r *http.Request) (imp *importJob, generation int, refused *apiError) {
	if r.Header.Get("Authorization") != "" {
		return nil, 0, invalid("Authorization", "A signed URL takes no API key: it would be sent to another host.")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	signed, known := h.byPath[r.URL.Path]
	if !known || !h.options.Now().Before(signed.expires) {
		return nil, 0, forbidden("The URL is not known, or has expired.")
	}
	h.imports.expireLocked(signed.imp)
	return signed.imp, h.generation, nil
}

func forbidden(message string) *apiError {
	return &apiError{Status: http.StatusForbidden, Type: invalidRequest, Message: message}
}

// putUpload takes the file of a product catalog import, which starts with it. An import takes one file: that a second
// one is refused is not documented, hosts for files commonly let it replace the first.
func (h *signedURLs) putUpload(w http.ResponseWriter, r *http.Request) {
	imp, generation, refused := h.open(r)
	if refused != nil {
		refused.write(w)
		return
	}
	form, refused := h.readBody(r)
	if refused == nil {
		refused = h.takeUpload(imp, form, generation)
	}
	if refused != nil {
		form.remove()
		refused.write(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// readBody streams a raw body to disk. Hosts for files want to know its length beforehand.
func (h *signedURLs) readBody(r *http.Request) (*upload, *apiError) {
	form := &upload{contentType: r.Header.Get("Content-Type"), hasFile: true}
	switch {
	case r.ContentLength < 0:
		return form, &apiError{Status: http.StatusLengthRequired, Type: invalidRequest,
			Message: "The upload has no Content-Length."}
	case r.ContentLength > h.options.MaxImportBytes:
		return form, &apiError{Status: http.StatusRequestEntityTooLarge, Type: invalidRequest,
			Message: "The file is too large."}
	}
	disk, err := os.CreateTemp(h.dir, "upload-")
	if err != nil {
		return form, broken(err)
	}
	form.path = disk.Name()
	failed := form.store(r.Body, disk, h.options.MaxImportBytes)
	if err := disk.Close(); err != nil && failed == nil {
		failed = broken(err)
	}
	if failed == nil {
		failed = checkFileType(form)
	}
	return form, failed
}

func (h *signedURLs) takeUpload(imp *importJob, form *upload, generation int) *apiError {
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != h.generation || imp.status != statusAwaitingUpload {
		return forbidden("The import does not await an upload, or not any more.")
	}
	imp.file = &storedFile{
		ID: newID("upload_"), Account: imp.account, Filename: imp.id + "." + imp.feed.feedType,
		Purpose:     catalogUploadPurpose,
		ContentType: form.contentType, Size: form.size, SHA256: form.sha256, Created: h.options.Now(), path: form.path,
	}
	imp.status = statusProcessing
	h.files.keepFileLocked(imp.file, apiV2)
	h.imports.startLocked(h.accountLocked(imp.account), imp)
	return nil
}

// getDownload sends the refused rows of an import.
func (h *signedURLs) getDownload(w http.ResponseWriter, r *http.Request) {
	imp, _, refused := h.open(r)
	if refused != nil {
		refused.write(w)
		return
	}
	h.mu.Lock()
	done := imp.done
	h.mu.Unlock()
	if done == nil || done.errorFile == nil {
		forbidden("The import has no file to download.").write(w) // it cannot be, a URL for one was signed
		return
	}
	h.files.sendFile(w, done.errorFile)
}

func (h *files) sendFile(w http.ResponseWriter, file *storedFile) {
	disk, err := os.Open(file.path)
	if err != nil {
		broken(err).write(w)
		return
	}
	defer disk.Close()
	w.Header().Set("Content-Type", file.ContentType)
	w.Header().Set("Content-Length", strconv.FormatInt(file.Size, 10))
	_, _ = io.Copy(w, disk) // a client that left needs no more
}

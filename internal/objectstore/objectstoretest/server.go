package objectstoretest

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Server answers S3's calls on single objects, and lists keys, from a Memory, addressed by path, for what is configured
// by the address of a server. It checks no signature.
type Server struct {
	*Memory
	// Answer, if set, is asked first; true means that it has answered.
	Answer func(w http.ResponseWriter, r *http.Request) bool
}

// ServeHTTP answers as S3 does, unless Answer has its own way.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Answer != nil && s.Answer(w, r) {
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var err error
	switch {
	case r.Method == http.MethodGet && key == "":
		err = s.list(w, r, bucket)
	case r.Method == http.MethodHead, r.Method == http.MethodGet:
		err = s.get(w, r, bucket, key)
	case r.Method == http.MethodPut:
		err = s.put(w, r, bucket, key)
	case r.Method == http.MethodDelete:
		if err = s.Delete(r.Context(), bucket, key); err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
	default:
		err = errors.New("not implemented")
	}
	if err != nil {
		refuse(w, r, err)
	}
}

// list answers with all keys at once.
func (s *Server) list(w http.ResponseWriter, r *http.Request, bucket string) error {
	keys, err := s.List(r.Context(), bucket, r.URL.Query().Get("prefix"))
	if err != nil {
		return err
	}
	type object struct{ Key string }
	page := struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		KeyCount int
		Contents []object
	}{KeyCount: len(keys)}
	for _, key := range keys {
		page.Contents = append(page.Contents, object{key})
	}
	w.Header().Set("Content-Type", "application/xml")
	return xml.NewEncoder(w).Encode(page)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, bucket, key string) error {
	content, object, err := s.Get(r.Context(), bucket, key)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", object.ETag)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.Header().Set("Last-Modified", object.LastModified.UTC().Format(http.TimeFormat))
	if r.Method == http.MethodGet {
		_, err = w.Write(content)
	}
	return err
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, bucket, key string) error {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	condition := r.Header.Get("If-Match")
	if r.Header.Get("If-None-Match") != "" {
		condition = statestore.IfAbsent
	}
	object, err := s.Put(r.Context(), bucket, key, r.Header.Get("Content-Type"), content, condition)
	if err == nil {
		w.Header().Set("ETag", object.ETag)
	}
	return err
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code := http.StatusInternalServerError, "InternalError"
	switch {
	case fault.Is(err, fault.BucketMissing):
		status, code = http.StatusNotFound, "NoSuchBucket"
	case fault.Is(err, fault.SourceMissing):
		status, code = http.StatusNotFound, "NoSuchKey"
	case fault.Is(err, fault.StateConflict):
		status, code = http.StatusPreconditionFailed, "PreconditionFailed"
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: err.Error()})
}

package lines

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is returned for a feed that has more bytes than its Source may read.
var ErrTooLarge = errors.New("the feed is too large")

// Source reads a feed's bytes: decompressed, counted, and no more of them than allowed.
type Source struct {
	plain io.Reader
	n     int64
	limit int64 // 0: none
}

// NewSource returns a Source of src, of which it reads at most so many bytes after decompression; 0 means no bound. It
// fails with a *SyntaxError if src is said to be gzipped and does not begin so, and with the error of src.
func NewSource(src io.Reader, gzipped bool, maxBytes int64) (*Source, error) {
	plain, err := decompress(src, gzipped)
	return &Source{plain: plain, limit: maxBytes}, err
}

// Bytes is how many were read so far, after decompression.
func (s *Source) Bytes() int64 { return s.n }

// Read fails with ErrTooLarge behind the limit, which also stops a compressed file that would unpack without end.
func (s *Source) Read(p []byte) (int, error) {
	n, err := s.plain.Read(p)
	s.n += int64(n)
	if s.limit > 0 && s.n > s.limit {
		return 0, ErrTooLarge
	}
	return n, err
}

// decompress unpacks a gzipped source. A broken archive is the merchant's to mend, a broken connection is not: the two
// are told apart by which of them failed first.
func decompress(src io.Reader, gzipped bool) (io.Reader, error) {
	if !gzipped {
		return src, nil
	}
	watched := &watchedSource{src: src}
	unpacked, err := gzip.NewReader(watched)
	if errors.Is(err, io.EOF) && watched.err == nil {
		return watched, nil // no byte at all: as empty as any empty file
	}
	if err != nil {
		return nil, watched.blame(err)
	}
	return readerFunc(func(p []byte) (int, error) {
		n, err := unpacked.Read(p)
		if err != nil && err != io.EOF {
			err = watched.blame(err)
		}
		return n, err
	}), nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type watchedSource struct {
	src io.Reader
	err error
}

func (w *watchedSource) Read(p []byte) (int, error) {
	n, err := w.src.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func (w *watchedSource) blame(unpacking error) error {
	if w.err != nil {
		return w.err
	}
	return &SyntaxError{1,
		fmt.Sprintf("the file is named .gz but cannot be unpacked (%v): was its upload complete?", unpacking)}
}

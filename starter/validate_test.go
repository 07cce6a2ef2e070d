package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const header = "id,title,description,link,image_link,availability,price\n"

func (s *stage) file(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	require.NoError(s.t, os.WriteFile(path, content, 0o600))
	return path
}

func TestFilesThatCannotBeSent(t *testing.T) {
	for _, test := range []struct{ name, file, content, says string }{
		{"no columns", "c.csv", "id,title\n1,x\n", "required columns are missing: description, link, image_link, availability, price"},
		{"empty", "c.csv", "", "the file is empty"},
		{"quote never closed", "c.csv", header + "\"1,x\n", "line 2: "},
		{"no gzip", "c.csv.gz", header, "cannot be unpacked"},
		{"a spreadsheet", "c.csv", "PK\x03\x04", "export it as CSV or TSV"},
		{"tabs in a csv", "c.csv", strings.ReplaceAll(header, ",", "\t"), "separated by tabs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			path := s.file(test.file, []byte(test.content))
			require.Equal(t, exitFailed, s.run("validate", path))
			require.Contains(t, s.stderr.String(), "starter: "+path+" cannot be sent: ")
			require.Contains(t, s.stderr.String(), test.says)
			require.Empty(t, s.stdout.String())

			require.Equal(t, exitFailed, s.run("validate", path, "-o", "json"))
			var got validation
			require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
			require.False(t, got.OK)
			require.Contains(t, got.Error, test.says)
		})
	}
}

func TestAFolderIsNoFile(t *testing.T) {
	s := newStage(t)
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Equal(t, exitUsage, s.run("validate", path))
	require.Contains(t, s.stderr.String(), "is a folder")
}

func TestAFileThatCanBeSent(t *testing.T) {
	s := newStage(t)
	s.app.openTemporal, s.app.openDocuments = nil, nil // it works offline
	path := s.file("c.csv", []byte(header+"1,a,b,c,d,in_stock,1.00 USD\n,a,b,c,d,in_stock,1.00 USD\n"))
	require.Equal(t, exitOK, s.run("validate", path))
	require.Contains(t, s.stdout.String(), path+" can be sent: 2 rows, 7 columns, 111 B\n")
	require.Contains(t, s.stdout.String(), "  ✗ 1 row: the row has no id\n    first in line 3\n")
}

func TestACompressedFileOnStdin(t *testing.T) {
	s := newStage(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(strings.ReplaceAll(header, ",", "\t")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	s.stdin = packed.String()
	require.Equal(t, exitOK, s.run("validate", "-", "--format", "tsv.gz"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "there is a header but no row")
}

func TestValidationStopsAtCtrlC(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	s.ctx = ctx
	require.Equal(t, 130, s.run("validate", s.file("c.csv", []byte(header))))
}

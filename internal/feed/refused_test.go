package feed

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// refusedIn lists what a file tells: id, column, value and reason of each row.
func refusedIn(list []byte) (rows []string, err error) {
	err = ReadRefused(bytes.NewReader(list), Product, func(r Refused) error {
		rows = append(rows, strings.Join([]string{string(r.ID), r.Column, string(r.Value), r.Reason}, "/"))
		return nil
	})
	return rows, err
}

func packed(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(text)
	require.NoError(tb, errors.Join(err, w.Close()))
	return out.Bytes()
}

func inUTF16(order binary.AppendByteOrder, text string) (out []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// What the file looks like is not documented, so whatever tells of rows is read.
func TestReadRefused(t *testing.T) {
	t.Parallel()
	const plain = ErrorColumn + ",id,title\n\"Field title is too long, sorry.\",A,\"Oak 😀\n\"\"table\"\"\"\nNo.,B,x\n"
	want := []string{"A/title/Oak 😀\n\"table\"/Field title is too long, sorry.", "B///No."}
	wide := "\ufeff" + plain
	for name, list := range map[string][]byte{
		"as it is known":    []byte(plain),
		"a byte order mark": []byte(wide),
		"CRLF":              []byte(strings.ReplaceAll(strings.ReplaceAll(plain, "\n", "\r\n"), "😀\r\n", "😀\n")),
		"no last line end":  []byte(strings.TrimSuffix(plain, "\n")),
		"gzip":              packed(t, []byte(plain)),
		"UTF-16LE":          inUTF16(binary.LittleEndian, wide),
		"UTF-16BE":          inUTF16(binary.BigEndian, wide),
		"UTF-16LE, no mark": inUTF16(binary.LittleEndian, plain),
		"UTF-16BE, no mark": inUTF16(binary.BigEndian, plain),
		"gzip, UTF-16":      packed(t, inUTF16(binary.BigEndian, wide)),
		"half a character":  inUTF16(binary.LittleEndian, wide)[:2*len(utf16.Encode([]rune(wide)))-1],
		"another case": []byte(strings.Replace(plain, ErrorColumn+",id,title", "Stripe_Error_Message,ID,Title",
			1)),
		"words": []byte(strings.Replace(plain, ErrorColumn+",id,title", "Stripe Error Message, Id ,title",
			1)),
		"another name":       []byte(strings.Replace(plain, ErrorColumn+",id", "error-message,Product ID", 1)),
		"a blank first line": []byte("\n\r\n" + plain),
		"gzip of gzip":       packed(t, packed(t, []byte(plain))),
		"a title above":      []byte("Errors, of import 7\n\n" + plain),
		"camel case":         []byte(strings.Replace(plain, ErrorColumn+",id", "stripeErrorMessage,ID", 1)),
		"a name like it":     []byte(strings.Replace(plain, ErrorColumn, "Validation Errors", 1)),
		"another language":   []byte(strings.Replace(plain, ErrorColumn, "Fehlermeldung", 1)),
		"no name":            []byte(strings.Replace(plain, ErrorColumn, "", 1)),
		"the header again":   []byte(plain[:len(plain)-len("No.,B,x\n")] + ErrorColumn + ",ID,title\nNo.,B,x\n"),
	} {
		rows, err := refusedIn(list)
		require.NoError(t, err, name)
		require.Equal(t, want, rows, name)
	}
	for _, comma := range []string{"\t", ";", "|"} {
		rows, err := refusedIn(
			[]byte(strings.ReplaceAll("id,title,"+ErrorColumn+"\nA,\"Oak, table\",no, never\nB,x,No.\n", ",", comma)))
		require.NoError(t, err, comma)
		require.Equal(t, []string{"A///no" + comma + " never", "B///No."}[1:], rows[1:], comma)
	}
	for list, row := range map[string]string{
		"id,title\nA,Oak\n":                                              "A///", // who is refused is known, why is not
		"error_code,validation_errors,id\n7,no,A\n":                      "A///no",
		"row_number,error_code," + ErrorColumn + ",id\n99999,too,no,A\n": "A///no",
		"id,house_colour,house_size\nA,red,L\n":                          "A///",
		"sep=;\n" + ErrorColumn + ";id\nno;A\n":                          "A///no",
	} {
		rows, err := refusedIn([]byte(list))
		require.NoError(t, err, list)
		require.Equal(t, []string{row}, rows, list)
	}
}

// A row whose fields cannot be told apart names nobody; its reason may still help.
func TestRefusedRowsThatNameNobody(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		ErrorColumn + ",id,title\nno,A\nno,B,b,c\nno,C,c\n": {"///no", "///no", "C///no"},
		ErrorColumn + ",row\nno,7\n":                        {"///no"},
		ErrorColumn + ",id\n":                               nil,
		ErrorColumn + ",id\n,A\n":                           {"A///"},
		ErrorColumn + ",id\nno,A1\nno,A":                    {"A1///no", "///no"}, // A2, perhaps
		"id," + ErrorColumn + "\nA1,no\nA2,n":               {"A1///no", "A2///n"},
	} {
		rows, err := refusedIn([]byte(list))
		require.NoError(t, err, list)
		require.Equal(t, want, rows, list)
	}
}

func TestFilesOfRefusedRowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	zipped := packed(t, []byte(ErrorColumn+",id\nno,A\nno,B\n"))
	for _, c := range []struct {
		list    string
		problem string
		rows    int
	}{
		{"", "it is empty", 0},
		{" \r\n", "it is empty", 0},
		{"\xef\xbb\xbf", "it is empty", 0},
		{"<!DOCTYPE html><html><body>404</body></html>", "it is a web page, or XML", 0},
		{`{"error":{"message":"no"}}`, "it is JSON", 0},
		{"PK\x03\x04xyz", "it is a zip archive or a spreadsheet", 0},
		{"title,link\nA,x\n", "its first rows have no column stripe_error_message", 0},
		{"\n\n\n1\n2\n3\n4\n5\n" + ErrorColumn + ",id\nno,A\n", "its first rows have no column stripe_error_message",
			0},
		{"no,A\nno,B\n", "its first rows have no column stripe_error_message", 0},
		{ErrorColumn + ",id\nno,A\nno,\"B\nno,C\n", "line 3: a quoted field that begins in this row is never closed",
			1},
		{"\"" + ErrorColumn, "its first rows have no column stripe_error_message", 0},
		{"\x1f\x8b" + ErrorColumn + ",id\n", "it begins as if it were compressed, and is not", 0},
		{string(zipped[:len(zipped)-9]), "it is compressed, and breaks off: unexpected EOF", -1},
	} {
		rows, err := refusedIn([]byte(c.list))
		var wrong *RefusedError
		require.ErrorAs(t, err, &wrong, "%q", c.list)
		require.Equal(t, c.problem, wrong.Problem)
		if c.rows >= 0 {
			require.Len(t, rows, c.rows, "%q", c.list)
		}
	}
}

// Another try may bring what a broken connection did not; whoever reads may stop.
func TestReadRefusedTellsTheSourceFromTheFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the connection broke")
	for _, list := range []string{ErrorColumn + ",id\nno,A\n", string(packed(t, []byte(ErrorColumn+",id\nno,A\n")))} {
		for n := range len(list) {
			err := ReadRefused(failingAfter(list, n, broken), Product, func(Refused) error { return nil })
			require.ErrorIs(t, err, broken, n)
		}
		stopped := errors.New("stopped")
		require.Equal(t, stopped, ReadRefused(strings.NewReader(list), Product, func(Refused) error { return stopped }))
	}
}

// Any bytes are Stripe's list of refused rows, or an error that says why not.
func FuzzReadRefused(f *testing.F) {
	f.Add([]byte(ErrorColumn + ",id,title\n\"title is too long\",A,\"Oak\n\"\"table\"\"\"\nprice: no,B\n,,,,\n"))
	f.Add([]byte("\xef\xbb\xbfid;\"" + ErrorColumn + "\"\r\nA;Invalid id.\r\n"))
	f.Add([]byte(ErrorColumn + "\n" + ErrorColumn + "\n"))
	f.Add(packed(f, []byte("Error\tID\nno\tA\n")))
	f.Add(inUTF16(binary.LittleEndian, "message,sku\nno,\"A\n"))
	f.Fuzz(func(t *testing.T, list []byte) {
		read := func() (rows []string, err error) {
			err = ReadRefused(bytes.NewReader(list), Product, func(r Refused) error {
				require.Equal(t, strings.TrimSpace(r.Reason), r.Reason)
				if r.Column == "" {
					require.Empty(t, r.Value)
				} else {
					require.Contains(t, r.Reason, r.Column)
				}
				rows = append(rows, string(r.ID)+r.Reason)
				return nil
			})
			return rows, err
		}
		rows, err := read()
		if err != nil {
			require.ErrorAs(t, err, new(*RefusedError))
		}
		again, _ := read()
		require.Equal(t, rows, again)
		broken := errors.New("broken")
		err = ReadRefused(io.MultiReader(bytes.NewReader(list), iotestErr{broken}), Product,
			func(Refused) error { return nil })
		var wrong *RefusedError
		require.True(t, errors.Is(err, broken) || errors.As(err, &wrong), "%v: a source that breaks is no end", err)
	})
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

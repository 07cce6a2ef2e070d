package stripesim

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"
	"unicode/utf16"
)

// oddErrorFiles are ways in which a file of refused rows may differ from what is known of Stripe's.
var oddErrorFiles = map[string]func(file []byte) ([]byte, error){
	"empty":     func([]byte) ([]byte, error) { return nil, nil },
	"html":      func([]byte) ([]byte, error) { return []byte("<!DOCTYPE html><html><body>Gone.</body></html>"), nil },
	"gzip":      compressed,
	"utf16le":   func(file []byte) ([]byte, error) { return inUTF16(binary.LittleEndian, file), nil },
	"utf16be":   func(file []byte) ([]byte, error) { return inUTF16(binary.BigEndian, file), nil },
	"tabs":      func(file []byte) ([]byte, error) { return rewritten(file, '\t', nil) },
	"semicolon": func(file []byte) ([]byte, error) { return rewritten(file, ';', nil) },
	"capitals":  func(file []byte) ([]byte, error) { return rewritten(file, ',', headerOf(strings.ToUpper)) },
	"renamed": func(file []byte) ([]byte, error) {
		return rewritten(file, ',', headerOf(func(name string) string {
			return strings.NewReplacer("stripe_error_message", "Error Message").Replace(name)
		}))
	},
	"strange": func(file []byte) ([]byte, error) {
		return rewritten(file, ',', headerOf(func(name string) string { return "x_" + name }))
	},
	"headless": func(file []byte) ([]byte, error) {
		return rewritten(file, ',', func(rows [][]string) [][]string { return rows[1:] })
	},
	"fewer": func(file []byte) ([]byte, error) {
		return rewritten(file, ',', func(rows [][]string) [][]string { return rows[:len(rows)-1] })
	},
	"others":     func(file []byte) ([]byte, error) { return rewritten(file, ',', otherRows) },
	"no_ids":     func(file []byte) ([]byte, error) { return rewritten(file, ',', withoutIDs) },
	"cut_off":    func(file []byte) ([]byte, error) { return file[:len(file)*2/3], nil },
	"unbalanced": func(file []byte) ([]byte, error) { return append(file, "\"never closed,\n"...), nil },
}

// OddErrorFiles names the ways in which FaultErrorFile can make a file of refused rows odd.
func OddErrorFiles() []string {
	names := make([]string, 0, len(oddErrorFiles))
	for name := range oddErrorFiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// makeOdd rewrites a file of refused rows, and returns its size.
func makeOdd(path, odd string) (int64, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if file, err = oddErrorFiles[odd](file); err != nil {
		return 0, err
	}
	return int64(len(file)), os.WriteFile(path, file, 0o600)
}

func compressed(file []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(file)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

func inUTF16(order binary.AppendByteOrder, file []byte) []byte {
	out := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(string(file))) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func rewritten(file []byte, comma rune, change func([][]string) [][]string) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if change != nil {
		rows = change(rows)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = comma
	err = w.WriteAll(rows)
	return out.Bytes(), err
}

func headerOf(name func(string) string) func([][]string) [][]string {
	return func(rows [][]string) [][]string {
		for i := range rows[0] {
			rows[0][i] = name(rows[0][i])
		}
		return rows
	}
}

func otherRows(rows [][]string) [][]string {
	id := slices.IndexFunc(rows[0], func(name string) bool { return name == "id" || name == "promotion_id" })
	for _, row := range rows[1:] {
		row[id] = "other-" + row[id]
	}
	return rows
}

func withoutIDs(rows [][]string) [][]string {
	for i := range rows {
		rows[i] = rows[i][:1]
	}
	return rows
}

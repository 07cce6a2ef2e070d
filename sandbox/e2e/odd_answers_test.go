package e2e

import (
	"bytes"
	"compress/gzip"
	csvfile "encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// oddRoom is a room whose worker is led to an independent Stripe that says odd things.
type oddRoom struct {
	*room
	stripe *independentStripe
	base   []string // products that stay
	cases  int
}

func enterOdd(t *testing.T, api feed.API) *oddRoom {
	t.Helper()
	o := &oddRoom{room: enter(t), stripe: newIndependentStripe(t), base: numbered(40)}
	o.stripe.refuses = func(id string, deletes bool) string {
		if strings.HasPrefix(id, "no") && !deletes {
			return "The title, sorry, is too \"long\"."
		}
		return ""
	}
	o.startWorker(append(o.stripe.settings(), "VITRINE_STRIPE_IMPORT_API="+string(api))...)
	o.exportText(csv(o.base...))
	o.syncs(catalog.Succeeded)
	return o
}

// sellsBesides exports the products that stay, and others.
func (o *oddRoom) sellsBesides(ids ...string) {
	o.exportText(csv(append(slices.Clone(o.base), ids...)...))
}

// told is what a run that got an odd answer recorded.
type told struct {
	rows   catalog.ReportRows
	state  catalog.State
	report catalog.Report
	err    error
}

// answers brings four products of which Stripe refuses two, while it says what a case makes it say. Whatever that is:
// nothing is left open, the next run goes on, and what Stripe has is what the merchant's file says then.
func (o *oddRoom) answers(says func(*independentStripe)) told {
	t := o.t
	t.Helper()
	o.cases++
	n := fmt.Sprintf("%02d", o.cases)
	kept, gone, no1, no2 := "ok1x"+n, "ok2x"+n, "no1x"+n, "no2x"+n
	o.stripe.say(says)
	o.sellsBesides(kept, gone, no1, no2)
	var was told
	_, was.err = o.ends(o.startsWith(again))
	was.state, was.report = o.state(), o.report()
	was.rows = was.report.Rows
	o.requireSettled()

	o.stripe.say(func(*independentStripe) {})
	o.sellsBesides(kept, no1)
	_, err := o.ends(o.startsWith(again))
	require.NoError(t, err, "the feed goes on")
	require.Equal(t, append([]string{kept}, o.base...), o.stripe.ids(), "what vanished is gone, and the rest is there")
	require.Nil(t, o.state().Unsettled)
	o.sellsBesides()
	_, err = o.ends(o.startsWith(again))
	require.NoError(t, err)
	require.Equal(t, o.base, o.stripe.ids())
	return was
}

// rewrittenList is a list of refused rows in which a case changed the cells.
func rewrittenList(honest []byte, comma rune, change func(rows [][]string) [][]string) []byte {
	rows, err := csvfile.NewReader(bytes.NewReader(honest)).ReadAll()
	if err != nil {
		panic(err) // it is the test's own
	}
	if change != nil {
		rows = change(rows)
	}
	var out bytes.Buffer
	w := csvfile.NewWriter(&out)
	w.Comma = comma
	if err := w.WriteAll(rows); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func renamedReason(name string) func([]byte) []byte {
	return func(honest []byte) []byte {
		return rewrittenList(honest, ',', func(rows [][]string) [][]string {
			rows[0][0] = name
			return rows
		})
	}
}

func wide(text []byte, big bool) (out []byte) {
	for _, unit := range utf16.Encode([]rune("\ufeff" + string(text))) {
		if big {
			out = append(out, byte(unit>>8), byte(unit))
		} else {
			out = append(out, byte(unit), byte(unit>>8))
		}
	}
	return out
}

func zipped(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content)
	_ = w.Close()
	return out.Bytes()
}

var oddLists = []struct {
	name string
	list func(honest []byte) []byte
	read bool // all of it can be told
}{
	{"as it is known", func(h []byte) []byte { return h }, true},
	{"CRLF", func(h []byte) []byte { return bytes.ReplaceAll(h, []byte("\n"), []byte("\r\n")) }, true},
	{"a mark of byte order", func(h []byte) []byte { return append([]byte("\xef\xbb\xbf"), h...) }, true},
	{"capitals", renamedReason("STRIPE_ERROR_MESSAGE"), true},
	{"words", renamedReason("Stripe error message"), true},
	{"camel case", renamedReason("stripeErrorMessage"), true},
	{"Error", renamedReason("Error"), true},
	{"Errors", renamedReason("errors"), true},
	{"validation errors", renamedReason("validation_errors"), true},
	{"error details", renamedReason("Error Details"), true},
	{"a word of another language", renamedReason("Fehlermeldung"), true},
	{"the reason has no name", renamedReason(""), true},
	{"no reason at all", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string {
			for i := range rows {
				rows[i] = rows[i][1:]
			}
			return rows
		})
	}, true},
	{"the reason comes last", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string {
			for i := range rows {
				rows[i] = append(rows[i][1:], rows[i][0])
			}
			return rows
		})
	}, true},
	{"a code before the message", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string {
			for i := range rows {
				rows[i] = append([]string{[]string{"error_code", "too_long"}[min(i, 1)]}, rows[i]...)
			}
			return rows
		})
	}, true},
	{"numbers of rows beside the ids", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string {
			for i := range rows {
				rows[i] = append([]string{[]string{"row_number", "999999"}[min(i, 1)]}, rows[i]...)
			}
			return rows
		})
	}, true},
	{"tabs", func(h []byte) []byte { return rewrittenList(h, '\t', nil) }, true},
	{"semicolons", func(h []byte) []byte { return rewrittenList(h, ';', nil) }, true},
	{"a sep line", func(h []byte) []byte { return append([]byte("sep=;\r\n"), rewrittenList(h, ';', nil)...) }, true},
	{"UTF-16, little endian", func(h []byte) []byte { return wide(h, false) }, true},
	{"UTF-16, big endian", func(h []byte) []byte { return wide(h, true) }, true},
	{"gzip", zipped, true},
	{"gzip of gzip", func(h []byte) []byte { return zipped(zipped(h)) }, true},
	{"each row twice", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string { return append(rows, rows[1:]...) })
	}, true},
	{"an unbalanced quote behind the rows", func(h []byte) []byte { return append(h, "\"never closed\n"...) }, true},
	{"a title line above", func(h []byte) []byte { return append([]byte("Errors of import 1\n\n"), h...) }, true},
	{"an unbalanced quote before the rows", func(h []byte) []byte {
		return bytes.Replace(h, []byte("\n\""), []byte("\n\"x\" \"y"), 1)
	}, false},
	{"ids of another case", func(h []byte) []byte { return bytes.ReplaceAll(h, []byte(",no"), []byte(",NO")) }, false},
	{"numbers of rows alone", func([]byte) []byte { return []byte("stripe_error_message,row\nno,42\nno,43\n") }, false},
	{"numbers of rows out of range", func([]byte) []byte {
		return []byte("stripe_error_message,row\nno,0\nno,-1\nno,99999999999999999999\n")
	}, false},
	{"no row", func(h []byte) []byte { return h[:bytes.IndexByte(h, '\n')+1] }, false},
	{"all rows that were sent", func(h []byte) []byte {
		return append(h, bytes.ReplaceAll(h[bytes.IndexByte(h, '\n')+1:], []byte("no"), []byte("ok"))...)
	}, false},
	{"empty", func([]byte) []byte { return nil }, false},
	{"a page", func([]byte) []byte {
		return []byte("<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n")
	}, false},
	{"XML", func([]byte) []byte {
		return []byte("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>")
	}, false},
	{"JSON", func([]byte) []byte { return []byte(`{"errors":[{"id":"no1"}]}`) }, false},
	{"a spreadsheet", func([]byte) []byte { return []byte("PK\x03\x04\x14\x00\x06\x00") }, false},
	{"half of a compressed file", func(h []byte) []byte { z := zipped(h); return z[:len(z)/2] }, false},
	{"half of the file", func(h []byte) []byte { return h[:len(h)/2] }, false},
	{"one row of two", func(h []byte) []byte {
		return rewrittenList(h, ',', func(rows [][]string) [][]string { return rows[:2] })
	}, false},
	{"noise", func([]byte) []byte { return []byte("\x00\x01\x02\xff\xfe\x9a\x00\x00\n,,,\n") }, false},
}

// Whatever a list of refused rows looks like: what can be read of it is, and what cannot blocks nothing, forgets
// nothing, and takes nothing for accepted.
func TestListsOfRefusedRowsThatAreOdd(t *testing.T) {
	for _, api := range []feed.API{feed.V1, feed.V2} {
		t.Run(string(api), func(t *testing.T) {
			o := enterOdd(t, api)
			for n, c := range oddLists {
				if api == feed.V2 && n%5 != 0 {
					continue // only the way that the list takes is another
				}
				was := o.answers(func(s *independentStripe) {
					s.lists = func(w http.ResponseWriter, honest []byte) { _, _ = w.Write(c.list(honest)) }
				})
				if c.read {
					require.NoError(t, was.err, c.name)
					rows := [3]int64{was.rows.Accepted, was.rows.Refused, was.rows.Unknown}
					require.Equal(t, [3]int64{2, 2, 0}, rows, "%s: %s", c.name, was.report.Reason)
					continue
				}
				require.Positive(t, was.rows.Unknown, c.name)
				require.NotEmpty(t, was.report.Reason, c.name)
			}
		})
	}
}

const withErrors = "succeeded_with_errors"

type result = map[string]any

func counted(processed, succeeded, failed any, file any) result {
	r := result{}
	if processed != nil {
		r["rows_processed"] = processed
	}
	if succeeded != nil {
		r["successes"] = result{"row_count": succeeded}
	}
	errors := result{}
	if failed != nil {
		errors["row_count"] = failed
	}
	if file != nil {
		errors["file"] = file
	}
	if len(errors) > 0 {
		r["errors"] = errors
	}
	return r
}

// What Stripe says of four rows, of which it took two, and whether that leaves it open what became of them.
var oddAnswers = []struct {
	name, status string
	result       func(file string) any
	open         bool
}{
	{"with errors, and no result", withErrors, func(string) any { return nil }, true},
	{"with errors, and an empty result", withErrors, func(string) any { return result{} }, true},
	{"with errors, and a result that is text", withErrors, func(string) any { return "done" }, true},
	{"with errors, and a list of results", withErrors, func(string) any { return []any{} }, true},
	{"with errors, and no file", withErrors, func(string) any { return counted(4, 2, 2, nil) }, true},
	{"with errors, and a file alone", withErrors, func(f string) any { return counted(nil, nil, nil, f) }, true},
	{"with errors, of which there are none", withErrors, func(f string) any { return counted(4, 4, 0, f) }, true},
	{"counts as text", withErrors, func(f string) any { return counted("4", "2", "2", f) }, false},
	{"counts as fractions", withErrors, func(f string) any { return counted(4.0, 2.0, 2.0, f) }, false},
	{"counts below zero", withErrors, func(f string) any { return counted(-4, -2, -2, f) }, true},
	{"one refused, and two named", withErrors, func(f string) any { return counted(4, 3, 1, f) }, true},
	{"three refused, and two named", withErrors, func(f string) any { return counted(4, 1, 3, f) }, true},
	{"all taken, and two named", "succeeded", func(f string) any { return counted(4, 4, 0, f) }, true},
	{"succeeded, and two named", "succeeded", func(f string) any { return counted(4, 2, 2, f) }, false},
	{"succeeded, two refused, none named", "succeeded", func(string) any { return counted(4, 2, 2, nil) }, true},
	{"succeeded, none processed", "succeeded", func(string) any { return counted(0, nil, nil, nil) }, true},
	{"succeeded, none processed, none taken", "succeeded", func(string) any { return counted(0, 0, 0, nil) }, true},
	{"succeeded, one processed", "succeeded", func(string) any { return counted(1, nil, nil, nil) }, true},
	{"succeeded, one taken", "succeeded", func(string) any { return counted(nil, 1, nil, nil) }, true},
	{"succeeded, two processed and taken", "succeeded", func(string) any { return counted(2, 2, 0, nil) }, true},
	{"succeeded, more than were sent", "succeeded", func(string) any { return counted(9, 9, 0, nil) }, true},
	{"failed, and two taken", "failed", func(f string) any { return counted(4, 2, 2, f) }, true},
	{"archived, and no result", "archived", func(string) any { return nil }, true},
	{"to be archived, with its result", "pending_archive", func(f string) any { return counted(4, 2, 2, f) }, false},
	{"archived, with its result", "archived", func(f string) any { return counted(4, 2, 2, f) }, false},
	{"archived, and its file is gone", "archived", func(string) any { return counted(4, 2, 2, "file_gone") }, true},
}

// Whatever Stripe's counts are: what it did not take does not count as accepted, and what it took is not forgotten.
func TestAnswersThatDoNotAddUp(t *testing.T) {
	t.Parallel()
	const beside = 3 // one answer after the other takes minutes
	for first := range beside {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			o := enterOdd(t, feed.V1)
			for i := first; i < len(oddAnswers); i += beside {
				c := oddAnswers[i]
				was := o.answers(func(s *independentStripe) {
					s.tells = func(object map[string]any, i *independentImport) {
						object["status"], object["result"] = c.status, c.result("file_errors-"+i.ID)
					}
				})
				require.Equal(t, c.open, was.rows.Unknown > 0, c.name)
				if !c.open {
					require.Equal(t, [2]int64{2, 2}, [2]int64{was.rows.Accepted, was.rows.Refused}, c.name)
				}
			}
		})
	}
}

func TestAnswersOfTheSecondAPIThatDoNotAddUp(t *testing.T) {
	o := enterOdd(t, feed.V2)
	file := func(s *independentStripe, i *independentImport) result {
		return result{"download_url": s.signed(i.ID)}
	}
	counts := func(succeeded, failed, file any) result {
		return result{"success_count": succeeded, "error_count": failed, "error_file": file}
	}
	for _, c := range []struct {
		name, status string
		details      func(s *independentStripe, i *independentImport) any
		open         bool
	}{
		{"with errors, and no details", withErrors, func(*independentStripe, *independentImport) any {
			return nil
		}, true},
		{"with errors, and empty details", withErrors, func(*independentStripe, *independentImport) any {
			return result{withErrors: result{}}
		}, true},
		{"with errors, and no file", withErrors, func(*independentStripe, *independentImport) any {
			return result{withErrors: result{"success_count": "2", "error_count": "2"}}
		}, true},
		{"with errors, and a file alone", withErrors, func(s *independentStripe, i *independentImport) any {
			return result{withErrors: result{"error_file": file(s, i)}}
		}, true},
		{"succeeded, with fewer", "succeeded", func(*independentStripe, *independentImport) any {
			return result{"succeeded": result{"success_count": "2"}}
		}, true},
		{"succeeded, with none", "succeeded", func(*independentStripe, *independentImport) any {
			return result{"succeeded": result{"success_count": "0"}}
		}, true},
		{"numbers", withErrors, func(s *independentStripe, i *independentImport) any {
			return result{withErrors: counts(2, 2, file(s, i))}
		}, false},
		{"one refused, two named", withErrors, func(s *independentStripe, i *independentImport) any {
			return result{withErrors: counts("3", "1", file(s, i))}
		}, true},
	} {
		was := o.answers(func(s *independentStripe) {
			s.tells = func(object map[string]any, i *independentImport) {
				object["status"], object["status_details"] = c.status, c.details(s, i)
			}
		})
		require.Equal(t, c.open, was.rows.Unknown > 0, c.name)
	}
}

// A list that is not to be had, and one that always breaks off, are settled for good, under --force too.
func TestListsOfRefusedRowsThatAreNotToBeHad(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			was := enterOdd(t, feed.V1).answers(func(s *independentStripe) {
				s.lists = func(w http.ResponseWriter, _ []byte) { stripeError(w, status, "This file is gone.") }
			})
			require.Equal(t, [2]int64{0, 4}, [2]int64{was.rows.Accepted, was.rows.Unknown})
			require.Equal(t, fault.ImportUnreadable, was.state.Last.Code)
			require.Contains(t, was.report.Reason, "This file is gone.")
			require.Equal(t, int64(2), was.report.Imports[0].Failed, "what is known is kept")
		})
	}
	t.Run("breaks off", func(t *testing.T) {
		was := enterOdd(t, feed.V1).answers(func(s *independentStripe) {
			s.lists = func(w http.ResponseWriter, honest []byte) {
				w.Header().Set("Content-Length", fmt.Sprint(len(honest)))
				_, _ = w.Write(honest[:len(honest)-20])
			}
		})
		require.Equal(t, [2]int64{1, 3}, [2]int64{was.rows.Refused, was.rows.Unknown})
		require.Contains(t, was.report.Reason, "Stripe's reasons cannot be read")
	})
}

// So is an import that is not to be had.
func TestImportsThatAreNotToBeHad(t *testing.T) {
	o := enterOdd(t, feed.V1)
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		was := o.answers(func(s *independentStripe) {
			s.shows = func(w http.ResponseWriter, _ *independentImport) bool {
				stripeError(w, status, "This import set is no longer available.")
				return true
			}
		})
		requireFailure(t, was.err, fault.ImportUnreadable, "This import set is no longer available.")
		require.Equal(t, int64(4), was.rows.Unknown)
	}
}

// How long the feed's imports take is learnt, so that most are read once or twice.
func TestImportsAreReadSparingly(t *testing.T) {
	o := enterOdd(t, feed.V1)
	o.stripe.say(func(s *independentStripe) { s.takes = 4 * time.Second })
	for n := range 5 {
		o.sellsBesides(fmt.Sprintf("new%d", n))
		o.syncsWith(again, catalog.Succeeded)
	}
	reads := o.stripe.reads()
	require.LessOrEqual(t, slices.Sorted(slices.Values(reads[2:]))[len(reads[2:])/2], 3, "at the median: %v", reads)
}

// A deletion that Stripe refuses, or of which it does not say what became, is not told as done, and is tried again.
func TestDeletionsThatAreRefused(t *testing.T) {
	for _, api := range []feed.API{feed.V1, feed.V2} {
		t.Run(string(api), func(t *testing.T) {
			o := enterOdd(t, api)
			refusing := func(_ string, deletes bool) string {
				if deletes {
					return "The product has open orders."
				}
				return ""
			}
			for name, says := range map[string]func(w http.ResponseWriter, honest []byte){
				"named": nil,
				"unnamed": func(w http.ResponseWriter, honest []byte) {
					_, _ = w.Write(honest[:bytes.IndexByte(honest, '\n')+1])
				},
			} {
				o.stripe.say(func(*independentStripe) {})
				o.sellsBesides("gone1", "gone2")
				o.syncsWith(again, catalog.Succeeded)
				o.stripe.say(func(s *independentStripe) { s.refuses, s.lists = refusing, says })
				o.sellsBesides()
				result := o.syncsWith(again, catalog.SucceededWithErrors)
				require.Equal(t, [2]int64{0, 2}, [2]int64{result.Rows.Deleted, result.Rows.NotDeleted}, name)
				require.Len(t, o.stripe.ids(), len(o.base)+2)
				require.EqualValues(t, 2, o.state().Unsettled.NotDeleted, name)

				o.stripe.say(func(s *independentStripe) { s.refuses = nil })
				require.EqualValues(t, 2, o.syncsWith(again, catalog.Succeeded).Rows.Deleted, name)
				require.Equal(t, o.base, o.stripe.ids(), name)
				require.Nil(t, o.state().Unsettled, name)
			}
		})
	}
}

// A run of which Stripe took nothing has failed, whether it names the rows or not, and whatever its status is.
func TestARunOfWhichNothingWasTaken(t *testing.T) {
	for _, api := range []feed.API{feed.V1, feed.V2} {
		t.Run(string(api), func(t *testing.T) {
			o := enterOdd(t, api)
			o.sellsBesides("no1", "no2")
			_, err := o.ends(o.startsWith(again))
			requireFailure(t, err, fault.ImportFailed, "Stripe refused every row that it got, 2 of them")
			require.Equal(t, o.base, o.stripe.ids())
			require.EqualValues(t, 2, o.report().Rows.Refused)
			require.Equal(t, catalog.Failed, o.state().Last.Outcome)
			o.requireSettled()

			o.sellsBesides("ok1")
			o.syncsWith(again, catalog.Succeeded)
			require.Len(t, o.stripe.ids(), len(o.base)+1, "the feed goes on")
		})
	}
}

package catalog

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// What a report says of a run in words is written here and nowhere else: the terminal, the page, the JSON and
// Temporal's Web UI show the same. A count that is new needs a line in Fates or in Answers, and each of them shows it.

// Tally is one of a report's counts.
type Tally struct {
	Kind  string // a word for programs and styles; it stays when the wording changes
	Count int64
	Words string // follow the count: "kept back"
	Note  string // says more, where there is room
}

// String is the tally in a sentence.
func (t Tally) String() string { return humanize.Comma(t.Count) + " " + t.Words }

// Title is the tally's name where its count stands alone.
func (t Tally) Title() string { return strings.ToUpper(t.Words[:1]) + t.Words[1:] }

// The kinds of tallies.
const (
	TallyUnchanged    = "unchanged"
	TallySent         = "sent"
	TallyKeptBack     = "kept_back"
	TallyStillRefused = "still_refused"
	TallySuperseded   = "superseded"
	TallyDeletions    = "deletions"
	TallyAccepted     = "accepted"
	TallyRefused      = "refused"
	TallySkipped      = "skipped"
	TallyNotTaken     = "not_taken"
	TallyUnsettled    = "unsettled"
	TallyNotDeleted   = "not_deleted"
	TallyUnknown      = "unknown"
)

// changes names the rows that differ from what Stripe has: the same numbers mean something else before a decision and
// after it.
func (r ReportRows) changes(o Outcome) (sent, deleted string) {
	switch o {
	case Held:
		return "to send", "to delete"
	case Rejected:
		return "not sent", "not deleted"
	case Failed: // which of them Stripe was sent, nobody counts; what it took of them is among the answers
		return "new or changed", noun(r.Deleted, "deletion") + " due"
	}
	return "sent", noun(r.Deleted, "deletion") + " sent"
}

// difference says what the rows are that the run is about; not in the words that count them.
func difference(o Outcome) string {
	if o == Failed {
		return "were to be sent"
	}
	return "new or changed"
}

// Text says how much a part is.
func (p Part) Text() string {
	return Counted(int64(p.Rows), "row") + ", " + humanize.Bytes(uint64(max(0, p.Object.Size)))
}

// Fates say where each row of the source went, and beside them how many deletions there are.
func (r ReportRows) Fates(o Outcome) []Tally {
	sent, deleted := r.changes(o)
	return []Tally{
		{TallyUnchanged, r.Unchanged, "unchanged", "with Stripe already"},
		{TallySent, r.Sent, sent, difference(o)},
		{TallyKeptBack, r.KeptBack, "kept back", "Stripe would refuse them"},
		{TallyStillRefused, r.StillRefused, "still refused", "by Stripe, not changed since"},
		{TallySuperseded, r.Superseded, "superseded", "by a later row of the same id"},
		{TallyUnsettled, r.Unsettled, "waiting to be sent again", "Stripe did not say whether it took them"},
		{TallyDeletions, r.Deleted, deleted, "gone from the file"},
		{TallyNotDeleted, r.NotDeleted, "not deleted", "Stripe refused it, or did not say; tried again"},
	}
}

// Answers say what Stripe made of what it was sent, what it accepted first; there are none where nothing was sent.
func (r ReportRows) Answers(o Outcome) []Tally {
	if o == Held || o == Rejected {
		return nil
	}
	answers := []Tally{
		{TallyAccepted, r.Accepted, "accepted", "of what was sent"},
		{TallyRefused, r.Refused, "refused", "by Stripe, this time"},
		{TallyUnknown, r.Unknown, "unknown", "whether Stripe took them; sent again"},
		{TallySkipped, r.Skipped, "skipped", "by Stripe"},
	}
	if o == Failed {
		untaken := max(r.Sent+r.Deleted-r.Accepted-r.Refused-r.Unknown-r.Skipped, 0)
		answers = append(answers, Tally{TallyNotTaken, untaken, "not taken", "as the import failed"})
	}
	return answers
}

// Known reports whether anybody counted the rows: a run whose source could not be read does not know that there are
// none.
func (r ReportRows) Known(o Outcome) bool { return o != Failed || r != (ReportRows{}) }

// RowsText says what became of the rows of the source, and StripeText what Stripe made of what was sent; what did not
// occur is left out. It is empty if nobody counted them.
func (r ReportRows) RowsText(o Outcome) string {
	if !r.Known(o) {
		return ""
	}
	fates := occurred(r.Fates(o))
	if r.Source == 0 && r.Sent > 0 { // the rest of an earlier import
		return sentence(fates)
	}
	text := humanize.Comma(r.Source) + " in the source"
	if len(fates) > 0 {
		text += ": " + sentence(fates)
	}
	return text
}

// StripeText is empty if Stripe was sent nothing.
func (r ReportRows) StripeText(o Outcome) string { return sentence(occurred(r.Answers(o))) }

// ToRepair counts the rows that agents do not get as the file has them.
func (r ReportRows) ToRepair() int64 { return r.KeptBack + r.Refused + r.StillRefused }

// Open counts the rows that nobody can say more of than that they are tried again.
func (r ReportRows) Open() int64 { return r.Unknown + r.Unsettled + r.NotDeleted }

// Headline is the report in one sentence.
func (r Report) Headline() string {
	switch r.Outcome {
	case Failed:
		return "The sync failed."
	case Held:
		return "The sync waits for a decision."
	case Rejected:
		return "The sync was rejected."
	case Unchanged:
		return "Nothing has changed."
	}
	switch bad := r.Rows.ToRepair(); {
	case bad == 0 && r.Rows.Open() > 0:
		return fmt.Sprintf("%s will be sent again.", Counted(r.Rows.Open(), "row"))
	case r.Resumed && bad == 0:
		return "An interrupted import has come to its end."
	case bad == 1:
		return fmt.Sprintf("1 of %s needs repair.", Counted(max(r.Rows.Source, r.Rows.Sent), "row"))
	case bad > 0:
		return fmt.Sprintf("%s of %s need repair.", humanize.Comma(bad),
			Counted(max(r.Rows.Source, r.Rows.Sent), "row"))
	}
	return "Every row is in order."
}

// Lead says what the headline means for what agents can sell.
func (r Report) Lead() string {
	switch {
	case r.Outcome == Failed && r.Rows.Unknown > 0:
		return "What Stripe made of the rows that it got cannot be learnt. They are sent again."
	case r.Outcome == Failed && r.Rows.Accepted > 0:
		return "Stripe took a part of what was new. What agents see of the rest stays as it was."
	case r.Outcome == Failed:
		return "What agents see stays as it was."
	case r.Outcome == Held:
		return "Nothing was sent. What agents see stays as it is until somebody approves this version."
	case r.Outcome == Rejected:
		return "Nothing was sent. What agents see stays as it is; the next version of the file is looked at anew."
	case r.Outcome == Unchanged:
		return "Stripe has this version of the file already."
	case r.Resumed:
		return "This is about what a run before this one had begun to send. The whole file is looked at next."
	case r.Rows.Open() > 0:
		return "Of some rows Stripe did not say what it made of them, or refused to delete them. They are tried " +
			"again by themselves."
	case r.Rows.ToRepair() > 0:
		return "Everything else is with Stripe. Repaired rows go out by themselves with the next version of the file."
	case r.Rows.Waiting > 0:
		return "Stripe has every row of the file. It also has products that are not in it, which are deleted once " +
			"that is beyond doubt."
	}
	return "Stripe has the catalog as the file has it."
}

// Summarized is the report in a sentence or two; older ones were not kept with it.
func (r Report) Summarized() string { return r.Headline() + " " + r.Lead() }

// ReasonBesideVerdict is the reason, unless the verdict that stands beside it gives the same one.
func (r Report) ReasonBesideVerdict() string {
	if r.Outcome == Rejected && r.Verdict != nil && strings.HasSuffix(r.Reason, r.Verdict.Why) {
		return ""
	}
	return r.Reason
}

// SentInFull is why every row was sent; empty if only what changed was, or nothing.
func (r Report) SentInFull() string {
	if r.Outcome == Held || r.Outcome == Rejected {
		return ""
	}
	return r.Full
}

// WarningsTitle is true of every outcome: whether a row with a warning was sent depends on other things.
const WarningsTitle = "Warnings: none of these keeps a row back"

// ErrorsTitle heads the causes that do.
const ErrorsTitle = "What keeps rows from agents"

// Text says how the errors compare with those of the previous report.
func (s ReportSince) Text() string {
	told := []Tally{{Count: s.New, Words: "new"}, {Count: s.Fixed, Words: "fixed"},
		{Count: s.Still, Words: "still open"}}
	if s.Gone > 0 {
		told = append(told, Tally{Count: s.Gone, Words: "gone with their rows"})
	}
	return sentence(told)
}

func occurred(tallies []Tally) (all []Tally) {
	for _, t := range tallies {
		if t.Count > 0 {
			all = append(all, t)
		}
	}
	return all
}

// sentence sets deletions apart: they are no rows of the source.
func sentence(tallies []Tally) string {
	var b strings.Builder
	for _, t := range tallies {
		switch {
		case b.Len() == 0:
		case t.Kind == TallyDeletions || t.Kind == TallyNotDeleted:
			b.WriteString("; ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// Counted writes "1 row", "2,000 rows".
func Counted(n int64, of string) string { return humanize.Comma(n) + " " + noun(n, of) }

func noun(n int64, of string) string {
	if n == 1 {
		return of
	}
	return of + "s"
}

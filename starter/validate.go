package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/terminal"
)

// largestSource is what a worker reads unless VITRINE_MAX_SOURCE_BYTES says otherwise; a file is checked without any
// configuration.
const largestSource = 4_000_000_000

type validateFlags struct{ feed, format, dialect, quotes string }

const validateHelp = `Check a catalog file before anything is sent: its header, its structure and every row, by the rules by which a
sync keeps rows back. What only Stripe knows, such as which of the rows it has already, is not asked.

It works offline and needs no configuration. The name says what the file is: .csv or .tsv, with .gz if compressed.
- reads stdin, with --format. With --dialect google the file may be one for Google Merchant Center: what would be rewritten
on its way to Stripe is listed. What double quotes mean is told by the file's own rows, unless --quotes says it.

--output json prints the summary, --output csv every finding in the format of 'starter report --output csv'.

Exit codes: 0 if no row has errors (there may be warnings), 4 if rows have errors, which a sync keeps back, and 1 if
nothing of the file can be sent: it is empty, a required column is missing, it is too large.`

const validateExamples = `  starter validate catalog.csv
  starter validate catalog.tsv.gz --output json | jq '.causes[0]'
  starter validate catalog.csv --output csv > findings.csv
  starter validate merchant-center.tsv --dialect google
  zcat stock.csv.gz | starter validate - --format csv --feed inventory`

func (a *app) validateCommand() *cobra.Command {
	var flags validateFlags
	c := &cobra.Command{
		Use:         "validate FILE",
		Short:       "Check a catalog file before anything is sent",
		Long:        validateHelp,
		Example:     validateExamples,
		Annotations: map[string]string{csvOutput: "yes"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("expected one file, got %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"csv", "tsv", "gz"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.validate(c.Context(), args[0], flags))
		},
	}
	feedFlag(c, &flags.feed)
	c.Flags().StringVar(&flags.format, "format", "", "csv, tsv, csv.gz or tsv.gz (default: what the name ends in)")
	c.Flags().StringVar(&flags.dialect, "dialect", string(feed.StripeDialect),
		"how the file is written: stripe or google")
	must(c.RegisterFlagCompletionFunc("format",
		cobra.FixedCompletions([]string{"csv", "tsv", "csv.gz", "tsv.gz"}, cobra.ShellCompDirectiveNoFileComp)))
	c.Flags().StringVar(&flags.quotes, "quotes", string(lines.AutoQuotes),
		"what double quotes mean: auto (the rows tell), rfc4180, literal (ordinary text) or backslash")
	must(c.RegisterFlagCompletionFunc("quotes",
		cobra.FixedCompletions([]string{"auto", "rfc4180", "literal", "backslash"},
			cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("dialect",
		cobra.FixedCompletions([]string{string(feed.StripeDialect), string(feed.GoogleDialect)},
			cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// validation is what --output json prints.
type validation struct {
	File    string       `json:"file"`
	Feed    feed.Kind    `json:"feed"`
	Dialect feed.Dialect `json:"dialect"`
	OK      bool         `json:"ok"`              // it can be sent, with or without errors in rows
	Error   string       `json:"error,omitempty"` // why it cannot
	Bytes   int64        `json:"bytes"`           // after decompression

	Rows           int64 `json:"rows"` // the sum of the next four
	RowsSound      int64 `json:"rows_sound"`
	RowsWithErrors int64 `json:"rows_with_errors"`
	// another row of the same id counts in their place, or none of them does
	RowsSuperseded int64 `json:"rows_superseded"`
	RowsDuplicate  int64 `json:"rows_duplicate"` // of them, those that contradict it: no row of that id is sent
	RowsDeleting   int64 `json:"rows_deleting"`  // with delete=true

	Columns        []string                   `json:"columns"`
	UnknownColumns []string                   `json:"unknown_columns"` // in Google's dialect, those that are not sent
	RenamedColumns []renamedColumn            `json:"renamed_columns"` // by dialect, or by spelling
	Reading        feed.Reading               `json:"reading"`         // how the file was read
	Normalised     []catalog.ReportNormalised `json:"normalised"`      // by the dialect
	Causes         []foundCause               `json:"causes"`          // errors first, then by weight
	OtherCauses    int64                      `json:"other_causes,omitempty"`
}

type renamedColumn struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (a *app) validate(ctx context.Context, name string, flags validateFlags) error {
	o, err := validateOptions(name, flags)
	if err != nil {
		return err
	}
	out := newFindings(o.Kind, nil)
	if a.output == "csv" {
		list, err := os.CreateTemp("", "vitrine-findings-*")
		if err != nil {
			return fmt.Errorf("keep the findings until the whole file is read: %w", err)
		}
		defer os.Remove(list.Name())
		defer list.Close()
		out = newFindings(o.Kind, list)
	}
	v, err := a.check(ctx, name, o, out)
	if err != nil {
		return err
	}
	if err := a.printValidation(v, out); err != nil {
		return err
	}
	switch {
	case !v.OK:
		return fmt.Errorf("%s cannot be sent: %s", v.name(), v.Error)
	case v.RowsWithErrors+v.RowsDuplicate > 0:
		return &rowsError{v.name(), v.RowsWithErrors + v.RowsDuplicate}
	}
	return nil
}

// name is what people call the file.
func (v validation) name() string {
	if v.File == "-" {
		return "stdin"
	}
	return v.File
}

func validateOptions(name string, flags validateFlags) (o feed.Options, err error) {
	o = feed.Options{Dialect: feed.Dialect(flags.dialect), MaxBytes: largestSource, Now: time.Now()}
	if o.Kind, err = feed.ParseKind(flags.feed); err != nil {
		return o, badInput(err)
	}
	if o.Quotes, err = lines.ParseQuotes(flags.quotes); err != nil {
		return o, badUsage("--%v", err)
	}
	if o.Format, o.Gzipped, err = formatOf(name, flags.format); err != nil {
		return o, badInput(err)
	}
	if o.Dialect != feed.StripeDialect && o.Dialect != feed.GoogleDialect {
		return o, badUsage("--dialect %q is not known: expected stripe or google", flags.dialect)
	}
	return o, nil
}

func formatOf(name, given string) (lines.Format, bool, error) {
	if given != "" {
		return lines.FormatOf("." + given)
	}
	if name == "-" {
		return "", false, errors.New("stdin has no name to tell its format by: add --format csv or --format tsv")
	}
	return lines.FormatOf(name)
}

// check reads the file. What is wrong with it is in the result; what kept it from being read is the error.
func (a *app) check(ctx context.Context, name string, o feed.Options, out *findings) (validation, error) {
	file, err := a.openLocal(ctx, name, o.MaxBytes)
	if err != nil {
		return validation{}, err
	}
	defer file.close()
	delta, err := feed.Compare(file.open, o, out)
	problem := unusable(delta, err)
	if err != nil && problem == "" {
		return validation{}, fmt.Errorf("read %s: %w", validation{File: name}.name(), err)
	}
	rows := delta.Counts
	v := validation{
		File: name, Feed: o.Kind, Dialect: o.Dialect, OK: problem == "", Error: problem, Bytes: delta.Bytes,
		Rows: rows.Source, RowsSound: rows.Sent, RowsWithErrors: rows.KeptBack, RowsSuperseded: rows.Superseded,
		RowsDuplicate: rows.Duplicates, RowsDeleting: rows.Asked,
		Columns:        append([]string{}, delta.Header.Columns...),
		UnknownColumns: append([]string{}, delta.Header.Unknown...),
		RenamedColumns: []renamedColumn{},
		Reading:        delta.Reading,
		Normalised:     normalised(delta.Normalised),
		Causes:         out.top(), OtherCauses: out.other,
	}
	for _, r := range delta.Header.Renamed {
		v.RenamedColumns = append(v.RenamedColumns, renamedColumn(r))
	}
	return v, nil
}

// unusable is why nothing of a file can be sent; empty if that is not so, or if it could not be read at all.
func unusable(delta feed.Delta, err error) string {
	var header *feed.HeaderError
	var syntax *lines.SyntaxError
	switch {
	case errors.Is(err, lines.ErrTooLarge):
		return fmt.Sprintf("it has more than %s after decompression, which is what Vitrine reads unless "+
			"VITRINE_MAX_SOURCE_BYTES says otherwise", terminal.Bytes(largestSource))
	case errors.As(err, &header), errors.As(err, &syntax):
		return err.Error()
	case err == nil && len(delta.Header.Columns) == 0:
		return "the file is empty: it has not even a header"
	}
	return ""
}

// printValidation leaves it to the error to say why a file cannot be sent, unless a script asks.
func (a *app) printValidation(v validation, out *findings) error {
	switch {
	case a.json():
		return a.printJSON(v)
	case !v.OK:
		return nil
	case a.output == "csv":
		return out.copyTo(a.Stdout)
	}
	a.describeValidation(v)
	return nil
}

func (a *app) describeValidation(v validation) {
	a.Tell(a.Stdout, "", v.name()+": "+judged(v))
	line := func(title, text string) { a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", title), text) }
	line("rows", rowsOf(v))
	line("columns", humanize.Comma(int64(len(v.Columns))))
	if n := int64(len(v.UnknownColumns)); n > 0 {
		if v.Dialect == feed.StripeDialect {
			line("unknown", "Stripe documents no "+terminal.Some(v.UnknownColumns, 20))
		} else {
			line("not sent", terminal.Some(v.UnknownColumns, 20))
		}
	}
	for _, r := range v.RenamedColumns {
		line("renamed", terminal.Shortened(r.From, 40)+" → "+r.To)
	}
	line("size", terminal.Bytes(v.Bytes))
	for _, n := range v.Reading.Notes() {
		line("reading", n)
	}
	a.drawCauses(drawn(v.Causes), v.OtherCauses)
	a.printNormalised("Rewritten on the way to Stripe", v.Normalised)
	if len(v.Causes) > 0 && v.File != "-" {
		a.Say("\n  Every finding: the same command with --output csv")
	}
}

func rowsOf(v validation) string {
	text, before := humanize.Comma(v.Rows)+" in the file", ": "
	for _, t := range []catalog.Tally{
		{Count: v.RowsSound, Words: "can be sent"},
		{Count: v.RowsWithErrors, Words: "with errors, which a sync keeps back"},
		{Count: v.RowsSuperseded, Words: "with the id of another row, which is looked at in their place"},
		{Count: v.RowsDeleting, Words: "with delete=true"},
	} {
		if t.Count > 0 {
			text, before = text+before+t.String(), ", "
		}
	}
	return text
}

func judged(v validation) string {
	switch {
	case v.Rows == 0:
		return "there is a header but no row: a sync would hold it, because it would delete everything"
	case v.RowsWithErrors+v.RowsDuplicate > 0:
		return fmt.Sprintf("%s of %s with errors", humanize.Comma(v.RowsWithErrors+v.RowsDuplicate),
			terminal.Plural(v.Rows, "row"))
	case len(v.Causes) > 0:
		return "no row has errors, and there are warnings"
	}
	return "no problems found"
}

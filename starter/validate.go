package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"vitrine/internal/feed"
)

// stripeLimit is the largest file that Stripe takes.
const stripeLimit = 200_000_000

type validateFlags struct{ feed, format string }

func (a *app) validateCommand() *cobra.Command {
	var flags validateFlags
	c := &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a catalog file before anything is sent",
		Long: `Check a catalog file before anything is sent: its header and structure.

It works offline and needs no configuration. The name says what the file is: .csv or .tsv, with .gz if compressed.
- reads stdin, with --format.

Exit codes: 0 if the file can be sent (with what was found about rows, which Stripe judges one by one), 1 if it cannot:
a required column is missing, a quote is never closed, it is not UTF-8, it is too large.`,
		Example: `  starter validate catalog.csv
  starter validate catalog.tsv.gz --output json
  zcat catalog.csv.gz | starter validate - --format csv`,
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
	return c
}

// validation is what --output json prints.
type validation struct {
	File     string         `json:"file"`
	OK       bool           `json:"ok"` // it can be sent
	Error    string         `json:"error,omitempty"`
	Rows     int64          `json:"rows"`
	Bytes    int64          `json:"bytes"`
	SHA256   string         `json:"sha256,omitempty"`
	Columns  []string       `json:"columns"`
	Unknown  []string       `json:"unknown_columns"`
	Findings []feed.Tally `json:"findings"`
}

func (a *app) validate(ctx context.Context, name string, flags validateFlags) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	format, gzipped, err := formatOf(name, flags.format)
	if err != nil {
		return badInput(err)
	}
	summary, problem, err := a.inspect(ctx, name, feed.Options{Kind: kind, Format: format, Gzipped: gzipped, MaxBytes: stripeLimit})
	if err != nil {
		return err
	}
	v := validation{
		File: name, OK: problem == nil, Rows: summary.Rows, Bytes: summary.Bytes, SHA256: summary.SHA256,
		Columns:  append([]string{}, summary.Header.Columns...),
		Unknown:  append([]string{}, summary.Header.Unknown...),
		Findings: append([]feed.Tally{}, summary.Findings...),
	}
	if problem != nil {
		v.Error = problem.Error()
	}
	if a.json() {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else if v.OK {
		a.printValidation(v)
	}
	if !v.OK {
		return fmt.Errorf("%s cannot be sent: %s", name, v.Error)
	}
	return nil
}

func formatOf(name, given string) (feed.Format, bool, error) {
	if given != "" {
		return feed.FormatOf("." + given)
	}
	if name == "-" {
		return "", false, errors.New("stdin has no name to tell its format by: add --format csv or --format tsv")
	}
	return feed.FormatOf(name)
}

// inspect reads the file once. What is wrong with it is the problem; what kept it from being read is the error.
func (a *app) inspect(ctx context.Context, name string, o feed.Options) (summary feed.Summary, problem, err error) {
	source, total, err := a.open(name)
	if err != nil {
		return summary, nil, badInput(err)
	}
	defer source.Close()
	bar := a.progress(total, "reading", progressbar.OptionShowBytes(true))
	watched := &readOnly{ctx: ctx, source: source, bar: bar}
	summary, problem = feed.Inspect(watched, o)
	_ = bar.Finish()
	if watched.failed != nil {
		return summary, nil, fmt.Errorf("read %s: %w", name, watched.failed)
	}
	if errors.Is(problem, feed.ErrTooLarge) {
		problem = fmt.Errorf("it is larger than the %s that Stripe takes in one file", size(stripeLimit))
	}
	return summary, problem, nil
}

func (a *app) open(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(a.stdin), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", name)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// readOnly moves the bar, stops at Ctrl-C, and remembers a failure to read, which is no problem of the file's content.
type readOnly struct {
	ctx    context.Context
	source io.Reader
	bar    *progressbar.ProgressBar
	failed error
}

func (r *readOnly) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		r.failed = context.Cause(r.ctx)
		return 0, r.failed
	}
	n, err := r.source.Read(p)
	_ = r.bar.Add(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return n, err
}

func (a *app) printValidation(v validation) {
	fmt.Fprintf(a.stdout, "%s can be sent: %s, %d columns, %s\n", v.File, plural(v.Rows, "row"), len(v.Columns), size(v.Bytes))
	fmt.Fprintf(a.stdout, "  sha256  %s\n", v.SHA256)
	if v.Rows == 0 {
		fmt.Fprintln(a.stdout, "  ! there is a header but no row")
	}
	for _, f := range v.Findings {
		mark := "✗"
		if f.Warning {
			mark = "!"
		}
		fmt.Fprintf(a.stdout, "\n  %s %s: %s\n", mark, plural(f.Count, unitOf(f)), printable(f.Detail))
		if f.Cause != feed.UnknownColumn {
			fmt.Fprintf(a.stdout, "    first in %s\n", lines(f.Lines))
		}
		fmt.Fprintf(a.stdout, "    %s\n", printable(f.Fix))
	}
}

func unitOf(f feed.Tally) string {
	if f.Cause == feed.UnknownColumn {
		return "column"
	}
	return "row"
}

func lines(numbers []int64) string {
	var texts []string
	for _, n := range numbers {
		texts = append(texts, count(n))
	}
	if len(texts) == 1 {
		return "line " + texts[0]
	}
	return "lines " + strings.Join(texts, ", ")
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
)

type putFlags struct {
	feed    string
	replace bool
}

func (a *app) sourcePutCommand() *cobra.Command {
	var flags putFlags
	c := &cobra.Command{
		Use:   "put ACCOUNT FILE",
		Short: "Upload a file to where the account's source is expected",
		Long: `Upload a file to where the account's source is expected: its own source_key and source_bucket, or what
VITRINE_SOURCE_KEY and VITRINE_SOURCE_BUCKET say. The file is not checked: 'starter validate FILE' does that. What the
merchant exported is not replaced unless you say so.`,
		Example: `  starter source put acct_1Nv0FGQ9RKHgCVdK examples/product.csv
  starter source put acct_1Nv0FGQ9RKHgCVdK stock.csv --feed inventory --replace`,
		Args: accountAndFile,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.putSource(c.Context(), args[0], args[1], flags))
		},
	}
	feedFlag(c, &flags.feed)
	c.Flags().BoolVar(&flags.replace, "replace", false, "also if something is there already")
	return c
}

func accountAndFile(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return badUsage("expected the id of a connected account (acct_…) and a file")
	}
	return badInput(account.Check(args[0]))
}

func (a *app) putSource(ctx context.Context, account, name string, flags putFlags) error {
	docs, place, err := a.source(ctx, account, flags.feed)
	if err != nil {
		return err
	}
	format, err := sameFormat(name, place.key)
	if err != nil {
		return badInput(err)
	}
	if place.Object != nil && !flags.replace {
		return badInput(fmt.Errorf("%s is there already, written %s: --replace puts %s in its place", place.Source,
			terminal.DateTime(place.Object.LastModified), name))
	}
	file, err := a.openLocal(ctx, name, 0)
	if err != nil {
		return err
	}
	defer file.close()
	written, err := upload(ctx, docs, place, file, format)
	if err != nil {
		return err
	}
	place.Object = &written
	if a.json() {
		return a.printJSON(place)
	}
	a.Say("%s  %s: %s of %s", account, place.Feed, terminal.Bytes(written.Size), name)
	a.Tell(a.Stdout, "  source   ", place.Source)
	a.Tell(a.Stdout, "  version  ", written.Version())
	a.Tell(a.Stdout, "  next     ", "starter sync "+target(catalog.ID{Account: account, Feed: place.Feed})+" --follow")
	return nil
}

func upload(
	ctx context.Context, docs catalog.Documents, place sourcePlace, file *localFile, format lines.Format,
) (statestore.Object, error) {
	content, err := file.open()
	if err != nil {
		return statestore.Object{}, err
	}
	defer content.Close()
	written, err := docs.Objects.Write(ctx, place.bucket, place.key, format.ContentType(), io.Reader(content))
	if err != nil {
		return written, fmt.Errorf("upload to %s: %w", place.Source, err)
	}
	return docs.Objects.Head(ctx, place.bucket, place.key)
}

// sameFormat: the ending of the key says how the source is read, so the file has to be written so.
func sameFormat(name, key string) (lines.Format, error) {
	has, gzipped, err := lines.FormatOf(name)
	if err != nil {
		return has, err
	}
	wants, zipped, err := lines.FormatOf(key)
	if err != nil {
		return has, err
	}
	if has != wants || gzipped != zipped {
		return has, fmt.Errorf("%s is %s, and the account's source is expected as %s (%s): convert it, or set "+
			"another source_key for the account",
			name, ending(has, gzipped), ending(wants, zipped), key)
	}
	return has, nil
}

func ending(format lines.Format, gzipped bool) string {
	if gzipped {
		return strings.ToLower(string(format)) + ".gz"
	}
	return strings.ToLower(string(format))
}

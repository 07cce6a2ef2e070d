package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/strictjson"
	"vitrine/internal/terminal"
)

func (a *app) orderSettingsSetCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "set ACCOUNT -f FILE",
		Short: "Check settings for orders, and put them in the place of what is there",
		Long: "Check settings for orders, and put them in the place of what is there. The file is what " +
			"'show' prints; orders that are\nunder way go on by the settings that they have read.\n\nOrders that " +
			"were placed before the account was enabled are somebody else's: \"since\" says when that was, and is " +
			"filled in\nif the file does not say.",
		Example: "  starter order settings set acct_1Nv0FGQ9RKHgCVdK -f orders.json\n  starter order " +
			"settings show acct_A | jq '.account=\"acct_B\" | del(.since, .all_since)' | starter order settings set " +
			"acct_B -f -",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.setOrderSettings(c.Context(), args[0], file))
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "file with the settings, - for stdin; required")
	return c
}

func (a *app) setOrderSettings(ctx context.Context, account, file string) error {
	body, err := a.readSettings(file)
	if err != nil {
		return err
	}
	var settings order.Settings
	if err := cmp.Or(strictjson.Decode(body, &settings), strictjson.CheckSaid(body)); err != nil {
		return badInput(fmt.Errorf("%s: %w", file, err))
	}
	if settings.Account != account {
		return badInput(fmt.Errorf("%s: it names the account %.80q, not %s", file, settings.Account, account))
	}
	if err := errors.Join(settings.Check(), settings.CheckClear(), settings.CheckTakeover(a.Now())); err != nil {
		return badInput(fmt.Errorf("%s: %w", file, err))
	}
	docs, err := a.orderDocuments(ctx)
	if err != nil {
		return err
	}
	now := a.Now()
	before, err := docs.Settings(ctx, account)
	switch {
	case err == nil:
		settings = settings.Inherit(before, now)
	case !fault.Is(err, fault.SettingsInvalid):
		return err
	case settings.Enabled && settings.Since.IsZero():
		return badInput(
			fmt.Errorf("%w: say in the file since when the account's orders are fulfilled, such as \"since\": %q", err,
				a.Now().UTC().Format(time.RFC3339)))
	}
	if err := docs.SaveSettings(ctx, settings); err != nil {
		return err
	}
	if settings, err = a.correctTakeover(ctx, docs, settings, now); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(settings.WithDefaults())
	}
	a.Say("%s  the settings for orders are saved; %s", account, fulfils(settings))
	return nil
}

// correctTakeover puts S3's time, by which the settings were written just now, in the place of this machine's where
// that is wrong: orders that are placed before an account is taken over are nobody's, and those after it Vitrine's.
func (a *app) correctTakeover(
	ctx context.Context, docs order.Documents, saved order.Settings, now time.Time,
) (order.Settings, error) {
	written, err := docs.Head(ctx, docs.Layout.OrderSettingsKey(saved.Account))
	if err != nil {
		return saved, fmt.Errorf("the settings are saved, but when is not known: %w; say it again", err)
	}
	corrected := saved.Corrected(now, written.LastModified)
	if corrected.Since.Equal(saved.Since) && corrected.AllSince.Equal(saved.AllSince) {
		return saved, nil
	}
	a.Write(a.Stderr, fmt.Sprintf("this machine's clock says %s, and S3's %s: the account's orders are taken over by "+
		"S3's", terminal.DateTime(now), terminal.DateTime(written.LastModified)))
	return corrected, docs.SaveSettings(ctx, corrected)
}

func (a *app) readSettings(file string) ([]byte, error) {
	const most = 64 << 10
	if file == "" {
		return nil, badUsage("expected the settings as -f FILE, or - for stdin")
	}
	body, err := a.readLocal(file, most)
	switch {
	case err != nil:
		return nil, fmt.Errorf("settings: %w", err)
	case len(body) > most:
		return nil, badInput(fmt.Errorf("%s is far too large for settings", file))
	}
	return body, nil
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
	"vitrine/internal/terminal"
)

func (a *app) orderSettingsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "settings",
		Short: "Show and set what becomes of an account's orders",
		Long:  "Show and set what becomes of an account's orders. An account without settings has none fulfilled.",

		Example: "  starter order settings show acct_1Nv0FGQ9RKHgCVdK\n  starter order settings set " +
			"acct_1Nv0FGQ9RKHgCVdK -f orders.json",
	}
	group(c)
	c.AddCommand(a.orderSettingsShowCommand(), a.orderSettingsSetCommand())
	return c
}

func fulfils(s order.Settings) string {
	if !s.Enabled {
		return "none are fulfilled (enabled is false)"
	}
	return fmt.Sprintf("%s orders that are placed from %s on are fulfilled by %s", s.WithDefaults().Which,
		terminal.DateTime(s.Since), s.Fulfillment.Kind)
}

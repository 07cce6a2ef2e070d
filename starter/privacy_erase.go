package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
)

func (a *app) privacyEraseCommand() *cobra.Command {
	var flags erasure
	c := a.privacyOrderCommand("erase", func(ctx context.Context, id order.ID) error { return a.erase(ctx, id, flags) })
	c.Short = "Erase what is kept of an order's buyer, and say what stays"
	c.Long = `Erase what is kept of an order's buyer: the order as it lies for the merchant, and the evidence against disputes, with every
version where the bucket keeps versions. What stays, and why, is printed. Repeating it is harmless.

An order that is under way is refused, because somebody still needs to know where the goods go, and so is one with an open
dispute. --force erases all the same; a step that comes later may write anew.

On a terminal this shows what would go, and asks; a script is not asked.

Exit codes: 0 if nothing of the buyer is left, 1 if something is, or cannot be seen, or the order was refused.`
	c.Example = `  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --dry-run
  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --yes -o json
  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --place s3://acme-inbox/2025/   # the account's place before`
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be erased, and erase nothing")
	c.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&flags.force, "force", false, "erase although the order is under way or disputed")
	placesFlag(c, &flags)
	return c
}

func (a *app) erase(ctx context.Context, id order.ID, flags erasure) error {
	h, err := a.holdings(ctx, id, flags)
	if err != nil {
		return err
	}
	if why := h.needed(); why != "" && !flags.force && !flags.dryRun {
		return fmt.Errorf("%s: %s. Nothing was erased; --force erases all the same", id, why)
	}
	if flags.dryRun {
		return a.printHoldings(id, h, nil)
	}
	if len(h.found.Personal) > 0 && !flags.yes && a.IsTerminal(a.Stdin) {
		a.printObjects(a.Stderr, h.found.Personal)
		if !a.Ask("Erase this for good?") {
			return badInput(errors.New("nothing was done"))
		}
	}
	gone, failed := h.archive.Erase(ctx, h.found)
	err = a.printHoldings(id, h, &gone)
	switch {
	case failed != nil:
		return errors.Join(fmt.Errorf("%d of %d objects are erased; the same command tries the others again", len(gone),
			len(h.found.Personal)), failed, err)
	case len(h.found.Blind) > 0:
		return errors.Join(
			fmt.Errorf("old versions may be left in %s: nothing may see them without s3:ListBucketVersions, nor "+
				"remove them without s3:DeleteObjectVersion", strings.Join(h.found.Blind, ", ")), err)
	}
	return err
}

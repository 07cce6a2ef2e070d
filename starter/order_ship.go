package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/order"
	"vitrine/workflows"
)

type shipFlags struct {
	id, carrier, tracking string
	shipped, delivered    string
	lines                 []string
}

func (a *app) orderShipCommand() *cobra.Command {
	var flags shipFlags
	s := steering{update: workflows.UpdateShip, done: "has the parcel"}
	c := a.steeringCommand(s.update, func(c *cobra.Command, id order.ID) error {
		shipment, err := a.shipment(flags)
		if err != nil {
			return err
		}
		return a.steer(c.Context(), id, s, shipment)
	})
	c.Short = "Report a parcel of an order: sent, or delivered"
	c.Long = `Report a parcel of an order: sent, or delivered. The same --id again is the same parcel, with news. A payment that is
captured on shipment is captured now.`
	c.Example = `  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-1 --carrier UPS --tracking 1Z999AA10123456784
  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-1 --delivered now
  starter order ship order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 --id P-2 --line LAMP-1=2`
	c.Flags().StringVar(&flags.id, "id", "", "the merchant's id of the parcel; required")
	c.Flags().StringVar(&flags.carrier, "carrier", "", "who carries it, such as UPS")
	c.Flags().StringVar(&flags.tracking, "tracking", "", "tracking number")
	c.Flags().StringVar(&flags.shipped, "shipped", "",
		"when it was sent: now, or like 2026-11-24T12:00:00Z (default: now, unless --delivered is given)")
	c.Flags().StringVar(&flags.delivered, "delivered", "", "when it arrived: now, or like 2026-11-26T12:00:00Z")
	linesFlag(c, &flags.lines, "what is in it")
	return c
}

func (a *app) shipment(flags shipFlags) (p order.Shipment, err error) {
	if flags.id == "" {
		return p, badUsage("which parcel? Give its id with --id: the same id again is the same parcel")
	}
	if flags.shipped == "" && flags.delivered == "" {
		flags.shipped = "now"
	}
	p = order.Shipment{ID: flags.id, Carrier: flags.carrier, Tracking: flags.tracking}
	var errs [3]error
	p.ShippedAt, errs[0] = a.moment("--shipped", flags.shipped)
	p.DeliveredAt, errs[1] = a.moment("--delivered", flags.delivered)
	p.Lines, errs[2] = parseLines(flags.lines)
	if err := errors.Join(errs[:]...); err != nil {
		return p, badInput(err)
	}
	return p, badInput(p.Check())
}

func (a *app) moment(flag, text string) (time.Time, error) {
	switch text {
	case "":
		return time.Time{}, nil
	case "now":
		return a.Now().UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%s %.40q: expected now, or a time like 2026-11-24T12:00:00Z", flag, text)
	}
	return at.UTC(), nil
}

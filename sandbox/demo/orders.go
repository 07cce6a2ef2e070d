package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/internal/order"
	"vitrine/internal/stripesim"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/workflows"
)

const webhookSecret = "whsec_ofTheDemosWebhooks"

// serveOrders has two shops' orders fulfilled: one lets its warehouse read a bucket, the other decides about each order.
func (d *demo) serveOrders(ctx context.Context) error {
	d.story.begin("Agents may buy now: two shops have their orders fulfilled, and starter serve takes Stripe's webhooks")
	for _, settings := range []order.Settings{
		{Account: d.shops[0].account, Enabled: true, Fulfillment: order.Fulfillment{Kind: order.S3}},
		{Account: d.shops[1].account, Enabled: true, Capture: order.OnShipment, Fulfillment: order.Fulfillment{Kind: order.S3, AwaitAnswer: true}},
	} {
		body, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		file := settings.Account + ".json"
		if err := os.WriteFile(filepath.Join(d.stack.Dir(), file), body, 0o600); err != nil {
			return err
		}
		if err := d.starter(ctx, "order", "settings", "set", settings.Account, "-f", file); err != nil {
			return err
		}
	}
	return d.startServe(ctx)
}

func (d *demo) startServe(ctx context.Context) error {
	free, err := ports.Several(2)
	if err != nil {
		return err
	}
	webhooks, probes := ports.Address(free[0]), ports.Address(free[1])
	log, err := os.Create(filepath.Join(d.stack.Dir(), "serve.log"))
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own handle
	env := append(d.stack.Environ(os.Environ()), "VITRINE_WEBHOOK_LISTEN="+webhooks, "VITRINE_LISTEN="+probes, "VITRINE_WEBHOOK_SECRETS="+webhookSecret)
	d.story.command("starter serve")
	d.serve, err = child.Start(child.Command{Path: d.binary("starter"), Args: []string{"serve"}, Env: env, Dir: d.stack.Dir(), Stdout: log, Stderr: log})
	if err != nil {
		return err
	}
	if err := awaitReady(ctx, "starter serve", d.serve, "http://"+probes+"/readyz"); err != nil {
		return err
	}
	_, err = d.emulator.AddEndpoint(ctx, stripesim.Endpoint{
		URL: "http://" + webhooks + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true, EnabledEvents: order.EventTypes(),
	})
	d.story.check("Stripe sends the events of all accounts to http://%s/webhooks/stripe", webhooks)
	return err
}

// buy lets an agent buy the first product of a shop that is for sale.
func (d *demo) buy(ctx context.Context, s *shop, p stripesim.Purchase) (stripesim.Order, error) {
	p.Account = s.account
	if p.Agent.Name == "" {
		p.Agent = stripesim.Agent{Name: "Demo Agent", Profile: "profile_test_demo"}
	}
	bought, err := d.emulator.Purchase(ctx, p)
	if err != nil {
		return bought.Order, err
	}
	d.story.say("%s buys %d × %s of %s: %s", p.Agent.Name, bought.Items[0].Quantity, bought.Items[0].SKU, s.account, bought.Session)
	return bought.Order, nil
}

func (d *demo) orderNormally(ctx context.Context) error {
	d.story.begin("An agent buys: the order is in the warehouse's bucket a moment later")
	bought, err := d.buy(ctx, d.shops[0], stripesim.Purchase{})
	if err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderAccepted); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "show", bought.Account, bought.Session); err != nil {
		return err
	}
	key := "orders/" + bought.Account + "/" + bought.Session + ".json"
	content, object, err := d.documents.Objects.Get(ctx, d.layout.StateBucket, key)
	if err != nil {
		return err
	}
	var laid order.Document
	if err := json.Unmarshal(content, &laid); err != nil || laid.Amounts.Total != bought.Total {
		return fmt.Errorf("%s is over %d, expected %d: %w", object.URI(), laid.Amounts.Total, bought.Total, err)
	}
	d.story.check("%s has the order and whom to send it to; Temporal knows ids and amounts alone", object.URI())
	return nil
}

func (d *demo) orderCapturedOnShipment(ctx context.Context) error {
	d.story.begin("A payment is only reserved: it is taken when the parcel leaves")
	bought, err := d.buy(ctx, d.shops[1], stripesim.Purchase{Capture: "manual"})
	if err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderAwaitsMerchant); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "decide", bought.Account, bought.Session, "--accept", "--reference", "SO-4711"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderAccepted); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, 0, 0); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "ship", bought.Account, bought.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999AA10123456784"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderShipped); err != nil {
		return err
	}
	return d.checkMoney(ctx, bought, bought.Total, 0)
}

func (d *demo) orderRejected(ctx context.Context) error {
	d.story.begin("The merchant is out of stock: the buyer's money goes back, once")
	bought, err := d.buy(ctx, d.shops[1], stripesim.Purchase{})
	if err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderAwaitsMerchant); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "decide", bought.Account, bought.Session, "--reject", "--reason", "out_of_stock", "--yes"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderRejected); err != nil {
		return err
	}
	return d.checkMoney(ctx, bought, bought.Total, bought.Total)
}

func (d *demo) orderDisputed(ctx context.Context) error {
	d.story.begin("A buyer disputes an order: what speaks against it is gathered at once")
	bought, err := d.buy(ctx, d.shops[0], stripesim.Purchase{})
	if err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderAccepted); err != nil {
		return err
	}
	dispute, err := d.emulator.Dispute(ctx, bought.Session, 0, "product_not_received")
	if err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, workflows.OrderDisputed); err != nil {
		return err
	}
	key := d.layout.StatePrefix + order.EvidenceKey(orderID(bought), dispute.ID)
	err = d.awaitThat(ctx, "the evidence", func(ctx context.Context) (bool, error) {
		found, err := d.documents.Objects.List(ctx, d.layout.StateBucket, key)
		return len(found) == 1, err
	})
	if err != nil {
		return err
	}
	d.story.check("s3://%s/%s", d.layout.StateBucket, key)
	return d.starter(ctx, "order", "list")
}

func orderID(o stripesim.Order) order.ID { return order.ID{Account: o.Account, Session: o.Session} }

// awaitOrder waits until the order's workflow says that it is in a state.
func (d *demo) awaitOrder(ctx context.Context, o stripesim.Order, state workflows.OrderState) error {
	begun := time.Now()
	err := d.awaitThat(ctx, fmt.Sprintf("%s becoming %s", orderID(o), state), func(ctx context.Context) (bool, error) {
		answer, err := d.temporal.QueryWorkflow(ctx, orderID(o).String(), "", workflows.QueryOrder)
		if err != nil {
			return false, nil // no event has arrived yet
		}
		var view workflows.OrderView
		err = answer.Get(&view)
		return view.State == state, err
	})
	if err == nil {
		d.story.check("it is %s after %d ms", strings.ReplaceAll(string(state), "_", " "), time.Since(begun).Milliseconds())
	}
	return err
}

func (d *demo) awaitThat(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it did not happen within a minute"))
	defer cancel()
	for {
		done, err := holds(ctx)
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// checkMoney waits until Stripe has the order's money where it belongs: the workflow may be about to move it.
func (d *demo) checkMoney(ctx context.Context, o stripesim.Order, captured, refunded int64) error {
	err := d.awaitThat(ctx, fmt.Sprintf("%s having %d captured and %d refunded", o.Session, captured, refunded), func(ctx context.Context) (bool, error) {
		now, err := d.emulator.Order(ctx, o.Session)
		return now.Captured == captured && now.Refunded == refunded, err
	})
	if err == nil {
		d.story.check("Stripe has captured %s of %s, and refunded %s", dollars(captured), dollars(o.Total), dollars(refunded))
	}
	return err
}

// dollars is an amount as people read it; the demo's shops sell in no other currency.
func dollars(cents int64) string { return fmt.Sprintf("%d.%02d USD", cents/100, cents%100) }

package demo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/stack"
)

// serveOrders has two shops' orders fulfilled: one lets its warehouse read a bucket, the other decides about each
// order.
func (d *demo) serveOrders(ctx context.Context) error {
	d.story.begin("Agents may buy: two shops have orders fulfilled; starter serve takes Stripe's webhooks")
	reads, decides := d.shops[0], d.shops[1]
	for _, settings := range []order.Settings{
		{Account: reads.account, Enabled: true, Fulfillment: order.Fulfillment{Kind: order.S3}, Mail: reads.writesAs()},
		{Account: decides.account, Enabled: true, Capture: order.OnShipment,
			Fulfillment: order.Fulfillment{Kind: order.S3, AwaitAnswer: true}, Mail: decides.writesAs()},
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
	env := append(d.stack.Environ(os.Environ()), "VITRINE_WEBHOOK_LISTEN="+webhooks, "VITRINE_LISTEN="+probes,
		"VITRINE_WEBHOOK_SECRETS="+stack.WebhookSecret)
	d.story.command("starter serve")
	d.serve, err = child.Start(child.Command{Path: d.binary("starter"), Args: []string{"serve"}, Env: env,
		Dir: d.stack.Dir(), Stdout: log, Stderr: log})
	if err != nil {
		return err
	}
	if err := awaitReady(ctx, "starter serve", d.serve, "http://"+probes+"/readyz"); err != nil {
		return err
	}
	_, err = d.emulator.AddEndpoint(ctx, simcontrol.Endpoint{
		URL: "http://" + webhooks + "/webhooks/stripe", Secrets: []string{stack.WebhookSecret}, Connect: true,
		EnabledEvents: order.EventTypes(),
	})
	d.story.check("Stripe sends the events of all accounts to http://%s/webhooks/stripe", webhooks)
	return err
}

// buy lets an agent buy the first product of a shop that is for sale, and waits until the order is in a state.
func (d *demo) buy(ctx context.Context, s *shop, agent, capture string, state order.State) (simcontrol.Order, error) {
	bought, err := d.emulator.Purchase(ctx, simcontrol.Purchase{
		Account: s.account, Capture: capture, Agent: simcontrol.Agent{Name: agent, Profile: "profile_test_demo"},
	})
	if err != nil {
		return bought.Order, err
	}
	item := bought.Items[0]
	d.story.say("%s buys %d × %s of %s, for %s in all:", agent, item.Quantity, item.SKU, s.name, dollars(bought.Total))
	d.story.say("%s", bought.Session)
	return bought.Order, d.awaitOrder(ctx, bought.Order, state)
}

func (d *demo) orderNormally(ctx context.Context) error {
	d.story.begin("An agent buys: the order is in the warehouse's bucket a moment later")
	s := d.shops[0]
	bought, err := d.buy(ctx, s, "Agent Ada", "automatic", order.StateAccepted)
	if err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "show", bought.Account, bought.Session); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, bought.Total, 0); err != nil {
		return err
	}
	if err := d.checkLaid(ctx, bought); err != nil {
		return err
	}
	return d.checkMail(ctx, s, bought, confirmation(s, bought, ""))
}

func (d *demo) orderCapturedOnShipment(ctx context.Context) error {
	d.story.begin("A payment is only reserved: it is taken when the parcel leaves")
	s := d.shops[1]
	bought, err := d.buy(ctx, s, "Agent Bo", "manual", order.StateAwaitsMerchant)
	if err != nil {
		return err
	}
	const reference = "SO-4711"
	if err := d.starter(ctx, "order", "decide", bought.Account, bought.Session, "--accept", "--reference",
		reference); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, order.StateAccepted); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, 0, 0); err != nil {
		return err
	}
	if err := d.checkMail(ctx, s, bought, confirmation(s, bought, reference)); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "ship", bought.Account, bought.Session, "--id", "P-1", "--carrier", "UPS",
		"--tracking", "1Z999AA10123456784"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, order.StateShipped); err != nil {
		return err
	}
	return d.checkMoney(ctx, bought, bought.Total, 0)
}

func (d *demo) orderRejected(ctx context.Context) error {
	d.story.begin("The merchant is out of stock: the buyer's money goes back, once")
	s := d.shops[1]
	bought, err := d.buy(ctx, s, "Agent Cleo", "automatic", order.StateAwaitsMerchant)
	if err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "decide", bought.Account, bought.Session, "--reject", "--reason", "out_of_stock",
		"--yes"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, order.StateRejected); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, bought.Total, bought.Total); err != nil {
		return err
	}
	return d.checkMail(ctx, s, bought, rejection(s, bought))
}

func (d *demo) orderRefunded(ctx context.Context) error {
	d.story.begin("A buyer changes their mind: the money goes back later, and the merchant is told to stop")
	s := d.shops[0]
	bought, err := d.buy(ctx, s, "Agent Dee", "automatic", order.StateAccepted)
	if err != nil {
		return err
	}
	if err := d.checkMail(ctx, s, bought, confirmation(s, bought, "")); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "refund", bought.Account, bought.Session, "--why", "the buyer changed their mind",
		"--by", "ada@acme.example", "--yes"); err != nil {
		return err
	}
	if err := d.awaitOrder(ctx, bought, order.StateRefunded); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, bought.Total, bought.Total); err != nil {
		return err
	}
	return d.checkNotices(ctx, bought, order.NoticeRefunded, order.NoticeStopShipment)
}

func (d *demo) orderDisputed(ctx context.Context) error {
	d.story.begin("A buyer disputes an order: what speaks against it is gathered at once")
	s := d.shops[0]
	bought, err := d.buy(ctx, s, "Agent Eve", "automatic", order.StateAccepted)
	if err != nil {
		return err
	}
	if err := d.checkMail(ctx, s, bought, confirmation(s, bought, "")); err != nil {
		return err
	}
	dispute, err := d.emulator.Dispute(ctx, bought.Session, 0, "product_not_received")
	if err != nil {
		return err
	}
	d.story.Blank()
	d.story.say("The buyer tells their bank that nothing came: %s over %s", dispute.ID, dollars(dispute.Amount))
	if err := d.awaitOrder(ctx, bought, order.StateDisputed); err != nil {
		return err
	}
	if err := d.checkMoney(ctx, bought, bought.Total, 0); err != nil {
		return err
	}
	if err := d.checkNotices(ctx, bought, order.NoticeDisputed, order.NoticeStopShipment); err != nil {
		return err
	}
	return d.checkEvidence(ctx, bought, dispute.ID)
}

func (d *demo) showOrders(ctx context.Context) error {
	d.story.begin("The five orders at a glance, and what the buyers were written")
	if err := d.checkListed(ctx); err != nil {
		return err
	}
	if err := d.starter(ctx, "order", "list"); err != nil {
		return err
	}
	return d.checkMails(ctx)
}

package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/terminal"
	"vitrine/sandbox/mail"
	"vitrine/workflows"
)

func orderID(o simcontrol.Order) order.ID { return order.ID{Account: o.Account, Session: o.Session} }

// found is a check of an order, with what it is about.
func (d *demo) found(about, format string, args ...any) {
	d.story.check("%-9s  %s", about, fmt.Sprintf(format, args...))
}

// more is what else there is to say of what was found.
func (d *demo) more(format string, args ...any) { d.story.aside("             "+format, args...) }

// awaitOrder waits until the order's workflow says that it is in a state.
func (d *demo) awaitOrder(ctx context.Context, o simcontrol.Order, state order.State) error {
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
		d.placed[orderID(o)] = state
		d.found("order", "%s after %d ms", terminal.Spaced(state), time.Since(begun).Milliseconds())
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
func (d *demo) checkMoney(ctx context.Context, o simcontrol.Order, captured, refunded int64) error {
	err := d.awaitThat(ctx, fmt.Sprintf("%s having %d captured and %d refunded", o.Session, captured, refunded),
		func(ctx context.Context) (bool, error) {
			now, err := d.emulator.Order(ctx, o.Session)
			return now.Captured == captured && now.Refunded == refunded, err
		})
	if err == nil {
		d.found("money", "Stripe has captured %s of %s, and refunded %s", dollars(captured), dollars(o.Total),
			dollars(refunded))
	}
	return err
}

// dollars is an amount as people read it; the demo's shops sell in no other currency.
func dollars(cents int64) string { return order.Money(cents, "usd") }

// letter is what a mail has to say.
type letter struct {
	subject string
	says    []string
}

func confirmation(s *shop, o simcontrol.Order, reference string) letter {
	subject := "Your order at " + s.name
	if reference != "" {
		subject += " (" + reference + ")"
	}
	return letter{subject,
		[]string{"This purchase was made for you by an AI agent, " + o.Agent.Name + ".", "Total: " + dollars(o.Total)}}
}

func rejection(s *shop, o simcontrol.Order) letter {
	return letter{"Your order at " + s.name + " cannot be delivered", []string{
		"The purchase was made for you by an AI agent, " + o.Agent.Name + ".",
		"You pay nothing: " + dollars(o.Total) + " goes back to where it was paid from.",
	}}
}

// checkMail waits for the mail of an order, and holds it to what it has to say.
func (d *demo) checkMail(ctx context.Context, s *shop, o simcontrol.Order, want letter) error {
	var mails []mail.Mail
	err := d.awaitThat(ctx, "the mail of "+o.Session, func(ctx context.Context) (bool, error) {
		all, err := d.caught.Mails(ctx, mail.Match{From: s.writesAs().From})
		mails = slices.DeleteFunc(all, func(m mail.Mail) bool { return !strings.Contains(m.Text, o.Session) })
		return len(mails) > 0, err
	})
	if err != nil {
		return err
	}
	got := mails[0]
	if len(mails) != 1 || got.Subject != want.subject || got.Problem != "" {
		return fmt.Errorf("%d mails were sent for %s, the first about %q (%s); expected one about %q", len(mails),
			o.Session, got.Subject, got.Problem, want.subject)
	}
	for _, says := range want.says {
		if !strings.Contains(got.Text, says) {
			return fmt.Errorf("the mail of %s does not say %q", o.Session, says)
		}
	}
	d.found("mail", "%q to %s", got.Subject, strings.Join(got.Recipients, ", "))
	for _, says := range want.says {
		d.more("%s", says)
	}
	d.more("%s", d.caught.Page(got))
	return nil
}

// checkMails counts the mails: one for each order.
func (d *demo) checkMails(ctx context.Context) error {
	mails, err := d.caught.Mails(ctx, mail.Match{})
	if err != nil {
		return err
	}
	if len(mails) != len(d.placed) {
		return fmt.Errorf("%d mails were sent for %d orders", len(mails), len(d.placed))
	}
	d.story.Blank()
	d.found("mail", "each buyer was written once, %d mails in all: %s", len(mails), d.stack.Mail())
	return nil
}

// checkLaid compares the order that lies in the warehouse's bucket with what was bought.
func (d *demo) checkLaid(ctx context.Context, o simcontrol.Order) error {
	place := d.layout.Place("", "")
	content, object, err := d.documents.Objects.Get(ctx, place.Bucket, place.OrderKey(o.Account, o.Session))
	if err != nil {
		return err
	}
	var laid order.Document
	if err := json.Unmarshal(content, &laid); err != nil {
		return err
	}
	if laid.Amounts.Total != o.Total || laid.ShipTo == nil {
		return fmt.Errorf("%s is over %d, expected %d and somebody to ship to", object.URI(), laid.Amounts.Total,
			o.Total)
	}
	d.found("merchant", "the bucket has the order and its address; Temporal knows ids and amounts alone:")
	d.more("%s", object.URI())
	return nil
}

// checkNotices waits until the merchant was told what has become of an order, and nothing else.
func (d *demo) checkNotices(ctx context.Context, o simcontrol.Order, want ...order.NoticeKind) error {
	var told []order.NoticeKind
	err := d.awaitThat(ctx, fmt.Sprintf("the merchant being told of %s: %s", o.Session, listed(want)),
		func(ctx context.Context) (bool, error) {
			var err error
			told, err = d.notices(ctx, o)
			return len(told) >= len(want), err
		})
	if err != nil {
		return err
	}
	slices.Sort(told)
	if slices.Sort(want); !slices.Equal(told, want) {
		return fmt.Errorf("the merchant was told of %s: %s; expected: %s", o.Session, listed(told), listed(want))
	}
	d.found("merchant", "is told: %s", listed(told))
	return nil
}

// listed are names as people read them.
func listed[name ~string](names []name) string {
	if len(names) == 0 {
		return "nothing"
	}
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = terminal.Spaced(n)
	}
	return strings.Join(words, ", ")
}

func (d *demo) notices(ctx context.Context, o simcontrol.Order) (kinds []order.NoticeKind, err error) {
	place := d.layout.Place("", "")
	keys, err := d.documents.Objects.List(ctx, place.Bucket, place.NoticePrefix(o.Account, o.Session))
	for _, key := range keys {
		content, _, err := d.documents.Objects.Get(ctx, place.Bucket, key)
		if err != nil {
			return nil, err
		}
		var notice order.Notice
		if err := json.Unmarshal(content, &notice); err != nil {
			return nil, err
		}
		kinds = append(kinds, notice.Kind)
	}
	return kinds, err
}

func (d *demo) checkEvidence(ctx context.Context, o simcontrol.Order, dispute string) error {
	key := d.layout.Order(o.Account, o.Session).EvidenceKey(dispute)
	err := d.awaitThat(ctx, "the evidence", func(ctx context.Context) (bool, error) {
		found, err := d.documents.List(ctx, key)
		return len(found) == 1, err
	})
	if err == nil {
		d.found("evidence", "what is known of the order lies ready:")
		d.more("s3://%s/%s", d.layout.StateBucket, key)
	}
	return err
}

// checkListed waits until Temporal lists the orders as they are: the list lags a little behind.
func (d *demo) checkListed(ctx context.Context) error {
	return d.awaitThat(ctx, "the orders being listed", func(ctx context.Context) (bool, error) {
		listed, err := d.temporal.ListWorkflow(ctx,
			&workflowservice.ListWorkflowExecutionsRequest{
				Query: "WorkflowType = '" + workflows.OrderFulfillmentType + "'",
			})
		agree := 0
		for _, run := range listed.GetExecutions() {
			id, _ := order.ParseID(run.GetExecution().GetWorkflowId())
			if attribute(run, workflows.SearchOrderState.GetName()) == string(d.placed[id]) {
				agree++
			}
		}
		return agree == len(d.placed), err
	})
}

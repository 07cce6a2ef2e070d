package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
)

// OrdersAtStripe is what the steps of an order ask of Stripe. Errors carry a fault, and every write may be repeated
// under its key.
type OrdersAtStripe interface {
	Session(ctx context.Context, account, id string) (order.Session, error)
	Payment(ctx context.Context, account, paymentIntent string) (order.Payment, error)
	Capture(ctx context.Context, account, paymentIntent string, amount int64, fee *int64, key string) (
		order.Payment, error)
	Cancel(ctx context.Context, account, paymentIntent, key string) (order.Payment, error)
	Refund(
		ctx context.Context, account, paymentIntent string, amount int64, feeBack bool, key string, spent ...string,
	) (order.Refund, error)
	Refunds(ctx context.Context, account, paymentIntent string) ([]order.Refund, error)
	Dispute(ctx context.Context, account, id string) (order.Dispute, error)
	SubmitEvidence(
		ctx context.Context, account, id string, e order.Evidence, submit bool, key string,
	) (order.Dispute, error)
}

// Merchant is the way to the merchant that an account's settings name. Both calls may be repeated.
type Merchant interface {
	Submit(ctx context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error)
	Notify(ctx context.Context, f order.Fulfillment, n order.Notice) error
}

// Mailer writes to the buyer; sent is false if there is nobody to write to, or nobody to write as.
type Mailer interface {
	Send(
		ctx context.Context, kind order.MailKind, m order.Mail, s order.Session, d order.Decision,
	) (sent bool, err error)
}

// OrderFulfillment holds the steps of the workflow OrderFulfillment. What a step needs of the buyer it fetches when it
// needs it: inputs and results hold nothing personal.
type OrderFulfillment struct {
	Livemode  bool // of Stripe's key
	Stripe    OrdersAtStripe
	Documents order.Documents
	Catalog   catalog.Documents
	// Assortments are those that were asked for lately: most orders are about products that are in memory already.
	Assortments *assortment.Store[*assortment.Index]
	Merchant    Merchant
	Mailer      Mailer
	// Inventory hears of what is sold; nil: nobody does.
	Inventory InventoryQueue
}

// LoadOrderResult is what is known of an order at its beginning.
type LoadOrderResult struct {
	Summary order.Summary `json:"summary"`
	Policy  order.Policy  `json:"policy"`
	Wanted  bool          `json:"wanted"` // the account's settings have it fulfilled
	// Unwanted is why they do not.
	Unwanted string `json:"unwanted,omitempty"`
	// Record is what an earlier run left of an order that it took for settled; nothing else is set then.
	Record *order.Record `json:"record,omitempty"`
}

// LoadOrder reads the order anew from Stripe, and whether it is to be fulfilled.
func (s *OrderFulfillment) LoadOrder(ctx context.Context, id order.ID) (LoadOrderResult, error) {
	if err := id.Check(); err != nil {
		return LoadOrderResult{}, err
	}
	settings, err := s.Documents.Settings(ctx, id.Account)
	if err != nil {
		return LoadOrderResult{}, err
	}
	record, err := s.Documents.Record(ctx, id)
	if err != nil {
		return LoadOrderResult{}, err
	}
	if record != nil && record.Step != order.StepLoad { // where nothing has begun, there is nothing to go on with
		return LoadOrderResult{Record: record}, nil
	}
	if !settings.Enabled { // whose session it is, is no concern of ours
		return LoadOrderResult{Summary: order.Summary{ID: id}, Policy: settings.Policy(),
			Unwanted: settings.Unwanted(order.Summary{})}, nil
	}
	session, err := s.Stripe.Session(ctx, id.Account, id.Session)
	if err != nil {
		return LoadOrderResult{}, err
	}
	if session.Summary.Livemode != s.Livemode { // goods must not leave for test money
		return LoadOrderResult{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%s has livemode %t, unlike the key of this worker", id, !s.Livemode))
	}
	unwanted := settings.Unwanted(session.Summary)
	return LoadOrderResult{Summary: session.Summary, Policy: settings.Policy(), Wanted: unwanted == "",
		Unwanted: unwanted}, nil
}

// CheckOrderInput is the input of CheckOrder.
type CheckOrderInput struct {
	order.ID
	SKUs []string `json:"skus"`
}

// CheckOrderResult is what CheckOrder found.
type CheckOrderResult struct {
	Problems []order.Problem `json:"problems,omitempty"`
}

// CheckOrder looks the SKUs up in what Stripe has accepted of the account's catalog. Without a catalog none is known.
func (s *OrderFulfillment) CheckOrder(ctx context.Context, in CheckOrderInput) (CheckOrderResult, error) {
	if err := in.ID.Check(); err != nil {
		return CheckOrderResult{}, err
	}
	unlisted := s.unlisted(ctx, in)
	if len(unlisted) == 0 {
		return CheckOrderResult{}, nil
	}
	manifest, _, lost, err := s.Catalog.Manifest(ctx, catalog.ID{Account: in.Account, Feed: feed.Product})
	if err != nil {
		return CheckOrderResult{}, err
	}
	var result CheckOrderResult
	for _, sku := range unlisted {
		detail := fmt.Sprintf("the catalog has no product %q", sku)
		if manifest == nil {
			detail = lost
		} else if _, known := manifest.Rows.Find([]byte(sku), 0); known {
			continue
		}
		result.Problems = append(result.Problems, order.Problem{Code: order.UnknownSKU, SKU: sku, Detail: detail})
	}
	return result, nil
}

// unlisted are the SKUs that the assortment, as far as it is in memory, does not have. It may be a moment old, or not
// there: only the manifest says no.
func (s *OrderFulfillment) unlisted(ctx context.Context, in CheckOrderInput) []string {
	listed, found := s.Assortments.Get(ctx, in.Account)
	if !found {
		return in.SKUs
	}
	return slices.DeleteFunc(slices.Clone(in.SKUs), func(sku string) bool {
		item, known := listed.Find(sku)
		return known && !item.Deleted && !item.Withheld
	})
}

// NoteSaleInput is the input of NoteSale.
type NoteSaleInput struct {
	order.ID
	At   time.Time            `json:"at"` // when it was accepted
	Took []order.AcceptedLine `json:"took"`
}

// NoteSale notes what an accepted order takes of the stock that hooks answer from, until the merchant's next export
// tells. Of what nobody counts, or knows, there is nothing to note.
func (s *OrderFulfillment) NoteSale(ctx context.Context, in NoteSaleInput) error {
	if err := in.ID.Check(); err != nil {
		return err
	}
	stock, _ := s.Assortments.Renewed(ctx, in.Account)
	var sales []assortment.Sale
	for _, line := range in.Took {
		if stock == nil {
			break
		}
		if item, known := stock.Find(line.SKU); known && item.Tracked {
			sales = append(sales, assortment.Sale{
				SKU: line.SKU, Quantity: line.Quantity, Of: item.Quantity, At: in.At, Order: in.Session,
			})
		}
	}
	if len(sales) == 0 {
		return nil
	}
	if err := (assortment.Documents{Store: s.Documents.Store}).NoteSales(ctx, in.Account, sales); err != nil {
		return err
	}
	return s.tellSold(ctx, in.Account)
}

// tellSold has Stripe told how much is left, if the account's settings want it.
func (s *OrderFulfillment) tellSold(ctx context.Context, account string) error {
	if s.Inventory == nil {
		return nil
	}
	settings, err := s.Documents.Settings(ctx, account)
	if err != nil || !settings.InventoryAfterOrder {
		return err
	}
	return s.Inventory.Sold(ctx, account)
}

// SubmitOrder hands the order to the merchant and returns the answer, if it fits the order.
func (s *OrderFulfillment) SubmitOrder(ctx context.Context, id order.ID) (order.Decision, error) {
	settings, session, err := s.open(ctx, id)
	if err != nil {
		return order.Decision{}, err
	}
	if !session.Summary.Payable() { // goods must not leave for money that is gone, even if nobody has heard of it yet
		return order.Decision{}, fault.NewPermanent(fault.PaymentConflict,
			fmt.Errorf("%s is not handed over: its payment is %s", id, session.Summary.Payment.State))
	}
	decision, err := s.Merchant.Submit(ctx, settings.Fulfillment, session.Document())
	if err != nil {
		return order.Decision{}, err
	}
	return decision.Tidy(), decision.Check(session.Summary)
}

// open reads what leaves no activity: the account's settings and the session with its buyer.
func (s *OrderFulfillment) open(ctx context.Context, id order.ID) (order.Settings, order.Session, error) {
	if err := id.Check(); err != nil {
		return order.Settings{}, order.Session{}, err
	}
	settings, err := s.Documents.Settings(ctx, id.Account)
	if err != nil {
		return order.Settings{}, order.Session{}, err
	}
	session, err := s.Stripe.Session(ctx, id.Account, id.Session)
	return settings, session, err
}

// NotifyMerchant tells the merchant what became of an order.
func (s *OrderFulfillment) NotifyMerchant(ctx context.Context, n order.Notice) error {
	if err := n.Check(); err != nil {
		return err
	}
	settings, err := s.Documents.Settings(ctx, n.Account)
	if err != nil {
		return err
	}
	return s.Merchant.Notify(ctx, settings.Fulfillment, n)
}

// SendMailInput is the input of SendMail.
type SendMailInput struct {
	order.ID
	Kind     order.MailKind `json:"kind"`
	Decision order.Decision `json:"decision"`
}

// SendMailResult says whether there was a mail to send.
type SendMailResult struct {
	Sent bool `json:"sent"`
}

// SendMail tells the buyer what was decided. A lost answer of the mail server may bring the mail twice.
func (s *OrderFulfillment) SendMail(ctx context.Context, in SendMailInput) (SendMailResult, error) {
	sent, err := s.sendMail(ctx, in)
	return SendMailResult{Sent: sent}, err
}

func (s *OrderFulfillment) sendMail(ctx context.Context, in SendMailInput) (bool, error) {
	settings, session, err := s.open(ctx, in.ID)
	if err != nil {
		return false, err
	}
	return s.Mailer.Send(ctx, in.Kind, settings.Mail, session, in.Decision)
}

// SaveRecordInput is the input of SaveRecord.
type SaveRecordInput struct {
	order.ID
	Record order.Record `json:"record"`
}

// SaveRecord keeps what an order remembers beyond the end of its history.
func (s *OrderFulfillment) SaveRecord(ctx context.Context, in SaveRecordInput) error {
	return s.Documents.SaveRecord(ctx, in.ID, in.Record)
}

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/checkout"
	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// merchantSaying is every merchant, with one answer for each question.
type merchantSaying struct {
	approval checkout.Approval
	custom   checkout.Customization
	err      error
	wait     bool // until nobody waits for the answer any more
	block    chan struct{}
	mu       sync.Mutex
	question []checkout.Question
}

func (m *merchantSaying) hear(ctx context.Context, q checkout.Question) error {
	m.mu.Lock()
	m.question = append(m.question, q)
	m.mu.Unlock()
	switch {
	case m.wait:
		<-ctx.Done()
		return ctx.Err()
	case m.block != nil:
		<-m.block
	}
	return m.err
}

func (m *merchantSaying) ApproveCheckout(
	ctx context.Context, _ order.Endpoint, q checkout.Question,
) (checkout.Approval, error) {
	return m.approval, m.hear(ctx, q)
}

func (m *merchantSaying) CustomizeCheckout(
	ctx context.Context, _ order.Endpoint, q checkout.Question,
) (checkout.Customization, error) {
	return m.custom, m.hear(ctx, q)
}

// settle saves what becomes of the account's checkouts.
func (r *hookRoom) settle(c order.Checkout) *hookRoom {
	r.t.Helper()
	documents := order.Documents{Store: statestore.Store{Objects: r.store, Layout: r.options.Assortments.Layout}}
	require.NoError(r.t, documents.SaveSettings(r.t.Context(), order.Settings{Account: "acct_1", Checkout: c}))
	return r
}

func (r *hookRoom) customize(id string) string {
	r.t.Helper()
	w := r.ask(id, checkout.CustomizeType, "acct_1",
		`{"id":"cs_1","currency":"usd","line_item_details":[{"id":"li_1","sku_id":"shirt","quantity":1}],"shipping_details":{"name":"Ada","address":{"country":"US","line1":"1 Main St"}}}`)
	require.Equal(r.t, http.StatusOK, w.Code)
	return w.Body.String()
}

func asking(questions ...order.CheckoutQuestion) order.Checkout {
	return order.Checkout{Merchant: order.CheckoutMerchant{
		Endpoint: order.Endpoint{URL: "https://shop.example/checkout", SecretEnv: "MERCHANT_SECRET_SHOP"},
		Asked:    questions,
	}}
}

const (
	hookStandard = `{"shipping_options":[{"shipping_rate_data":{"display_name":"Standard","fixed_amount":{"amount":500,"currency":"usd"}}}]}`
	hookDeclines = `{"manual_approval_details":{"type":"declined","declined":{"reason":"a price has changed"}}}`
)

var bike = checkout.Customization{
	ShippingOptions: []checkout.ShippingOption{
		{Rate: checkout.ShippingRate{DisplayName: "Bike", FixedAmount: checkout.Money{Amount: 7, Currency: "usd"}}},
	},
}

func TestAMerchantWhoIsNotHeardChangesNothing(t *testing.T) {
	t.Parallel()
	for outcome, err := range map[string]error{
		"late":     fmt.Errorf("post: %w", context.DeadlineExceeded),
		"down":     fault.NewPlain(fault.MerchantUnavailable, errors.New("HTTP 503")),
		"unusable": fault.NewPermanent(fault.MerchantAnswerInvalid, errors.New("its status is neither")),
		"refused":  fault.NewPermanent(fault.EndpointForbidden, errors.New("private")),
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			no := checkout.Approval{Ground: checkout.ByMerchant, Reason: "an answer beside an error is none"}
			r := newHookRoom(t,
				func(o *HookOptions) { o.Merchants = &merchantSaying{approval: no, custom: bike, err: err} }).
				sells("acct_1", hookProducts).settle(asking())
			require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookLast))
			require.Equal(t, int64(1), r.reservations.Reserved("acct_1", "last"))
			require.JSONEq(t, hookStandard, r.customize("evt_2"))
			r.requireCounted("approval asked: " + outcome)
			r.requireCounted("customization asked: " + outcome)
			r.requireCounted("finalize approved")
		})
	}
}

func TestAMerchantGetsTheirShareOfTheTimeAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		settings := asking()
		settings.Merchant.Within = account.Interval(700 * time.Millisecond)
		r := newHookRoom(t, func(o *HookOptions) { o.Now, o.Merchants = time.Now, &merchantSaying{wait: true} }).
			sells("acct_1", hookProducts).settle(settings)
		began := time.Now()
		require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookLast))
		require.Equal(t, 700*time.Millisecond, time.Since(began))
		r.requireCounted("approval asked: late")
	})
}

// What is slow to be loaded must not take the time that is the merchant's.
func TestTheMerchantIsAskedWhileS3Hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := checkout.Approval{Ground: checkout.ByMerchant, Reason: "a price has changed"}
		r := newHookRoom(t, func(o *HookOptions) { o.Now, o.Merchants = time.Now, &merchantSaying{approval: no} }).
			settle(asking())
		block := make(chan struct{})
		r.store.Before = func(operation, _, _ string) error {
			if operation == "Head" {
				<-block
			}
			return nil
		}
		began := time.Now()
		require.JSONEq(t, hookDeclines, r.finalize("evt_1", "cs_1", hookShirt))
		require.Equal(t, hookDeadline-time.Second, time.Since(began))
		close(block)
		synctest.Wait()
	})
}

func TestTheMerchantHasTheLastWord(t *testing.T) {
	t.Parallel()
	no := &merchantSaying{approval: checkout.Approval{Ground: checkout.ByMerchant, Reason: "a price has changed"}}
	r := newHookRoom(t, func(o *HookOptions) { o.Merchants = no }).sells("acct_1", hookProducts).
		settle(asking(order.AskApproval))
	require.JSONEq(t, hookDeclines, r.finalize("evt_1", "cs_1", hookLast))
	require.Zero(t, r.reservations.Reserved("acct_1", "last"), "others may have it")
	require.JSONEq(t, hookDeclines, r.finalize("evt_1", "cs_1", hookLast))
	require.Len(t, no.question, 1, "the same event is asked about once")
	r.requireCounted("finalize declined_merchant")
	r.requireCounted("approval asked: answered")

	require.Contains(t, r.finalize("evt_2", "cs_2", `{"id":"mug","unit_amount":500,"quantity":1}`), "out of stock")
	require.JSONEq(t, hookStandard, r.customize("evt_3"))
	require.Len(t, no.question, 1, "what is refused anyway is not asked about, nor what they do not want to be asked")

	yes := &merchantSaying{approval: checkout.Approval{Approved: true}}
	r = newHookRoom(t, func(o *HookOptions) { o.Merchants = yes }).sells("acct_1", hookProducts).settle(asking())
	require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookLast))
	require.Contains(t, r.finalize("evt_2", "cs_2", hookLast), "out of stock", "a yes sells nothing twice")
	q := yes.question[0]
	require.Equal(t, "checkout/acct_1/evt_1", q.ID)
	require.Equal(t, "checkout_approval", q.Type)
	require.Equal(t, "last", q.Lines[0].SKU)
}

// Nothing is known of the account's assortment: the merchant is asked about what the fallback approves.
func TestTheMerchantIsAskedWhenNothingElseIsKnown(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t, func(o *HookOptions) {
		o.Merchants = &merchantSaying{
			approval: checkout.Approval{Ground: checkout.ByMerchant, Reason: "a price has changed"}, custom: bike,
		}
	}).settle(asking())
	require.JSONEq(t, hookDeclines, r.finalize("evt_1", "cs_1", hookShirt))
	require.Contains(t, r.customize("evt_2"), "Bike")
}

func TestTheMerchantShipsAndTaxesInPlaceOfTheFeed(t *testing.T) {
	t.Parallel()
	taxes := checkout.Customization{
		LineItems: []checkout.LineTaxes{{ID: "li_1",
			TaxRates: []checkout.TaxRate{{Data: checkout.TaxRateData{DisplayName: "VAT", Percentage: 20}}}}},
	}
	const vat = `"line_items":[{"id":"li_1","tax_rates":[{"rate_data":{"display_name":"VAT","inclusive":false,"percentage":20}}]}]`
	for name, c := range map[string]struct {
		says          checkout.Customization
		want, counted string
	}{
		"nothing": {checkout.Customization{}, hookStandard, "customize customized"},
		"a bike": {
			bike,
			`{"shipping_options":[{"shipping_rate_data":{"display_name":"Bike","fixed_amount":{"amount":7,"currency":"usd"}}}]}`, "customize customized_merchant",
		},
		"taxes": {taxes, hookStandard[:len(hookStandard)-1] + "," + vat + "}", "customize customized_merchant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &merchantSaying{custom: c.says}
			r := newHookRoom(t, func(o *HookOptions) { o.Merchants = m }).sells("acct_1", hookProducts).
				settle(asking(order.AskCustomization))
			require.JSONEq(t, c.want, r.customize("evt_1"))
			r.requireCounted(c.counted)
			require.Equal(t, "Standard", m.question[0].ShippingOptions[0].Rate.DisplayName,
				"they may offer the feed's beside their own")
		})
	}
}

// One merchant who is slow must not take all the room there is.
func TestOneMerchantIsAskedSoMuchAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &merchantSaying{block: make(chan struct{}), approval: checkout.Approval{Approved: true}}
		r := newHookRoom(t, func(o *HookOptions) { o.Now, o.Merchants = time.Now, m }).sells("acct_1", hookProducts).
			settle(asking())
		r.finalize("evt_cold", "cs_cold", `{"id":"mug","quantity":1}`)
		var approved atomic.Int64
		for n := range questionsAtOnce + 5 {
			go func() {
				if r.finalize(fmt.Sprintf("evt_%d", n), "cs_1", hookShirt) == hookApproved {
					approved.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.Equal(t, int64(5), approved.Load(), "they did not wait for their turn")
		r.requireCounted("approval asked: busy")
		close(m.block)
		synctest.Wait()
		require.Equal(t, int64(questionsAtOnce+5), approved.Load())
		require.Empty(t, r.turns.taken)
	})
}

const hookFee = `{"manual_approval_details":{"type":"approved"},"application_fee_details":{"application_fee_amount":80}}`

var feeOf80 = order.Checkout{Fee: order.Fee{Percent: 2.5, Fixed: 30, Currency: "usd"}}

// A platform does not lose its fee because S3 is away, nor because somebody mistyped the settings.
func TestTheFeeIsTakenByTheLastSettingsThatWereKnown(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*hookRoom){
		"S3 away": func(r *hookRoom) {
			r.store.Before = func(string, string, string) error {
				return fault.NewPlain(fault.StorageFailed, errors.New("away"))
			}
		},
		"settings spoiled": func(r *hookRoom) {
			_, err := r.store.Put(r.t.Context(), "s", "accounts/acct_1/orders.json", "", []byte("{"), "")
			require.NoError(r.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHookRoom(t).sells("acct_1", hookProducts).settle(feeOf80)
			require.JSONEq(t, hookFee, r.finalize("evt_1", "cs_1", hookShirt))
			spoil(r)
			r.pass(24 * time.Hour)
			for n := range 3 {
				require.JSONEq(t, hookFee, r.finalize(fmt.Sprintf("evt_late_%d", n), "cs_1", hookShirt))
			}
		})
	}
}

// Neither the fee nor the merchant's endpoint is known: the stated fallback decides. A refusal brings no fee either.
func TestWithoutSettingsTheFallbackDecides(t *testing.T) {
	t.Parallel()
	spoiled := func(r *hookRoom) *hookRoom {
		_, err := r.store.Put(r.t.Context(), "s", "accounts/acct_1/orders.json", "", []byte("{"), "")
		require.NoError(r.t, err)
		return r.sells("acct_1", hookProducts)
	}
	r := spoiled(newHookRoom(t))
	require.JSONEq(t, hookApproved, r.finalize("evt_1", "cs_1", hookShirt))
	r.requireCounted("finalize approved_no_settings")
	require.Contains(t, r.finalize("evt_2", "cs_2", `{"id":"mug","quantity":1}`), "out of stock",
		"what is known counts")
	r = spoiled(newHookRoom(t, func(o *HookOptions) { o.Approve = false }))
	require.JSONEq(t, hookDeclined(notConfirmed), r.finalize("evt_1", "cs_1", hookShirt))
	r.requireCounted("finalize declined_no_settings")
	require.Zero(t, r.reservations.Reserved("acct_1", "shirt"))
}

func TestATotalBelowItsSubtotalIsDeclined(t *testing.T) {
	t.Parallel()
	for n, c := range []struct{ amounts, want string }{
		{`"amount_subtotal":2000,"amount_total":0`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":1999`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":1499,"total_details":{"amount_discount":500}`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":1999,"total_details":{"amount_discount":-500}`, hookDeclined(noTotal)},
		{`"amount_subtotal":0,"amount_total":1`, hookDeclined(noTotal)}, // the line is 2000
		{`"amount_total":1999`, hookDeclined(noTotal)},
		{`"amount_subtotal":-2000,"amount_total":2000`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":2000,"total_details":{"amount_discount":-1}`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":2000,"total_details":{"amount_tax":-1}`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":2000,"total_details":{"amount_shipping":-1}`, hookDeclined(noTotal)},
		{`"amount_subtotal":9223372036854775807,"amount_total":2000`, hookDeclined(noTotal)},
		{`"amount_subtotal":2000,"amount_total":1500,"total_details":{"amount_discount":500}`, hookApproved},
		{`"amount_total":2000`, hookApproved},
		{`"amount_subtotal":2000,"amount_total":2500`, hookApproved},
		{`"amount_subtotal":2000`, hookApproved}, // no fee hangs on it
	} {
		r := newHookRoom(t).sells("acct_1", hookProducts)
		w := r.ask(fmt.Sprintf("evt_%d", n), checkout.FinalizeType, "acct_1",
			`{"id":"cs_1","currency":"usd",`+c.amounts+`,"line_items_details":[`+hookShirt+`]}`)
		require.JSONEq(t, c.want, w.Body.String(), c.amounts)
		if c.want != hookApproved {
			require.Zero(t, r.reservations.Reserved("acct_1", "shirt"), c.amounts)
		}
	}
}

func TestFinalizeTakesThePlatformsFee(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts).settle(feeOf80)
	require.JSONEq(t, hookFee, r.finalize("evt_1", "cs_1", hookShirt))
	require.JSONEq(t, hookApproved, newHookRoom(t).sells("acct_1", hookProducts).finalize("evt_1", "cs_1", hookShirt),
		"an account without settings has no fee")
}

// What a fee hangs on must be there, whatever the fallback says.
func TestWithoutATotalThatIsOneNothingIsApprovedWithoutItsFee(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		r := newHookRoom(t, func(o *HookOptions) { o.Approve = approve }).sells("acct_1", hookProducts).settle(feeOf80)
		for n, total := range []string{``, `"amount_total":null,`, `"amount_total":-1,`,
			`"amount_total":9223372036854775807,`} {
			id := fmt.Sprintf("evt_%d", n)
			w := r.ask(id, checkout.FinalizeType, "acct_1",
				`{"id":"cs_1","currency":"usd",`+total+`"line_items_details":[`+hookShirt+`]}`)
			require.JSONEq(t, hookDeclined(noTotal), w.Body.String(), total)
		}
		w := r.ask("evt_currency", checkout.FinalizeType, "acct_1",
			`{"id":"cs_1","amount_total":2000,"line_items_details":[`+hookShirt+`]}`)
		require.JSONEq(t, hookDeclined(noTotal), w.Body.String(), "half of the fee is of a currency")
		r.requireCounted("finalize declined_no_total")
		require.Zero(t, r.reservations.Reserved("acct_1", "shirt"))
		for _, total := range []string{`"2000"`, `20.5`, `1e30`, `{}`} {
			w := r.ask("evt_x", checkout.FinalizeType, "acct_1",
				`{"id":"cs_1","currency":"usd","amount_total":`+total+`,"line_items_details":[`+hookShirt+`]}`)
			require.Equal(t, http.StatusBadRequest, w.Code, total)
		}
	}
	r := newHookRoom(t).sells("acct_1", hookProducts)
	w := r.ask("evt_1", checkout.FinalizeType, "acct_1",
		`{"id":"cs_1","currency":"usd","line_items_details":[`+hookShirt+`]}`)
	require.JSONEq(t, hookApproved, w.Body.String(), "no fee hangs on it")
}

func TestAContextMayBeAPathToTheAccount(t *testing.T) {
	t.Parallel()
	data := `{"id":"cs_1","currency":"usd","amount_total":2000,"line_items_details":[` + hookShirt + `]}`
	for _, context := range []string{"acct_1", "org_1/acct_1", "acct_platform/acct_1"} {
		r := newHookRoom(t).sells("acct_1", hookProducts).settle(feeOf80)
		require.JSONEq(t, hookFee, r.ask("evt_1", checkout.FinalizeType, context, data).Body.String(), context)
	}
	for _, context := range []string{"", "org_1", "org_1/../acct_1", "../../etc"} {
		r := newHookRoom(t).sells("acct_1", hookProducts).settle(feeOf80)
		require.JSONEq(t, hookApproved, r.ask("evt_1", checkout.FinalizeType, context, data).Body.String(), context)
		r.requireCounted("finalize approved_no_settings")
	}
}

// After a start nobody waits for what was warmed up.
func TestHooksAreWarmedUp(t *testing.T) {
	t.Parallel()
	r := newHookRoom(t).sells("acct_1", hookProducts).settle(feeOf80)
	r.Warm(t.Context(), []string{"acct_1", "acct_none"})
	r.store.Before = func(string, string, string) error { return errors.New("nobody asks S3 any more") }
	require.JSONEq(t, hookFee, r.finalize("evt_1", "cs_1", hookShirt))
}

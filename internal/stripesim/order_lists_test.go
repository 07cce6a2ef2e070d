package stripesim

import (
	"fmt"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := stocked(t, Options{Now: clock.now})
	var items []simcontrol.Wanted
	for i := range 12 {
		items = append(items, simcontrol.Wanted{SKU: fmt.Sprintf("X%02d", i)})
	}
	big := d.buy(simcontrol.Purchase{Items: items})
	o := d.object("/v1/checkout/sessions/"+big.Session+"?expand[]=line_items", clover)
	require.Len(t, dig(o, "line_items", "data"), 10)
	require.Equal(t, true, dig(o, "line_items", "has_more"))
	last := dig(o, "line_items", "data", 9, "id").(string)
	rest := d.object("/v1/checkout/sessions/"+big.Session+"/line_items?starting_after="+last+
		"&expand[]=data.price.product", seesAgent)
	require.Len(t, rest["data"], 2)
	require.Equal(t, false, rest["has_more"])
	require.Equal(t, "X11", dig(rest, "data", 1, "price", "external_reference"))
	require.Equal(t, "A lamp", dig(rest, "data", 1, "price", "product", "description"))

	ids := []string{big.Session}
	for range 4 {
		clock.advance(time.Second)
		ids = append(ids, d.buy(simcontrol.Purchase{}).Session)
	}
	listed := func(query string) (found []string) {
		o := d.object("/v1/checkout/sessions?"+query, clover)
		for i := range o["data"].([]any) {
			found = append(found, dig(o, "data", i, "id").(string))
		}
		return found
	}
	begun := newClock().at.Unix()
	require.Equal(t, []string{ids[4], ids[3]}, listed("limit=2"))
	require.Equal(t, []string{ids[2], ids[1]}, listed("limit=2&starting_after="+ids[3]))
	require.Equal(t, []string{ids[3], ids[2]}, listed("limit=2&ending_before="+ids[1]))
	require.Equal(t, []string{ids[1], ids[0]}, listed(fmt.Sprintf("created[lte]=%d", begun+1)))
	require.Equal(t, []string{ids[4]}, listed(fmt.Sprintf("created[gt]=%d&status=complete", begun+3)))
	require.Equal(t, []string{ids[0]}, listed("payment_intent="+big.PaymentIntent))
	require.Empty(t, listed("status=expired"))
}

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := stocked(t, Options{Now: clock.now})
	first := d.buy(simcontrol.Purchase{})
	clock.advance(time.Minute)
	d.buy(simcontrol.Purchase{})
	listed := func(query string) (types []string) {
		o := d.object("/v1/events?"+query, clover)
		for i := range o["data"].([]any) {
			types = append(types, dig(o, "data", i, "type").(string))
		}
		return types
	}
	require.Equal(t, []string{"checkout.session.completed", "payment_intent.succeeded"}, listed("limit=2"))
	require.Len(t, listed("types[]=checkout.session.completed&types[1]=charge.succeeded"), 4)
	require.Len(t, listed("type=charge.*"), 2)
	require.Len(t, listed(fmt.Sprintf("created[gt]=%d", newClock().at.Unix())), 4)
	events := d.object("/v1/events?types[]=checkout.session.completed", clover)
	require.Len(t, d.object("/v1/events?ending_before="+dig(events, "data", 1, "id").(string), clover)["data"], 4,
		"newer than the first order's")
	one := d.object("/v1/events/"+dig(events, "data", 1, "id").(string), clover)
	require.Equal(t, first.Session, dig(one, "data", "object", "id"))
	require.NotContains(t, one, "account")
	require.NotContains(t, dig(one, "data", "object"), "line_items")
	require.Nil(t, dig(one, "request", "id"))
	r := d.post("/v1/refunds", map[string]string{"Idempotency-Key": "r1"}, "payment_intent", first.PaymentIntent)
	caused := d.object("/v1/events?type=refund.created", clover)
	require.Equal(t, "r1", dig(caused, "data", 0, "request", "idempotency_key"))
	require.Equal(t, r.header.Get("Request-Id"), dig(caused, "data", 0, "request", "id"))

	clock.advance(eventsKept - time.Minute)
	require.Len(t, listed("type=checkout.session.completed"), 1, "events go back 30 days")
	require.Equal(t, 404, d.get("/v1/events/"+one["id"].(string), nil).status)
	d.buy(simcontrol.Purchase{})
	require.Len(t, d.types(shop), 10, "what cannot be listed is forgotten at the next event: of 14, the first 4")
}

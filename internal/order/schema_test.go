package order_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vitrine/internal/checkout"
	"vitrine/internal/order"
)

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile("../../docs/" + name)
	require.NoError(t, err)
	return compiled
}

// decoded is a document as the schema's library and a reader see it.
func decoded(t *testing.T, document any) map[string]any {
	t.Helper()
	body, err := json.Marshal(document)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	return value.(map[string]any)
}

func TestOrdersAreWhatTheirSchemaSays(t *testing.T) {
	t.Parallel()
	compiled := schema(t, "order.schema.json")
	least := order.Session{Summary: summary()}
	least.Summary.Agent, least.Summary.PaymentIntent, least.Summary.Charge = order.Agent{}, "", ""
	least.Summary.Payment = order.Payment{State: order.NoPaymentRequired}
	for _, document := range []order.Document{session().Document(), least.Document()} {
		require.NoError(t, compiled.Validate(decoded(t, document)))
	}
	for name, spoil := range map[string]func(map[string]any){
		"version":  func(d map[string]any) { d["version"] = 2 },
		"id":       func(d map[string]any) { d["id"] = "cs_test_1" },
		"no lines": func(d map[string]any) { d["lines"] = []any{} },
		"state":    func(d map[string]any) { d["payment"].(map[string]any)["state"] = "maybe" },
		"time":     func(d map[string]any) { d["created"] = "yesterday" },
		"no buyer": func(d map[string]any) { delete(d, "buyer") },
	} {
		document := decoded(t, session().Document())
		spoil(document)
		require.Error(t, compiled.Validate(document), name)
	}
}

func TestNoticesAreWhatTheirSchemaSays(t *testing.T) {
	t.Parallel()
	compiled := schema(t, "notice.schema.json")
	for _, kind := range []order.NoticeKind{order.NoticeRefunded, order.NoticeDisputed, order.NoticeDisputeClosed,
		order.NoticeCanceled, order.NoticeStopShipment, order.NoticeExpiring} {
		require.NoError(t, compiled.Validate(decoded(t, order.NewNotice(summary(), kind, "re_1", at))))
	}
	require.Error(t, compiled.Validate(decoded(t, order.NewNotice(summary(), "gossip", "re_1", at))))
}

func TestQuestionsAreWhatTheirSchemaSays(t *testing.T) {
	t.Parallel()
	compiled := schema(t, "checkout.schema.json")
	var r checkout.Request
	require.NoError(t,
		json.Unmarshal([]byte(`{"checkout_session":"cs_1","currency":"USD","amount_subtotal":2000,"amount_total":2500,
		"total_details":{"amount_shipping":500},"line_item_details":[{"id":"li_1","sku_id":"shirt","quantity":1,"unit_amount":2000,"amount_subtotal":2000}],
		"shipping_details":{"name":"Ada Lovelace","address":{"line1":"1 Main St","city":"Springfield","country":"US","state":"IL","postal_code":"62701"}}}`), &r))
	q := r.Ask(order.AskCustomization, checkout.Hook{Event: "evt_1", Account: "acct_1"})
	rate := checkout.ShippingRate{DisplayName: "Post", FixedAmount: checkout.Money{Amount: 500, Currency: "usd"},
		TaxBehavior: "exclusive",
		Estimate: &checkout.DeliveryEst{Minimum: checkout.Lapse{Unit: "day", Value: 1},
			Maximum: checkout.Lapse{Unit: "day", Value: 3}}}
	q.ShippingOptions = []checkout.ShippingOption{{Rate: rate}}
	require.NoError(t, compiled.Validate(decoded(t, q)))
	body, err := json.Marshal(q)
	require.NoError(t, err)
	for _, private := range []string{"Ada", "Main St", "Springfield"} {
		require.NotContains(t, string(body), private, "of the buyer it has where the goods go, as far as that matters")
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", q, q, q), "62701")

	var least checkout.Request
	require.NoError(t, json.Unmarshal([]byte(`{"line_items_details":[{"id":"shirt","quantity":1}]}`), &least))
	require.NoError(t,
		compiled.Validate(decoded(t, least.Ask(order.AskApproval, checkout.Hook{Event: "evt_1", Account: "acct_1"}))))
	spoiled := decoded(t, q)
	spoiled["lines"] = []any{}
	require.Error(t, compiled.Validate(spoiled))
}

// The schema allows fields that it does not name, so that readers learn to; but every field that is written must be in
// it.
func TestSchemasNameEveryField(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]any{
		"order.schema.json": order.Document{}, "notice.schema.json": order.Notice{},
		"checkout.schema.json": checkout.Question{},
	} {
		requireDescribed(t, schema(t, name), reflect.TypeOf(document), name)
	}
}

func requireDescribed(t *testing.T, s *jsonschema.Schema, typ reflect.Type, where string) {
	t.Helper()
	for s.Ref != nil {
		s = s.Ref
	}
	switch typ.Kind() {
	case reflect.Pointer:
		requireDescribed(t, s, typ.Elem(), where)
	case reflect.Slice:
		require.NotNil(t, s.Items2020, "%s describes no items", where)
		requireDescribed(t, s.Items2020, typ.Elem(), where+"[]")
	case reflect.Struct:
		if typ.Name() == "Time" {
			return
		}
		for _, field := range reflect.VisibleFields(typ) {
			if field.Anonymous {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := s.Properties[name]
			require.NotNil(t, property, "%s does not describe %s", where, name)
			requireDescribed(t, property, field.Type, where+"."+name)
		}
	}
}

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// What docs/orders.md shows is what is read and written: settings, a question of a checkout, and an answer to one.
func TestTheExamplesOfTheDocumentsAreOnes(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/orders.md")
	require.NoError(t, err)
	blocks := jsonBlock.FindAllSubmatch(document, -1)
	require.Len(t, blocks, 3)

	var settings order.Settings
	strict := json.NewDecoder(bytes.NewReader(blocks[0][1]))
	strict.DisallowUnknownFields()
	require.NoError(t, strict.Decode(&settings))
	require.NoError(t, settings.Check())

	question, err := jsonschema.UnmarshalJSON(bytes.NewReader(blocks[1][1]))
	require.NoError(t, err)
	require.NoError(t, schema(t, "checkout.schema.json").Validate(question))
	var q checkout.Question
	require.NoError(t, json.Unmarshal(blocks[1][1], &q))
	answer, err := checkout.ParseCustomization(blocks[2][1], q)
	require.NoError(t, err)
	require.False(t, answer.Empty())
}

package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// What merchants' systems write beside our names, and takes a yes or a no back. Everything was ordered twice.
func TestAnswersThatContradictThemselves(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		// a yes by another name, and not given
		`{"status":"accepted","is_accepted":false}`,
		`{"status":"accepted","isAccepted":"no"}`,
		`{"status":"accepted","order_accepted":false}`,
		`{"status":"accepted","allAccepted":false}`,
		`{"status":"accepted","not_accepted":true}`,
		`{"status":"accepted","state":"not_accepted"}`,
		`{"status":"accepted","message":"Not accepted"}`,
		`{"status":"accepted","was_successful":false}`,
		`{"status":"accepted","available":false}`,
		`{"status":"accepted","inStock":false}`,
		`{"status":"accepted","can_fulfill":"false"}`,
		`{"status":"accepted","valid":false}`,
		`{"status":"accepted","message":"Not available"}`,
		// another status that is none, or waits
		`{"status":"accepted","result":false}`,
		`{"status":"accepted","result":"no"}`,
		`{"status":"accepted","result":"error"}`,
		`{"status":"accepted","outcome":"FAILURE"}`,
		`{"status":"accepted","state":"pending"}`,
		`{"status":"accepted","order_status":"on_hold"}`,
		`{"status":"accepted","decision":"manual-review"}`,
		`{"status":"accepted","state":"expired"}`,
		`{"status":"accepted","data":{"status":"pending"}}`,
		`{"status":"accepted","code":422}`,
		`{"status":"accepted","statusCode":"500"}`,
		`{"status":"accepted","data":{"http_status":400}}`,
		// what went wrong
		`{"status":"accepted","error_message":"SKU 7"}`,
		`{"status":"accepted","errorCode":17}`,
		`{"status":"accepted","exception":{"class":"E"}}`,
		`{"status":"accepted","failures":[1]}`,
		`{"status":"accepted","missing":["A"]}`,
		`{"status":"accepted","backorder":true}`,
		`{"status":"accepted","shortages":{"A":1}}`,
		`{"status":"accepted","message":"sold out"}`,
		`{"status":"accepted","rejection_reason":"x"}`,
		// how much of it
		`{"status":"accepted","quantity":1}`,
		`{"status":"accepted","quantity":"1"}`,
		`{"status":"accepted","accepted_quantity":0}`,
		`{"status":"accepted","accepted_amount":500}`,
		`{"status":"accepted","accepted":{"A":1}}`,
		`{"status":"accepted","items":{"A":1}}`,
		`{"status":"accepted","items":{"A":{"quantity":1}}}`,
		`{"status":"accepted","shipments":[{"sku":"A","shipped_quantity":1}]}`,
		`{"status":"accepted","data":{"lines":[{"sku":"A","quantity":1}]}}`,
		`{"status":"accepted","data":{"decision":{"lines":[{"sku":"A","quantity":1}]}}}`,
		// a no, and a yes in it
		`{"status":"rejected","accepted":["A"]}`,
		`{"status":"rejected","accepted_lines":[{"sku":"A","quantity":1}]}`,
		`{"status":"rejected","accepted_at":"2026-11-29T12:00:00Z"}`,
		`{"status":"rejected","is_accepted":true}`,
		`{"status":"rejected","partial":true}`,
		`{"status":"rejected","state":"partially_accepted"}`,
		`{"status":"rejected","state":"shipped"}`,
		`{"status":"rejected","shipped":true}`,
		`{"status":"rejected","fulfilled":["A"]}`,
		`{"status":"rejected","items":[{"sku":"A","quantity":1}]}`,
		// lines, and what takes them back
		`{"status":"accepted","lines":[{"sku":"A","quantity":1,"status":"pending"}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1,"state":"on hold"}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1,"available":false}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"rejected":["A"]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"rejected_lines":[{"sku":"A"}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"rejected":[{"sku":"A","quantity":2}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":2}],"out_of_stock":{"A":1}}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":2}],"data":{"declined":{"A":1}}}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":2,"rejected_quantity":1}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"accepted":["B"]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"accepted":["A","B"]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"accepted_lines":[{"sku":"A","quantity":2}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"state":"pending"}`,
	} {
		d, err := order.ParseDecision([]byte(body))
		if err == nil {
			err = d.Check(orderedTwice)
		}
		require.True(t, fault.Is(err, fault.MerchantAnswerInvalid), "%s: %v", body, err)
	}
}

var orderedTwice = order.Summary{Lines: []order.Line{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 2}}}

// What merchants' systems write beside our names, and is no contradiction: it must not hold every order of theirs.
func TestAnswersThatOnlySayMore(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"status":"accepted","is_accepted":true,"order_status":"accepted","result":"ok","code":200,"success":"true"}`,
		`{"status":"accepted","state":"processing","fulfillment_status":"pending","payment":{"status":"pending"}}`,
		`{"status":"accepted","result":0,"code":0,"error_code":0,"errorMessage":null,"exception":"none"}`,
		`{"status":"accepted","message":"Order accepted and not shipped yet","comment":"call if the door is shut"}`,
		`{"status":"accepted","message":"Thank you","accepted_at":1796000000,"confirmed_by":"ada"}`,
		`{"status":"accepted","links":{"cancel":"x","error_url":"https://shop.example/e"},"canceled_url":"x"}`,
		`{"status":"accepted","order":{"id":7,"line_items":[{"sku":"A","quantity":2}],"status":"open"}}`,
		`{"status":"accepted","shipped":false,"paid":false,"stock":{"left":0},"pickup":{"available":false}}`,
		`{"status":"accepted","total":{"amount":2660,"currency":"usd"},"shipping":{"count":1},"available":0}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1,"status":"allocated"},{"sku":"B","quantity":2}],` +
			`"rejected":[{"sku":"A","quantity":1}],"accepted":["B","A"]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1,"rejected_quantity":1}],"rejected":["B"],` +
			`"accepted_lines":[{"sku":"A","quantity":1}]}`,
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"backordered":[{"sku":"C"}],"missing":{"B":2}}`,
		`{"status":"rejected","reason":"out_of_stock","rejected_lines":[{"sku":"A","quantity":2}],"code":422}`,
		`{"status":"rejected","not_accepted":true,"message":"not confirmed","errors":["sold out"],"shipped":false}`,
		`{"status":"rejected","accepted_quantity":0,"accepted":[],"rejection_confirmed":true,"available":false}`,
		`{"status":"pending","accepted":true,"state":"rejected","quantity":1}`,
	} {
		d, err := order.ParseDecision([]byte(body))
		require.NoError(t, err, body)
		require.NoError(t, d.Check(orderedTwice), body)
	}
}

// What is refused of a SKU is compared with the order, and kept nowhere.
func TestWhatIsRefusedIsNotKept(t *testing.T) {
	t.Parallel()
	d, err := order.ParseDecision([]byte(
		`{"status":"accepted","lines":[{"sku":"A","quantity":1}],"rejected":[{"sku":"A","quantity":1}]}`))
	require.NoError(t, err)
	require.Equal(t, []order.AcceptedLine{{SKU: "A", Quantity: 1}}, d.Refused)
	require.Empty(t, d.Tidy().Refused)
}

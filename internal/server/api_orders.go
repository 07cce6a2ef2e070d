package server

import (
	"context"
	"net/http"
	"strings"

	"vitrine/internal/access"
	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/strictjson"
	"vitrine/workflows"
)

// CommandBody is why an order is canceled or goes on.
type CommandBody struct {
	Why string `json:"why"` // for the history, at most 200 bytes; nothing about the buyer
}

// RefundBody is a refund: of an amount, or of all that is left. The same amount for the same reason is the same refund,
// whoever asks and how often.
type RefundBody struct {
	Why      string `json:"why"`                // for the history, at most 200 bytes; nothing about the buyer
	All      bool   `json:"all,omitempty"`      // all that is left, in place of an amount
	Amount   int64  `json:"amount,omitempty"`   // in the smallest unit of the currency
	Currency string `json:"currency,omitempty"` // of the amount: the order's own, such as eur
	ID       string `json:"id,omitempty"`       // tells it from another refund of the same amount and reason
}

func (a *API) orderCommands() []route {
	const path = "/accounts/{account}/orders/{session}/"
	return []route{
		a.merchants.route(path+"shipments", workflows.UpdateShip, readShipment),
		a.merchants.route(path+"decision", workflows.UpdateDecide, readDecision),
		{http.MethodPost, path + "cancel", access.Operate, a.steer(workflows.UpdateCancel)},
		{http.MethodPost, path + "retry", access.Operate, a.steer(workflows.UpdateRetry)},
		{http.MethodPost, path + "refund", access.Operate, a.refund},
	}
}

func (a *API) steer(update string) func(c call) (work, *answered) {
	return func(c call) (work, *answered) {
		id, no := orderOf(c)
		if no != nil {
			return nil, no
		}
		var body CommandBody
		if err := strictjson.Decode(c.body, &body); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		in := workflows.OrderCommand{By: c.token.Name, Why: strings.TrimSpace(body.Why)}
		if err := desk.CheckWhy(in.Why, workflows.MaxCommandText); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		return a.told(c, func(ctx context.Context) answered {
			steered, err := a.desk.Command(ctx, id, update, in)
			return obeyed(http.StatusOK, steered, err)
		}), nil
	}
}

func (a *API) refund(c call) (work, *answered) {
	id, no := orderOf(c)
	if no != nil {
		return nil, no
	}
	var body RefundBody
	if err := strictjson.Decode(c.body, &body); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	if why := body.mistake(); why != "" {
		return nil, refused(http.StatusBadRequest, why)
	}
	return a.told(c, func(ctx context.Context) answered { return a.giveBack(ctx, id, body, c.token.Name) }), nil
}

// mistake is what is wrong with a refund whatever the order is. Who leaves something out refunds nothing.
func (b RefundBody) mistake() string {
	if err := desk.CheckWhy(strings.TrimSpace(b.Why), workflows.MaxCommandText); err != nil {
		return err.Error()
	}
	switch {
	case b.All && (b.Amount != 0 || b.Currency != ""):
		return "all: that is instead of an amount"
	case b.All:
		return ""
	case b.Amount <= 0:
		return "amount: expected at least 1, in the smallest unit of the currency, or all: true"
	case b.Currency == "":
		return "currency: expected that of the amount, such as eur"
	}
	return ""
}

func (a *API) giveBack(ctx context.Context, id order.ID, body RefundBody, by string) answered {
	steered, before, err := a.desk.Refund(ctx, id, desk.RefundAsk{
		By: by, Why: body.Why, ID: body.ID,
		All: body.All, Amount: body.Amount, Currency: body.Currency,
	})
	if before != nil {
		return obeyed(http.StatusOK, *before, err)
	}
	return obeyed(http.StatusOK, steered, err)
}

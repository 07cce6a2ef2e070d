package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/access"
	"vitrine/internal/desk"
	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// maxReport is the largest shipment or decision.
const maxReport = 64 << 10

// updateWorkflow is that of client.Client.
type updateWorkflow func(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)

// readOrder is desk.Desk's Order.
type readOrder func(ctx context.Context, id order.ID) (workflows.OrderView, error)

// Merchants takes what merchants' systems report about their orders, and passes it to the orders' workflows.
type Merchants struct {
	update updateWorkflow
	order  readOrder
	within time.Duration
	logger *slog.Logger
}

// NewMerchants takes what updates workflows, and what reads orders.
func NewMerchants(update updateWorkflow, read readOrder, logger *slog.Logger) *Merchants {
	return &Merchants{update: update, order: read, within: deliverWithin, logger: logger}
}

func (m *Merchants) routes() []route {
	return []route{
		m.route("/orders/{account}/{session}/shipments", workflows.UpdateShip, readShipment),
		m.route("/orders/{account}/{session}/decision", workflows.UpdateDecide, readDecision),
	}
}

// route makes an update of a report. 202 means that the order has taken it: what does not fit the order as it stands is
// refused, with the reason. While no worker runs nobody can say, so the answer is 503, and the merchant sends it again.
func (m *Merchants) route(path, update string, read func([]byte) (any, error)) route {
	return route{http.MethodPost, path, access.Operate, func(c call) (work, *answered) {
		id := order.ID{Account: c.PathValue("account"), Session: c.PathValue("session")}
		if err := id.Check(); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		report, err := read(c.body)
		if err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		return func(ctx context.Context) answered {
			status, text := m.send(ctx, id, update, report)
			return *refused(status, text)
		}, nil
	}}
}

// readCommand reads what somebody with a token reports or decides.
func readCommand(w http.ResponseWriter, r *http.Request) ([]byte, *answered) {
	status := http.StatusUnsupportedMediaType
	var body []byte
	if isJSON(r.Header) {
		body, status = ReadBody(w, r, maxReport)
	}
	if status == http.StatusOK {
		return body, nil
	}
	return nil, refused(status,
		fmt.Sprintf("%s: expected application/json of at most %d bytes", http.StatusText(status), maxReport))
}

func (m *Merchants) send(ctx context.Context, id order.ID, update string, report any) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, m.within)
	defer cancel()
	err := m.compare(ctx, id, report)
	if err == nil {
		err = m.deliver(ctx, id, update, report)
	}
	if err == nil {
		m.logger.InfoContext(ctx, "merchant's report", "order", id, "report", update)
		return http.StatusAccepted, ""
	}
	if temporalclient.IsNotFound(err) {
		return http.StatusNotFound, "there is no such order under way: it is settled, or Vitrine never saw it"
	}
	if said := desk.SaidByOrder(err); said != nil {
		status := statuses[said.Kind]
		m.logger.InfoContext(ctx, "merchant's report refused", "order", id, "report", update, "status", status)
		return status, said.Why
	}
	m.logger.WarnContext(ctx, "merchant's report not delivered", "order", id, "report", update, "error", err)
	return http.StatusServiceUnavailable, "not delivered: send it again"
}

func (m *Merchants) deliver(ctx context.Context, id order.ID, update string, report any) error {
	handle, err := m.update(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id.String(), UpdateName: update, Args: []any{report},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(ctx, nil)
}

// compare holds what a decision refuses beside what it accepts against the order, which does not get to know it.
func (m *Merchants) compare(ctx context.Context, id order.ID, report any) error {
	decision, is := report.(workflows.MerchantDecision)
	if !is || len(decision.Refused) == 0 {
		return nil
	}
	view, err := m.order(ctx, id)
	if err != nil || view.Summary == nil {
		return err
	}
	if err := decision.Check(*view.Summary); err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(fault.MerchantAnswerInvalid), nil)
	}
	return nil
}

func readShipment(body []byte) (any, error) { return order.ParseShipment(body) }

// readDecision reads the answer that an endpoint could have given at once. Whether it fits the order, the order says.
func readDecision(body []byte) (any, error) {
	d, err := order.ParseDecision(body)
	if err == nil && d.Status == order.Pending {
		err = fault.NewPermanent(fault.InputInvalid, errors.New("status pending: expected accepted or rejected"))
	}
	return workflows.MerchantDecision{Decision: d}, err
}

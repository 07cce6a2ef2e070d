package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// maxReport is the largest shipment or decision.
const maxReport = 64 << 10

// updateWorkflow is that of client.Client.
type updateWorkflow func(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)

// Merchants takes what merchants' systems report about their orders, and passes it to the orders' workflows.
type Merchants struct {
	token  string
	update updateWorkflow
	within time.Duration
	slots  slots
	logger *slog.Logger
}

// NewMerchants takes the token of this deployment, and what updates workflows.
func NewMerchants(token string, update updateWorkflow, logger *slog.Logger) *Merchants {
	return &Merchants{token: token, update: update, within: deliverWithin, slots: newSlots(maxReports), logger: logger}
}

// register adds nothing without a token: routes that nobody may use are not there.
func (m *Merchants) register(mux *http.ServeMux) {
	if m.token == "" {
		return
	}
	mux.Handle("POST /orders/{account}/{session}/shipments", m.route(workflows.UpdateShip, readShipment))
	mux.Handle("POST /orders/{account}/{session}/decision", m.route(workflows.UpdateDecide, readDecision))
}

// route makes an update of a report. 202 means that the order has taken it: what does not fit the order as it stands is
// refused, with the reason. While no worker runs nobody can say, so the answer is 503, and the merchant sends it again.
func (m *Merchants) route(update string, read func([]byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !m.allowed(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="vitrine"`)
			reply(w, http.StatusUnauthorized,
				"expected the header Authorization: Bearer, with the token of this deployment")
			return
		}
		id := order.ID{Account: r.PathValue("account"), Session: r.PathValue("session")}
		report, status, err := readReport(w, r, id, read)
		if err != nil {
			reply(w, status, err.Error())
			return
		}
		vouch(w, r)
		if !m.slots.take() {
			w.Header().Set("Retry-After", "1")
			reply(w, http.StatusServiceUnavailable, "busy: send it again")
			return
		}
		defer m.slots.leave()
		status, text := m.send(r.Context(), id, update, report)
		reply(w, status, text)
	}
}

// allowed compares digests, whose length says nothing of the token's.
func (m *Merchants) allowed(r *http.Request) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(m.token)), sha256.Sum256([]byte(given))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

func readReport(w http.ResponseWriter, r *http.Request, id order.ID, read func([]byte) (any, error)) (any, int, error) {
	if err := id.Check(); err != nil {
		return nil, http.StatusBadRequest, err
	}
	body, status := readReportBody(w, r)
	if status != http.StatusOK {
		return nil, status, fmt.Errorf("%s: expected application/json of at most %d bytes",
			http.StatusText(status), maxReport)
	}
	report, err := read(body)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return report, http.StatusOK, nil
}

func readReportBody(w http.ResponseWriter, r *http.Request) ([]byte, int) {
	if !isJSON(r.Header) {
		return nil, http.StatusUnsupportedMediaType
	}
	return readBody(w, r, maxReport)
}

func (m *Merchants) send(ctx context.Context, id order.ID, update string, report any) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, m.within)
	defer cancel()
	handle, err := m.update(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id.String(), UpdateName: update, Args: []any{report},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err == nil {
		m.logger.InfoContext(ctx, "merchant's report", "order", id, "report", update)
		return http.StatusAccepted, ""
	}
	if temporalclient.IsNotFound(err) {
		return http.StatusNotFound, "there is no such order under way: it is settled, or Vitrine never saw it"
	}
	if status, refused := refusedReport(err); refused != "" {
		m.logger.InfoContext(ctx, "merchant's report refused", "order", id, "report", update, "status", status)
		return status, refused
	}
	m.logger.WarnContext(ctx, "merchant's report not delivered", "order", id, "report", update, "error", err)
	return http.StatusServiceUnavailable, "not delivered: send it again"
}

// refusedReport is what the order itself says against a report, if it was the order that spoke. A worker that does not
// know the update yet says nothing about the report.
func refusedReport(err error) (status int, why string) {
	var refused *temporal.ApplicationError
	if !errors.As(err, &refused) {
		return 0, ""
	}
	switch fault.Code(refused.Type()) {
	case fault.OrderConflict:
		return http.StatusConflict, refused.Message()
	case fault.InputInvalid, fault.MerchantAnswerInvalid:
		return http.StatusUnprocessableEntity, refused.Message()
	}
	return 0, ""
}

func reply(w http.ResponseWriter, status int, problem string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Error string `json:"error,omitempty"`
	}{problem})
}

func readShipment(body []byte) (any, error) { return order.ParseShipment(body) }

// readDecision reads the answer that an endpoint could have given at once. Whether it fits the order, the order says.
func readDecision(body []byte) (any, error) {
	d, err := order.ParseDecision(body)
	if err == nil && d.Verdict == order.Pending {
		err = fault.NewPermanent(fault.InputInvalid, errors.New("status pending: expected accepted or rejected"))
	}
	return workflows.MerchantDecision{Decision: d}, err
}

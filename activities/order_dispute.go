package activities

import (
	"context"

	"vitrine/internal/order"
)

// DisputeInput is the input of the steps about a dispute.
type DisputeInput struct {
	order.ID
	Dispute   string           `json:"dispute"`
	Shipments []order.Shipment `json:"shipments,omitempty"`
	Key       string           `json:"key,omitempty"`
}

// ReadDispute reads a dispute.
func (s *OrderFulfillment) ReadDispute(ctx context.Context, in DisputeInput) (order.Dispute, error) {
	return s.Stripe.Dispute(ctx, in.Account, in.Dispute)
}

// WriteEvidenceResult says where the bundle is.
type WriteEvidenceResult struct {
	Key string `json:"key"`
}

// WriteEvidence gathers what is known against a dispute into a bundle in the state bucket, for people to look at.
func (s *OrderFulfillment) WriteEvidence(ctx context.Context, in DisputeInput) (WriteEvidenceResult, error) {
	key, err := s.writeEvidence(ctx, in)
	return WriteEvidenceResult{Key: key}, err
}

func (s *OrderFulfillment) writeEvidence(ctx context.Context, in DisputeInput) (string, error) {
	_, session, err := s.open(ctx, in.ID)
	if err != nil {
		return "", err
	}
	dispute, err := s.Stripe.Dispute(ctx, in.Account, in.Dispute)
	if err != nil {
		return "", err
	}
	return s.Documents.SaveEvidence(ctx, in.ID, dispute, session.Evidence(in.Shipments), in.Shipments)
}

// SubmitEvidence hands what is known against a dispute to the bank, which takes it once.
func (s *OrderFulfillment) SubmitEvidence(ctx context.Context, in DisputeInput) (order.Dispute, error) {
	_, session, err := s.open(ctx, in.ID)
	if err != nil {
		return order.Dispute{}, err
	}
	return s.Stripe.SubmitEvidence(ctx, in.Account, in.Dispute, session.Evidence(in.Shipments), true, in.Key)
}

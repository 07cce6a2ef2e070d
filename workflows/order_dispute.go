package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/order"
	"vitrine/internal/utc"
)

// disputes reads what a buyer's bank says, and gathers and submits what is known against it.
type disputes struct {
	life  *order.Lifecycle
	aside *background
}

func (d disputes) input(id string) activities.DisputeInput {
	return activities.DisputeInput{ID: d.life.ID(), Dispute: id, Shipments: d.life.Record().Shipments}
}

// read reads a dispute. news says that the bank waits for what is known against it.
func (d disputes) read(ctx workflow.Context, id string) (news bool, err error) {
	var dispute order.Dispute
	reading := money(ctx, "Read dispute "+id)
	if err := workflow.ExecuteActivity(reading, orderSteps.ReadDispute, d.input(id)).Get(ctx, &dispute); err != nil {
		d.life.Unread(id)
		return false, err
	}
	if dispute.PaymentIntent != d.life.Record().Summary.PaymentIntent { // not about this order
		return false, nil
	}
	if !d.life.NoteDispute(dispute) {
		return false, nil
	}
	if dispute.Lost() && workflow.GetVersion(ctx, "dispute-lost", workflow.DefaultVersion, 1) == 1 {
		d.life.NoteLost()
	}
	_, err = d.life.TellDispute(dispute, workflow.Now(ctx))
	return !dispute.Closed(), err
}

// gather has what is known against a dispute put together. Nobody waits for it.
func (d disputes) gather(ctx workflow.Context, id string) {
	in := d.input(id)
	d.aside.do(ctx, func(ctx workflow.Context) {
		ctx = money(ctx, "Gather what is known against "+id)
		if err := workflow.ExecuteActivity(ctx, orderSteps.WriteEvidence, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the evidence was not written", "error", err)
		}
	})
}

// submitEvidence hands what is known against the open dispute to the bank, which takes it once.
func (d disputes) submitEvidence(ctx workflow.Context) error {
	id := d.life.OpenDispute().ID
	step, in := "evidence/"+id, d.input(id)
	in.Key = d.life.KeyOf(step)
	ctx = money(ctx, "Submit the evidence against "+id)
	var submitted order.Dispute
	if err := workflow.ExecuteActivity(ctx, orderSteps.SubmitEvidence, in).Get(ctx, &submitted); err != nil {
		spendRefused(d.life, step, err)
		return err
	}
	submitted.Submissions = max(submitted.Submissions, 1)
	d.life.NoteDispute(submitted)
	return nil
}

// lookAgainAt is when open disputes are looked at next. Orders that were disputed under an earlier worker wait for
// events alone.
func (d disputes) lookAgainAt(ctx workflow.Context) (time.Time, string) {
	if workflow.GetVersion(ctx, "disputes-looked-at", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return time.Time{}, ""
	}
	open := d.life.OpenDispute()
	text := "The bank decides about " + open.ID
	if open.Submissions == 0 && !open.EvidenceDueBy.IsZero() {
		text += ", and takes evidence until " + utc.Text(open.EvidenceDueBy)
	}
	return d.life.LookAgainAt(workflow.Now(ctx)), text + ": look again"
}

package workflows

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/utc"
)

// hold is a run's wait for a person.
type hold struct {
	version  string            // of the source that is held; empty while nothing is
	delivery *catalog.Delivery // staged, and not uploaded
	verdict  *catalog.Verdict  // of the person
}

func (h *hold) active() bool { return h.version != "" }

// listen lets a person decide. The updates are refused as long as nothing is held, and once somebody has decided.
func (h *hold) listen(ctx workflow.Context) error {
	return errors.Join(h.handle(ctx, UpdateApprove, true), h.handle(ctx, UpdateReject, false))
}

func (h *hold) handle(ctx workflow.Context, update string, approved bool) error {
	decide := func(ctx workflow.Context, in VerdictInput) (VerdictResult, error) {
		h.verdict = &catalog.Verdict{Approved: approved, By: in.By, Why: in.Why, At: workflow.Now(ctx).UTC()}
		return VerdictResult{Version: h.version, By: in.By, Why: in.Why}, nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, update, decide, workflow.UpdateHandlerOptions{
		Validator:   h.check,
		Description: "End a hold: the source version that is held is sent (approve) or left (reject).",
	})
}

func (h *hold) check(in VerdictInput) error {
	switch {
	case !h.active():
		return errors.New("this run holds nothing: there is nothing to approve or reject")
	case h.verdict != nil:
		return fmt.Errorf("%s has decided already: %s", h.verdict.By, h.verdict.Why)
	case in.Version != "" && in.Version != h.version:
		return fmt.Errorf("version %s of the source is held, not %s: look at it before you decide", h.version,
			in.Version)
	case strings.TrimSpace(in.By) == "" || strings.TrimSpace(in.Why) == "":
		return errors.New("both by (who decides) and why are needed: they are recorded")
	}
	return nil
}

// hold waits until a person decides, or until it is time to look for a newer source. over says that the run has come to
// its end.
func (s *catalogSync) hold(ctx workflow.Context, found activities.FetchCatalogResult) (over bool, err error) {
	if err := s.announce(ctx, found); err != nil {
		return true, err
	}
	again := workflow.AwaitOptions{Timeout: found.LookAgain, TimerOptions: dated(
		"look for a newer source, which takes the place of the held one", workflow.Now(ctx).Add(found.LookAgain))}
	decided, err := workflow.AwaitWithOptions(ctx, again, func() bool { return s.held.verdict != nil })
	switch {
	case err != nil:
		return true, err // cancelled: a run that has ended holds nothing, and the next one looks anew
	case decided:
		return true, s.decided(ctx)
	case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
		return true, workflow.NewContinueAsNewError(ctx, CatalogSyncType, s.in)
	}
	return false, nil
}

// announce says what is held, where people look: once for each version.
func (s *catalogSync) announce(ctx workflow.Context, found activities.FetchCatalogResult) error {
	if s.held.version == found.Hold.Version {
		return nil
	}
	s.held.version, s.held.delivery, s.held.verdict = found.Hold.Version, found.Delivery, nil
	s.result.Outcome, s.result.Rows = catalog.Held, found.Hold.Rows
	workflow.SetCurrentDetails(ctx, fmt.Sprintf(
		"Held since %s, nothing was uploaded: %s. Approving sends %s and deletes %s: starter approve %s --version "+
			"%s, or starter reject %s.",
		utc.Text(found.Hold.Since), found.Hold.Text(), catalog.Counted(found.Hold.Rows.Sent, "row"),
		humanize.Comma(found.Hold.Rows.Deleted), s.in.Account, found.Hold.Version, s.in.Account))
	countHold(ctx, s.in.Feed, found.Hold.Reasons)
	return s.recordOutcome(ctx)
}

// decided does what the person said.
func (s *catalogSync) decided(ctx workflow.Context) error {
	d, version := *s.held.delivery, s.held.version
	s.held.version = ""
	if !s.held.verdict.Approved {
		d.Parts = nil
		return s.settle(ctx, activities.SettleInput{ID: s.catalog, Delivery: d, Verdict: s.held.verdict})
	}
	in := activities.ApproveInput{ID: s.catalog, Version: version, Verdict: s.held.verdict}
	approving := quickStore(ctx, "Record that a person approved")
	if err := workflow.ExecuteActivity(approving, steps.Approve, in).Get(ctx, nil); err != nil {
		return err
	}
	return s.deliver(ctx, d)
}

package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const (
	// auditsAtOnce are under way together: an audit does little but wait for Stripe's data, a quarter of an hour, so
	// that ten thousand take hours in place of weeks.
	auditsAtOnce = 500
	// auditStartsAtOnce are the audits that are begun side by side, and not faster.
	auditStartsAtOnce = 8
	// auditLookTakes is between two looks, of all audits together: as many as Temporal gives one client.
	auditLookTakes = 100 * time.Millisecond
)

// auditMany audits many accounts, and tells how many are through. One that fails keeps none of the others back.
func (a *app) auditMany(
	ctx context.Context, docs catalog.Documents, c client.Client, accounts []string, restored bool,
) ([]auditEnd, error) {
	atOnce := min(len(accounts), auditsAtOnce)
	a.Remark("%s to audit, %d at once. Stripe's data is up to a quarter of an hour old, and each audit waits for it.",
		terminal.Plural(int64(len(accounts)), "account"), atOnce)
	each := auditing{app: a, docs: docs, client: c, restored: restored,
		pause: max(a.poll, time.Duration(atOnce)*auditLookTakes), starts: make(chan struct{}, auditStartsAtOnce)}
	ends := make([]auditEnd, len(accounts))
	var through atomic.Int64
	bar := a.Meter(len(accounts), "audits")
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, account := range accounts {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			end, err := each.audit(ctx, account)
			if err != nil {
				end.Error = err.Error()
			}
			if ends[i] = end; ctx.Err() == nil {
				through.Add(1)
				bar.Add()
			}
			return nil
		})
	}
	_ = group.Wait() // errors are in the ends
	bar.Finish()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w; %d of %d accounts are through. The audits that were begun go on: say the same "+
			"command again, and it joins those and begins the others",
			context.Cause(ctx), through.Load(), len(accounts))
	}
	return ends, nil
}

// auditing is what the audits of many accounts have in common.
type auditing struct {
	app      *app
	docs     catalog.Documents
	client   client.Client
	restored bool
	pause    time.Duration // between two looks at one of them
	starts   chan struct{}
}

func (a auditing) audit(ctx context.Context, account string) (auditEnd, error) {
	a.starts <- struct{}{}
	run, err := a.app.startAudit(ctx, a.client, workflows.CatalogAuditInput{Account: account, Restored: a.restored})
	<-a.starts
	if err == nil {
		err = a.await(ctx, run)
	}
	if err != nil {
		return auditEndOf(run), err
	}
	return endAudit(ctx, a.docs, a.client, run)
}

// await looks at an audit, and at nothing of its history, until it is over.
func (a auditing) await(ctx context.Context, run desk.SyncRun) error {
	patience := max(blind, 3*a.pause)
	for seen := a.app.Now(); ; {
		if !pause(ctx, a.pause) {
			return context.Cause(ctx)
		}
		is, err := a.client.DescribeWorkflow(ctx, run.WorkflowID, run.RunID)
		switch {
		case err == nil:
			seen = a.app.Now()
			if is.RawResponse.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				return nil
			}
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case a.app.Now().Sub(seen) > patience:
			return lostSight(run, err)
		}
	}
}

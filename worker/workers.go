package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.uber.org/fx"

	"vitrine/activities"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/health"
	"vitrine/internal/preflight"
	"vitrine/workflows"
)

var workersModule = fx.Module("workers", fx.Provide(newDeployment, newWorkers), fx.Invoke(startWorkers))

// heartbeatInterval is how often a heartbeat travels at most. The SDK's own is up to a minute, which a progress bar
// would show as standing still.
const heartbeatInterval = 5 * time.Second

// workers are the workers of this process, one for each task queue.
type workers []worker.Worker

// newWorkers makes them. The activities are the same on all queues: a workflow says where each step runs.
func newWorkers(
	c config.Config, temporal client.Client, steps steps, version deployment, breakers *activities.Breakers,
	giveUp daemon.GiveUp,
) workers {
	common := commonOptions(c, version, breakers, giveUp)
	storage := worker.New(temporal, workflows.TaskQueue, storageOptions(c, common))
	workflows.Register(storage)
	steps.register(storage)

	stripe := worker.New(temporal, activities.StripeTaskQueue, stripeOptions(c, common))
	steps.register(stripe)

	orders := worker.New(temporal, activities.OrderTaskQueue, orderOptions(c, common))
	steps.register(orders)

	merchant := worker.New(temporal, activities.MerchantTaskQueue, merchantOptions(c, common))
	steps.register(merchant)
	return workers{storage, stripe, orders, merchant}
}

// steps are the activities of all workflows.
type steps struct {
	fx.In

	Catalog  *activities.CatalogSync
	Audit    *activities.CatalogAudit
	Dispatch *activities.CatalogDispatch
	Orders   *activities.OrderFulfillment

	Inventory *activities.InventoryUpdate
	Reports   *activities.ReportMail
	Sweep     *activities.OrderSweep

	Standing *activities.AccountStanding
	News     *activities.AccountNews
}

func (s steps) register(r worker.ActivityRegistry) {
	r.RegisterActivity(s.Catalog)
	r.RegisterActivity(s.Dispatch)
	r.RegisterActivity(s.Audit)
	r.RegisterActivity(s.Inventory)
	r.RegisterActivity(s.Reports)
	r.RegisterActivity(s.Orders)
	r.RegisterActivity(s.Sweep)
	r.RegisterActivity(s.Standing)
	r.RegisterActivity(s.News)
}

func storageOptions(c config.Config, o worker.Options) worker.Options {
	o.MaxConcurrentActivityExecutionSize = c.Storage.Concurrency
	return o
}

func stripeOptions(c config.Config, o worker.Options) worker.Options {
	o.DisableWorkflowWorker = true
	o.MaxConcurrentActivityExecutionSize = c.Stripe.Concurrency
	// The server counts, so the rate holds for all workers together. The last one to ask sets it.
	o.TaskQueueActivitiesPerSecond = c.Stripe.CatalogRate()
	return o
}

func orderOptions(c config.Config, o worker.Options) worker.Options {
	o = stripeOptions(c, o)
	o.TaskQueueActivitiesPerSecond = c.Stripe.OrderRate()
	return o
}

func merchantOptions(c config.Config, o worker.Options) worker.Options {
	o.DisableWorkflowWorker = true
	o.MaxConcurrentActivityExecutionSize = c.Orders.Concurrency
	return o
}

// commonOptions begin the shutdown ladder: a step that is told to stop ends by itself, WorkerStopTimeout later it is
// cancelled, and fx gives the whole stop a little more than that. The SDK's default is to cancel at once.
func commonOptions(
	c config.Config, version deployment, breakers *activities.Breakers, giveUp daemon.GiveUp,
) worker.Options {
	return worker.Options{
		WorkerStopTimeout:                c.Worker.ShutdownTimeout,
		MaxHeartbeatThrottleInterval:     heartbeatInterval,
		DefaultHeartbeatThrottleInterval: heartbeatInterval,
		OnFatalError:                     giveUp,
		DeploymentOptions:                worker.DeploymentOptions(version),
		Interceptors:                     []interceptor.WorkerInterceptor{&activities.Interceptor{Breakers: breakers}},
		WorkflowTaskPollerBehavior:       asManyAsNeeded(),
		ActivityTaskPollerBehavior:       asManyAsNeeded(),
	}
}

// asManyAsNeeded lets the server say how many polls are worth having open: after an outage of the workers the SDK's two
// would be what everything waits for, and an idle fleet needs fewer.
func asManyAsNeeded() worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 5,
		MaximumNumberOfPollers: 50})
}

// startWorkers appends the last hooks, so they are the first to stop: the worker is no longer ready as soon as it
// drains.
func startWorkers(
	lc fx.Lifecycle, w workers, checks []preflight.Check, h *health.Health, stop daemon.GiveUp, logger *slog.Logger,
) {
	admit := func() error {
		if err := w.start(); err != nil {
			return err
		}
		h.Started()
		logger.Info("worker is ready", "queues", queues)
		return nil
	}
	gate := &daemon.Gate{
		Checks: checks, Admit: admit, Waits: "the worker takes no work yet: it waits for what is away", Health: h,
		GiveUp: stop, Logger: logger,
	}
	lc.Append(fx.StartStopHook(
		func(ctx context.Context) error {
			away, refused := gate.Look(ctx)
			if refused != nil {
				return refused
			}
			return gate.Open(away)
		},
		func(ctx context.Context) error {
			logger.Info("worker drains")
			if !gate.Close() {
				return nil
			}
			return w.stop(ctx)
		},
	))
}

var queues = []string{workflows.TaskQueue, activities.StripeTaskQueue, activities.OrderTaskQueue,
	activities.MerchantTaskQueue}

// start starts them in turn; those that run are stopped if a later one cannot start.
func (w workers) start() error {
	for i, each := range w {
		if err := each.Start(); err != nil {
			return errors.Join(fmt.Errorf("start the workers: %w", err), w[:i].stop(context.Background()))
		}
	}
	return nil
}

// stop stops all at once: one after the other they would take the timeout each.
func (w workers) stop(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		var all sync.WaitGroup
		for _, each := range w {
			all.Go(each.Stop)
		}
		all.Wait()
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the workers: %w", ctx.Err())
	}
}

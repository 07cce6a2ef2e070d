package main

import (
	"context"

	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/config"
	"vitrine/internal/fulfillment"
	"vitrine/internal/news"
	"vitrine/internal/statestore"
	"vitrine/internal/telemetry"
	"vitrine/workflows"
)

func newAccountNews(
	c config.Config, objects statestore.Objects, temporal client.Client, traces *telemetry.Traces,
) *activities.AccountNews {
	return &activities.AccountNews{
		Accounts: account.Documents{Store: c.Store(objects)},
		Queue:    newsQueue{temporal}, Mail: newNewsPost(c, traces),
		Endpoint: account.Endpoint{URL: c.News.URL.Reveal(), SecretEnv: newsSecret}, Wanted: c.News.Types,
	}
}

// newsSecret is what the secret of the deployment's endpoint is called; no account's settings can name it.
const newsSecret = "VITRINE_NEWS_SECRETS"

func newNewsPost(c config.Config, traces *telemetry.Traces) fulfillment.News {
	secrets := fulfillment.Secrets{Dir: c.Orders.SecretsDir,
		Own: map[string]string{newsSecret: c.News.Secrets.Reveal()}}
	return fulfillment.News{Endpoint: fulfillment.NewEndpoint(fulfillment.EndpointOptions{
		Secrets: secrets, AllowPrivate: c.Orders.AllowPrivate, Timeout: fulfillment.NewsTimeout,
		Now: activities.ServerTime, Traced: traces.EndpointCalls(),
	})}
}

// newsQueue is the workflow that has an account's news: Temporal keeps them, and their order.
type newsQueue struct{ client.Client }

// Tell begins the workflow, or signals the one that runs.
func (q newsQueue) Tell(ctx context.Context, n news.News) error {
	in := workflows.AccountNewsInput{Account: n.Account}
	_, err := q.SignalWithStartWorkflow(ctx, in.WorkflowID(), workflows.SignalNews, n, client.StartWorkflowOptions{
		TaskQueue: workflows.TaskQueue, StaticSummary: in.Summary(), TypedSearchAttributes: in.SearchAttributes(),
		Priority: in.Priority(),
	}, workflows.AccountNewsType, in)
	return err
}

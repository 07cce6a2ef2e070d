package main

import (
	"context"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// sourcePlace is where a source is expected.
type sourcePlace struct {
	Account string             `json:"account"`
	Feed    feed.Kind          `json:"feed"`
	Source  string             `json:"source"`           // s3:// address
	Object  *statestore.Object `json:"object,omitempty"` // what is there

	bucket, key string
}

func (a *app) source(ctx context.Context, account, name string) (catalog.Documents, sourcePlace, error) {
	p := sourcePlace{Account: account}
	docs, err := a.documents(ctx)
	if err != nil {
		return docs, p, err
	}
	if p.Feed, err = feed.ParseKind(name); err != nil {
		return docs, p, badInput(err)
	}
	settings, err := settingsOf(docs).Settings(ctx, account)
	if err != nil {
		return docs, p, err
	}
	if p.bucket, p.key = settings.Source(docs.Layout, p.Feed); p.bucket == "" {
		c, err := a.configuration()
		if err == nil {
			err = badInput(c.CheckSource())
		}
		return docs, p, err
	}
	p.Source = statestore.Object{Bucket: p.bucket, Key: p.key}.URI()
	object, err := docs.Objects.Head(ctx, p.bucket, p.key)
	switch {
	case err == nil:
		p.Object = &object
	case !fault.Is(err, fault.SourceMissing):
		return docs, p, err
	}
	return docs, p, nil
}

package preflight

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Source checks that catalogs can be looked for in the deployment's source bucket.
func Source(objects statestore.Objects, layout statestore.Layout) Check {
	prefix, _, _ := strings.Cut(layout.SourceKey, "{")
	return Check{"source bucket (VITRINE_SOURCE_BUCKET)", func(ctx context.Context) error {
		return listable(ctx, objects, layout.SourceBucket, prefix+"preflight-"+scratch())
	}}
}

// Settings checks that settings and state can be looked for in the state bucket.
func Settings(objects statestore.Objects, layout statestore.Layout) Check {
	return settings(objects, layout, listable)
}

type asking func(ctx context.Context, objects statestore.Objects, bucket, key string) error

func settings(objects statestore.Objects, layout statestore.Layout, ask asking) Check {
	return Check{stateBucket, func(ctx context.Context) error {
		if err := ask(ctx, objects, layout.StateBucket, layout.SettingsKey("preflight-"+scratch())); err != nil {
			return err
		}
		// The only key of the state that everybody may read, the server too.
		return ask(ctx, objects, layout.StateBucket, layout.AssortmentKey("preflight-"+scratch()))
	}}
}

// State is Settings, and checks that state can be written as Vitrine has to write it: only if nobody else wrote in
// between. It leaves nothing behind.
func State(objects statestore.Objects, layout statestore.Layout) Check {
	return Check{stateBucket, func(ctx context.Context) error {
		if err := Settings(objects, layout).Ask(ctx); err != nil {
			return err
		}
		return conditionalWrites(ctx, objects, layout.StateBucket, layout.PreflightKey(scratch()))
	}}
}

const stateBucket = "state bucket (VITRINE_STATE_BUCKET)"

// scratch is a name that nothing else has.
func scratch() string { return rand.Text() }

// listable is readable, also by servers that say "missing" to whoever may not list, too.
func listable(ctx context.Context, objects statestore.Objects, bucket, key string) error {
	if err := readable(ctx, objects, bucket, key); err != nil {
		return err
	}
	_, err := objects.List(ctx, bucket, key)
	return err
}

// readable asks for what is not there. Whoever may not list a bucket is told "forbidden", also of a bucket that belongs
// to somebody else, and could not tell a catalog that is missing from one that is kept from them.
func readable(ctx context.Context, objects statestore.Objects, bucket, key string) error {
	_, err := objects.Head(ctx, bucket, key)
	switch {
	case fault.Is(err, fault.SourceMissing):
		return nil
	case err == nil:
		return fault.NewPermanent(fault.StorageUnusable, fmt.Errorf(
			"the server says that bucket %s has what nobody wrote: is AWS_ENDPOINT_URL_S3 the address of an S3 server?",
			bucket))
	}
	return err
}

// conditionalWrites writes what may be written, and what may not: some servers take the conditions and ignore them, and
// two runs would then import at once.
func conditionalWrites(ctx context.Context, objects statestore.Objects, bucket, key string) (err error) {
	put := func(content, ifMatch string) (statestore.Object, error) {
		return objects.Put(ctx, bucket, key, "text/plain", []byte(content), ifMatch)
	}
	first, err := put("first", statestore.IfAbsent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(ctx, objects, bucket, key)) }()
	if _, err := put("second", statestore.IfAbsent); !fault.Is(err, fault.StateConflict) {
		return ignored(bucket, "If-None-Match", err)
	}
	if _, err := put("third", first.ETag); err != nil {
		return err
	}
	if _, err := put("fourth", first.ETag); !fault.Is(err, fault.StateConflict) {
		return ignored(bucket, "If-Match", err)
	}
	content, _, err := objects.Get(ctx, bucket, key)
	if err == nil && string(content) != "third" {
		err = fault.NewPermanent(fault.StorageUnusable,
			fmt.Errorf("bucket %s answers with other content than was written", bucket))
	}
	return err
}

func ignored(bucket, condition string, err error) error {
	if err != nil {
		return err
	}
	return fault.NewPermanent(fault.StorageUnusable, fmt.Errorf(
		"the server of bucket %s ignores the condition of a write (%s), so that two runs could import at once: use a "+
			"server with conditional writes", bucket, condition))
}

// remove cleans up even if the check was called off.
func remove(ctx context.Context, objects statestore.Objects, bucket, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return objects.Delete(ctx, bucket, key)
}

// Lost is for /readyz: it says that the state bucket is gone or forbidden. An outage is bridged by retries, and by what
// is remembered; taking every server out of its load balancer would make it worse. It is asked for ever, and so does
// not list, which costs twelve times as much.
func Lost(objects statestore.Objects, layout statestore.Layout) func(context.Context) error {
	check := settings(objects, layout, readable)
	return func(ctx context.Context) error {
		err := check.Ask(ctx)
		if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent {
			return fmt.Errorf("%s: %w", check.Name, err)
		}
		return nil
	}
}

package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"vitrine/internal/fault"
)

// translate turns the behaviour of an error into what Temporal acts on. It is the last thing that happens to an error
// (Interceptor): Temporal looks at the outermost error only, so anything that wraps the result makes a permanent error
// be retried.
func translate(err error) error {
	var application *temporal.ApplicationError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.As(err, &application):
		return err
	}
	f, classified := fault.Of(err)
	if !classified {
		return err
	}
	options := temporal.ApplicationErrorOptions{Cause: nil, NextRetryDelay: f.After}
	switch f.Kind {
	case fault.Permanent:
		options.NonRetryable, options.NextRetryDelay = true, 0
	case fault.Pending:
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(f.Code), options)
}

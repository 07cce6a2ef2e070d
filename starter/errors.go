package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"go.temporal.io/api/serviceerror"

	"vitrine/internal/fault"
)

// usageError is a mistake in what the starter was given: the command line, a file, the configuration.
type usageError struct {
	err  error
	help bool // the command's help would help
}

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

func badUsage(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), help: true}
}

func badInput(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err}
}

// rowsError is about a file that can be sent, but not all of it.
type rowsError struct {
	file string
	rows int64
}

func (e *rowsError) Error() string {
	if e.rows == 1 {
		return "1 row of " + e.file + " has errors: a sync would not send it"
	}
	return fmt.Sprintf("%s rows of %s have errors: a sync would not send them", humanize.Comma(e.rows), e.file)
}

// explain turns the end of a context into why it ended: "context canceled" tells nobody anything.
func explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	if f, ok := fault.Of(err); errors.Is(err, cause) || ok && f.Kind == fault.Permanent {
		return err // it says more
	}
	return cause
}

// advise says what to do about what Temporal answers to a start, where that is known.
func advise(err error) error {
	var invalid *serviceerror.InvalidArgument
	var missing *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("%w (if a search attribute is missing: register VitrineAccount, VitrineFeed, "+
			"VitrineOutcome and VitrineRowsFailed in the namespace)", err)
	case errors.As(err, &missing):
		return fmt.Errorf("%w: check TEMPORAL_NAMESPACE", err)
	}
	return err
}

// must is for mistakes in this program that every test of it finds.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

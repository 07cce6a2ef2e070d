package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

const noAnswerInTime = "no answer came in time: Temporal, or the worker that it asks, is busy or not running; " +
	"what was asked for may be done all the same, so look before you repeat it"

// told is an error as people read it. Of an answer that did not come in time, gRPC and the context speak of streams and
// deadlines, and which of them speaks is a matter of chance.
func told(err error) string {
	if late := lateness(err); late != nil {
		return strings.Replace(err.Error(), late.Error(), noAnswerInTime, 1)
	}
	return err.Error()
}

// lateness is what says in an error that an answer did not come in time; nil if nothing does. A server that notices it
// first resets the stream, which may be told as a call that was canceled.
func lateness(err error) error {
	var late *serviceerror.DeadlineExceeded
	var reset *serviceerror.Canceled
	switch {
	case errors.As(err, &late):
		return late
	case errors.As(err, &reset) && strings.Contains(reset.Message, "RST_STREAM"):
		return reset
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}

// must is for mistakes in this program that every test of it finds.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

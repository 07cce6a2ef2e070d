// Command starter is how people and scripts start, schedule and watch Vitrine's syncs.
//
// It holds no state and does no work of its own: it starts workflows in Temporal, and reads and writes the settings,
// states and reports that the worker keeps in S3. starter serve is the one command that stays: it hears of orders.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx := untilSignal(context.Background())
	os.Exit(newApp().execute(ctx, os.Args[1:]))
}

// interrupted is why a context ended that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string {
	if i.signal == syscall.SIGINT {
		return "stopped by Ctrl-C"
	}
	return fmt.Sprintf("stopped by signal %d (%s)", int(i.signal), i.signal)
}

// untilSignal ends the context at the first SIGINT or SIGTERM. The second one finds no handler any more and kills the
// process: a command that hangs can always be left.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received := <-signals
		signal.Stop(signals)
		if s, ok := received.(syscall.Signal); ok {
			cancel(interrupted{s})
		}
	}()
	return ctx
}

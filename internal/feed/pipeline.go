package feed

import (
	"io"
	"runtime"
	"sync"

	"vitrine/internal/feed/lines"
)

// flow sends batches through the examination on all cores, and gives them to merge in the order of the file. first is a
// batch that was cut already.
func (x *examiner) flow(c *lines.Cutter, first *work, merge func(*work) error) error {
	// One is being cut, one merged, and one looked at on each core. More would push each other out of the caches.
	inFlight := runtime.GOMAXPROCS(0) + 2
	free, tasks, ordered := make(chan *work, inFlight), make(chan *work, inFlight), make(chan *work, inFlight)
	for range inFlight - 1 {
		free <- newWork()
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	defer close(stop)

	tasks <- first
	ordered <- first
	running.Go(func() {
		defer close(ordered)
		defer close(tasks)
		for {
			var w *work
			select {
			case w = <-free:
			case <-stop:
				return
			}
			if w.err = c.Cut(&w.Batch); w.err != nil {
				w.done <- struct{}{}
				ordered <- w
				return
			}
			tasks <- w
			ordered <- w
		}
	})
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for w := range tasks {
				x.examine(w)
				w.done <- struct{}{}
			}
		})
	}
	for w := range ordered {
		<-w.done
		if w.err == io.EOF {
			return nil
		}
		if w.err != nil {
			return w.err
		}
		if err := merge(w); err != nil {
			return err
		}
		free <- w
	}
	return nil
}

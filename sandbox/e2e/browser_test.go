package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// screenshotsVariable names a folder in which a run leaves pictures of the pages, for people to look at.
const screenshotsVariable = "VITRINE_SCREENSHOTS"

// chromium is where the browser is; without one the test is skipped, and says so.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no chromium here (apt-get install chromium): nothing was looked at in a browser")
	return ""
}

// browser is a tab of a headless browser. What the pages' policy forbids, and what their script fails at, is noted.
type browser struct {
	t       *testing.T
	room    *room
	ctx     context.Context
	address string // what opens adds to its paths

	mu       sync.Mutex
	troubles []string
}

// browser opens a tab. A test asks for one first: it is skipped where there is no Chromium.
func (r *room) browser() *browser {
	t := r.t
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox,
		chromedp.WindowSize(1280, 1000), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(within(t), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	b := &browser{t: t, room: r, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	sends(b, log.Enable, cdp.Empty{})
	sends(b, runtime.Enable, cdp.Empty{})
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // an answer of 404 is no trouble of the page's
			b.troubles = append(b.troubles, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.troubles = append(b.troubles, e.ExceptionDetails.Text)
	}
}

// asks has the browser do something that has an answer.
func asks[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, action)
	require.NoError(b.t, err)
	return answer
}

// sends sends a command of the browser's own protocol.
func sends[P, R any](b *browser, command cdp.Command[P, R], parameters P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, parameters)
	require.NoError(b.t, err)
}

func (b *browser) opens(path string) {
	b.t.Helper()
	b.visits(b.address + path)
}

func (b *browser) visits(url string) {
	b.t.Helper()
	asks(b, chromedp.Navigate(url))
}

// text is what a person reads on a page that is not ours.
func (b *browser) text() string {
	b.t.Helper()
	return asks(b, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
}

// pictured leaves a picture of the page for whoever asks for some.
func (b *browser) pictured(name string) {
	b.t.Helper()
	if folder := os.Getenv(screenshotsVariable); folder != "" {
		file := filepath.Join(folder, name+".png")
		require.NoError(b.t, os.WriteFile(file, asks(b, chromedp.FullScreenshot(100)), 0o644))
	}
}

// follows clicks on what a person reads, and waits for the page that it leads to.
func (b *browser) follows(text string) {
	b.t.Helper()
	const clickable = `//*[self::a or self::button][contains(normalize-space(.), %q)]`
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.Search(fmt.Sprintf(clickable, text))))
	require.NoError(b.t, err, text)
}

// fills types into the field of a label.
func (b *browser) fills(label, text string) {
	b.t.Helper()
	const script = `[...document.querySelectorAll("label")].find(l => l.textContent.trim().startsWith(%q)).htmlFor`
	id := asks(b, chromedp.Evaluate[string](fmt.Sprintf(script, label)))
	asks(b, chromedp.SendKeys(chromedp.ID(id), text))
}

// reads is what stands on the page.
func (b *browser) reads() string {
	b.t.Helper()
	return strings.Join(strings.Fields(asks(b, chromedp.Text(chromedp.CSS("main")))), " ")
}

// sees waits until the page says so; it is loaded again until it does.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.room.await("the page saying "+text, func() bool {
		if strings.Contains(b.reads(), text) {
			return true
		}
		asks(b, chromedp.Reload())
		return false
	})
}

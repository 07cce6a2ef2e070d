package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium with one page, steered by the protocol of its developer tools through a pipe.
type browser struct {
	t       *testing.T
	out     *bufio.Reader
	in      io.Writer
	session string

	mu   sync.Mutex
	last int
}

// openBrowser skips the test where there is no Chromium.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no Chromium here (Debian's package is chromium): the Web UI was not looked at")
	}
	theirIn, in, err := os.Pipe()
	require.NoError(t, err)
	out, theirOut, err := os.Pipe()
	require.NoError(t, err)
	command := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--remote-debugging-pipe", "--window-size=1400,1600", "--user-data-dir="+t.TempDir(), "about:blank")
	command.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the protocol has it
	require.NoError(t, command.Start())
	require.NoError(t, errors.Join(theirIn.Close(), theirOut.Close()))
	b := &browser{t: t, out: bufio.NewReader(out), in: in}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
		_ = errors.Join(in.Close(), out.Close())
	})
	var target struct{ TargetID string }
	b.calls("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.calls("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	return b
}

// calls sends a command and waits for its answer; events that come before it are passed over.
func (b *browser) calls(method string, params map[string]any, into any) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	message := map[string]any{"id": b.last, "method": method, "params": params}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	sent, err := json.Marshal(message)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(sent, 0))
	require.NoError(b.t, err)
	for {
		text, err := b.out.ReadBytes(0)
		require.NoError(b.t, err, method)
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		require.NoError(b.t, json.Unmarshal(text[:len(text)-1], &answer))
		if answer.ID != b.last {
			continue
		}
		require.Nil(b.t, answer.Error, "%s: %+v", method, answer.Error)
		if into != nil {
			require.NoError(b.t, json.Unmarshal(answer.Result, into))
		}
		return
	}
}

func (b *browser) visit(url string) {
	b.t.Helper()
	b.calls("Page.navigate", map[string]any{"url": url}, nil)
}

func (b *browser) evaluate(script string) string {
	b.t.Helper()
	var answer struct {
		Result struct{ Value any }
	}
	b.calls("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &answer)
	return fmt.Sprint(answer.Result.Value)
}

// text is what a person reads on the page.
func (b *browser) text() string {
	b.t.Helper()
	return b.evaluate("document.body ? document.body.innerText : ''")
}

func (b *browser) picture() []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.calls("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(b.t, err)
	return png
}

// pictures is where whoever wants them has screenshots put.
func pictures() string { return os.Getenv("VITRINE_PICTURES") }

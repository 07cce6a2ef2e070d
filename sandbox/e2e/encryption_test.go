package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"vitrine/internal/catalog"
	"vitrine/internal/keyring"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/workflows"
)

// keysFile is a file of keys, the first of which writes; what a key is made of follows from its id.
func keysFile(t *testing.T, ids ...string) (path string, keys keyring.Keys) {
	t.Helper()
	var text strings.Builder
	for _, id := range ids {
		secret := bytes.Repeat([]byte{id[len(id)-1]}, 32)
		text.WriteString(id + " " + base64.StdEncoding.EncodeToString(secret) + "\n")
	}
	path = filepath.Join(t.TempDir(), "payload-keys")
	writeFile(t, path, []byte(text.String()))
	keys, err := keyring.Parse(text.String())
	require.NoError(t, err)
	return path, keys
}

// encrypts gives all processes that are started from now on these keys, and the test's own client too.
func (r *room) encrypts(ids ...string) {
	r.t.Helper()
	path, keys := keysFile(r.t, ids...)
	r.settings["VITRINE_PAYLOAD_KEYS_FILE"] = path
	r.dialTemporal(func(o *client.Options) {
		o.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), cipherCodec{keys})
	})
}

// cipherCodec is the format once more, as the handbook describes it, for whoever reads payloads by other means.
type cipherCodec struct{ keys keyring.Keys }

func (c cipherCodec) Encode(clear []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encrypted := make([]*commonpb.Payload, len(clear))
	for i, p := range clear {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		id := c.keys[0].ID()
		encrypted[i] = &commonpb.Payload{
			Metadata: map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte(id)},
			Data:     c.keys[0].Seal(plain, []byte("binary/encrypted\x00"+id)),
		}
	}
	return encrypted, nil
}

func (c cipherCodec) Decode(encrypted []*commonpb.Payload) ([]*commonpb.Payload, error) {
	clear := make([]*commonpb.Payload, len(encrypted))
	for i, p := range encrypted {
		if clear[i] = p; !isEncrypted(p) {
			continue
		}
		id := string(p.GetMetadata()["encryption-key-id"])
		key, found := c.keys.Find(id)
		if !found {
			return nil, errors.New("the test has no key " + id)
		}
		plain, err := key.Open(p.GetData(), []byte("binary/encrypted\x00"+id))
		if err != nil {
			return nil, err
		}
		clear[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, clear[i]); err != nil {
			return nil, err
		}
	}
	return clear, nil
}

func isEncrypted(p *commonpb.Payload) bool {
	return string(p.GetMetadata()["encoding"]) == "binary/encrypted"
}

// kept is what Temporal keeps of a room's runs, as it keeps it.
type kept struct {
	text      string            // of all histories
	readable  map[string]string // payloads without encryption, by what they say
	encrypted map[string]int    // how many payloads there are under a key, by its id
}

func (r *room) kept() kept {
	r.t.Helper()
	found := kept{readable: map[string]string{}, encrypted: map[string]int{}}
	visit := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, p := range payloads {
			if isEncrypted(p) {
				found.encrypted[string(p.GetMetadata()["encryption-key-id"])]++
			} else {
				found.readable[string(p.GetData())] = string(p.GetMetadata()["encoding"])
			}
		}
		return payloads, nil
	}
	for _, run := range r.runs() {
		for _, event := range r.history(run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId()) {
			found.text += event.String() + "\n"
			require.NoError(r.t, proxy.VisitPayloads(context.Background(), event,
				proxy.VisitPayloadsOptions{Visitor: visit, SkipSearchAttributes: true}))
		}
	}
	return found
}

// texts fails if anything can be read but one-line texts: summaries, and who started a run.
func (k kept) requireOnlyTexts(t *testing.T) {
	t.Helper()
	for said, encoding := range k.readable {
		require.Equal(t, "json/plain", encoding, said)
		require.Regexp(t, `^"[^{}]*"$`, said, "a summary or a memo is a text alone")
	}
}

func TestTemporalKeepsNothingInClearText(t *testing.T) {
	s := open(t, csv("sku1", "bad1"), nil)
	s.encrypts("k1")
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Match: simcontrol.Match{PathPrefix: filesPath}, Status: 500,
		Message: "the-message-of-a-failure", Times: 1})
	followed := s.starter("sync", s.account, "--follow")
	require.Zero(t, followed.code, followed.stderr)
	require.Contains(t, followed.stdout, "2 in the source: 1 sent, 1 kept back")
	require.Contains(t, followed.stdout, "the-message-of-a-failure", "what failed is decrypted")

	b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1"}},
		Agent: simcontrol.Agent{Name: "Agent Alpha"}})
	b.becomes(order.StateAccepted)
	s.succeeds("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
	require.Equal(t, order.StateShipped, b.shown().State, "queries and updates are encrypted and read")
	_, err := s.emulator.RefundByStaff(t.Context(), b.Session, 100)
	require.NoError(t, err)
	b.comes("a refund", func(v workflows.OrderView) bool { return v.Refunded == 100 })

	found := s.kept()
	require.Greater(t, found.encrypted["k1"], 30)
	for _, clear := range []string{
		"1Z999", "SO-1", "the-message-of-a-failure", `\"account\"`, `\"rows\"`, `\"sku`, "pi_", buyer.Name,
		"reports/000",
	} {
		require.NotContains(t, found.text, clear)
	}
	require.Contains(t, found.text, "Encoded failure")
	require.Contains(t, found.readable, `"Sync the product feed of `+s.account+`"`, "summaries stay readable")
	require.Contains(t, found.readable, `"Hand the order to the merchant"`)
	found.requireOnlyTexts(t)
	for said := range found.readable {
		t.Logf("readable: %s", said)
	}
	s.await("the run being listed by its search attributes", func() bool {
		listed := s.succeeds("order", "list", "--state", "shipped")
		return strings.Contains(listed.stdout, b.Session)
	})
}

// Encryption is turned on, and keys are rotated, under orders that are under way.
func TestKeysAreTurnedOnAndRotatedUnderOrders(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	w := s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	clear := s.buys(simcontrol.Purchase{})
	clear.becomes(order.StateAccepted)
	require.Empty(t, s.kept().encrypted)

	restart := func(ids ...string) {
		require.Zero(t, w.terminate())
		require.NoError(t, s.serve.Stop(patience))
		s.encrypts(ids...)
		w = s.startWorker()
		s.startServe(false)
	}
	restart("k1")
	ship := func(b bought) {
		s.succeeds("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
		b.becomes(order.StateShipped)
	}
	ship(clear)
	first := s.buys(simcontrol.Purchase{})
	first.becomes(order.StateAccepted)
	require.NotZero(t, s.kept().encrypted["k1"])
	require.Zero(t, s.kept().encrypted["k2"])

	restart("k2", "k1")
	ship(first)
	second := s.buys(simcontrol.Purchase{})
	second.becomes(order.StateAccepted)
	require.NotZero(t, s.kept().encrypted["k2"])
	written := s.kept().encrypted["k1"]
	s.syncsWith(workflows.CatalogSyncInput{Full: true}, catalog.Succeeded)
	require.Equal(t, written, s.kept().encrypted["k1"], "the first key writes, and no other")
	for _, b := range []bought{clear, first, second} {
		require.Equal(t, 1, s.merchant.has(b.id()).times)
	}
}

// A worker whose keys are not those of the others takes no decision without what it cannot read: not even a signal is
// lost, which the SDK would drop.
func TestAWorkerWithoutTheKeyLosesNothing(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.encrypts("k2", "k1") // whoever writes has the new key already
	s.startServe(false)
	s.subscribe()
	s.encrypts("k1")
	behind := s.startWorker()
	s.stocked()
	s.encrypts("k2", "k1")
	b := s.buys(simcontrol.Purchase{}) // its workflow is started, and signalled, under k2
	s.await("the worker being told which key it lacks", func() bool {
		return strings.Contains(behind.output.String(),
			`encrypted with the key \"k2\", which is not among the keys here`)
	})
	require.Zero(t, behind.terminate())
	ahead := s.startWorker()
	b.becomes(order.StateAccepted)

	// The order's own history is readable to a worker with k1 alone, until a signal comes under k2.
	s.encrypts("k1")
	require.Zero(t, ahead.terminate())
	require.NoError(t, s.serve.Stop(patience))
	s.startServe(false)
	both := s.startWorkerWith("k1", "k2")
	old := s.buys(simcontrol.Purchase{})
	old.becomes(order.StateAccepted)
	require.Zero(t, both.terminate())
	require.NoError(t, s.serve.Stop(patience))
	s.encrypts("k2", "k1")
	s.startServe(false)
	behind = s.startWorkerWith("k1")
	_, err := s.emulator.RefundByStaff(t.Context(), old.Session, 100)
	require.NoError(t, err)
	s.await("a task failing for want of the key", func() bool { return s.failedTask(old.id().String()) })
	require.Zero(t, behind.terminate())
	s.startWorkerWith("k2", "k1")
	old.comes("the refund that was signalled under the other key",
		func(v workflows.OrderView) bool { return v.Refunded == 100 })
	require.Equal(t, 1, s.merchant.has(old.id()).times)
	require.Equal(t, 1, s.merchant.has(b.id()).times)
}

// startWorkerWith starts a worker with keys of its own.
func (s *shop) startWorkerWith(ids ...string) *worker {
	s.t.Helper()
	path, _ := keysFile(s.t, ids...)
	return s.startWorker("VITRINE_PAYLOAD_KEYS_FILE=" + path)
}

func (r *room) failedTask(workflowID string) bool {
	r.t.Helper()
	for _, event := range r.history(workflowID, "") {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED {
			return true
		}
	}
	return false
}

const codecToken = "a-token-that-nobody-guesses"

// startCodec starts `starter codec` for the sandbox's Web UI, and returns its address and its log.
func (r *room) startCodec(ids ...string) (address string, log *safeBuffer) {
	r.t.Helper()
	keys, _ := keysFile(r.t, ids...)
	tokens := filepath.Join(r.t.TempDir(), "tokens")
	writeFile(r.t, tokens, []byte("ana read "+codecToken+"\n"))
	port, err := ports.Pick(0)
	require.NoError(r.t, err)
	log = &safeBuffer{}
	p, err := child.Start(child.Command{
		Path: filepath.Join(r.bin, "starter"), Args: []string{"codec"}, Dir: r.t.TempDir(), Stdout: log,
		Stderr: log,
		Env: r.environ("VITRINE_CODEC_LISTEN="+ports.Address(port), "VITRINE_CODEC_TOKENS_FILE="+tokens,
			"VITRINE_CODEC_ORIGINS="+house.ready.WebUI, "VITRINE_PAYLOAD_KEYS_FILE="+keys),
	})
	require.NoError(r.t, err)
	r.t.Cleanup(func() { require.NoError(r.t, p.Stop(patience)) })
	r.await("the codec answering", func() bool {
		require.True(r.t, p.Running(), log.String())
		return ports.Answers(r.t.Context(), "http://"+ports.Address(port)+"/readyz") == nil
	})
	return ports.Address(port), log
}

// The Web UI shows cipher text until a person gives their browser the token of the codec.
func TestTheWebUIDecodesThroughTheCodec(t *testing.T) {
	r := enter(t)
	browser := r.browser()
	r.encrypts("k1")
	r.startWorker()
	r.exportText(csv("sku1"))
	run := r.starts()
	_, err := r.ends(run)
	require.NoError(t, err)
	address, log := r.startCodec("k1")

	page := house.ready.WebUI + "/namespaces/" + r.namespace + "/workflows/" +
		strings.ReplaceAll(run.GetID(), "/", "%2F") +
		"/" + run.GetRunID() + "/history"
	browser.visits(page)
	r.await("the page showing the run", func() bool { return strings.Contains(browser.text(), "CatalogSync") })
	require.NotContains(t, browser.text(), `"source_version"`, "without the codec nothing can be read")

	browser.visits("http://anybody:" + codecToken + "@" + address + "/")
	r.await("the browser being signed in", func() bool { return strings.Contains(browser.text(), "for ana") })
	browser.visits(page)
	asks(browser, chromedp.Evaluate[bool](`localStorage.setItem("endpoint", JSON.stringify("http://`+address+`"));
		localStorage.setItem("includeCredentials", "true");
		localStorage.setItem("overrideRemoteCodecConfiguration", "true");
		true`))
	browser.visits(page)
	r.await("the page showing the result in clear text", func() bool {
		return strings.Contains(browser.text(), `"source_version"`)
	})
	require.Contains(t, log.String(), "action=decode by=ana namespace="+r.namespace)
	require.NotContains(t, log.String(), r.account, "the audit line has no contents")
	browser.pictured("web-ui-codec")
	require.Equal(t, http.StatusUnauthorized, statusOf(t, "http://"+address+"/decode"))
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), http.MethodPost, url, strings.NewReader("{}"))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

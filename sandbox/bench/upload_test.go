package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore"
	"vitrine/internal/stripeapi"
	"vitrine/sandbox/child"
)

const (
	// binVariable names the directory of the built binaries (make sets it).
	binVariable = "VITRINE_BIN"
	// taskVariable makes this test binary upload once, and do nothing else.
	taskVariable = "VITRINE_BENCH_TASK"

	size    = 200_000_000
	account = "acct_bench"
	purpose = "data_management_manual_upload"
	key     = "uploads/product.csv" // in the source bucket
)

// task is what a process that is measured is told to do once.
type task struct {
	How            string            `json:"how"` // vitrine, stripe-go or assortment
	File           string            `json:"file"`
	Env            map[string]string `json:"env"` // what the sandbox tells worker and starter
	S3             string            `json:"s3"`
	Stripe         string            `json:"stripe"`
	Dir            string            `json:"dir"` // of the sandbox
	IdempotencyKey string            `json:"idempotency_key"`
	Account        string            `json:"account"` // whose assortment is loaded
}

// measured is what such a process says of itself.
type measured struct {
	Memory child.Memory  `json:"memory"` // nothing where the system does not tell
	Took   time.Duration `json:"took"`
}

func TestMain(m *testing.M) {
	told := os.Getenv(taskVariable)
	if told == "" {
		os.Exit(m.Run())
	}
	if err := perform(told); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// perform does a task and prints the memory and the time that this took.
func perform(told string) error {
	var t task
	if err := json.Unmarshal([]byte(told), &t); err != nil {
		return err
	}
	do, known := map[string]func(context.Context) error{
		"vitrine": t.withVitrine, "stripe-go": t.withStripeGo, "assortment": t.loadAssortment,
	}[t.How]
	if !known {
		return fmt.Errorf("nobody knows how to do %q", t.How)
	}
	began := time.Now()
	if err := do(context.Background()); err != nil {
		return err
	}
	m := measured{Took: time.Since(began)}
	m.Memory, _ = child.OwnMemory()
	return json.NewEncoder(os.Stdout).Encode(m)
}

// withVitrine goes from S3 to Stripe, as the activity UploadFile does.
func (t task) withVitrine(ctx context.Context) error {
	objects, err := t.objects(ctx)
	if err != nil {
		return err
	}
	object, err := objects.Head(ctx, t.Env["VITRINE_SOURCE_BUCKET"], key)
	if err != nil {
		return err
	}
	body, err := objects.Open(ctx, object)
	if err != nil {
		return err
	}
	defer body.Close()
	api, err := stripeapi.New(stripeapi.Options{Key: t.Env["STRIPE_API_KEY"], APIBase: t.Stripe, FilesBase: t.Stripe})
	if err != nil {
		return err
	}
	_, err = api.V1().Upload(ctx, catalog.Upload{
		Account: account, Feed: feed.Product, Filename: "product.csv", ContentType: "text/csv", Size: object.Size,
		Body: body, IdempotencyKey: t.IdempotencyKey,
	})
	return err
}

func (t task) objects(ctx context.Context) (*objectstore.Store, error) {
	return objectstore.New(ctx, objectstore.Options{
		PathStyle: true, Endpoint: t.S3, Region: t.Env["AWS_REGION"],
		AccessKeyID: t.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: t.Env["AWS_SECRET_ACCESS_KEY"],
	})
}

// withStripeGo sends a local file as stripe-go's documentation shows, but for the type of the file.
func (t task) withStripeGo(ctx context.Context) error {
	file, err := os.Open(t.File)
	if err != nil {
		return err
	}
	defer file.Close()
	backend := stripe.GetBackendWithConfig(stripe.UploadsBackend, &stripe.BackendConfig{
		URL: stripe.String(t.Stripe), MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		HTTPClient:    &http.Client{Transport: asCSV{http.DefaultTransport}},
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	api := stripe.NewClient(t.Env["STRIPE_API_KEY"],
		stripe.WithBackends(&stripe.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend}))
	params := &stripe.FileCreateParams{FileReader: file, Filename: stripe.String("product.csv"),
		Purpose: stripe.String(purpose)}
	params.SetIdempotencyKey(t.IdempotencyKey)
	params.SetStripeAccount(account)
	_, err = api.V1Files.Create(ctx, params)
	return err
}

// asCSV gives the file its own type, which the emulator insists on: stripe-go sends every file as
// application/octet-stream. The new type is as long as the old one, so nothing else changes, and nothing is copied.
type asCSV struct{ next http.RoundTripper }

func (a asCSV) RoundTrip(request *http.Request) (*http.Response, error) {
	head := make([]byte, 1<<10)
	n, err := io.ReadFull(request.Body, head)
	if err != nil {
		return nil, err
	}
	const old = "application/octet-stream"
	head = bytes.Replace(head[:n], []byte(old), fmt.Appendf(nil, "%-*s", len(old), "text/csv"), 1)
	changed := request.Clone(request.Context())
	changed.GetBody = nil
	changed.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), request.Body), request.Body}
	return a.next.RoundTrip(changed)
}

func BenchmarkUpload200MB(b *testing.B) {
	given := startSandbox(b)
	given.File = filepath.Join(b.TempDir(), "product.csv")
	writeCatalog(b, given.File)
	putCatalog(b, given)
	b.Run("vitrine", func(b *testing.B) {
		measure(b,
			func(b *testing.B, idempotencyKey string) int64 { return inProcess(b, given, "vitrine", idempotencyKey) })
	})
	b.Run("curl", func(b *testing.B) {
		curl, err := exec.LookPath("curl")
		if err != nil {
			b.Skip("there is no curl here to compare with")
		}
		measure(b, func(b *testing.B, idempotencyKey string) int64 { return withCurl(b, curl, given, idempotencyKey) })
	})
	b.Run("stripe-go", func(b *testing.B) {
		measure(b, func(b *testing.B, idempotencyKey string) int64 {
			return inProcess(b, given, "stripe-go", idempotencyKey)
		})
	})
}

var uploads atomic.Int64

// measure uploads again and again, each time as something that Stripe has not seen, and reports the highest peak.
func measure(b *testing.B, upload func(b *testing.B, idempotencyKey string) (peak int64)) {
	b.SetBytes(size)
	var peak int64
	for b.Loop() {
		peak = max(peak, upload(b, fmt.Sprintf("bench-%d-%d", os.Getpid(), uploads.Add(1))))
	}
	if peak > 0 {
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
	}
}

// inProcess uploads in a new process of this test binary.
func inProcess(b *testing.B, t task, how, idempotencyKey string) int64 {
	t.How, t.IdempotencyKey = how, idempotencyKey
	return t.run(b).Memory.Peak
}

// run does the task in a new process of this test binary.
func (t task) run(b *testing.B) (m measured) {
	told, err := json.Marshal(t)
	require.NoError(b, err)
	self, err := os.Executable()
	require.NoError(b, err)
	var out, problems bytes.Buffer
	code, err := child.Run(b.Context(), child.Command{
		Path: self, Env: append(child.Isolated(os.Environ()), taskVariable+"="+string(told)), Stdout: &out,
		Stderr: &problems,
	})
	require.NoError(b, err)
	require.Zero(b, code, "%s", &problems)
	require.NoError(b, json.Unmarshal(out.Bytes(), &m))
	return m
}

// withCurl watches curl from outside, as curl does not tell what memory it took.
func withCurl(b *testing.B, curl string, t task, idempotencyKey string) (peak int64) {
	var problems bytes.Buffer
	p, err := child.Start(child.Command{
		Path: curl, Env: child.Isolated(os.Environ()), Stderr: &problems,
		Args: []string{
			"-q", "-sS", "--fail", "--noproxy", "*", "-o", os.DevNull,
			"-H", "Authorization: Bearer " + t.Env["STRIPE_API_KEY"],
			"-H", "Stripe-Account: " + account,
			"-H", "Stripe-Version: " + stripeapi.DefaultVersion,
			"-H", "Idempotency-Key: " + idempotencyKey,
			"-F", "purpose=" + purpose, "-F", "file=@" + t.File + ";type=text/csv",
			t.Stripe + "/v1/files",
		},
	})
	require.NoError(b, err)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for p.Running() {
		if memory, err := p.Memory(); err == nil {
			peak = max(peak, memory.Peak)
		}
		select {
		case <-look.C:
		case <-p.Ended():
		}
	}
	require.Zero(b, p.ExitCode(), "%s", &problems)
	return peak
}

// writeCatalog writes a feed of exactly size bytes.
func writeCatalog(b *testing.B, path string) {
	b.Helper()
	var feed bytes.Buffer
	feed.WriteString("id,title,description,link,image_link,availability,price\n")
	words := bytes.Repeat([]byte("words "), 150)
	for i := 0; feed.Len() < size; i++ {
		fmt.Fprintf(&feed, "sku%d,Title,%s,https://shop.example/1,https://shop.example/1.jpg,in_stock,9.99 USD\n", i,
			words)
	}
	require.NoError(b, os.WriteFile(path, feed.Bytes()[:size], 0o600))
}

func putCatalog(b *testing.B, t task) {
	b.Helper()
	file, err := os.Open(t.File)
	require.NoError(b, err)
	defer file.Close()
	objects, err := t.objects(b.Context())
	require.NoError(b, err)
	_, err = objects.Write(b.Context(), t.Env["VITRINE_SOURCE_BUCKET"], key, "text/csv", file)
	require.NoError(b, err)
}

// startSandbox brings up the built sandbox until the benchmark ends.
func startSandbox(b *testing.B) task {
	b.Helper()
	ready, _ := bringUp(b)
	return ready
}

// bringUp is the same with flags of its own, such as for a part of it.
func bringUp(b *testing.B, flags ...string) (ready task, p *child.Process) {
	b.Helper()
	sandbox := filepath.Join(binaries(b), "sandbox")
	dir := b.TempDir()
	readyFile := filepath.Join(dir, "ready.json")
	stdin, hold := io.Pipe() // the sandbox ends with this
	var output bytes.Buffer  // read only once the sandbox has ended
	p, err := child.Start(child.Command{
		Path: sandbox, Args: append([]string{"up", "--until-eof", "--ready-file", readyFile, "--temp-dir", dir},
			flags...),
		Env: child.Isolated(os.Environ()), Dir: dir, Stdin: stdin, Stdout: &output, Stderr: &output,
	})
	require.NoError(b, err)
	b.Cleanup(func() {
		_ = hold.Close()
		if err := p.Stop(time.Minute); err != nil {
			b.Error(err)
		}
	})
	require.NoError(b, json.Unmarshal(awaitFile(b, readyFile, p, &output), &ready))
	return ready, p
}

// binaries is the directory of the built binaries.
func binaries(b *testing.B) string {
	b.Helper()
	bin := os.Getenv(binVariable)
	if bin == "" {
		bin = "../../bin"
	}
	bin, err := filepath.Abs(bin)
	require.NoError(b, err)
	if _, err := os.Stat(filepath.Join(bin, "sandbox")); errors.Is(err, os.ErrNotExist) {
		b.Skipf("there is nothing built in %s: run make build", bin)
	}
	return bin
}

func awaitFile(b *testing.B, path string, p *child.Process, output fmt.Stringer) []byte {
	b.Helper()
	deadline := time.After(time.Minute)
	for {
		content, err := os.ReadFile(path)
		if err == nil {
			return content
		}
		select {
		case <-p.Ended():
			require.FailNow(b, "the sandbox ended instead of getting ready", "%s", output)
		case <-deadline:
			require.FailNow(b, "the sandbox did not get ready within a minute")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

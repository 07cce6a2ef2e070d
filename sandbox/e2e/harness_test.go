package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/sandbox/child"
)

// binVariable names a directory of binaries that are built already (make sets it).
const binVariable = "VITRINE_BIN"

// raceVariable lets every test run worker and starter with the race detector; without it those do that ask for it.
const raceVariable = "VITRINE_RACE"

// namespaces bound how many rooms there can be: they are made when the sandbox starts, because a namespace that is made
// later takes ten seconds to be known everywhere.
const namespaces = 240

// importDelay is how long the emulator keeps an import pending, unless a test says otherwise. It is long enough for the
// worker to really wait.
const importDelay = 300 * time.Millisecond

// patience only ends what would never end. No test says how quick something has to be: a busy machine is no fault.
const patience = 15 * time.Minute

// house is what the tests share.
var house struct {
	dir     string // of this run; removed at the end
	plain   string // directory of worker and starter as they are released
	bin     string // of those that tests run: the plain ones, or with raceVariable those with the race detector
	up      string // the binary sandbox
	sandbox *child.Process
	ready   description
}

// description is what `sandbox up --ready-file` writes.
type description struct {
	Env    map[string]string `json:"env"`
	WebUI  string            `json:"web_ui"`
	Stripe string            `json:"stripe"`
	S3     string            `json:"s3"`
	Mail   string            `json:"mail"`
	Dir    string            `json:"dir"`
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	release, err := setUp()
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		return 1
	}
	code = m.Run()
	if err := release(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		return 1
	}
	return code
}

// setUp builds the binaries and brings up the sandbox. What it returns ends both and checks that nothing is left.
func setUp() (release func() error, err error) {
	if house.dir, err = os.MkdirTemp("", "vitrine-e2e-"); err != nil {
		return nil, err
	}
	err = buildAll()
	var stop func() error
	if err == nil {
		stop, err = startSandbox()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(house.dir))
	}
	return func() error { return errors.Join(stop(), os.RemoveAll(house.dir)) }, nil
}

// buildAll sees to the binaries. The sandbox is never built with the race detector: that would take ten minutes, and
// the races of the Temporal server are not ours.
func buildAll() (err error) {
	if house.plain = os.Getenv(binVariable); house.plain == "" {
		house.plain = filepath.Join(house.dir, "bin")
		err = errors.Join(build("../..", house.plain, "CGO_ENABLED=0", "./worker", "./starter"),
			build("..", house.plain, "CGO_ENABLED=0", "."))
	}
	house.bin, house.up = house.plain, filepath.Join(house.plain, "sandbox")
	if os.Getenv(raceVariable) != "" && err == nil {
		house.bin, err = raceBin()
	}
	return err
}

// raceBin has worker and starter with the race detector, which multiplies memory and CPU.
var raceBin = sync.OnceValues(func() (string, error) {
	if !hasCompiler() {
		fmt.Fprintln(os.Stderr, "e2e: there is no C compiler here, so worker and starter run without the race detector")
		return house.plain, nil
	}
	bin := filepath.Join(house.dir, "race")
	return bin, build("../..", bin, "CGO_ENABLED=1", "-race", "./worker", "./starter")
})

// hasCompiler reports whether there is a C compiler, which the race detector needs.
func hasCompiler() bool {
	compiler, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		return false
	}
	_, err = exec.LookPath(strings.TrimSpace(string(compiler)))
	return err == nil
}

func build(dir, out, cgo string, args ...string) error {
	args = append([]string{"build", "-o", out + string(filepath.Separator)}, args...)
	command := exec.Command("go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), cgo)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}

func startSandbox() (stop func() error, err error) {
	readyFile := filepath.Join(house.dir, "ready.json")
	args := []string{"up", "--until-eof", "--ready-file", readyFile, "--temp-dir", house.dir, "--import-delay",
		importDelay.String()}
	users, err := policyFlags(house.dir)
	if err != nil {
		return nil, err
	}
	args = append(args, users...)
	for i := range namespaces {
		args = append(args, "--namespace", namespaceOf(i))
	}
	// The sandbox ends with this pipe, and so with this process, whatever happens to it.
	stdin, hold := io.Pipe()
	output := &safeBuffer{}
	house.sandbox, err = child.Start(child.Command{
		Path: house.up, Args: args, Env: child.Isolated(os.Environ()), Dir: house.dir,
		Stdin: stdin, Stdout: output, Stderr: output,
	})
	if err != nil {
		return nil, err
	}
	stop = func() error { return errors.Join(hold.Close(), stopSandbox(output)) }
	if err := awaitReady(readyFile); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, output), stop())
	}
	return stop, nil
}

func awaitReady(readyFile string) error {
	deadline := time.After(patience)
	for {
		content, err := os.ReadFile(readyFile)
		if err == nil {
			return json.Unmarshal(content, &house.ready)
		}
		select {
		case <-house.sandbox.Ended():
			return fmt.Errorf("the sandbox ended with exit code %d instead of getting ready", house.sandbox.ExitCode())
		case <-deadline:
			return errors.New("the sandbox did not get ready")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func stopSandbox(output fmt.Stringer) error {
	if err := house.sandbox.Stop(patience); err != nil {
		return err
	}
	if code := house.sandbox.ExitCode(); code != 0 {
		return fmt.Errorf("the sandbox ended with exit code %d:\n%s", code, output)
	}
	if house.ready.Dir == "" {
		return nil
	}
	if _, err := os.Stat(house.ready.Dir); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the sandbox left %s behind: %w", house.ready.Dir, err)
	}
	return nil
}

func namespaceOf(room int) string { return fmt.Sprintf("e2e-%02d", room) }

// safeBuffer is written by a process and read by a test at the same time.
type safeBuffer struct {
	mu      sync.Mutex
	content bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.String()
}

// within bounds a call to one of the services.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

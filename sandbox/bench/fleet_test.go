package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	merchants "vitrine/internal/account"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
	"vitrine/sandbox/child"
)

// BenchmarkFleet is what a fleet of VITRINE_ACCOUNTS accounts costs on one machine, servers included: everybody at
// once, then nobody, then one of a hundred a minute. It takes some ten minutes, since looks come once a minute; make
// bench-fleet runs it. cpu-… is in milliseconds a minute; noticed is from a change until its run was started.
func BenchmarkFleet(b *testing.B) {
	accounts, err := strconv.Atoi(os.Getenv("VITRINE_ACCOUNTS"))
	if err != nil {
		b.Skip("it takes ten minutes: run make bench-fleet")
	}
	f := startFleet(b, accounts)
	for b.Loop() {
		f.phase("all", 0, func() bool { return f.settled() == accounts })
		f.phase("quiet", 3, nil)
		changed := 0
		f.minutes(3, func() {
			for range max(1, accounts/100) {
				f.export(changed%accounts, 2+changed/accounts)
				changed++
			}
		})
		f.report("one in 100")
		f.phase("after it", 0, func() bool { return f.settled() == accounts })
	}
}

// measuredFleet is a fleet, and what it took up to now.
type measuredFleet struct {
	*testing.B
	sandbox  task
	accounts []string
	store    statestore.Store
	cpu      map[string]time.Duration // of the processes, when the phase began
	began    time.Time
	seen     time.Time // the last look that was counted
	total    fleet.Summary
	looks    int
}

func startFleet(b *testing.B, accounts int) *measuredFleet {
	b.Helper()
	sandbox := startSandbox(b)
	sandbox.Env["VITRINE_IMPORT_INTERVAL"] = "1s" // a change is not to wait for the one before it
	sandbox.Env["VITRINE_STRIPE_RATE"] = "2000"   // what is measured is Vitrine, and not Stripe's limit
	objects, err := sandbox.objects(b.Context())
	require.NoError(b, err)
	f := &measuredFleet{B: b, sandbox: sandbox, store: statestore.Store{Objects: objects, Layout: statestore.Layout{
		SourceBucket: sandbox.Env["VITRINE_SOURCE_BUCKET"], SourceKey: "catalogs/{account}/{feed}.csv",
		StateBucket: sandbox.Env["VITRINE_STATE_BUCKET"], StatePrefix: "state/",
	}}}
	settings := merchants.Documents{Store: f.store}
	for i := range accounts {
		f.accounts = append(f.accounts, fmt.Sprintf("acct_fleet%06d", i))
		f.export(i, 1)
		require.NoError(b,
			settings.SaveSettings(b.Context(),
				merchants.Settings{Account: f.accounts[i], StartedBy: merchants.ByFleet}))
	}
	startWorker(b, sandbox)
	f.starter("fleet", "apply", "--starts", "100000", "--open", "100000")
	f.begin()
	return f
}

// export is a shop that exports a catalog of so many products.
func (f *measuredFleet) export(i, products int) {
	f.Helper()
	text := "id,title,description,link,image_link,availability,inventory_quantity,price\n"
	for n := range products {
		text += fmt.Sprintf(
			"sku%d,Title,Words,https://shop.example/1,https://shop.example/1.jpg,in_stock,10,9.99 USD\n", n)
	}
	key := "catalogs/" + f.accounts[i] + "/product.csv"
	_, err := f.store.Objects.Write(f.Context(), f.store.Layout.SourceBucket, key, "text/csv", strings.NewReader(text))
	require.NoError(f, err)
}

func (f *measuredFleet) starter(args ...string) {
	f.Helper()
	env := child.Isolated(os.Environ())
	for name, value := range f.sandbox.Env {
		env = append(env, name+"="+value)
	}
	var output bytes.Buffer
	code, err := child.Run(f.Context(), child.Command{
		Path: filepath.Join(binaries(f.B), "starter"), Args: args, Dir: f.TempDir(), Env: env, Stdout: &output,
		Stderr: &output,
	})
	require.NoError(f, err)
	require.Zero(f, code, output.String())
}

func (f *measuredFleet) settled() int { return f.total.Total(fleet.Settled) }

// phase lets so many minutes pass, or time until something holds, and reports what that took.
func (f *measuredFleet) phase(name string, minutes int, holds func() bool) {
	f.Helper()
	f.minutes(minutes, nil)
	for holds != nil && !holds() {
		f.minutes(1, nil)
		require.Less(f, time.Since(f.began), time.Hour, "%+v", f.total.Feeds)
	}
	f.report(name)
}

// minutes lets looks pass, and does something between them.
func (f *measuredFleet) minutes(n int, do func()) {
	for range n {
		if do != nil {
			do()
		}
		was := f.seen
		tick := time.NewTicker(250 * time.Millisecond)
		for f.seen.Equal(was) {
			select {
			case <-tick.C:
				f.count()
			case <-f.Context().Done():
				require.FailNow(f, "ended")
			}
		}
		tick.Stop()
	}
}

// count adds what the newest look found.
func (f *measuredFleet) count() {
	s, found, err := fleet.Documents{Store: f.store}.Summary(f.Context(), 0)
	require.NoError(f, err)
	if !found || s.At.Equal(f.seen) {
		return
	}
	f.seen, f.looks = s.At, f.looks+1
	s.Started += f.total.Started
	s.Joined += f.total.Joined
	s.Read += f.total.Read
	s.Lists += f.total.Lists
	s.TookMS = max(s.TookMS, f.total.TookMS)
	s.Delays.Merge(f.total.Delays)
	f.total = s
}

func (f *measuredFleet) begin() {
	f.began, f.cpu, f.looks = time.Now(), processTimes(), 0
	f.total = fleet.Summary{Feeds: f.total.Feeds}
}

func (f *measuredFleet) report(name string) {
	minutes := time.Since(f.began).Minutes()
	line := map[string]any{"phase": name, "minutes": fmt.Sprintf("%.1f", minutes), "looks": f.looks,
		"started": f.total.Started,
		"joined":  f.total.Joined, "states read": f.total.Read, "lists": f.total.Lists,
		"slowest look ms": f.total.TookMS,
		"noticed p50/p99/max": fmt.Sprint(f.total.Delays.Quantile(0.5), "/", f.total.Delays.Quantile(0.99), "/",
			f.total.Delays.Max.Round(time.Second))}
	for process, now := range processTimes() {
		spent := float64((now - f.cpu[process]).Milliseconds()) / minutes
		line["cpu "+process+" ms/minute"] = int(spent)
		f.ReportMetric(spent, "cpu-"+process+"-"+strings.ReplaceAll(name, " ", "-"))
	}
	text, err := json.Marshal(line)
	require.NoError(f, err)
	fmt.Println(string(text))
	f.begin()
}

// processTimes are the CPU times of the worker and the sandbox, as Linux counts them; elsewhere there are none.
func processTimes() map[string]time.Duration {
	times := map[string]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		name, rest, _ := strings.Cut(strings.TrimPrefix(string(text[bytes.IndexByte(text, '(')+1:]), ""), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		for _, ticks := range fields[11:13] {
			n, _ := strconv.Atoi(ticks)
			times[name] += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return times
}

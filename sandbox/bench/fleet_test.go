package bench

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	merchants "vitrine/internal/account"
	"vitrine/internal/fleet"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/sandbox/child"
	"vitrine/workflows"
)

// How the fleet is measured.
const (
	// importTakes is how long the emulator is at an import.
	importTakes = 5 * time.Second
	// hourOfLooks is how many looks there are in an hour.
	hourOfLooks = int(time.Hour / fleet.LookEvery)
	// orderEvery is how often somebody buys while everybody's catalog waits, and idleOrders how many buy while none
	// does.
	orderEvery = 2 * time.Second
	idleOrders = 50
)

// BenchmarkFleet is what a fleet of VITRINE_ACCOUNTS accounts takes on one machine, servers included, with Temporal on
// SQLite and on PostgreSQL. Nobody exports for VITRINE_MINUTES, and for an hour of looks that follow one another; then
// one of a hundred does a minute, each at its own second; then everybody at once, while orders come in, until all is
// sent or VITRINE_RUSH_MINUTES are over. A line for each phase says what it took. At the end every version has to have
// been sent, and none twice. make bench-fleet runs it.
//
// cpu is in milliseconds a minute. noticed is from a change until its run was started, submitted from an order's
// webhook until its merchant had it.
func BenchmarkFleet(b *testing.B) {
	accounts, err := strconv.Atoi(os.Getenv("VITRINE_ACCOUNTS"))
	if err != nil {
		b.Skip("it takes half an hour: run make bench-fleet")
	}
	minutes, err := strconv.Atoi(cmp.Or(os.Getenv("VITRINE_MINUTES"), "5"))
	require.NoError(b, err)
	rush, err := strconv.Atoi(cmp.Or(os.Getenv("VITRINE_RUSH_MINUTES"), "60"))
	require.NoError(b, err)
	for _, database := range []string{"sqlite", "postgres"} {
		b.Run(database, func(b *testing.B) {
			for b.Loop() {
				startFleet(b, database, accounts).live(minutes, rush)
			}
			b.ReportMetric(0, "ns/op") // it is the minutes that it was told to take
		})
	}
}

// measuredFleet is a fleet, and what it took up to now.
type measuredFleet struct {
	*testing.B
	sandbox   task
	processes measuredProcesses
	server    string // of webhooks
	orders    [][]byte
	temporal  client.Client
	emulator  simcontrol.Client
	s3        *s3Log
	store     statestore.Store
	accounts  []string
	versions  []int // of each account's catalog, as many as were exported

	phase string
	began time.Time
	cpu   map[string]time.Duration // of the processes, when the phase began
	asked simcontrol.Stats         // of the emulator, when it began
	own   map[string]int           // requests of S3 that the benchmark made itself in it
	seen  time.Time                // the last look that was counted
	total fleet.Summary
	looks int
}

func startFleet(b *testing.B, database string, accounts int) *measuredFleet {
	b.Helper()
	f := &measuredFleet{B: b, processes: measuredProcesses{}}
	f.startServers(database)
	f.sandbox.Env["VITRINE_IMPORT_INTERVAL"] = "1s" // a change is not to wait for the one before it
	var err error
	f.temporal, err = client.Dial(client.Options{HostPort: f.sandbox.Env["TEMPORAL_ADDRESS"],
		Namespace: f.sandbox.Env["TEMPORAL_NAMESPACE"], Logger: silent{}})
	require.NoError(b, err)
	b.Cleanup(f.temporal.Close)
	f.emulator, f.s3 = simcontrol.Client{BaseURL: f.sandbox.Stripe}, newS3Log(f.sandbox)
	objects, err := f.sandbox.objects(b.Context())
	require.NoError(b, err)
	f.store = statestore.Store{Objects: objects, Layout: statestore.Layout{
		SourceBucket: f.sandbox.Env["VITRINE_SOURCE_BUCKET"], SourceKey: "catalogs/{account}/{feed}.csv",
		StateBucket: f.sandbox.Env["VITRINE_STATE_BUCKET"], StatePrefix: "state/",
	}}
	sell(b, f.sandbox)
	f.orders = purchase(b, f.emulator, 2*max(4*idleOrders, accounts/10))
	f.processes["worker"] = startWorker(b, f.sandbox)
	f.server, f.processes["serve"] = startServer(b, f.sandbox)
	f.settle(accounts)
	return f
}

// startServers brings up everything that Vitrine talks to, each in a process of its own, so that what they take can be
// told apart.
func (f *measuredFleet) startServers(database string) {
	f.Helper()
	flags := []string{"--only", "temporal"}
	if database == "postgres" {
		var address string
		address, f.processes["postgres"] = startPostgres(f.B)
		flags = append(flags, "--postgres", address)
	}
	all := map[string]string{}
	var part task
	part, f.processes["temporal"] = bringUp(f.B, flags...)
	maps.Copy(all, part.Env)
	part, f.processes["stripe"] = bringUp(f.B, "--only", "stripe", "--import-delay", importTakes.String())
	maps.Copy(all, part.Env)
	stripe := part.Stripe
	part, f.processes["s3"] = bringUp(f.B, "--only", "s3")
	maps.Copy(all, part.Env)
	f.sandbox = part
	f.sandbox.Env, f.sandbox.Stripe = all, stripe
}

// settle has one shop's catalog synced, and makes as many settled shops of it as there are to be: each has that
// catalog, and what Vitrine keeps of it. Stripe's emulator hears of them when they export again.
func (f *measuredFleet) settle(accounts int) {
	f.Helper()
	f.versions = make([]int, accounts)
	for i := range accounts {
		f.accounts = append(f.accounts, fmt.Sprintf("acct_fleet%06d", i))
	}
	require.NoError(f, f.join(0))
	f.starter("fleet", "apply", "--all")
	f.begin("one account")
	f.until(func() bool { return f.total.Total(fleet.Settled) == 1 })
	kept := f.keptOf(f.accounts[0])
	require.NoError(f, f.each(func(i int) error {
		if i == 0 {
			return nil
		}
		return errors.Join(f.copy(kept, f.accounts[i]), f.join(i))
	}))
	f.begin("the others")
	f.until(f.settled)
	require.Zero(f, f.total.Started, "all of them were settled before")
}

// each does something for every account, for several at once.
func (f *measuredFleet) each(do func(i int) error) error {
	var all sync.WaitGroup
	next, errs := make(chan int), make([]error, len(f.accounts))
	for range 16 {
		all.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range f.accounts {
		next <- i
	}
	close(next)
	all.Wait()
	return errors.Join(errs...)
}

// join gives a shop to the fleet, with the first version of its catalog.
func (f *measuredFleet) join(i int) error {
	settings := merchants.Documents{Store: f.store}
	return errors.Join(f.export(i), settings.SaveSettings(f.Context(),
		merchants.Settings{Account: f.accounts[i], StartedBy: merchants.ByFleet}))
}

// keptOf is what Vitrine keeps of an account, by key, but for its reports.
func (f *measuredFleet) keptOf(account string) map[string][]byte {
	f.Helper()
	keys, err := f.store.List(f.Context(), f.store.Layout.KeptPrefix(account)+"/")
	require.NoError(f, err)
	kept := map[string][]byte{}
	for _, key := range keys {
		if strings.Contains(key, "/reports/") {
			continue
		}
		kept[key], _, err = f.store.Get(f.Context(), key)
		require.NoError(f, err)
	}
	require.NotEmpty(f, kept)
	return kept
}

// copy keeps the same of another account. Ids are all of one length, so what is no text stays what it is.
func (f *measuredFleet) copy(kept map[string][]byte, account string) error {
	var errs []error
	for key, body := range kept {
		key = strings.ReplaceAll(key, f.accounts[0], account)
		body = bytes.ReplaceAll(body, []byte(f.accounts[0]), []byte(account))
		_, err := f.store.Put(f.Context(), key, "application/octet-stream", body, "")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// export is a shop that exports another version of its catalog, with one product more.
func (f *measuredFleet) export(i int) error {
	f.versions[i]++
	text := "id,title,description,link,image_link,availability,inventory_quantity,price\n"
	for n := range f.versions[i] {
		text += fmt.Sprintf(
			"sku%d,Title,Words,https://shop.example/1,https://shop.example/1.jpg,in_stock,10,9.99 USD\n", n)
	}
	key := "catalogs/" + f.accounts[i] + "/product.csv"
	_, err := f.store.Objects.Write(f.Context(), f.store.Layout.SourceBucket, key, "text/csv", strings.NewReader(text))
	return err
}

// live leads the fleet through its phases.
func (f *measuredFleet) live(minutes, rush int) {
	f.begin("orders alone")
	orders := f.buying(orderEvery / 2)
	<-time.After(idleOrders * orderEvery / 2)
	f.report(orders())

	f.begin("quiet")
	for ended := time.Now().Add(time.Duration(minutes) * time.Minute); time.Now().Before(ended); {
		f.awaitLook()
	}
	f.report(nil)
	f.begin("an hour of looks")
	for range hourOfLooks {
		f.look()
	}
	f.report(nil)

	f.begin("one in 100 a minute")
	changes := f.changing(minutes)
	f.report(changes)
	f.commands()
	f.rush(time.Duration(rush) * time.Minute)
	f.check()
}

// rush has everybody export at once, with orders coming in, and waits until all of it is sent, for so long at most.
func (f *measuredFleet) rush(most time.Duration) {
	f.Helper()
	f.begin("everybody at once")
	orders := f.buying(orderEvery)
	require.NoError(f, f.each(f.export))
	f.own["PutObject"] += len(f.accounts)
	f.awaitLook() // it may have begun before
	f.awaitLook()
	for !f.settled() && time.Since(f.began) < most {
		f.awaitLook()
	}
	found := orders()
	found["settled"] = fmt.Sprint(f.total.Total(fleet.Settled), " of ", len(f.accounts))
	f.report(found)
	if !f.settled() { // those that are under way are to be told apart from those that are not begun
		f.starter("fleet", "pause", "--all")
		require.Eventually(f, func() bool { return f.open() == 0 }, 30*time.Minute, time.Second)
	}
}

// commands is how long the commands take that people look at a fleet with, and those that change it.
func (f *measuredFleet) commands() {
	f.Helper()
	for _, command := range []string{"fleet status", "status", "schedule list", "fleet plan --all", "fleet pause --all",
		"fleet resume --all"} {
		began := time.Now()
		f.starter(strings.Fields(command)...)
		fmt.Printf("starter %s: %s\n", command, time.Since(began).Round(10*time.Millisecond))
	}
}

// changing has one in a hundred shops export each minute, evenly, and finds out how long it took until each was
// noticed.
func (f *measuredFleet) changing(minutes int) map[string]any {
	f.Helper()
	at := map[string]time.Time{}
	n := max(1, len(f.accounts)/100) * minutes
	tick := time.NewTicker(time.Duration(minutes) * time.Minute / time.Duration(n))
	defer tick.Stop()
	for i := range n {
		at[f.accounts[i%len(f.accounts)]] = time.Now()
		require.NoError(f, f.export(i%len(f.accounts)))
		f.own["PutObject"]++
		<-tick.C
		f.count()
	}
	f.awaitLook() // the one before may have been before the last change
	f.until(f.settled)
	var noticed []time.Duration
	for _, run := range f.runsSince(workflows.CatalogSyncType) {
		account := strings.Split(run.GetExecution().GetWorkflowId(), "/")[1]
		if changed, ours := at[account]; ours {
			noticed = append(noticed, run.GetStartTime().AsTime().Sub(changed))
		}
	}
	require.Len(f, noticed, n, "one run for each change")
	return map[string]any{"changes": n, "noticed p50/p99/max": quantiles(noticed)}
}

// quantiles are the middle of durations, what one in a hundred exceeds, and the longest.
func quantiles(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	at := func(share float64) time.Duration {
		return all[max(int(float64(len(all))*share+0.5)-1, 0)].Round(time.Millisecond)
	}
	return fmt.Sprint(at(0.5), "/", at(0.99), "/", all[len(all)-1].Round(time.Millisecond))
}

// check is that every version was sent, and none twice. The first one of all accounts but one was never sent. Where the
// rush was ended before everybody had been, the last one of the others was not either.
func (f *measuredFleet) check() {
	f.Helper()
	imports, err := f.emulator.Imports(f.Context(), "")
	require.NoError(f, err)
	sent := map[string]int{}
	for _, i := range imports {
		sent[i.Account]++
	}
	waiting := 0
	for i, account := range f.accounts {
		want := f.versions[i] - min(i, 1)
		if sent[account] == want-1 && !f.settled() {
			waiting++
			continue
		}
		require.Equal(f, want, sent[account], "imports of %s", account)
	}
	require.LessOrEqual(f, waiting, len(f.accounts)-f.total.Total(fleet.Settled))
	fmt.Printf("every version was sent once, but for the last of %d accounts\n", waiting)
}

// open is how many syncs are under way, as Temporal lists them.
func (f *measuredFleet) open() int64 {
	f.Helper()
	counted, err := f.temporal.CountWorkflow(f.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: f.sandbox.Env["TEMPORAL_NAMESPACE"],
		Query:     fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", workflows.CatalogSyncType),
	})
	require.NoError(f, err)
	return counted.GetCount()
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

// settled reports whether the last look found everything settled.
func (f *measuredFleet) settled() bool { return f.total.Total(fleet.Settled) == len(f.accounts) }

// look lets the dispatcher look now.
func (f *measuredFleet) look() {
	f.Helper()
	err := f.temporal.ScheduleClient().GetHandle(f.Context(), workflows.DispatchID(0)).Trigger(f.Context(),
		client.ScheduleTriggerOptions{})
	require.NoError(f, err)
	f.awaitLook()
}

// until lets looks pass until something holds.
func (f *measuredFleet) until(holds func() bool) {
	f.Helper()
	for began := time.Now(); !holds(); {
		f.awaitLook()
		require.Less(f, time.Since(began), 2*time.Hour, "%+v", f.total.Feeds)
	}
}

func (f *measuredFleet) awaitLook() {
	f.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for was := f.seen; f.seen.Equal(was); {
		select {
		case <-tick.C:
			f.count()
		case <-f.Context().Done():
			require.FailNow(f, "ended")
		}
	}
}

// count adds what the newest look found.
func (f *measuredFleet) count() {
	f.Helper()
	f.own["GetObject"]++
	s, found, err := fleet.Documents{Store: f.store}.Summary(f.Context(), 0)
	require.NoError(f, err)
	if !found || s.At.Equal(f.seen) {
		return
	}
	f.seen, f.looks = s.At, f.looks+1
	s.Started += f.total.Started
	s.Joined += f.total.Joined
	s.Read += f.total.Read
	s.TookMS = max(s.TookMS, f.total.TookMS)
	s.Delays.Merge(f.total.Delays)
	f.total = s
}

func (f *measuredFleet) begin(phase string) {
	f.Helper()
	f.s3.since(f.B)
	f.phase, f.looks, f.own, f.total = phase, 0, map[string]int{}, fleet.Summary{Feeds: f.total.Feeds}
	var err error
	f.asked, err = f.emulator.Stats(f.Context())
	require.NoError(f, err)
	f.began, f.cpu = time.Now(), f.processes.times()
}

// report writes what the phase took, with what else was found.
func (f *measuredFleet) report(found map[string]any) {
	f.Helper()
	minutes, spent := time.Since(f.began).Minutes(), f.processes.times()
	asked, err := f.emulator.Stats(f.Context())
	require.NoError(f, err)
	requests := f.s3.since(f.B)
	for operation, n := range f.own {
		requests[operation] -= n
	}
	line := map[string]any{
		"minutes": fmt.Sprintf("%.1f", minutes), "looks": f.looks, "slowest look": fmt.Sprint(f.total.TookMS, " ms"),
		"runs": f.total.Started, "joined": f.total.Joined, "states read": f.total.Read, "Actions": f.billed(),
		"requests of S3": requests, "requests of Stripe": asked.Requests - f.asked.Requests,
		"due until started p50/p99/max": fmt.Sprint(f.total.Delays.Quantile(0.5), "/", f.total.Delays.Quantile(0.99),
			"/", f.total.Delays.Max.Round(time.Second)),
	}
	maps.Copy(line, found)
	for _, name := range f.processes.names() {
		rate := float64((spent[name] - f.cpu[name]).Milliseconds()) / minutes
		line["cpu "+name] = int(rate)
		if name != "postgres" { // a process for each connection, which share most of what they hold
			line["memory "+name] = memory(f.processes[name])
		}
		f.ReportMetric(rate, "cpu-"+name+"-"+strings.ReplaceAll(f.phase, " ", "-"))
	}
	text, err := json.Marshal(line)
	require.NoError(f, err)
	fmt.Printf("%s: %s\n", f.phase, text)
}

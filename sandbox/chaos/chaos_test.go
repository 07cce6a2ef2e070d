package chaos

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

func TestADeploymentHasPortsOfItsOwn(t *testing.T) {
	d, err := NewDeployment("../..", "20s")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	written, err := os.ReadFile(d.envFile())
	require.NoError(t, err)
	env := assignments(string(written))
	require.Equal(t, d.env, env)
	require.Equal(t, "20s", env["VITRINE_IMPORT_INTERVAL"])
	for _, name := range append([]string{"POSTGRES_PASSWORD", "S3_ACCESS_KEY", "VITRINE_SOURCE_BUCKET"}, published...) {
		require.NotEmpty(t, env[name], name)
	}
	require.NotEqual(t, env["S3_PORT"], env["STRIPESIM_PORT"])
}

// deckOf is what a run with these options may break.
func deckOf(o Options) (names []string) {
	d := &Deployment{env: map[string]string{"STRIPESIM_PORT": "1"}, disks: disks}
	for _, b := range (&run{Options: o, deployment: d}).deck() {
		names = append(names, b.name)
	}
	return names
}

// Everything that goes wrong has a name of its own, and nothing forgets what cannot be had again.
func TestBreakagesAreNamed(t *testing.T) {
	names := map[string]bool{}
	for _, name := range deckOf(Options{Seed: 1}) {
		require.False(t, names[name], name)
		names[name] = true
	}
	for _, name := range []string{"kill worker", "restart postgres", "restart temporal", "pause stripesim",
		"cut off postgres", "cut worker from s3", "lose what worker sends temporal",
		"lose what serve hears from stripesim", "lose some between temporal and postgres",
		"delay between worker and stripesim", "S3 away for minutes", "S3 slow", "S3 answers 503",
		"fill the disk of postgres", "fill the disk of s3", "put ahead the clock of worker",
		"put back the clock of serve", "put back by a minute the clock of temporal", "Stripe: status 503"} {
		require.True(t, names[name], name)
	}
	require.False(t, names["kill stripesim"], "it would forget what it has")
}

func TestASeedSaysWhatBreaks(t *testing.T) {
	require.Equal(t, deckOf(Options{Seed: 7}), deckOf(Options{Seed: 7}))
	require.NotEqual(t, deckOf(Options{Seed: 7}), deckOf(Options{Seed: 8}))
	require.ElementsMatch(t, deckOf(Options{Seed: 7}), deckOf(Options{Seed: 8}))
	for _, name := range deckOf(Options{Seed: 7, Only: regexp.MustCompile("disk of|slow")}) {
		require.Regexp(t, "disk of|slow", name)
	}
}

func TestACatalogIsWrittenAsAFeed(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(string(written(map[string]string{"A": "1.00 USD"})))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, "id", rows[0][0])
	require.Equal(t, "A", rows[1][0])
	require.Equal(t, invalid, rows[2][0])
}

// asItShouldBe is the evidence of a run in which everything came right.
func asItShouldBe() evidence {
	return evidence{
		catalogs: []evidenceOfCatalog{{
			account: "acct_1", versions: 2, file: map[string]string{"A": "1.00 USD", "B": "2.00 USD"},
			products: []simcontrol.Product{{ID: "A", Price: "1.00 USD"}, {ID: "B", Price: "2.00 USD"}},
			imports: []simcontrol.Import{{ID: "i1", File: "f1", Status: "succeeded"},
				{ID: "i2", File: "f2", Status: "succeeded"}},
			contents: map[string]string{"f1": "x", "f2": "y"},
		}},
		orders: []simcontrol.Order{
			{Session: "cs_1", Total: 500, Captured: 500},
			{Session: "cs_2", Total: 700, Captured: 700, Refunded: 700,
				Refunds: []simcontrol.OrderRefund{{Amount: 700}}},
		},
		states:   map[string]string{"cs_1": "accepted", "cs_2": "refunded"},
		handed:   map[string]bool{"cs_1": true, "cs_2": true},
		sentBack: map[string]bool{"cs_2": true},
	}
}

func TestWhatCameRightIsRight(t *testing.T) {
	require.Empty(t, asItShouldBe().wrong())
	fewer := asItShouldBe() // a version that was written over before anybody looked is none that has to come
	fewer.catalogs[0].imports = fewer.catalogs[0].imports[1:]
	require.Empty(t, fewer.wrong())
	rebuilt := asItShouldBe()
	rebuilt.rebuilt, rebuilt.states["cs_2"] = true, "canceled"
	require.Empty(t, rebuilt.wrong(), "nobody remembers that its merchant had accepted it")
	ordered := asItShouldBe()
	c := &ordered.catalogs[0]
	c.resends, c.imports = 1, append(c.imports, simcontrol.Import{ID: "i3", File: "f3", Status: "succeeded"})
	c.contents["f3"] = "y"
	require.Empty(t, ordered.wrong(), "a procedure of the handbook sent it again")
}

func TestWhatIsWrongIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*evidence)
		says  string
	}{
		"a product is missing at Stripe": {func(e *evidence) { e.catalogs[0].products = e.catalogs[0].products[:1] },
			"B is in its file and not at Stripe"},
		"a product is there that has gone": {func(e *evidence) {
			e.catalogs[0].products = append(e.catalogs[0].products, simcontrol.Product{ID: "C", Price: "1.00 USD"})
		}, "C is at Stripe and not in its file"},
		"one in the place of another": {func(e *evidence) { e.catalogs[0].products[0].ID = "C" }, "A is in its file"},
		"a row that is invalid": {func(e *evidence) { e.catalogs[0].products[0].ID = invalid },
			invalid + " is at Stripe"},
		"an old price":      {func(e *evidence) { e.catalogs[0].products[1].Price = "2.10 USD" }, "2.10 USD at Stripe"},
		"no catalog at all": {func(e *evidence) { e.catalogs[0].products = nil }, "A is in its file and not at Stripe"},
		"a file imported twice": {func(e *evidence) { e.catalogs[0].imports[1].File = "f1" },
			"file f1 was imported twice"},
		"rows imported twice, from another file": {func(e *evidence) { e.catalogs[0].contents["f2"] = "x" },
			"1 imports were of rows"},
		"more imports than versions": {func(e *evidence) {
			c := &e.catalogs[0]
			c.imports = append(c.imports, simcontrol.Import{ID: "i3", File: "f3", Status: "succeeded"})
			c.contents["f3"] = "z"
		}, "had 2 versions"},
		"an import that failed": {func(e *evidence) { e.catalogs[0].imports[0].Status = "failed" }, `i1 is "failed"`},
		"an import under way":   {func(e *evidence) { e.catalogs[0].imports[0].Status = "pending" }, `i1 is "pending"`},
		"rows that Stripe refused": {func(e *evidence) { e.catalogs[0].imports[0].RowsFailed = 2 },
			"Stripe refused 2 rows"},
		"an order that nobody has": {func(e *evidence) { delete(e.states, "cs_1") }, `cs_1 of  is "", not "accepted"`},
		"an order that is held":    {func(e *evidence) { e.states["cs_1"] = "held" }, `is "held"`},
		"an order under way":       {func(e *evidence) { e.states["cs_1"] = "submitting" }, `is "submitting"`},
		"an order that nobody placed": {func(e *evidence) { e.states["cs_3"] = "accepted" },
			"2 orders were placed, and Vitrine has 3"},
		"an order that its merchant never got": {func(e *evidence) { delete(e.handed, "cs_1") },
			"is not with its merchant"},
		"money that was not taken": {func(e *evidence) { e.orders[0].Captured = 0 }, "captured 0 of 500"},
		"money taken twice":        {func(e *evidence) { e.orders[0].Captured = 1000 }, "captured 1000 of 500"},
		"money let go":             {func(e *evidence) { e.orders[0].Released = 500 }, "released 500"},
		"money given back unasked": {func(e *evidence) {
			e.orders[0].Refunded, e.orders[0].Refunds = 500, []simcontrol.OrderRefund{{Amount: 500}}
		}, "refunded 500 of 0"},
		"money not given back": {func(e *evidence) { e.orders[1].Refunded, e.orders[1].Refunds = 0, nil },
			"refunded 0 of 700"},
		"money given back in part": {func(e *evidence) { e.orders[1].Refunded = 300 }, "refunded 300 of 700"},
		"money given back twice": {func(e *evidence) {
			e.orders[1].Refunds = append(e.orders[1].Refunds, e.orders[1].Refunds...)
		}, "in 2 refunds"},
		"an order that went back before its merchant had it": {
			func(e *evidence) { e.states["cs_2"] = "canceled" }, `is "canceled", not "refunded"`},
		"an order that was called off, brought back or not": {
			func(e *evidence) { e.rebuilt, e.states["cs_1"] = true, "canceled" }, `is "canceled", not "accepted"`},
		"an order that went back and is open": {func(e *evidence) { e.states["cs_2"] = "accepted" },
			`is "accepted", not "refunded"`},
	} {
		t.Run(name, func(t *testing.T) {
			e := asItShouldBe()
			c.spoil(&e)
			require.Contains(t, strings.Join(e.wrong(), "\n"), c.says)
		})
	}
}

func TestAResultSaysWhatIsWrong(t *testing.T) {
	var right, wrong strings.Builder
	v := Result{Seed: 7, Accounts: 3, Recovered: simcontrol.Duration(20 * time.Second), Broken: []Break{
		{What: "kill s3", Recovered: simcontrol.Duration(2300 * time.Millisecond)}}}.counted(asItShouldBe())
	require.NoError(t, v.Write(&right))
	require.Contains(t, right.String(), "seed 7: 3 merchants, 2 versions of catalogs in 2 imports, 2 orders, 1 of them refunded")
	require.Contains(t, right.String(), "everything was right 20s after")
	require.Contains(t, right.String(), "kill s3")
	require.Contains(t, right.String(), "2.3s")
	require.NoError(t, Result{Wrong: []string{"acct_1 had 2 versions and 3 imports"}}.Write(&wrong))
	var half strings.Builder
	require.NoError(t, Result{BrokenOff: true, Broken: []Break{{What: "kill s3"}}}.Write(&half))
	require.Contains(t, half.String(), "broken off after 1 of them: nobody looked what is right")
	require.NotContains(t, half.String(), "everything was right")
	require.Contains(t, wrong.String(), "NOT RIGHT")
	require.Contains(t, wrong.String(), "3 imports")

	require.NoError(t, v.Failed())
	require.ErrorContains(t, Result{Broken: v.Broken, Wrong: []string{"x", "y"}}.Failed(), "2 things are not right")

	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	require.Contains(t, string(encoded), `"recovered":"20s"`)
	require.Contains(t, string(encoded), `"recovered":"2.3s"`)
}

// Where nothing could be broken everything is right, and nothing is proven.
func TestAResultSaysThatNothingBroke(t *testing.T) {
	for name, c := range map[string]struct {
		result Result
		says   string
	}{
		"nothing could be broken":                {Result{Unbroken: []string{"kill s3", "kill temporal"}}, "kill s3, kill temporal"},
		"there was nothing to break, or no time": {Result{}, "--only, --for"},
	} {
		t.Run(name, func(t *testing.T) {
			v := c.result.counted(asItShouldBe())
			require.Empty(t, v.Wrong)
			require.ErrorContains(t, v.Failed(), "nothing was broken")
			require.ErrorContains(t, v.Failed(), c.says)
			var text strings.Builder
			require.NoError(t, v.Write(&text))
			require.Contains(t, text.String(), "NOTHING WAS BROKEN")
			require.NotContains(t, text.String(), "everything was right")
		})
	}
	some := Result{Broken: []Break{{What: "kill s3"}}, Unbroken: []string{"a full disk"}}.counted(asItShouldBe())
	require.NoError(t, some.Failed())
	var text strings.Builder
	require.NoError(t, some.Write(&text))
	require.Contains(t, text.String(), "could not be broken: a full disk")
	require.Contains(t, text.String(), "everything was right")
}

// Who breaks some things has seen those. Who breaks everything has not seen it where something is left.
func TestWhetherARunFailed(t *testing.T) {
	one, left := []Break{{What: "kill s3"}}, []string{"cut s3", "a full disk"}
	for name, c := range map[string]struct {
		result Result
		says   string // nothing: it did not
	}{
		"some broke":                     {Result{Broken: one}, ""},
		"some broke, and some could not": {Result{Broken: one, Unbroken: left}, ""},
		"everything broke":               {Result{All: true, Broken: one}, ""},
		"not everything could be broken": {Result{All: true, Broken: one, Unbroken: left},
			"not everything was broken, as --all asks: these could not be: cut s3, a full disk. The lines above say why"},
		"nothing of everything could be": {Result{All: true, Unbroken: left}, "nothing was broken"},
		"what is not right goes first": {Result{All: true, Broken: one, Unbroken: left, Wrong: []string{"x"}},
			"1 things are not right"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.says == "" {
				require.NoError(t, c.result.Failed())
				return
			}
			require.ErrorContains(t, c.result.Failed(), c.says)
		})
	}
}

// What cannot be broken is tried as often as it comes up, and named once.
func TestWhatCouldNotBeBrokenIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("no such container")
		r := &run{Options: Options{For: time.Minute, Log: io.Discard}, began: time.Now()}
		never := breakage{name: "kill s3", begin: func(context.Context) (mending, error) { return nil, away }}
		broken, unbroken, err := r.breakOneByOne(t.Context(), []breakage{never}, nil)
		require.NoError(t, err)
		require.Empty(t, broken)
		require.Equal(t, []string{"kill s3"}, unbroken)
	})
}

// A door before S3 changes nothing of what was signed, and S3's own words say that it is too busy.
func TestTheDoorBeforeS3(t *testing.T) {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Host + " " + r.URL.RequestURI() + " " + r.Header.Get("Authorization")))
	}))
	defer gateway.Close()
	request := httptest.NewRequest(http.MethodGet, "http://s3:7070/bucket/a%20key?versionId=1", nil)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 …")
	answer := httptest.NewRecorder()
	forward(gateway.URL).ServeHTTP(answer, request)
	require.Equal(t, "s3:7070 /bucket/a%20key?versionId=1 AWS4-HMAC-SHA256 …", answer.Body.String())

	answer = httptest.NewRecorder()
	busy(forward(gateway.URL)).ServeHTTP(answer, request)
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Contains(t, answer.Body.String(), "<Code>SlowDown</Code>")
	answer = httptest.NewRecorder()
	busy(nil).ServeHTTP(answer, httptest.NewRequest(http.MethodHead, "http://s3:7070/bucket/key", nil))
	require.Empty(t, answer.Body.String())
}

// What is lost for good is rebuilt by the commands that the handbook has, as they stand there.
func TestTheHandbookHasTheProcedures(t *testing.T) {
	handbook, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	for _, l := range (&run{}).losses(&bucketCopy{}) {
		procedure, err := procedureIn(string(handbook), l.heading)
		require.NoError(t, err, l.name)
		require.Contains(t, procedure, "starter ", l.name)
	}
	temporal, err := procedureIn(string(handbook), "### Temporal's database is lost")
	require.NoError(t, err)
	require.Contains(t, temporal, "starter accounts apply -f accounts.csv")
	require.Contains(t, temporal, heldOrders)
	bucket, err := procedureIn(string(handbook), "### The state bucket is older than Stripe")
	require.NoError(t, err)
	require.Contains(t, bucket, "starter maintenance on")
	require.Less(t, strings.Index(bucket, "starter maintenance on"), strings.Index(bucket, restoreNow))
	require.Less(t, strings.Index(bucket, restoreNow), strings.Index(bucket, "starter drift --restored"))

	_, err = procedureIn("## A\n\nno commands\n\n## B\n\n```sh\nx\n```\n", "## A")
	require.ErrorContains(t, err, `no commands below "## A"`)
	_, err = procedureIn(string(handbook), "## Nothing of the kind")
	require.Error(t, err)
}

// Rules are the arguments of iptables, and go back the way they came.
func TestRulesAreChanged(t *testing.T) {
	require.Equal(t, []string{"--wait", "--insert", "OUTPUT", "--jump", "DROP"},
		changed([]string{"OUTPUT", "--jump", "DROP"}, "--insert"))
	require.Equal(t, []string{"--wait", "--table", "nat", "--delete", "OUTPUT"},
		changed([]string{"--table", "nat", "OUTPUT"}, "--delete"))
}

// What fails is tried again until all is done, or there is no more time.
func TestTradeGoesOn(t *testing.T) {
	tries := 0
	done, failed := every(t.Context(), 5, time.Millisecond, func() error {
		if tries++; tries%2 == 1 {
			return errors.New("away")
		}
		return nil
	})
	require.Equal(t, []int{5, 5, 10}, []int{done, failed, tries})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	done, failed = every(over, 5, time.Hour, func() error { return nil })
	require.Zero(t, done+failed)
}

func TestTheSameChanceWritesTheSameCatalogs(t *testing.T) {
	a, b := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(1, 1))
	require.Equal(t, price(a), price(b))
}

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/fleet"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	s3server "vitrine/sandbox/s3"
)

// The policies of the handbook, each for a user of the sandbox's S3 endpoint.
const (
	workerUser  = "policy-worker"
	serveUser   = "policy-serve"
	starterUser = "policy-starter"
)

// guardedBucket is the state bucket of those who are held to policies. It keeps versions, and holds one account alone,
// so that a test may look through all of it.
const guardedBucket = "guarded-state"

// handbookPolicies are the policies of the handbook, on the sandbox's buckets, by the user who is held to them.
func handbookPolicies() (map[string]string, error) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		return nil, err
	}
	policies := map[string]string{}
	for user, heading := range map[string]string{
		workerUser: "Permissions of the worker:\n", serveUser: "Permissions of `starter serve`:\n",
		starterUser: "Permissions of the starter, for people and scripts:\n",
	} {
		_, after, found := strings.Cut(string(page), heading+"\n```json\n")
		policy, _, closed := strings.Cut(after, "```")
		if !found || !closed {
			return nil, fmt.Errorf("docs/operations.md has no policy under %q", heading)
		}
		policies[user] = strings.NewReplacer(":::SOURCE", ":::"+s3server.SourceBucket, ":::STATE", ":::"+guardedBucket).
			Replace(policy)
	}
	return policies, nil
}

// policyFlags give the sandbox its users: those of the handbook, and for every statement a user who lacks it.
func policyFlags(dir string) (flags []string, err error) {
	policies, err := handbookPolicies()
	if err != nil {
		return nil, err
	}
	for user, policy := range policies {
		short, err := shortened(user, policy)
		if err != nil {
			return nil, err
		}
		short[user] = []byte(policy)
		for name, document := range short {
			file := filepath.Join(dir, name+".policy.json")
			if err := os.WriteFile(file, document, 0o600); err != nil {
				return nil, err
			}
			flags = append(flags, "--s3-user", name+"="+file)
		}
	}
	return flags, nil
}

// shortened are the policies that lack one statement, by the user and the statement.
func shortened(user, policy string) (map[string][]byte, error) {
	var whole struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(policy), &whole); err != nil {
		return nil, fmt.Errorf("the policy of %s: %w", user, err)
	}
	short := map[string][]byte{}
	for i, left := range whole.Statement {
		less := whole
		less.Statement = append(append([]map[string]any{}, whole.Statement[:i]...), whole.Statement[i+1:]...)
		document, err := json.Marshal(less)
		if err != nil {
			return nil, err
		}
		short[user+"-without-"+fmt.Sprint(left["Sid"])] = document
	}
	return short, nil
}

// as are the variables of somebody who uses S3 under a policy.
func as(user string) []string {
	return []string{"AWS_ACCESS_KEY_ID=" + user, "AWS_SECRET_ACCESS_KEY=" + user + "-secret"}
}

// starterAs runs the starter under a policy.
func (s *shop) starterAs(user string, args ...string) answer {
	s.t.Helper()
	before := s.settings
	defer func() { s.settings = before }()
	s.settings = maps.Clone(before)
	s.settings["AWS_ACCESS_KEY_ID"], s.settings["AWS_SECRET_ACCESS_KEY"] = user, user+"-secret"
	return s.starter(args...)
}

// guarded opens a shop whose state is in a bucket with versions, in which nobody else keeps anything.
func guarded(t *testing.T) *shop {
	s := open(t, csv("sku1", "sku2", "sku3"), nil)
	s.isGuarded()
	return s
}

var makeGuardedBucket = sync.OnceValue(func() error {
	return s3server.CreateBuckets(context.Background(), s3server.Client(house.ready.S3),
		[]s3server.Bucket{{Name: guardedBucket, Versioned: true}})
})

// isGuarded lets the shop keep its state in the guarded bucket from now on.
func (s *shop) isGuarded() {
	s.t.Helper()
	require.NoError(s.t, makeGuardedBucket())
	s.settings["VITRINE_STATE_BUCKET"] = guardedBucket
	s.layout.StateBucket, s.documents.Layout.StateBucket = guardedBucket, guardedBucket
}

// A sync, orders by S3, a dispute, and the erasure of their buyer, every process under the handbook's policy for it.
// Then the bucket is looked through, old versions and all.
func TestTheHandbooksPoliciesAreEnoughAndABuyerIsErased(t *testing.T) {
	s := guarded(t)
	s.settings["VITRINE_API_TOKENS"] = "ada operate " + adasToken
	run := func(args ...string) answer {
		t.Helper()
		got := s.starterAs(starterUser, args...)
		require.Zero(t, got.code, "starter %v:\n%s%s", args, got.stdout, got.stderr)
		return got
	}
	dir := t.TempDir()
	list, settings := filepath.Join(dir, "accounts.csv"), filepath.Join(dir, "orders.json")
	writeFile(t, list, []byte("account,every\n"+s.account+",1h\n"))
	body, err := json.Marshal(order.Settings{Account: s.account, Enabled: true,
		Fulfillment: order.Fulfillment{Kind: order.S3}})
	require.NoError(t, err)
	writeFile(t, settings, body)
	catalogFile := filepath.Join(dir, "product.csv")
	writeFile(t, catalogFile, []byte(csv("sku1", "sku2", "sku3")))
	run("source", "put", s.account, catalogFile, "--replace")
	run("accounts", "apply", "-f", list, "--yes")
	run("order", "settings", "set", s.account, "-f", settings)
	run("sync", s.account, "--dry-run")

	s.startWorker(as(workerUser)...)
	run("sync", s.account, "--follow")
	s.startServe(false, as(serveUser)...) // now: what it does not find it looks for again only after five seconds
	s.subscribe()
	require.NoError(t, s.emulator.SetHook(t.Context(),
		simcontrol.Hook{Account: s.account, URL: "http://" + s.address + "/hooks/stripe", Secret: hookSecret}))
	s.exportText(csv("sku1", "sku2")) // a tombstone, and a row that Stripe refuses would be next
	run("sync", s.account, "--follow", "--full")
	run("status")
	run("report", s.account)

	b := s.buys(simcontrol.Purchase{Capture: "manual", Hooks: true})
	require.NotZero(t, s.counts("vitrine_hooks_total", `hook="finalize"`, `outcome="approved"`),
		"the assortment could not be read")
	other := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}})
	b.becomes(order.StateAccepted)
	other.becomes(order.StateAccepted)
	refused := s.starterAs(starterUser, "privacy", "erase", s.account, b.Session)
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.stderr, "the merchant may still need to know where the goods go")

	s.servesUnderItsPolicy(b)

	run("order", "ship", s.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
	b.becomes(order.StateShipped)
	dispute, err := s.emulator.Dispute(t.Context(), b.Session, 0, "product_not_received")
	require.NoError(t, err)
	b.becomes(order.StateDisputed)
	s.await("the evidence being gathered", func() bool { return len(s.holding(b)) == 2 })
	s.sweeps()
	refused = s.starterAs(starterUser, "privacy", "erase", s.account, b.Session)
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.stderr, "it is disputed")
	_, err = s.emulator.MoveDispute(t.Context(), dispute.ID, "won")
	require.NoError(t, err)
	b.becomes(order.StateShipped)

	// Somebody wrote the evidence once more, and removed an object by hand: both left versions.
	for _, key := range s.holding(b) {
		_, err := s.documents.Objects.Put(t.Context(), guardedBucket, key, "application/json", s.object(key), "")
		require.NoError(t, err)
		require.NoError(t, s.documents.Objects.Delete(t.Context(), guardedBucket, key))
	}
	var held struct {
		Objects []struct {
			Key    string `json:"key"`
			Erased bool   `json:"erased"`
		} `json:"objects"`
	}
	read := func(got answer) {
		t.Helper()
		held.Objects = nil
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &held), got.stdout)
	}
	read(run("privacy", "show", s.account, b.Session, "-o", "json"))
	require.Len(t, held.Objects, 4, "two objects in two versions")
	read(run("privacy", "erase", s.account, b.Session, "--yes", "-o", "json"))
	require.Len(t, held.Objects, 4)
	for _, o := range held.Objects {
		require.True(t, o.Erased, o.Key)
	}
	read(run("privacy", "erase", s.account, b.Session, "--yes", "-o", "json"))
	require.Empty(t, held.Objects, "again")

	documented := documentedKeys(t)
	require.Equal(t, []string{"orders/" + s.account + "/" + other.Session + ".json"}, s.namesTheBuyer(documented),
		"the other order of the same person")
	read(run("privacy", "erase", other.account, other.Session, "--force", "-o", "json"))
	require.Empty(t, s.namesTheBuyer(documented))
	s.requireNobody()
}

// servesUnderItsPolicy looks at all that API and console show, of an account that was parked and is one of a fleet's.
func (s *shop) servesUnderItsPolicy(placed bought) {
	s.t.Helper()
	_, err := account.Documents{Store: s.documents.Store}.ChangeStanding(s.t.Context(), s.account,
		func(standing *account.Standing) bool {
			standing.Refusal = &account.Refusal{Code: fault.StripeForbidden, Since: time.Now()}
			return true
		})
	require.NoError(s.t, err)
	seen := fleet.Documents{Store: s.documents.Store}
	require.NoError(s.t, seen.SavePlan(s.t.Context(), fleet.Plan{}, ""))
	require.NoError(s.t, seen.SaveSnapshot(s.t.Context(), 0, fleet.Snapshot{Accounts: []fleet.Account{{ID: s.account,
		Settings: account.Settings{Account: s.account, Paused: &account.Pause{Note: "by the test"}}}}}, ""))
	c := clientOf(s, adasToken)
	catalogPath := "/accounts/" + s.account + "/catalogs/product"
	var list struct {
		Accounts []struct{ Account, Paused string }
	}
	c.asks("GET", "/accounts?prefix="+s.account, "", 200, &list)
	require.Equal(s.t, "by the test", list.Accounts[0].Paused)
	for _, path := range []string{"/accounts/" + s.account, catalogPath, catalogPath + "/reports",
		catalogPath + "/reports/0",
		"/accounts/" + s.account + "/orders", "/accounts/" + s.account + "/orders/" + placed.Session} {
		c.asks("GET", path, "", 200, nil)
		if strings.HasSuffix(path, "/reports") {
			continue // the console has them on the catalog's page
		}
		status, page := c.sees(strings.TrimSuffix(consoleRoot, "/") + path)
		require.Equal(s.t, 200, status, "%s: %s", path, page)
		require.NotContains(s.t, page, "cannot be read", path)
	}
	_, page := c.sees(consoleRoot)
	require.Contains(s.t, page, "by the test")
	require.NotContains(s.t, page, "cannot be read")
}

// sees is a page of the console, as a proxy asks for it that has logged somebody in.
func (c *apiClient) sees(path string) (status int, page string) {
	c.t.Helper()
	response, err := http.DefaultClient.Do(c.request("GET", path, ""))
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response.StatusCode, string(body)
}

// holding are the keys of what is about an order's buyer.
func (s *shop) holding(b bought) (keys []string) {
	s.t.Helper()
	kept := s.layout.Order(b.id().Account, b.Session)
	laid := statestore.Layout{StateBucket: guardedBucket}.Place("", "")
	for _, prefix := range []string{kept.EvidencePrefix(), laid.OrderKey(b.id().Account, b.Session)} {
		found, err := s.documents.Objects.List(s.t.Context(), guardedBucket, prefix)
		require.NoError(s.t, err)
		keys = append(keys, found...)
	}
	return keys
}

// namesTheBuyer are the keys of all objects, in any version, that hold something of the buyer. Every key has to be
// documented.
func (s *shop) namesTheBuyer(documented func(key string) bool) (keys []string) {
	s.t.Helper()
	versions, err := s.documents.Objects.Versions(within(s.t), guardedBucket, "")
	require.NoError(s.t, err)
	require.Greater(s.t, len(versions), 10)
	for _, v := range versions {
		require.True(s.t, documented(v.Key), "the handbook's table of keys has no row for %s", v.Key)
		for _, private := range []string{buyer.Name, "Verschwiegen", buyer.Email, buyer.Phone, buyer.Address.Line1,
			buyer.Address.City, buyer.Address.PostalCode} {
			if strings.Contains(string(s.version(v)), private) {
				keys = append(keys, v.Key)
				break
			}
		}
	}
	return keys
}

// version reads one version of an object.
func (s *shop) version(o statestore.Object) []byte {
	s.t.Helper()
	stream, err := s.documents.Objects.Open(within(s.t), o)
	require.NoError(s.t, err)
	defer stream.Close()
	content, err := io.ReadAll(stream)
	require.NoError(s.t, err)
	return content
}

// documentedKeys reports whether the handbook's table of keys has a key.
func documentedKeys(t *testing.T) func(key string) bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "| key | what | of a buyer | if it is lost |\n|---|---|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var patterns []*regexp.Regexp
	for row := range strings.Lines(table) {
		pattern := regexp.QuoteMeta(strings.Trim(strings.Split(row, "|")[1], " `"))
		pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta("<prefix>"), "state/")
		pattern = strings.ReplaceAll(pattern, "…", ".+")
		patterns = append(patterns,
			regexp.MustCompile("^"+regexp.MustCompile("<[a-z]+>").ReplaceAllString(pattern, "[^/]+")+"$"))
	}
	require.NotEmpty(t, patterns)
	return func(key string) bool {
		return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(key) })
	}
}

// What a policy lacks is told by the message of whoever needs it.
func TestAPolicyThatLacksSomethingIsToldOf(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.isGuarded()
	for statement, args := range map[string][]string{
		"KeepSettings": {"order", "settings", "show", s.account},
		"ReadState":    {"report", s.account},
		"EraseBuyers":  {"privacy", "erase", s.account, "cs_test_1", "--yes"},
	} {
		got := s.starterAs(starterUser+"-without-"+statement, args...)
		require.Equal(t, 1, got.code, "%s: %s%s", statement, got.stdout, got.stderr)
		require.Regexp(t, "AccessDenied|Forbidden|s3:ListBucketVersions", got.stderr, statement)
	}
	for statement, variable := range map[string]string{
		"ReadCatalogs": "VITRINE_SOURCE_BUCKET", "KeepState": "VITRINE_STATE_BUCKET",
		"ReadSettings": "VITRINE_STATE_BUCKET", "Find": "s3:ListBucket",
	} {
		w := s.launchWorker(s.bin, as(workerUser+"-without-"+statement)...)
		select {
		case <-w.Ended():
		case <-time.After(time.Minute):
			require.FailNow(t, "the worker goes on without "+statement, w.output.String())
		}
		require.Equal(t, 2, w.ExitCode(), w.output.String())
		require.Contains(t, w.output.String(), variable, statement)
		require.Contains(t, w.output.String(), "AccessDenied", statement)
	}
}

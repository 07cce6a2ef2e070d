package vitrine_test

import (
	"encoding/json"
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
)

// keySamples has a key of every function that makes one, by its name. A function that is missing here fails the test
// below.
func keySamples() map[string]string {
	l := statestore.Layout{StateBucket: "state", StatePrefix: "state/"}
	catalog, kept, place := l.Catalog("acct_1", feed.Product), l.Order("acct_1", "cs_1"), l.Place("", "")
	return map[string]string{
		"Layout.SettingsKey":             l.SettingsKey("acct_1"),
		"Layout.OrderSettingsKey":        l.OrderSettingsKey("acct_1"),
		"Layout.AssortmentKey":           l.AssortmentKey("acct_1"),
		"Layout.SoldKey":                 l.SoldKey("acct_1"),
		"Layout.PreflightKey":            l.PreflightKey("NAME"),
		"Layout.ReaderKey":               l.ReaderKey("catalogs", "all.csv"),
		"Layout.SweepKey":                l.SweepKey("acct_1"),
		"Layout.PresenceKey":             l.PresenceKey(),
		"Layout.FleetPlanKey":            l.FleetPlanKey(),
		"Layout.FleetSnapshotKey":        l.FleetSnapshotKey(7),
		"Layout.FleetSummaryKey":         l.FleetSummaryKey(7),
		"Layout.StandingKey":             l.StandingKey("acct_1"),
		"Layout.KeptPrefix":              l.KeptPrefix("acct_1") + "/product/state.json",
		"Layout.StandingsPrefix":         l.StandingsPrefix() + "acct_1.json",
		"CatalogKeys.StateKey":           catalog.StateKey(),
		"CatalogKeys.PartsPrefix":        catalog.PartsPrefix() + "000001-001.csv",
		"CatalogKeys.StagedPrefix":       catalog.StagedPrefix(1) + "001.csv",
		"CatalogKeys.PartKey":            l.Catalog("acct_1", feed.Pricing).PartKey(1, 1, lines.CSV),
		"CatalogKeys.TableKey":           catalog.TableKey(1, 1),
		"CatalogKeys.ForgottenKey":       catalog.ForgottenKey(1),
		"CatalogKeys.LeftKey":            l.Catalog("acct_1", feed.Inventory).LeftKey(1),
		"CatalogKeys.FindingsKey":        catalog.FindingsKey(1, 0),
		"CatalogKeys.ErrorFileKey":       catalog.ErrorFileKey(1, 1),
		"CatalogKeys.ManifestKey":        l.Catalog("acct_1", feed.Inventory).ManifestKey(),
		"CatalogKeys.AuditKey":           catalog.AuditKey(),
		"CatalogKeys.AuditedManifestKey": catalog.AuditedManifestKey(),
		"CatalogKeys.AuditRowsKey":       catalog.AuditRowsKey("again"),
		"CatalogKeys.ReportsPrefix":      catalog.ReportsPrefix() + "000001.csv",
		"CatalogKeys.ReportKey":          catalog.ReportKey(1, "html"),
		"OrderKeys.RecordKey":            kept.RecordKey(),
		"OrderKeys.EvidenceKey":          kept.EvidenceKey("du_1"),
		"OrderKeys.EvidencePrefix":       kept.EvidencePrefix() + "du_1.json",
		"OrderKeys.FormerEvidencePrefix": kept.FormerEvidencePrefix() + "du_1.json",
		"Place.OrderKey":                 place.OrderKey("acct_1", "cs_1"),
		"Place.NoticeKey":                place.NoticeKey("acct_1", "cs_1", "refunded-re_1"),
		"Place.NoticePrefix":             place.NoticePrefix("acct_1", "cs_1") + "refunded-re_1.json",
	}
}

// keptKey is a row of the handbook's table of keys.
type keptKey struct {
	text     string
	pattern  *regexp.Regexp
	personal bool
}

func keptKeys(t *testing.T) (rows []keptKey) {
	t.Helper()
	for _, cells := range tableAfter(t, "docs/operations.md", "| key | what | of a buyer | if it is lost |") {
		text := strings.Trim(cells[0], "`")
		pattern := regexp.QuoteMeta(text)
		for name, takes := range map[string]string{
			"<prefix>": "state/", "<account>": "acct_[A-Za-z0-9]+", "<feed>": "(product|inventory|pricing|promotion)",
			"<session>": "cs_[A-Za-z0-9_]+", "<shard>": "[0-9]{3,}",
			"<dispute>": "(du|dp)_[A-Za-z0-9_]+", "<notice>": "[A-Za-z0-9_-]+", "…": ".+",
		} {
			pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta(name), takes)
		}
		require.Contains(t, []string{"yes", "no"}, cells[2], text)
		rows = append(rows, keptKey{text, regexp.MustCompile("^" + pattern + "$"), cells[2] == "yes"})
	}
	return rows
}

// tableAfter is the table of a document that has this header.
func tableAfter(t *testing.T, document, header string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	_, body, found := strings.Cut(string(text), header+"\n")
	require.True(t, found, "%s has no table %s", document, header)
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		if strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	require.NotEmpty(t, rows)
	return rows
}

func TestEveryKeyIsDocumented(t *testing.T) {
	samples, rows := keySamples(), keptKeys(t)
	for _, name := range keyFunctions(t) {
		require.Contains(t, samples, name, "it makes a key: give the test a sample of it, and the handbook a row")
	}
	used := map[string]bool{}
	for name, key := range samples {
		var fits []string
		for _, row := range rows {
			if row.pattern.MatchString(key) {
				fits = append(fits, row.text)
				used[row.text] = true
			}
		}
		require.Len(t, fits, 1, "%s makes %s: the handbook's table of keys has to have one row for it", name, key)
	}
	for _, row := range rows {
		require.True(t, used[row.text], "nothing makes the key %s", row.text)
	}
}

// keyFunctions are the methods that make keys of the state bucket, by their names.
func keyFunctions(t *testing.T) (names []string) {
	t.Helper()
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	named := regexp.MustCompile(`^[A-Z][A-Za-z]*(Key|Prefix)$`)
	for _, s := range repository.product("internal/statestore") {
		for _, declaration := range s.file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && named.MatchString(f.Name.Name) {
				require.NotNil(t, f.Recv, "%s: what makes keys is a method of the layout, or of a part of it",
					f.Name.Name)
				names = append(names, receiver(f.Recv.List[0].Type)+"."+f.Name.Name)
			}
		}
	}
	require.Greater(t, len(names), 20)
	return names
}

func TestThePrivacyPageListsWhatIsOfABuyer(t *testing.T) {
	page, err := os.ReadFile("docs/privacy.md")
	require.NoError(t, err)
	for _, row := range keptKeys(t) {
		require.Equal(t, row.personal, strings.Contains(string(page), "| `"+row.text+"`"),
			"docs/privacy.md and the key %s", row.text)
	}
}

// lifecycle is the part of a bucket's lifecycle configuration that the handbook uses, as the AWS CLI spells it.
type lifecycle struct {
	Rules []struct {
		ID, Status string
		Filter     struct{ Prefix *string }
		Expiration *struct {
			Days                      int
			ExpiredObjectDeleteMarker bool
		}
		NoncurrentVersionExpiration    *struct{ NoncurrentDays int }
		AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation int }
	}
}

func TestWhatIsOfABuyerExpiresAndNothingElse(t *testing.T) {
	handbook, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(handbook), "Lifecycle of the state bucket")
	require.True(t, found)
	_, text, _ = strings.Cut(text, "```json\n")
	text, _, found = strings.Cut(text, "```")
	require.True(t, found)
	var rules lifecycle
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&rules))

	expires := func(key string) (days int) {
		for _, rule := range rules.Rules {
			require.Equal(t, "Enabled", rule.Status)
			require.NotNil(t, rule.Filter.Prefix, rule.ID)
			if rule.Expiration != nil && rule.Expiration.Days > 0 && strings.HasPrefix(key, *rule.Filter.Prefix) {
				require.NotNil(t, rule.NoncurrentVersionExpiration, "%s: old versions stay", rule.ID)
				days = rule.Expiration.Days
			}
		}
		return days
	}
	samples := keySamples()
	require.Equal(t, 120, expires(samples["OrderKeys.EvidenceKey"]))
	require.Equal(t, 90, expires(samples["Place.OrderKey"]))
	for name, key := range samples {
		switch name {
		case "OrderKeys.EvidenceKey", "OrderKeys.EvidencePrefix", "Place.OrderKey", "Place.NoticeKey",
			"Place.NoticePrefix":
			require.NotZero(t, expires(key), key)
		default:
			require.Zero(t, expires(key), "%s must not expire", key)
		}
	}
}

package vitrine_test

import (
	"encoding/json"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mays says which of the handbook's roles may read, write and remove what is under a key, and what of it: a letter for
// s3:GetObject, s3:PutObject and s3:DeleteObject each. Keys of which nothing is said are the worker's to keep, and the
// starter's to read.
func mays(function string) (worker, serve, starter string) {
	worker, serve, starter = "gpd", "", "g"
	switch function {
	case "Layout.SettingsKey", "Layout.OrderSettingsKey":
		worker, serve, starter = "g", "g", "gpd"
	case "Layout.FleetPlanKey":
		serve, starter = "g", "gp"
	case "Layout.AssortmentKey", "Layout.SoldKey", "Layout.KeptPrefix", "CatalogKeys.StateKey",
		"CatalogKeys.ReportsPrefix", "CatalogKeys.ReportKey", "Layout.StandingKey", "Layout.StandingsPrefix",
		"Layout.FleetSummaryKey", "Layout.FleetSnapshotKey":
		serve = "g"
	case "Layout.PresenceKey":
		serve, starter = "gp", ""
	case "Layout.ReaderKey", "Layout.PreflightKey":
		starter = ""
	case "OrderKeys.EvidenceKey", "OrderKeys.EvidencePrefix":
		starter = "d" // to erase it: what it says is nobody's business but a person's against the dispute
	case "OrderKeys.FormerEvidencePrefix":
		starter = "gd"
	case "Place.OrderKey", "Place.NoticeKey", "Place.NoticePrefix":
		worker, starter = "gp", "d" // what a merchant fetches
	}
	return worker, serve, starter
}

// statement is one of an IAM policy, as the handbook spells them.
type statement struct {
	Sid              string
	Effect           string
	Action, Resource list
}

// list is one text, or several.
type list []string

func (l *list) UnmarshalJSON(body []byte) error {
	if text := ""; json.Unmarshal(body, &text) == nil {
		*l = list{text}
		return nil
	}
	return json.Unmarshal(body, (*[]string)(l))
}

const stateARN = "arn:aws:s3:::STATE/"

// policyUnder is the policy that the handbook has under a heading.
func policyUnder(t *testing.T, heading string) []statement {
	t.Helper()
	page, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), heading+"\n\n```json\n")
	require.True(t, found, heading)
	text, _, _ = strings.Cut(text, "```")
	var policy struct {
		Version   string
		Statement []statement
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&policy), heading)
	require.NotEmpty(t, policy.Statement)
	for _, s := range policy.Statement {
		require.Equal(t, "Allow", s.Effect, s.Sid)
	}
	return policy.Statement
}

// granted are the letters of what a policy lets somebody do with a key of the state bucket (see mays).
func granted(policy []statement, key string) (letters string) {
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
		if slices.ContainsFunc(policy, func(s statement) bool {
			return slices.Contains(s.Action, action) &&
				slices.ContainsFunc(s.Resource, func(r string) bool { return covers(r, key) })
		}) {
			letters += strings.ToLower(strings.TrimPrefix(action, "s3:")[:1])
		}
	}
	return letters
}

// covers reports whether a resource of a policy is, among others, a key of the state bucket. An asterisk of IAM's
// stands for anything, slashes included.
func covers(resource, key string) bool {
	pattern, inState := strings.CutPrefix(resource, stateARN)
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return inState && regexp.MustCompile("^"+quoted+"$").MatchString(key)
}

func TestPermissionsAreThoseThatTheKeysNeed(t *testing.T) {
	worker := policyUnder(t, "Permissions of the worker:")
	serve := policyUnder(t, "Permissions of `starter serve`:")
	starter := policyUnder(t, "Permissions of the starter, for people and scripts:")
	samples := keySamples()
	for name, key := range samples {
		forWorker, forServe, forStarter := mays(name)
		require.Equal(t, forWorker, granted(worker, key), "the worker and %s", key)
		require.Equal(t, forServe, granted(serve, key), "serve and %s", key)
		require.Equal(t, forStarter, granted(starter, key), "the starter and %s", key)
	}
	for _, s := range slices.Concat(worker, serve, starter) {
		for _, resource := range s.Resource {
			if !strings.HasPrefix(resource, stateARN) {
				continue
			}
			used := false
			for _, key := range samples {
				used = used || covers(resource, key)
			}
			require.True(t, used, "%s grants %s, and nothing lies there", s.Sid, path.Base(resource))
		}
	}
}

package objectstore

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

func rules(inner string) http.HandlerFunc {
	return say(200, `<?xml version="1.0" encoding="UTF-8"?><LifecycleConfiguration>`+inner+`</LifecycleConfiguration>`)
}

// rule gives up broken uploads after some days, where it says so and of what where says.
func rule(status, where, days string) string {
	return `<Rule><ID>r</ID><Status>` + status + `</Status>` + where +
		`<AbortIncompleteMultipartUpload><DaysAfterInitiation>` + days +
		`</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`
}

func below(prefix string) string { return `<Filter><Prefix>` + prefix + `</Prefix></Filter>` }

func TestWhenBrokenUploadsExpire(t *testing.T) {
	t.Parallel()
	const expires = `<Rule><Status>Enabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>`
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		days   int
	}{
		"no rules":               {say(404, s3Error("NoSuchLifecycleConfiguration", "There is none", "")), 0},
		"none in the answer":     {rules(""), 0},
		"of the whole bucket":    {rules(rule("Enabled", "<Filter/>", "7")), 7},
		"without a filter":       {rules(rule("Enabled", "", "7")), 7},
		"of what is above":       {rules(rule("Enabled", below("state/"), "7")), 7},
		"in the old form":        {rules(rule("Enabled", "<Prefix>state/</Prefix>", "7")), 7},
		"the soonest":            {rules(rule("Enabled", below(""), "7") + rule("Enabled", below("state/"), "2")), 2},
		"of something else":      {rules(rule("Enabled", below("other/"), "7")), 0},
		"of something else, old": {rules(rule("Enabled", "<Prefix>other/</Prefix>", "7")), 0},
		"of a part of it":        {rules(rule("Enabled", below("state/uploads/a/"), "7")), 0},
		"of tagged objects": {
			rules(rule("Enabled", "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>", "7")), 0,
		},
		"of large objects": {
			rules(rule("Enabled", "<Filter><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></Filter>", "7")), 0,
		},
		"of several things":   {rules(rule("Enabled", "<Filter><And><Prefix>state/</Prefix></And></Filter>", "7")), 0},
		"switched off":        {rules(rule("Disabled", "<Filter/>", "7")), 0},
		"about objects alone": {rules(expires), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStub(t, c.answer)
			days, err := store.UploadsExpire(t.Context(), "bucket", "state/uploads/")
			require.NoError(t, err)
			require.Equal(t, c.days, days)
		})
	}
}

func TestServersThatTellNoLifecycle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   fault.Code
		says   string
	}{
		"not implemented": {say(501, s3Error("NotImplemented", "no", "")), fault.StorageUnusable, "no lifecycle rules"},
		"not allowed": {say(405, s3Error("MethodNotAllowed", "no", "")), fault.StorageUnusable,
			"no lifecycle rules"},
		"denied":    {say(403, s3Error("AccessDenied", "no", "")), fault.SourceForbidden, "read the lifecycle of"},
		"no bucket": {say(404, s3Error("NoSuchBucket", "no", "")), fault.BucketMissing, "bucket"},
		"a page":    {say(404, page, "Content-Type", "text/html"), fault.StorageUnusable, "not S3's answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := newStub(t, c.answer)
			_, err := store.UploadsExpire(t.Context(), "bucket", "state/")
			requireFault(t, err, fault.Permanent, c.code)
			require.ErrorContains(t, err, c.says)
		})
	}
}

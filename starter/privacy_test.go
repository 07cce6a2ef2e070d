package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/privacy"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

var lampPapers = []string{
	"orders/acct_1/cs_1.json", "state/acct_1/orders/cs_1/evidence-du_1.json",
	"state/personal/acct_1/orders/cs_1/evidence-du_2.json",
}

// remembers puts what is kept of an order's buyer on the stage, and what is kept of others.
func (s *stage) remembers(state order.State, status enumspb.WorkflowExecutionStatus) {
	s.t.Helper()
	for _, key := range append([]string{"orders/acct_1/cs_12.json", "state/acct_1/orders/cs_1/record.json"},
		lampPapers...) {
		_, err := s.store.Put(s.t.Context(), "state", key, "",
			[]byte(`{"format":1,"summary":{"id":{}},"state":"delivered"}`), "")
		require.NoError(s.t, err)
	}
	if state == "" {
		return
	}
	value, err := json.Marshal(state)
	require.NoError(s.t, err)
	s.temporal.orders = map[string]*workflowpb.WorkflowExecutionInfo{lampOrder: {
		Status: status, SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{
			workflows.SearchOrderState.GetName(): {Data: value},
		}},
	}}
}

func (s *stage) left() []string {
	s.t.Helper()
	keys, err := s.store.List(s.t.Context(), "state", "")
	require.NoError(s.t, err)
	return keys
}

const running = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING

func TestABuyerIsErased(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state  order.State
		status enumspb.WorkflowExecutionStatus
		args   string
	}{
		"watched for disputes":          {order.StateDelivered, running, ""},
		"over":                          {order.StateShipped, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, ""},
		"over while it was held":        {order.StateHeld, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, ""},
		"forgotten by Temporal":         {"", 0, ""},
		"under way, and wanted so":      {order.StateAccepted, running, " --force"},
		"disputed, and wanted so":       {order.StateDisputed, running, " --force"},
		"a script is not asked":         {order.StateRefunded, running, ""},
		"whoever says yes is not asked": {order.StateRefunded, running, " --yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.remembers(test.state, test.status)
			require.Zero(t, s.run(strings.Fields("privacy erase acct_1 cs_1"+test.args)...), s.stderr.String())
			require.Equal(t, []string{"orders/acct_1/cs_12.json", "state/acct_1/orders/cs_1/record.json"}, s.left())
			require.Contains(t, s.stdout.String(), "3 objects of its buyer erased")
			for _, stays := range []string{"state/acct_1/orders/cs_1/record.json", "Temporal", "logs", "Stripe",
				"merchant", "mail", "copies"} {
				require.Contains(t, s.stdout.String(), stays)
			}
			require.Zero(t, s.run(strings.Fields("privacy erase "+lampOrder+test.args)...), "again")
			require.Contains(t, s.stdout.String(), "Nothing is kept of its buyer")
		})
	}
}

func TestABuyerIsNotErased(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state order.State
		args  string
		says  string
		code  int
	}{
		"before the merchant has decided": {order.StateAwaitsMerchant, "", "still need to know where the goods go",
			exitFailed},
		"before the goods are away":  {order.StateAccepted, " --yes", "--force erases all the same", exitFailed},
		"while it is held":           {order.StateHeld, "", "under way (held)", exitFailed},
		"while it is disputed":       {order.StateDisputed, "", "it is disputed", exitFailed},
		"in a state from the future": {"teleported", "", "under way (teleported)", exitFailed},
		"a dry run":                  {order.StateAccepted, " --dry-run", "Do not erase it yet", exitOK},
		"whoever only looks":         {order.StateDelivered, " --dry-run", "3 objects kept of its buyer", exitOK},
		"a place that is none": {order.StateDelivered, " --place acme/inbox", "expected s3://BUCKET/PREFIX/",
			exitUsage},
		"a prefix that is half a name": {order.StateDelivered, " --place s3://acme/inbox", "ends in a slash",
			exitUsage},
		"a bucket that is not there": {order.StateDelivered, " --place s3://acme/", "bucket acme does not exist",
			exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.remembers(test.state, running)
			before := s.left()
			require.Equal(t, test.code, s.run(strings.Fields("privacy erase acct_1 cs_1"+test.args)...),
				s.stderr.String())
			require.Contains(t, s.stdout.String()+s.stderr.String(), test.says)
			require.Equal(t, before, s.left())
		})
	}
}

func TestWhereNobodyKnowsNothingIsErased(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*stage){
		"Temporal is away": func(s *stage) { s.temporal.describeErr = errors.New("connection refused") },
		"the settings cannot be read": func(s *stage) {
			_, err := s.store.Put(t.Context(), "state", "accounts/acct_1/orders.json", "", []byte("{"), "")
			require.NoError(t, err)
		},
		"the record cannot be read": func(s *stage) {
			s.temporal.orders = nil
			_, err := s.store.Put(t.Context(), "state", "state/acct_1/orders/cs_1/record.json", "", []byte("{"), "")
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.remembers(order.StateDelivered, running)
			spoil(s)
			before := s.left()
			require.Equal(t, exitFailed, s.run("privacy", "erase", "acct_1", "cs_1", "--force"), s.stderr.String())
			require.Equal(t, before, s.left())
		})
	}
}

func TestAPersonIsAskedBeforeAnErasure(t *testing.T) {
	t.Parallel()
	for answer, erased := range map[string]bool{"": false, "n\n": false, "yes\n": true} {
		s := newStage(t)
		s.remembers(order.StateDelivered, running)
		s.stdin = answer
		s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
		code := s.run("privacy", "erase", "acct_1", "cs_1")
		require.Contains(t, s.stderr.String(), "s3://state/orders/acct_1/cs_1.json", "what it is about")
		require.Equal(t, erased, code == exitOK, s.stderr.String())
		require.Equal(t, erased, len(s.left()) == 2)
	}
}

// Whoever may not see versions must not hear that nothing is left.
func TestAnErasureThatCannotBeSureSaysSo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.remembers(order.StateDelivered, running)
	s.store.Before = func(operation, _, _ string) error {
		if operation == "Versions" {
			return fault.NewPermanent(fault.SourceForbidden, errors.New("AccessDenied"))
		}
		return nil
	}
	require.Equal(t, exitFailed, s.run("privacy", "erase", "acct_1", "cs_1"))
	require.Contains(t, s.stderr.String(), "s3:ListBucketVersions")
	require.Len(t, s.left(), 2)
}

func TestAnErasureForScripts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.remembers(order.StateDelivered, running)
	s.store.Before = func(operation, _, key string) error {
		if operation == "DeleteVersion" && key == lampPapers[0] {
			return fault.NewPermanent(fault.SourceForbidden, errors.New("the object is locked"))
		}
		return nil
	}
	require.Equal(t, exitFailed, s.run("privacy", "erase", "acct_1", "cs_1", "-o", "json"))
	require.Contains(t, s.stderr.String(), "2 of 3 objects are erased")
	require.Contains(t, s.stderr.String(), "the object is locked")
	var view holdingsView
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &view))
	require.Equal(t, order.ID{Account: "acct_1", Session: "cs_1"}, view.Order)
	require.Equal(t, "delivered", view.State)
	erased := map[string]bool{}
	for _, o := range view.Objects {
		erased[o.Key] = o.Erased
	}
	require.Equal(t, map[string]bool{lampPapers[0]: false, lampPapers[1]: true, lampPapers[2]: true}, erased)

	require.Zero(t, s.run("privacy", "show", "acct_1", "cs_1", "-o", "json"), s.stderr.String())
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &view))
	require.Len(t, view.Objects, 1)
	require.Equal(t, lampPapers[0], view.Objects[0].Key)
	require.Len(t, view.Stays, 7)
}

func TestABucketWithoutVersionsShowsNone(t *testing.T) {
	t.Parallel()
	require.Empty(t, versionOf(privacy.Held{Object: statestore.Object{VersionID: "null"}}))
	require.Equal(t, "v7", versionOf(privacy.Held{Object: statestore.Object{VersionID: "v7"}}))
}

func TestAnAccountsOwnPlaceIsLookedAt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.remembers(order.StateDelivered, running)
	docs := order.Documents{Store: statestore.Store{Objects: s.store, Layout: s.docs.Layout}}
	require.NoError(t, docs.SaveSettings(t.Context(), order.Settings{
		Account: "acct_1", Enabled: true,
		Fulfillment: order.Fulfillment{Kind: order.S3, Bucket: "catalogs", Prefix: "inbox/"},
	}))
	for _, key := range []string{"inbox/acct_1/cs_1.json", "older/acct_1/cs_1.json"} {
		_, err := s.store.Put(t.Context(), "catalogs", key, "", []byte("{}"), "")
		require.NoError(t, err)
	}
	require.Zero(t, s.run("privacy", "erase", "acct_1", "cs_1", "--place", "s3://catalogs/older/"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "5 objects of its buyer erased")
	for _, args := range [][]string{{"erase"}, {"show", "acct_1"}, {"erase", "acct_1", "cs_1/../cs_2"},
		{"erase", "acct_1", "pi_1"}, {"erase", "acct_1", "cs_1", "cs_2"}} {
		require.Equal(t, exitUsage, s.run(append([]string{"privacy"}, args...)...), args)
	}
}

// Keys in S3 may be longer than a terminal is wide; what is said of them is not torn.
func TestWhatStaysIsReadOnATerminal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.app.IsTerminal, s.columns = func(any) bool { return true }, 80
	s.remembers(order.StateShipped, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	require.Zero(t, s.run("privacy", "show", "acct_1", "cs_1"), s.stderr.String())
	require.Contains(t, s.stdout.String(),
		"\n  Stripe\n      the checkout session, its payment and its customer: redact them there\n")
	for line := range strings.Lines(s.stdout.String()) {
		if !strings.Contains(line, "s3://") {
			require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 80)
		}
	}
}

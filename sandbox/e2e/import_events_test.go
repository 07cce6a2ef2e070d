package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"vitrine/internal/catalog"
	"vitrine/internal/intake"
	"vitrine/internal/simcontrol"
)

// awaited counts the steps that waited for an import.
func (r *room) awaited(workflowID, runID string) (steps int) {
	r.t.Helper()
	for _, event := range r.history(workflowID, runID) {
		if event.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED &&
			event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "AwaitImportSet" {
			steps++
		}
	}
	return steps
}

// The end of an import is heard of long before anybody would have looked. Without a server, the look comes all the
// same: the other tests are that.
func TestNewsOfAnImportsEndEndsTheWait(t *testing.T) {
	for api, endpoint := range map[string]simcontrol.Endpoint{
		"v1": {EnabledEvents: intake.ImportSetEventTypes()},
		"v2": {EnabledEvents: intake.CatalogImportEventTypes(), Thin: true},
	} {
		t.Run(api, func(t *testing.T) {
			s := open(t, csv("sku1"), nil)
			s.settings["VITRINE_STRIPE_IMPORT_API"] = api
			s.startWorker()
			s.startServe(false)
			s.stocked()
			endpoint.URL, endpoint.Connect = "http://"+s.address+"/webhooks/stripe", true
			endpoint.Secrets = []string{webhookSecret}
			_, err := s.emulator.AddEndpoint(t.Context(), endpoint)
			require.NoError(t, err)

			const soon, late = 8 * time.Second, time.Minute
			require.NoError(t, s.emulator.SetImportDelay(t.Context(), soon))
			s.takesImports(late)
			before := s.reads()
			s.exportText(csv("sku1", "sku2"))
			run := s.starts()
			result, err := s.ends(run)
			require.NoError(t, err)
			require.Equal(t, catalog.Succeeded, result.Outcome)
			require.Equal(t, 2, s.awaited(run.GetID(), run.GetRunID()),
				"the first was ended by the event, and one looked")
			require.LessOrEqual(t, s.reads()-before, 2)
			require.GreaterOrEqual(t, s.state().ImportTakes, soon*7/8, "how long it took is learnt all the same")
			require.Less(t, s.state().ImportTakes, late)
			s.records("heard_"+api, run)
		})
	}
}

package temporalserver

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"vitrine/workflows"
)

// searchAttributes are the ones that the workflows set: taken from their contract, so that the two cannot drift apart.
func searchAttributes() map[string]enumspb.IndexedValueType {
	attributes := map[string]enumspb.IndexedValueType{}
	for _, key := range []temporal.SearchAttributeKey{
		workflows.SearchAccount,
		workflows.SearchFeed,
		workflows.SearchOutcome,
		workflows.SearchRowsFailed,
		workflows.SearchOrderState,
		workflows.SearchAgent,
	} {
		attributes[key.GetName()] = key.GetValueType()
	}
	return attributes
}

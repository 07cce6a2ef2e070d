package temporalclient

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// CheckSearchAttributes returns an error that names the attributes which the namespace lacks, with the command that
// adds them: without them no run can start. Temporal Cloud and strict clusters keep the list from a worker's key; then
// there is a warning alone.
func CheckSearchAttributes(
	ctx context.Context, c client.Client, namespace string, logger *slog.Logger, needed ...temporal.SearchAttributeKey,
) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	list, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		logger.WarnContext(ctx, "search attributes not checked", "namespace", namespace, "needed", names(needed),
			"error", err)
		return nil
	}
	return compare(namespace, list.GetCustomAttributes(), needed)
}

func compare(namespace string, had map[string]enumspb.IndexedValueType, needed []temporal.SearchAttributeKey) error {
	var missing, mistyped, flags []string
	for _, key := range needed {
		kind, ok := had[key.GetName()]
		switch {
		case !ok:
			missing = append(missing, key.GetName())
			flags = append(flags, fmt.Sprintf("--name %s --type %s", key.GetName(), key.GetValueType()))
		case kind != key.GetValueType():
			mistyped = append(mistyped,
				fmt.Sprintf("%s is %s and should be %s", key.GetName(), kind, key.GetValueType()))
		}
	}
	switch {
	case len(missing) > 0:
		return refused("namespace %q lacks the search attributes %s; add them: temporal operator search-attribute "+
			"create --namespace %s %s",
			namespace, strings.Join(missing, ", "), namespace, strings.Join(flags, " "))
	case len(mistyped) > 0:
		return refused("namespace %q has search attributes of another type: %s; remove them (temporal operator "+
			"search-attribute remove) and add them anew, or use another namespace",
			namespace, strings.Join(mistyped, ", "))
	}
	return nil
}

func names(keys []temporal.SearchAttributeKey) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = key.GetName()
	}
	return list
}

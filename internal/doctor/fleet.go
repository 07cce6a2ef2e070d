package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"vitrine/internal/fleet"
)

// Fleet is what starts the syncs of the accounts that have no schedules: a dispatcher for each shard.
type Fleet struct {
	Plan    fleet.Plan
	Found   bool  // there is a fleet
	Missing []int // shards without a dispatcher
	Behind  []int // shards that were not looked at for too long, though their dispatchers are not paused
	Paused  []int // shards whose dispatchers somebody paused
	Unknown error // why nothing is known of the dispatchers; what S3 says of the looks is known all the same
}

const (
	handbookFleet = "docs/operations.md#the-fleet"
	mendFleet     = "starter fleet apply"
)

func (d Deployment) fleet(ctx context.Context) Diagnosis {
	found, err := d.Fleet(ctx)
	switch {
	case err != nil:
		return unread(ctx, d.Storage.State, err, mendFleet)
	case !found.Found:
		return right("there is none: schedules start every account's syncs")
	case len(found.Missing) > 0:
		return wrong(mendFleet, "nothing looks at %s", shards(found.Missing))
	case len(found.Behind) > 0:
		return wrong(handbookFleet, "%s was not looked at lately", shards(found.Behind))
	case len(found.Paused) > 0:
		return doubtful("starter fleet resume --all", "the dispatcher of %s is paused", shards(found.Paused))
	case found.Unknown != nil:
		return unseen("", "its dispatchers were not looked at: %v", found.Unknown)
	}
	return right("all %d shards are looked at", found.Plan.Shards())
}

func shards(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	return "shard " + strings.Join(texts, ", ")
}

// dispatched looks whether somebody starts the syncs of an account that has no schedules.
func (f Fleet) dispatched(account string) Diagnosis {
	shard := f.Plan.ShardOf(account)
	switch {
	case !f.Found:
		return wrong(mendFleet, "the fleet is to start its syncs, and there is none")
	case slices.Contains(f.Missing, shard):
		return wrong(mendFleet, "the fleet is to start its syncs, and nothing looks at shard %d, which it is in", shard)
	case slices.Contains(f.Behind, shard):
		return wrong(handbookFleet, "shard %d, which it is in, was not looked at lately", shard)
	case slices.Contains(f.Paused, shard):
		return doubtful("starter fleet resume --all", "the dispatcher of shard %d, which it is in, is paused", shard)
	}
	return right("the fleet syncs it when it changes: it is in shard %d", shard)
}

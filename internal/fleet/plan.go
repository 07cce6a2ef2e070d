package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"vitrine/internal/account"
)

// PlanFormat is the version of the plan that this code writes.
const PlanFormat = 1

// Plan says how a fleet is divided among dispatchers, and how fast they start runs. Every look reads it, so a change
// holds from the next look on.
type Plan struct {
	Format int `json:"format"` // PlanFormat
	// Boundaries are the first ids of all shards but the first, in order: none is one shard.
	Boundaries []string `json:"boundaries,omitempty"`
	// NewAccounts says that accounts which are added are the fleet's, and get no schedules.
	NewAccounts bool `json:"new_accounts,omitempty"`
	Pace        Pace `json:"pace,omitzero"`
	// Ended says that no dispatcher is left: schedules have every account.
	Ended bool `json:"ended,omitempty"`
}

// Pace bounds what a fleet starts, all its shards together.
type Pace struct {
	Open   int `json:"open,omitempty"`   // runs at work at once; those that wait for Stripe or a person are not counted
	Starts int `json:"starts,omitempty"` // a minute
}

// UsualPace is that of a fleet whose plan says no other, where so many imports a minute may go to Stripe: a fifth more
// than those. What is started earlier only waits in a queue, in an order that nobody can change any more, and takes the
// machines' time from orders.
func UsualPace(imports float64) Pace {
	most := max(1, int(imports*6/5))
	return Pace{Open: most, Starts: most}
}

// usualImports may go to Stripe in a minute where a deployment says nothing of its rate.
const usualImports = 200

// or is the pace with another one's numbers where it has none.
func (p Pace) or(usual Pace) Pace {
	return Pace{Open: cmp.Or(p.Open, usual.Open), Starts: cmp.Or(p.Starts, usual.Starts)}
}

// MaxShards bounds a plan: a listing of fewer accounts than some thousand costs as much as one of a thousand.
const MaxShards = 1000

// Shard is a range of account ids.
type Shard struct {
	From string `json:"from,omitempty"` // the first that is in it; empty: from the beginning
	To   string `json:"to,omitempty"`   // the first that is not in it; empty: to the end
}

// Has reports whether an account is in the shard.
func (s Shard) Has(account string) bool {
	return account >= s.From && (s.To == "" || account < s.To)
}

// Shards is how many there are.
func (p Plan) Shards() int { return len(p.Boundaries) + 1 }

// Shard is the range of one of them, counted from 0; ok is false if there is none of that number.
func (p Plan) Shard(number int) (s Shard, ok bool) {
	if number < 0 || number >= p.Shards() {
		return Shard{}, false
	}
	if number > 0 {
		s.From = p.Boundaries[number-1]
	}
	if number < len(p.Boundaries) {
		s.To = p.Boundaries[number]
	}
	return s, true
}

// ShardOf is the number of the shard that an account is in.
func (p Plan) ShardOf(account string) int {
	return sort.Search(len(p.Boundaries), func(i int) bool { return account < p.Boundaries[i] })
}

// PaceOf is the part of one shard in the pace, for one look; usual is the fleet's where the plan says none.
func (p Plan) PaceOf(usual Pace) Pace {
	pace := p.Pace.or(usual)
	share := func(of int) int { return max(1, (of+p.Shards()-1)/p.Shards()) }
	starts := share(pace.Starts) * int(LookEvery/time.Second) / int(time.Minute/time.Second)
	return Pace{Open: share(pace.Open), Starts: max(1, starts)}
}

// Check returns every problem of the plan, joined.
func (p Plan) Check() error {
	var errs []error
	if p.Format > PlanFormat {
		err := fmt.Errorf("the plan has format %d, newer than the %d that this version knows", p.Format, PlanFormat)
		errs = append(errs, err)
	}
	if p.Shards() > MaxShards {
		errs = append(errs, fmt.Errorf("%d shards are too many: at most %d", p.Shards(), MaxShards))
	}
	for i, boundary := range p.Boundaries {
		if account.Check(boundary) != nil {
			errs = append(errs, fmt.Errorf("boundary %q is no account id", boundary))
		}
		if i > 0 && boundary <= p.Boundaries[i-1] {
			errs = append(errs, fmt.Errorf("boundary %q does not come after %q", boundary, p.Boundaries[i-1]))
		}
	}
	if p.Pace.Open < 0 || p.Pace.Starts < 0 {
		errs = append(errs, errors.New("a pace below zero starts nothing: pause the fleet instead"))
	}
	return errors.Join(errs...)
}

// Split finds the boundaries that divide accounts into shards of the same size. Fewer accounts than shards make fewer.
func Split(accounts []string, shards int) (boundaries []string) {
	sorted := slices.Compact(slices.Sorted(slices.Values(accounts)))
	for number := 1; number < shards; number++ {
		at := number * len(sorted) / shards
		if at > 0 && (len(boundaries) == 0 || boundaries[len(boundaries)-1] != sorted[at]) {
			boundaries = append(boundaries, sorted[at])
		}
	}
	return boundaries
}

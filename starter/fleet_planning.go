package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/fleet"
	"vitrine/internal/terminal"
)

// side is where an account's syncs are started.
type side string

const (
	toFleet     side = "fleet"
	toSchedules side = "schedules"
)

// move is an account that goes from the one to the other.
type move struct {
	Account   string   `json:"account"`
	To        side     `json:"to"`
	Schedules []string `json:"schedules,omitempty"` // that are to be deleted, or made
	Detail    string   `json:"detail,omitempty"`
}

// kept is an account that stays where it is, and why.
type kept struct {
	Account string `json:"account"`
	Why     string `json:"why"`
}

// fleetPlan is what apply is going to do.
type fleetPlan struct {
	before, after fleet.Plan
	isNew         bool // there was no plan
	etag          string
	pause         string // the note of dispatchers that are paused: new ones are, too

	Changes []string `json:"changes"`           // of the plan itself, for people
	Make    []int    `json:"make,omitempty"`    // dispatchers to schedule
	Remove  []int    `json:"remove,omitempty"`  // dispatchers to end
	Moves   []move   `json:"moves"`             // accounts
	Kept    []kept   `json:"kept,omitempty"`    // accounts that cannot be moved
	Right   int      `json:"right"`             // accounts that are where they are to be already
	Stays   int      `json:"stays,omitempty"`   // accounts that were not asked for, on the other side
	Shards  int      `json:"shards"`            // when it is done
	Paused  []int    `json:"paused,omitempty"`  // dispatchers that look at nothing
	Without bool     `json:"without,omitempty"` // no dispatcher is left: schedules have every account
}

// fleetFacts is what there is.
type fleetFacts struct {
	plan        fleet.Plan
	found       bool
	etag        string
	accounts    []account.Settings
	unusable    []string
	schedules   map[string][]scheduleEntry // by account
	dispatchers []dispatcherFact
}

// scheduleEntry is a schedule of an account's, as the list has it.
type scheduleEntry struct {
	id     string
	paused bool
	note   string
}

// accountsPerShard is how many accounts a dispatcher has, unless somebody says how many shards there are to be.
const accountsPerShard = 20_000

// planFleet compares what is wanted with what there is.
func planFleet(is fleetFacts, want fleetFlags) fleetPlan {
	p := fleetPlan{before: is.plan, after: is.plan, isNew: !is.found, etag: is.etag, Moves: []move{}}
	p.planMoves(is, want)
	p.planShards(is, want)
	p.planDispatchers(is)
	return p
}

func (p *fleetPlan) planMoves(is fleetFacts, want fleetFlags) {
	asked := map[string]bool{}
	for _, id := range want.accounts {
		asked[id] = true
	}
	for _, s := range is.accounts {
		switch is := is.schedules[s.Account]; {
		case !want.all && !asked[s.Account]:
			if s.InFleet() != (want.to == toFleet) {
				p.Stays++
			}
		case want.to == toFleet:
			p.planToFleet(s, is)
		default:
			p.planToSchedules(s)
		}
		delete(asked, s.Account)
	}
	for _, id := range is.unusable {
		if want.all || asked[id] {
			p.Kept = append(p.Kept,
				kept{id, "its settings cannot be used: 'starter accounts show " + id + "' says why"})
			delete(asked, id)
		}
	}
	for id := range asked {
		p.Kept = append(p.Kept, kept{id, "it has no settings: 'starter accounts apply' adds it"})
	}
	slices.SortFunc(p.Kept, func(a, b kept) int { return strings.Compare(a.Account, b.Account) })
}

// What keeps an account from the fleet, which knows no pause of a feed alone, and would keep for good what maintenance
// paused for a while.
var (
	errPausedInPart  = errors.New("some of its feeds are paused and some are not: pause or resume all of them first")
	errInMaintenance = errors.New("maintenance is on: 'starter maintenance off' first")
)

// planToFleet moves an account with its pause.
func (p *fleetPlan) planToFleet(s account.Settings, schedules []scheduleEntry) {
	if s.InFleet() && len(schedules) == 0 {
		p.Right++
		return
	}
	m := move{Account: s.Account, To: toFleet}
	for _, e := range schedules {
		m.Schedules = append(m.Schedules, e.id)
	}
	_, paused, err := pauseOf(schedules)
	switch {
	case s.InFleet():
		m.Detail = "has schedules beside the fleet"
	case err != nil:
		p.Kept = append(p.Kept, kept{s.Account, err.Error()})
		return
	case paused:
		m.Detail = "stays paused"
	}
	p.Moves = append(p.Moves, m)
}

// pauseOf is what the schedules of an account say together. That it is parked is said elsewhere, and its standing binds
// the fleet as well.
func pauseOf(schedules []scheduleEntry) (note string, paused bool, err error) {
	n := 0
	for _, e := range schedules {
		switch {
		case !e.paused, e.note == activities.ParkedNote:
		case strings.HasPrefix(e.note, maintenanceNote):
			return "", false, errInMaintenance
		default:
			n, note = n+1, e.note
		}
	}
	if n > 0 && n < len(schedules) {
		return "", false, errPausedInPart
	}
	return note, n > 0, nil
}

func (p *fleetPlan) planToSchedules(s account.Settings) {
	if !s.InFleet() {
		p.Right++
		return
	}
	m := move{Account: s.Account, To: toSchedules}
	if s.Paused != nil {
		m.Detail = "stays paused"
	}
	for _, kind := range s.FeedKinds() {
		m.Schedules = append(m.Schedules, wantedSchedule{s.Account, kind, interval(s)}.id())
	}
	p.Moves = append(p.Moves, m)
}

// planShards says how the fleet is divided once the accounts are moved. Boundaries stay where they are as long as their
// number does: moving them makes every shard look anew.
func (p *fleetPlan) planShards(is fleetFacts, want fleetFlags) {
	moved := map[string]side{}
	for _, m := range p.Moves {
		moved[m.Account] = m.To
	}
	var members []string
	for _, s := range is.accounts {
		to, moves := moved[s.Account]
		if moves && to == toFleet || !moves && s.InFleet() {
			members = append(members, s.Account)
		}
	}
	shards := want.shards
	if shards == 0 {
		shards = max(is.plan.Shards(), (len(members)+accountsPerShard-1)/accountsPerShard)
	}
	if shards != is.plan.Shards() {
		p.after.Boundaries = fleet.Split(members, shards)
	}
	if want.open > 0 {
		p.after.Pace.Open = want.open
	}
	if want.starts > 0 {
		p.after.Pace.Starts = want.starts
	}
	p.Without = len(members) == 0 && want.to == toSchedules
	p.after.Ended = p.Without
	switch {
	case p.Without:
		p.after.NewAccounts = false
	case want.all:
		p.after.NewAccounts = want.to == toFleet
	}
	p.Shards = p.after.Shards()
	p.say(p.isNew && !p.Without, "the fleet begins")
	p.say(!p.isNew && p.Without, "the fleet ends")
	p.say(p.before.Shards() != p.after.Shards(), "shards %d → %d", p.before.Shards(), p.after.Shards())
	p.say(p.before.NewAccounts != p.after.NewAccounts, "new accounts: %s",
		map[bool]string{true: "to the fleet", false: "get schedules"}[p.after.NewAccounts])
	p.say(p.before.Pace.Open != p.after.Pace.Open, "pace: at most %d runs at work", p.after.Pace.Open)
	p.say(p.before.Pace.Starts != p.after.Pace.Starts, "pace: at most %d starts a minute", p.after.Pace.Starts)
}

func (p *fleetPlan) say(changed bool, format string, args ...any) {
	if changed {
		p.Changes = append(p.Changes, fmt.Sprintf(format, args...))
	}
}

func (p *fleetPlan) planDispatchers(is fleetFacts) {
	found := map[int]dispatcherFact{}
	for _, f := range is.dispatchers {
		if f.Found {
			found[f.Shard] = f
		}
		if f.Found && f.Paused {
			p.pause = cmp.Or(f.Note, "paused with the others")
		}
	}
	for shard := range p.after.Shards() {
		f, exists := found[shard]
		switch {
		case p.Without:
			continue
		case !exists || p.before.Shards() != p.after.Shards():
			p.Make = append(p.Make, shard)
		}
		if f.Paused {
			p.Paused = append(p.Paused, shard)
		}
		delete(found, shard)
	}
	for shard := range found {
		p.Remove = append(p.Remove, shard)
	}
	slices.Sort(p.Remove)
	if p.Without {
		p.Shards = 0
	}
}

func (p fleetPlan) empty() bool {
	return len(p.Changes)+len(p.Make)+len(p.Remove)+len(p.Moves) == 0
}

// mostMoves bounds the accounts that the plan lists by their names; all are counted.
const mostMoves = 20

func (p fleetPlan) write(w io.Writer, out *terminal.Terminal) {
	t := out.Table("", "", "~")
	for _, change := range p.Changes {
		t.Add("~", "fleet", change)
	}
	if n := len(p.Make); n > 0 {
		text := terminal.Plural(int64(n), "schedule") + " for a look every " + fleet.LookEvery.String()
		if p.pause != "" {
			text += ", paused: " + terminal.Printable(p.pause)
		}
		t.Add("+", "dispatchers", text)
	}
	for i, m := range p.Moves {
		if i == mostMoves {
			t.Add("", "", fmt.Sprintf("… and %s more", humanize.Comma(int64(len(p.Moves)-mostMoves))))
			break
		}
		t.Add("~", m.Account, m.text())
	}
	if n := len(p.Remove); n > 0 {
		t.Add("-", "dispatchers", terminal.Plural(int64(n), "schedule"))
	}
	t.WriteRows(w)
	if len(t.Rows) > 0 {
		out.Write(w, "")
	}
	for i, k := range p.Kept {
		if i == mostMoves {
			out.Write(w, fmt.Sprintf("… and %s more stay where they are", humanize.Comma(int64(len(p.Kept)-mostMoves))))
			break
		}
		out.Write(w, fmt.Sprintf("%s stays where it is: %s", k.Account, k.Why))
	}
	out.Write(w, p.summary())
}

func (m move) text() string {
	text := "to the fleet"
	if m.To == toSchedules {
		text = "to schedules: makes " + terminal.Plural(int64(len(m.Schedules)), "schedule")
	} else if n := len(m.Schedules); n > 0 {
		text += ": deletes " + terminal.Plural(int64(n), "schedule")
	}
	if m.Detail != "" {
		text += ", " + m.Detail
	}
	return text
}

func (p fleetPlan) summary() string {
	if p.empty() {
		return fmt.Sprintf("Nothing to do: %s where they are to be.", terminal.Plural(int64(p.Right), "account"))
	}
	text := fmt.Sprintf("Plan: %s to move, %d where they are to be, %d cannot be moved.",
		terminal.Plural(int64(len(p.Moves)), "account"), p.Right, len(p.Kept))
	if p.Stays > 0 {
		text += fmt.Sprintf(" %d were not asked for and stay.", p.Stays)
	}
	return text
}

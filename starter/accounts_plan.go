package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/terminal"
)

// action is what becomes of something.
type action string

const (
	create    action = "create"
	update    action = "update"
	remove    action = "delete"
	unchanged action = "unchanged"
)

func (a action) mark() string {
	return map[action]string{create: "+", update: "~", remove: "-", unchanged: " "}[a]
}

// change is one thing to do, or not.
type change struct {
	Account string    `json:"account"`
	What    string    `json:"what"` // settings or schedule
	Feed    feed.Kind `json:"feed,omitempty"`
	Action  action    `json:"action"`
	Detail  string    `json:"detail,omitempty"`
}

// accountPlan is what to do about one account, in that order.
type accountPlan struct {
	settings account.Settings
	changes  []change
}

func (p accountPlan) changing() []change {
	return slices.DeleteFunc(slices.Clone(p.changes), func(c change) bool { return c.Action == unchanged })
}

// plan is what apply is going to do.
type plan struct {
	accounts []accountPlan
	unlisted []string // accounts that exist, are not in the list and stay
}

// makePlan compares what is wanted with what there is. Accounts that are not in the list are deleted only if prune.
func makePlan(wanted []account.Settings, is present, prune bool) plan {
	var p plan
	listed := map[string]bool{}
	for _, settings := range wanted {
		listed[settings.Account] = true
		p.accounts = append(p.accounts, planAccount(settings, is))
	}
	for _, account := range is.accounts() {
		switch {
		case listed[account]:
		case prune:
			p.accounts = append(p.accounts, planRemoval(account, is))
		default:
			p.unlisted = append(p.unlisted, account)
		}
	}
	return p
}

// planAccount puts the settings before the schedules: a run must find them.
func planAccount(settings account.Settings, is present) accountPlan {
	settings = is.keeping(settings)
	if settings.InFleet() {
		return planFleetAccount(settings, is)
	}
	p := accountPlan{settings: settings, changes: []change{planSettings(settings, is)}}
	for _, kind := range settings.FeedKinds() {
		p.changes = append(p.changes, planSchedule(wantedSchedule{settings.Account, kind, interval(settings)}, is))
	}
	for _, id := range is.schedulesOf(settings.Account) {
		if of, _ := parseScheduleID(id); !slices.Contains(settings.FeedKinds(), of.Feed) {
			p.changes = append(p.changes,
				change{settings.Account, "schedule", of.Feed, remove, "the feed is no longer listed"})
		}
	}
	return p
}

// planFleetAccount makes no schedules: the dispatcher starts what is due. Some that are left from before go.
func planFleetAccount(settings account.Settings, is present) accountPlan {
	p := accountPlan{settings: settings, changes: []change{planSettings(settings, is)}}
	for _, id := range is.schedulesOf(settings.Account) {
		of, _ := parseScheduleID(id)
		p.changes = append(p.changes,
			change{settings.Account, "schedule", of.Feed, remove, "the fleet starts its syncs"})
	}
	return p
}

func planSettings(want account.Settings, is present) change {
	c := change{Account: want.Account, What: "settings", Action: unchanged}
	have, exists := is.settings[want.Account]
	switch {
	case !exists:
		c.Action, c.Detail = create, describeSettings(want)
	case have.unreadable:
		c.Action, c.Detail = update, "the stored ones cannot be used; "+describeSettings(want)
	default:
		if c.Detail = settingsDifference(have.Settings, want); c.Detail != "" {
			c.Action = update
		}
	}
	return c
}

// settingsDifference compares what settings mean, not how they are written: a feed or an interval that is left out has
// its default.
func settingsDifference(is, want account.Settings) string {
	var found []string
	compare := func(name, from, to string) {
		if from != to {
			found = append(found, fmt.Sprintf("%s %s → %s", name, from, to))
		}
	}
	compare("feeds", feedNames(is), feedNames(want))
	compare("every", every(interval(is)), every(interval(want)))
	compare("source key", standard(is.SourceKey), standard(want.SourceKey))
	compare("source bucket", standard(is.SourceBucket), standard(want.SourceBucket))
	compare("shared source", terminal.YesOrNo(is.SharedSource), terminal.YesOrNo(want.SharedSource))
	if is.News != want.News {
		found = append(found, fmt.Sprintf("news endpoint %s → %s", newsPlace(is), newsPlace(want)))
	}
	compare("report to", standard(is.ReportTo), standard(want.ReportTo))
	for _, name := range account.RuleNames() {
		compare(terminal.Spaced(name), standard(is.Rules.Text(name)), standard(want.Rules.Text(name)))
	}
	return strings.Join(found, ", ")
}

// newsPlace says where news of an account goes, and leaves out what may be a token.
func newsPlace(s account.Settings) string {
	address, err := url.Parse(s.News.URL)
	if s.News.URL == "" || err != nil {
		return standard("")
	}
	return address.Host + " with " + s.News.SecretName()
}

func describeSettings(s account.Settings) string {
	text := fmt.Sprintf("feeds %s, every %s", feedNames(s), every(interval(s)))
	if s.SourceKey != "" {
		text += ", source key " + s.SourceKey
	}
	if s.SourceBucket != "" {
		text += ", source bucket " + s.SourceBucket
	}
	if s.SharedSource {
		text += ", shared source"
	}
	if s.News.URL != "" {
		text += ", news to " + newsPlace(s)
	}
	if s.ReportTo != "" {
		text += ", reports to " + s.ReportTo
	}
	if s.InFleet() {
		text += ", started by the fleet"
	}
	for _, name := range account.RuleNames() {
		if value := s.Rules.Text(name); value != "" {
			text += ", " + terminal.Spaced(name) + " " + value
		}
	}
	return text
}

func standard(value string) string {
	if value == "" {
		return "(default)"
	}
	return value
}

func feedNames(s account.Settings) string {
	var names []string
	for _, kind := range s.FeedKinds() {
		names = append(names, string(kind))
	}
	slices.Sort(names)
	return strings.Join(names, "|")
}

// interval is how often the feeds of an account are synced.
func interval(s account.Settings) time.Duration { return s.Interval() }

func planSchedule(want wantedSchedule, is present) change {
	c := change{Account: want.account, What: "schedule", Feed: want.feed, Action: unchanged}
	have, exists := is.schedules[want.account][want.id()]
	switch {
	case !exists:
		c.Action, c.Detail = create, fmt.Sprintf("every %s, offset %s", every(want.interval), every(want.offset()))
	case have.difference != "":
		c.Action, c.Detail = update, have.difference
		if have.paused {
			c.Detail += " (stays paused)"
		}
	}
	return c
}

// planRemoval deletes the schedules first: no run is to start without its settings. The state stays, so that an account
// that comes back is not sent again from the start.
func planRemoval(unlisted string, is present) accountPlan {
	p := accountPlan{settings: account.Settings{Account: unlisted}}
	for _, id := range is.schedulesOf(unlisted) {
		of, _ := parseScheduleID(id)
		p.changes = append(p.changes, change{unlisted, "schedule", of.Feed, remove, "not in the list"})
	}
	if _, exists := is.settings[unlisted]; exists {
		p.changes = append(p.changes,
			change{Account: unlisted, What: "settings", Action: remove, Detail: "not in the list"})
	}
	return p
}

// changes lists all that is to be done.
func (p plan) changes() []change {
	all := []change{}
	for _, account := range p.accounts {
		all = append(all, account.changing()...)
	}
	return all
}

// counts counts the changes by action; what is unchanged counts too.
func (p plan) counts() map[action]int {
	counts := map[action]int{create: 0, update: 0, remove: 0, unchanged: 0}
	for _, account := range p.accounts {
		for _, c := range account.changes {
			counts[c.Action]++
		}
	}
	return counts
}

func (p plan) write(w io.Writer, t *terminal.Terminal) {
	rows := t.Table("", "", "", "~")
	for _, c := range p.changes() {
		what := c.What
		if c.Feed != "" {
			what += " " + string(c.Feed)
		}
		rows.Add(c.Action.mark(), c.Account, what, c.Detail)
	}
	rows.WriteRows(w)
	if len(rows.Rows) > 0 {
		t.Write(w, "")
	}
	t.Write(w, p.summary())
	if len(p.unlisted) > 0 {
		t.Write(w, fmt.Sprintf("Not in the list, left alone: %s (--prune deletes their schedules and settings).",
			terminal.Some(p.unlisted, 5)))
	}
}

func (p plan) summary() string {
	n := p.counts()
	if n[create]+n[update]+n[remove] == 0 {
		return fmt.Sprintf("Nothing to do: %s as listed.", terminal.AreOrIs(len(p.accounts), "account"))
	}
	return fmt.Sprintf("Plan: %d to create, %d to update, %d to delete, %d unchanged.", n[create], n[update], n[remove],
		n[unchanged])
}

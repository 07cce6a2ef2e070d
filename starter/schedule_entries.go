package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// scheduleEntries are the schedules of accounts.
func scheduleEntries(ctx context.Context, c client.Client) ([]*client.ScheduleListEntry, error) {
	entries, err := allScheduleEntries(ctx, c)
	return slices.DeleteFunc(entries, func(e *client.ScheduleListEntry) bool {
		_, ours := parseScheduleID(e.ID)
		return !ours
	}), err
}

// allScheduleEntries are all schedules of the namespace.
func allScheduleEntries(ctx context.Context, c client.Client) ([]*client.ScheduleListEntry, error) {
	pages, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the schedules: %w", err)
	}
	var entries []*client.ScheduleListEntry
	for pages.HasNext() {
		entry, err := pages.Next()
		if err != nil {
			return nil, fmt.Errorf("list the schedules: %w", err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// listSchedules names the schedules that are ours.
func listSchedules(ctx context.Context, c client.Client) ([]string, error) {
	entries, err := scheduleEntries(ctx, c)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.ID)
	}
	return ids, nil
}

// scheduleIDs are the schedules of the named accounts, or all.
func scheduleIDs(ctx context.Context, c client.Client, accounts []string) ([]string, error) {
	if len(accounts) == 0 {
		ids, err := listSchedules(ctx, c)
		slices.Sort(ids)
		return ids, err
	}
	var ids []string
	for _, account := range distinct(accounts) {
		for _, kind := range feed.Kinds() {
			ids = append(ids, workflows.ScheduleID(catalog.ID{Account: account, Feed: kind}))
		}
	}
	return ids, nil
}

// parseScheduleID takes a schedule's id apart; ok is false for schedules that are none of ours.
func parseScheduleID(id string) (of catalog.ID, ok bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return catalog.ID{}, false
	}
	of = catalog.ID{Account: parts[1], Feed: feed.Kind(parts[2])}
	if workflows.ScheduleID(of) != id {
		return catalog.ID{}, false
	}
	return of, true
}

package news

import (
	"path"
	"strings"
	"time"

	"vitrine/internal/catalog"
)

// Synced is the news of a sync that Stripe took something of; ok is false if there is none to tell.
func Synced(id catalog.ID, r catalog.Report, key string) (n News, ok bool) {
	if r.Outcome != catalog.Succeeded && r.Outcome != catalog.SucceededWithErrors {
		return News{}, false
	}
	d := Data{
		Feed: id.Feed, Outcome: r.Outcome, Report: key, Source: r.Source.Version(), Reason: shortened(r.Reason),
		Rows: &Rows{
			Source: r.Rows.Source, Accepted: r.Rows.Accepted, Deleted: r.Rows.Deleted, Refused: r.Rows.Refused,
			KeptBack: r.Rows.KeptBack,
		},
	}
	if r.Since != nil {
		d.Errors = &Errors{New: r.Since.New, Fixed: r.Since.Fixed, Still: r.Since.Still}
	}
	// The number alone would come again after a loss of the state.
	number := strings.TrimSuffix(path.Base(key), path.Ext(key))
	name := id.Account + "/" + string(id.Feed) + "/synced-" + number + "-" + stamp(r.At)
	return News{ID: name, Type: CatalogSynced, Timestamp: r.At.UTC(), Account: id.Account, Data: d}, true
}

// OfCatalog is what there is to tell of a catalog's troubles: was is what was told of them, is what they are now.
func OfCatalog(s catalog.State, was, is catalog.Told, now time.Time) (all []News) {
	id := s.ID()
	all = append(all, changed(id, CatalogHeld, was.Held, is.Held, now, func(d *Data) {
		if h := s.Held; h != nil {
			d.Source, d.Reason, d.Sends, d.Deletes = h.Version, h.Text(), h.Rows.Sent, h.Rows.Deleted
			for _, reason := range h.Reasons {
				d.Guards = append(d.Guards, reason.Guard)
			}
		}
	})...)
	all = append(all, changed(id, CatalogFailed, was.Failed, is.Failed, now, func(d *Data) {
		if s.Last != nil {
			d.Reason, d.Code = s.Last.Reason, s.Last.Code
		}
	})...)
	return append(all, changed(id, CatalogStale, was.Stale, is.Stale, now, func(*Data) {})...)
}

// changed is the news of a trouble that began, or is over.
func changed(id catalog.ID, kind Type, was, is, now time.Time, say func(*Data)) []News {
	d := Data{Feed: id.Feed}
	about := string(id.Feed) + "/" + string(kind[len("catalog."):])
	switch {
	case was.IsZero() && !is.IsZero():
		say(&d)
		return []News{trouble(id.Account, kind, about, Began, is, is, d)}
	case !was.IsZero() && is.IsZero():
		return []News{trouble(id.Account, kind, about, Over, was, now, d)}
	}
	return nil
}

// The causes of staleness.
const (
	SourceMissing = "source_missing" // there was a source, and there is none any more
	NotSent       = "not_sent"       // the source is newer than what Stripe has
)

// Stale is the news of a catalog that is stale since a time, for a cause, or is not any more.
func Stale(id catalog.ID, p Phase, cause, reason string, since, now time.Time) News {
	d := Data{Feed: id.Feed, Cause: cause, Reason: reason}
	return trouble(id.Account, CatalogStale, string(id.Feed)+"/stale", p, since, now, d)
}

package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// Reader is the feed that reads a source, as a document beside the state names it. There is one document for each
// source, so two feeds that are sent from one file meet there, however their settings came to say so.
type Reader struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
	Source  string    `json:"source"` // its address, for people
}

// readerTries is how often feeds that come to the same source at the same moment may be in each other's way.
const readerTries = 5

// ClaimSource makes sure that nobody else reads the source of a feed: another account's catalog must not be sent for
// this one. The first reader keeps it for as long as its settings name it. Accounts that say that they share take no
// part.
func (d Documents) ClaimSource(ctx context.Context, s Settings, kind feed.Kind) error {
	if s.SharedSource {
		return nil
	}
	bucket, key := s.Source(d.Layout, kind)
	me := Reader{Account: s.Account, Feed: kind, Source: "s3://" + bucket + "/" + key}
	document := d.Layout.ReaderKey(bucket, key)
	for range readerTries {
		is, etag, err := d.reader(ctx, document)
		if err != nil || is == me {
			return err
		}
		reads, err := d.stillReads(ctx, is, me.Source)
		if err != nil {
			return err
		}
		if reads {
			return sharedByMistake(me, is)
		}
		if _, err = statestore.Write(ctx, d.Store, document, me, etag); !fault.Is(err, fault.StateConflict) {
			return err
		}
	}
	return fault.NewPlain(fault.StateConflict, fmt.Errorf("%s changes all the time", document))
}

// reader is who reads a source, and the ETag to write another one under. A document that says nothing names nobody.
func (d Documents) reader(ctx context.Context, document string) (Reader, string, error) {
	stored, err := statestore.Read[Reader](ctx, d.Store, document)
	if errors.As(err, new(*statestore.UnreadableError)) {
		err = nil
	}
	if Check(stored.Value.Account) != nil {
		return Reader{}, stored.ETag, err
	}
	return stored.Value, stored.ETag, err
}

// stillReads asks the reader's own settings. Those that cannot be used begin no sync; once they are repaired, the two
// meet again.
func (d Documents) stillReads(ctx context.Context, is Reader, source string) (bool, error) {
	if is.Account == "" {
		return false, nil
	}
	settings, err := d.Settings(ctx, is.Account)
	if fault.Is(err, fault.SettingsInvalid) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("settings of %s, who reads the same source: %w", is.Account, err)
	}
	bucket, key := settings.Source(d.Layout, is.Feed)
	return "s3://"+bucket+"/"+key == source && slices.Contains(settings.FeedKinds(), is.Feed), nil
}

func sharedByMistake(me, is Reader) error {
	remedy := "put {account} into source_key, or say shared_source yes for each of them if they are to sell the same " +
		"catalog"
	if me.Account == is.Account {
		remedy = "put {feed} into source_key"
	}
	return fault.NewPermanent(fault.SettingsInvalid,
		fmt.Errorf("%s is the source of %s (%s) already, and would be sent for %s (%s) too: %s",
			me.Source, is.Account, is.Feed, me.Account, me.Feed, remedy))
}

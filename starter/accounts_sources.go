package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
)

// reader is a feed of an account that is read from some object.
type reader struct {
	account string
	feed    feed.Kind
	shares  bool
}

func (r reader) String() string { return fmt.Sprintf("%s (%s)", r.account, r.feed) }

// checkSources refuses sources that would send one catalog for several accounts, or one file for several feeds: among
// the accounts of the list, and between them and the others that stay as they are.
func checkSources(layout statestore.Layout, wanted, others []account.Settings) error {
	readers := map[string][]reader{}
	var addresses []string
	add := func(settings account.Settings, listed bool) {
		for _, kind := range settings.FeedKinds() {
			bucket, key := settings.Source(layout, kind)
			address := "s3://" + bucket + "/" + key
			if _, known := readers[address]; !known && !listed {
				continue // nobody in the list reads it
			}
			if len(readers[address]) == 1 {
				addresses = append(addresses, address)
			}
			readers[address] = append(readers[address], reader{settings.Account, kind, settings.SharedSource})
		}
	}
	for _, settings := range wanted {
		add(settings, true)
	}
	for _, settings := range others {
		add(settings, false)
	}
	var mixed []string
	for _, address := range addresses {
		if mistaken(readers[address]) {
			mixed = append(mixed, address+" is the source of "+terminal.Some(names(readers[address]), 5))
		}
	}
	if len(mixed) == 0 {
		return nil
	}
	const most = 20
	if more := len(mixed) - most; more > 0 {
		mixed = append(mixed[:most], fmt.Sprintf("… and %s more", humanize.Comma(int64(more))))
	}
	return fmt.Errorf("several feeds would be read from the same file; nothing was changed:\n%s\nPut {account} and "+
		"{feed} into source_key (or VITRINE_SOURCE_KEY). If accounts are to sell the same catalog, say shared_source "+
		"yes for each of them",
		strings.Join(mixed, "\n"))
}

// mistaken: nobody said of each of them that the source is shared; and two feeds of an account never share one.
func mistaken(all []reader) bool {
	seen := map[string]bool{}
	for _, r := range all {
		if !r.shares || seen[r.account] || r.feed != all[0].feed {
			return true
		}
		seen[r.account] = true
	}
	return false
}

func names(all []reader) (texts []string) {
	for _, r := range all {
		texts = append(texts, r.String())
	}
	return texts
}

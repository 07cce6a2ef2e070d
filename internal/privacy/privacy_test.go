package privacy_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/privacy"
	"vitrine/internal/statestore"
)

var (
	id     = order.ID{Account: "acct_1", Session: "cs_1"}
	layout = statestore.Layout{StateBucket: "state", StatePrefix: "state/"}
	usual  = layout.Place("", "")
)

// shelf is a state bucket, and one of the merchant's, with the objects of some orders in them.
type shelf struct {
	*testing.T
	store   *objectstoretest.Memory
	archive privacy.Archive
}

func fill(t *testing.T, keys ...string) shelf {
	store := objectstoretest.NewMemory("state", "merchants")
	s := shelf{t, store, privacy.Archive{Store: statestore.Store{Objects: store, Layout: layout}}}
	for _, key := range keys {
		s.put("state", key)
	}
	return s
}

func (s shelf) put(bucket, key string) {
	s.Helper()
	_, err := s.store.Put(s.Context(), bucket, key, "", []byte("Ada Lovelace"), "")
	require.NoError(s, err)
}

func (s shelf) keys(bucket string) []string {
	s.Helper()
	keys, err := s.store.List(s.Context(), bucket, "")
	require.NoError(s, err)
	return keys
}

func keysOf(held []privacy.Held) (keys []string) {
	for _, h := range held {
		keys = append(keys, string(h.Kind)+" "+h.URI())
	}
	return keys
}

// Of another order's keys, many begin as this order's do.
var strangers = []string{
	"orders/acct_1/cs_10.json", "orders/acct_1/cs_10/refunded-re_1.json", "orders/acct_12/cs_1.json",
	"state/acct_1/orders/cs_10/evidence-du_1.json", "state/acct_1/orders/cs_10/record.json",
	"state/acct_1/orders/sweep.json",
	"state/acct_1/product/state.json", "state/personal/acct_1/orders/cs_10/evidence-du_1.json",
	"state/personal/acct_12/orders/cs_1/evidence-du_1.json",
}

var own = []string{
	"orders/acct_1/cs_1.json", "orders/acct_1/cs_1/refunded-re_1.json",
	"state/acct_1/orders/cs_1/evidence-du_1.json", "state/acct_1/orders/cs_1/record.json",
	"state/personal/acct_1/orders/cs_1/evidence-du_1.json", "state/personal/acct_1/orders/cs_1/evidence-du_2.json",
}

func TestOneBuyerIsErasedAndNobodyElse(t *testing.T) {
	t.Parallel()
	s := fill(t, append(strangers, own...)...)
	s.put("merchants", "inbox/acct_1/cs_1.json")
	s.put("merchants", "inbox/acct_1/cs_2.json")
	places := []statestore.Place{usual, {Bucket: "merchants", Prefix: "inbox/"}, usual}
	found, err := s.archive.Find(t.Context(), id, places)
	require.NoError(t, err)
	require.Equal(t, []string{
		"evidence s3://state/state/personal/acct_1/orders/cs_1/evidence-du_1.json",
		"evidence s3://state/state/personal/acct_1/orders/cs_1/evidence-du_2.json",
		"evidence s3://state/state/acct_1/orders/cs_1/evidence-du_1.json",
		"order s3://state/orders/acct_1/cs_1.json",
		"order s3://merchants/inbox/acct_1/cs_1.json",
	}, keysOf(found.Personal))
	require.Equal(t, []string{
		"record s3://state/state/acct_1/orders/cs_1/record.json",
		"notice s3://state/orders/acct_1/cs_1/refunded-re_1.json",
	}, keysOf(found.Others))
	require.Empty(t, found.Blind)

	gone, err := s.archive.Erase(t.Context(), found)
	require.NoError(t, err)
	require.Equal(t, found.Personal, gone)
	require.ElementsMatch(t,
		append(strangers, "state/acct_1/orders/cs_1/record.json", "orders/acct_1/cs_1/refunded-re_1.json"),
		s.keys("state"))
	require.Equal(t, []string{"inbox/acct_1/cs_2.json"}, s.keys("merchants"))

	_, err = s.archive.Erase(t.Context(), found)
	require.NoError(t, err, "again")
	found, err = s.archive.Find(t.Context(), id, places)
	require.NoError(t, err)
	require.Empty(t, found.Personal)
}

// Whoever may not see versions may not say that none are left.
func TestVersionsThatCannotBeSeenAreTold(t *testing.T) {
	t.Parallel()
	s := fill(t, own...)
	s.store.Before = func(operation, _, _ string) error {
		if operation == "Versions" || operation == "DeleteVersion" {
			return fault.NewPermanent(fault.SourceForbidden, errors.New("AccessDenied"))
		}
		return nil
	}
	found, err := s.archive.Find(t.Context(), id, []statestore.Place{usual})
	require.NoError(t, err)
	require.Equal(t, []string{"state"}, found.Blind)
	require.Len(t, found.Personal, 4)
	gone, err := s.archive.Erase(t.Context(), found)
	require.NoError(t, err)
	require.Len(t, gone, 4)
	require.Equal(t, []string{"orders/acct_1/cs_1/refunded-re_1.json", "state/acct_1/orders/cs_1/record.json"},
		s.keys("state"))
}

func TestWhatCannotBeFoundIsNoNothing(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"S3 is away":         fault.NewPlain(fault.StorageFailed, errors.New("no answer")),
		"S3 asks for a rest": fault.NewThrottled(fault.StorageFailed, 0, errors.New("slow down")),
		"the bucket is gone": fault.NewPermanent(fault.SourceMissing, errors.New("bucket state does not exist")),
		"nothing is allowed": fault.NewPermanent(fault.SourceForbidden, errors.New("AccessDenied")),
	} {
		t.Run(name, func(t *testing.T) {
			s := fill(t, own...)
			s.store.Before = func(string, string, string) error { return err }
			_, failed := s.archive.Find(t.Context(), id, []statestore.Place{usual})
			require.ErrorIs(t, failed, err)
			require.ErrorContains(t, failed, "order/acct_1/cs_1")
		})
	}
	_, err := fill(t).archive.Find(t.Context(), order.ID{Account: "acct_1", Session: "../cs_1"}, nil)
	require.True(t, fault.Is(err, fault.InputInvalid), err)
}

func TestWhatCannotBeErasedKeepsNothingElse(t *testing.T) {
	t.Parallel()
	s := fill(t, own...)
	found, err := s.archive.Find(t.Context(), id, []statestore.Place{usual})
	require.NoError(t, err)
	s.store.Before = func(operation, _, key string) error {
		if operation == "DeleteVersion" && key == found.Personal[0].Key {
			return fmt.Errorf("%s is locked", key)
		}
		return nil
	}
	gone, err := s.archive.Erase(t.Context(), found)
	require.ErrorContains(t, err, "evidence-du_1.json is locked")
	require.Equal(t, found.Personal[1:], gone)
	require.Contains(t, s.keys("state"), found.Personal[0].Key)
}

package preflight_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/preflight"
	"vitrine/internal/statestore"
)

var layout = statestore.Layout{SourceBucket: "catalogs", SourceKey: "exports/{account}/{feed}.csv",
	StateBucket: "state", StatePrefix: "kept/"}

// storage is the real store in front of a server in memory.
func storage(t *testing.T, buckets ...string) (*objectstore.Store, *objectstoretest.Server) {
	t.Helper()
	server := &objectstoretest.Server{Memory: objectstoretest.NewMemory(buckets...)}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	store, err := objectstore.New(t.Context(),
		objectstore.Options{PathStyle: true, Endpoint: listening.URL, AccessKeyID: "id", SecretAccessKey: "hush"})
	require.NoError(t, err)
	return store, server
}

func look(t *testing.T, objects statestore.Objects) (refused, away error) {
	t.Helper()
	return preflight.Look(t.Context(),
		[]preflight.Check{preflight.Source(objects, layout), preflight.State(objects, layout)})
}

func TestWhatIsRightPassesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "catalogs", "state")
	refused, away := look(t, store)
	require.NoError(t, refused)
	require.NoError(t, away)
	for _, bucket := range []string{"catalogs", "state"} {
		left, err := server.List(t.Context(), bucket, "")
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestAMissingBucketIsRefused(t *testing.T) {
	t.Parallel()
	store, _ := storage(t, "catalogs")
	refused, away := look(t, store)
	require.NoError(t, away)
	require.EqualError(t, refused, "state bucket (VITRINE_STATE_BUCKET): bucket state does not exist")

	store, _ = storage(t)
	refused, _ = look(t, store)
	require.ErrorContains(t, refused, "source bucket (VITRINE_SOURCE_BUCKET): bucket catalogs does not exist")
	require.ErrorContains(t, refused, "bucket state does not exist")
}

// Amazon's S3 says "forbidden" of what is not there to whoever may not list; others say that it is not there, and a
// fleet without settings would pass for one that may not be seen.
func TestABucketThatMayNotBeListedIsRefused(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "catalogs", "state")
	server.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("list-type") == "" {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no s3:ListBucket</Message></Error>")
		return true
	}
	refused, away := look(t, store)
	require.NoError(t, away)
	require.ErrorContains(t, refused, "VITRINE_SOURCE_BUCKET): list s3://catalogs/exports/preflight-")
	require.ErrorContains(t, refused, "VITRINE_STATE_BUCKET): list s3://state/accounts/preflight-")
	require.ErrorContains(t, refused, "no s3:ListBucket")
}

// Servers that take the conditions of a write and ignore them are the dangerous ones.
func TestConditionsThatAreIgnoredAreRefused(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"If-None-Match", "If-Match"} {
		store, server := storage(t, "catalogs", "state")
		server.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				r.Header.Del(header)
			}
			return false
		}
		refused, away := look(t, store)
		require.NoError(t, away)
		require.ErrorContains(t, refused, "ignores the condition of a write ("+header+")")
		left, err := server.List(t.Context(), "state", "")
		require.NoError(t, err)
		require.Empty(t, left, "what was written is removed")
	}
}

func TestAServerWithoutConditionsIsRefused(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "catalogs", "state")
	server.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") == "" || r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = io.WriteString(w,
			"<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>")
		return true
	}
	refused, away := look(t, store)
	require.NoError(t, away)
	require.ErrorContains(t, refused, "conditional writes")
}

func TestAForbiddenBucketIsRefused(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "catalogs", "state")
	server.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>")
		}
		return true
	}
	refused, away := look(t, store)
	require.NoError(t, away)
	require.ErrorContains(t, refused, "AWS_SECRET_ACCESS_KEY")
}

func TestAPageInsteadOfS3IsRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusNotFound} {
		store, server := storage(t, "catalogs", "state")
		server.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html><body>hello<br></body></html>")
			return true
		}
		refused, away := look(t, store)
		require.NoError(t, away)
		require.Error(t, refused, "status %d", status)
	}
}

func TestAnOutageIsAway(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "catalogs", "state")
	server.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	refused, away := look(t, store)
	require.NoError(t, refused)
	require.ErrorContains(t, away, "VITRINE_STATE_BUCKET")
}

func TestOnlyAKeyThatStripeDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer        error
		refused, away bool
	}{
		{nil, false, false},
		{fault.NewPermanent(fault.StripeUnauthorized, errors.New("invalid key")), true, false},
		{fault.NewPermanent(fault.StripeForbidden, errors.New("not this")), false, false},
		{fault.NewPermanent(fault.StripeRejected, errors.New("no such route")), false, false},
		{fault.NewPlain(fault.StripeUnavailable, errors.New("502")), false, true},
		{fault.NewThrottled(fault.StripeThrottled, 0, errors.New("429")), false, true},
	} {
		refused, away := preflight.Look(t.Context(),
			[]preflight.Check{preflight.StripeKey(func(context.Context) error { return c.answer })})
		require.Equal(t, c.refused, refused != nil, c.answer)
		require.Equal(t, c.away, away != nil, c.answer)
	}
}

func TestAwaitEndsWithAnAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var told int
	check := preflight.Check{Name: "S3", Ask: func(context.Context) error {
		if asked.Add(1) == 1 {
			return errors.New("away")
		}
		return fault.NewPermanent(fault.BucketMissing, errors.New("no bucket"))
	}}
	err := preflight.Await(t.Context(), []preflight.Check{check}, time.Millisecond, func(error) { told++ })
	require.EqualError(t, err, "S3: no bucket")
	require.Equal(t, 1, told)

	ended, cancel := context.WithCancelCause(t.Context())
	cancel(io.EOF)
	require.ErrorIs(t, preflight.Await(ended, nil, time.Hour, nil), io.EOF)
}

func TestOnlyALostBucketIsLost(t *testing.T) {
	t.Parallel()
	store, server := storage(t, "state")
	lost := preflight.Lost(store, layout)
	require.NoError(t, lost(t.Context()))
	server.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, lost(ended), "an outage is bridged")
	store, _ = storage(t)
	require.ErrorContains(t, preflight.Lost(store, layout)(t.Context()), "bucket state does not exist")
}

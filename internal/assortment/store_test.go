package assortment

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

// source is where a store under test loads from.
type source struct {
	loads atomic.Int64
	value atomic.Int64
	err   atomic.Pointer[error]
	block chan struct{} // nil: loads do not wait
	had   atomic.Pointer[string]
}

func (s *source) load(_ context.Context, account, etag string) (int64, string, int64, error) {
	s.loads.Add(1)
	s.had.Store(&etag)
	if s.block != nil {
		<-s.block
	}
	if err := s.err.Load(); err != nil {
		return 0, "", 0, *err
	}
	now := strconv.FormatInt(s.value.Load(), 10)
	if etag == now {
		return 0, now, 0, ErrUnchanged
	}
	return s.value.Load(), now, 1000, nil
}

func (s *source) fail(err error) { s.err.Store(&err) }

func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestStoreWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{block: make(chan struct{})}
		src.value.Store(1)
		s := NewStore(src.load, 1<<20, time.Now, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, found := s.Get(ctx, "acct_1")
		require.False(t, found)
		require.Equal(t, time.Second, time.Since(began))
		close(src.block)
		synctest.Wait()
		v, found := s.Get(t.Context(), "acct_1")
		require.True(t, found, "what nobody waited for was loaded all the same")
		require.Equal(t, int64(1), v)
		require.Equal(t, int64(1), src.loads.Load())
	})
}

func TestStoreRemembersThatThereIsNothing(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"missing": fault.NewPermanent(fault.SourceMissing, errors.New("gone")),
		"corrupt": &FileError{"its checksum is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := &source{}
				src.value.Store(1)
				s := NewStore(src.load, 1<<20, time.Now, nil)
				_, found := s.Get(t.Context(), "acct_1")
				require.True(t, found)
				src.fail(err)
				after(revalidateAfter)
				s.Get(t.Context(), "acct_1")
				synctest.Wait()
				_, found = s.Get(t.Context(), "acct_1")
				require.False(t, found, "it was forgotten or destroyed: nothing is known any more")
				require.Equal(t, int64(2), src.loads.Load())
			})
		})
	}
}

func TestStoreKeepsWhatItHasWhileS3IsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lost atomic.Int64
		src := &source{}
		src.value.Store(1)
		s := NewStore(src.load, 1<<20, time.Now, func(string, error) { lost.Add(1) })
		s.Get(t.Context(), "acct_1")
		src.fail(errors.New("no route to host"))
		after(time.Hour)
		v, found := s.Get(t.Context(), "acct_1")
		require.True(t, found)
		require.Equal(t, int64(1), v)
		require.Equal(t, int64(1), lost.Load())

		_, found = s.Get(t.Context(), "acct_2")
		require.False(t, found)
		loads := src.loads.Load()
		_, found = s.Get(t.Context(), "acct_2")
		require.False(t, found)
		require.Equal(t, loads, src.loads.Load(), "who was just refused does not ask S3 again at once")
		src.err.Store(nil)
		after(retryAfter)
		_, found = s.Get(t.Context(), "acct_2")
		require.True(t, found)
	})
}

func TestStoreRevalidatesBehindItsCallersBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.value.Store(1)
		s := NewStore(src.load, 1<<20, time.Now, nil)
		s.Get(t.Context(), "acct_1")
		src.value.Store(2)
		after(revalidateAfter - time.Nanosecond)
		v, _ := s.Get(t.Context(), "acct_1")
		require.Equal(t, int64(1), v)
		require.Equal(t, int64(1), src.loads.Load(), "nobody looked yet")
		after(time.Nanosecond)
		v, _ = s.Get(t.Context(), "acct_1")
		require.Equal(t, int64(1), v, "stale, and now looked after")
		synctest.Wait()
		v, _ = s.Get(t.Context(), "acct_1")
		require.Equal(t, int64(2), v)
		require.Equal(t, "1", *src.had.Load())

		after(revalidateAfter)
		s.Get(t.Context(), "acct_1")
		synctest.Wait()
		v, found := s.Get(t.Context(), "acct_1")
		require.True(t, found, "unchanged is no loss")
		require.Equal(t, int64(2), v)

		src.value.Store(3)
		after(patience)
		v, _ = s.Get(t.Context(), "acct_1")
		require.Equal(t, int64(3), v, "too old to be given without looking")
	})
}

func TestStoreLoadsOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{block: make(chan struct{})}
		src.value.Store(1)
		s := NewStore(src.load, 1<<20, time.Now, nil)
		var found atomic.Int64
		for range 50 {
			go func() {
				if _, ok := s.Get(t.Context(), "acct_1"); ok {
					found.Add(1)
				}
			}()
		}
		synctest.Wait()
		close(src.block)
		synctest.Wait()
		require.Equal(t, int64(50), found.Load())
		require.Equal(t, int64(1), src.loads.Load())
	})
}

func TestStoreForgetsWhatWasAskedForLongestAgo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.value.Store(1)
		const most = 4 * (1000 + entryBytes)
		s := NewStore(src.load, most, time.Now, nil)
		for n := range 100 {
			s.Get(t.Context(), strconv.Itoa(n))
			s.Get(t.Context(), "0") // in use all the time
			require.LessOrEqual(t, s.Bytes(), int64(most))
		}
		require.Equal(t, int64(100), src.loads.Load(), "the one in use was never loaded again")
		s.Get(t.Context(), "1")
		require.Equal(t, int64(101), src.loads.Load())
	})
}

// A store of S3 that hangs, unlike one that fails, would take everybody's time.
func TestStoreGivesWhatItHasWhileS3Hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.value.Store(1)
		s := NewStore(src.load, 1<<20, time.Now, nil)
		s.Get(t.Context(), "acct_1")
		src.block = make(chan struct{})
		after(time.Hour)
		began := time.Now()
		v, found := s.Get(t.Context(), "acct_1")
		require.True(t, found)
		require.Equal(t, int64(1), v)
		require.Equal(t, newsWithin, time.Since(began))
		close(src.block)
	})
}

func TestStoreLoadsWhatIsExpectedBeforeAnybodyAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		s := NewStore(src.load, 1<<20, time.Now, nil)
		s.Expect("acct_1")
		s.Expect("acct_1")
		synctest.Wait()
		require.Equal(t, int64(1), src.loads.Load())
		s.Get(t.Context(), "acct_1")
		require.Equal(t, int64(1), src.loads.Load())
	})
}

func TestStoreWarmsUpAsLongAsThereIsRoom(t *testing.T) {
	t.Parallel()
	var accounts []string
	for n := range 100 {
		accounts = append(accounts, strconv.Itoa(n))
	}
	src := &source{}
	src.value.Store(1)
	const most = 8 * (1000 + entryBytes)
	s := NewStore(src.load, most, time.Now, nil)
	s.Warm(t.Context(), accounts)
	require.Equal(t, int64(7), src.loads.Load(), "nothing was loaded only to go again")
	require.LessOrEqual(t, s.Bytes(), int64(most))

	ended, end := context.WithCancel(t.Context())
	end()
	NewStore(src.load, most, time.Now, nil).Warm(ended, accounts)
	require.Equal(t, int64(7), src.loads.Load())
}

// However many accounts are asked for at once, what is loaded and what is kept stay within two bounds.
func TestStoreOfManyAccountsIsBoundedWhileItLoads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts = 64
		d, store := documents()
		data, err := Merge(nil, part(feed.Product, rows(100)))
		require.NoError(t, err)
		for n := range accounts {
			_, err := store.Put(t.Context(), "s", d.Layout.AssortmentKey(strconv.Itoa(n)), "", data, "")
			require.NoError(t, err)
		}
		var opened atomic.Int64
		let := make(chan struct{})
		store.Before = func(operation, _, _ string) error {
			if operation == "Open" {
				opened.Add(1)
				<-let
			}
			return nil
		}
		most := 4 * (int64(len(data)) + entryBytes)
		s := NewStore(d.Assortments(most), most, time.Now, nil)
		var found atomic.Int64
		for n := range 4 * accounts {
			go func() {
				if x, ok := s.Get(t.Context(), strconv.Itoa(n%accounts)); ok && x.Len() == 100 {
					found.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.Equal(t, most/int64(len(data)), opened.Load(), "the others wait for room")
		close(let)
		synctest.Wait()
		require.Equal(t, int64(4*accounts), found.Load())
		require.LessOrEqual(t, s.Bytes(), most)
	})
}

func documents() (Documents, *objectstoretest.Memory) {
	store := objectstoretest.NewMemory("s")
	return Documents{
		Store: statestore.Store{Objects: store, Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}},
	}, store
}

func opened(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func TestSettleBeginsAnewWhenAnotherFeedWasQuicker(t *testing.T) {
	t.Parallel()
	d, store := documents()
	require.NoError(t,
		d.Settle(t.Context(), "acct_1", part(feed.Product, ""), opened(products+"a,A,in_stock,1,1.00 USD,,,,,\n")))
	raced := false
	store.Before = func(operation, _, _ string) error {
		if operation != "Put" || raced {
			return nil
		}
		raced = true
		return d.Settle(t.Context(), "acct_1", part(feed.Pricing, ""), opened("id,price\na,2.00 USD\n"))
	}
	require.NoError(t, d.Settle(t.Context(), "acct_1", part(feed.Inventory, ""),
		opened("id,availability,inventory_quantity\na,in_stock,9\n")))
	x, _, err := d.Load(t.Context(), "acct_1", "")
	require.NoError(t, err)
	require.Equal(t, usd(2000), item(t, x, "a").Price)
	require.Equal(t, int64(9), item(t, x, "a").Quantity)
}

func TestSettleMakesADamagedFileAnew(t *testing.T) {
	t.Parallel()
	d, store := documents()
	_, err := store.Put(t.Context(), "s", d.Layout.AssortmentKey("acct_1"), "", []byte("nonsense"), "")
	require.NoError(t, err)
	require.NoError(t,
		d.Settle(t.Context(), "acct_1", part(feed.Product, ""), opened(products+"a,A,in_stock,1,1.00 USD,,,,,\n")))
	x, etag, err := d.Load(t.Context(), "acct_1", "")
	require.NoError(t, err)
	require.Equal(t, 1, x.Len())
	_, _, err = d.Load(t.Context(), "acct_1", etag)
	require.ErrorIs(t, err, ErrUnchanged)
	_, _, _, err = d.Assortments(10)(t.Context(), "acct_1", "")
	var file *FileError
	require.ErrorAs(t, err, &file, "more than may be kept in memory")
	require.NoError(t, d.Forget(t.Context(), "acct_1"))
	_, _, err = d.Load(t.Context(), "acct_1", "")
	require.True(t, fault.Is(err, fault.SourceMissing))
}

func TestSettleSaysWhatFails(t *testing.T) {
	t.Parallel()
	d, store := documents()
	err := d.Settle(t.Context(), "acct_1", part(feed.Product, ""), func() (io.ReadCloser, error) {
		return nil, fault.NewPermanent(fault.SourceMissing, errors.New("no part"))
	})
	require.True(t, fault.Is(err, fault.SourceMissing))
	tries := 0
	store.Before = func(operation, _, _ string) error {
		if operation == "Put" {
			tries++
			return fault.NewPlain(fault.StateConflict, errors.New("always"))
		}
		return nil
	}
	err = d.Settle(t.Context(), "acct_1", part(feed.Product, ""), opened(products))
	require.True(t, fault.Is(err, fault.StateConflict))
	require.Equal(t, settleTries, tries)
}

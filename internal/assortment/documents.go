package assortment

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/semaphore"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Documents reads and writes the files in the state bucket.
type Documents struct{ statestore.Store }

// settleTries is how often a part is merged again because another feed of the account was settled in between.
const settleTries = 5

// Settle brings a part into the account's file. open opens the rows of the part, once for each try.
func (d Documents) Settle(ctx context.Context, account string, p Part, open func() (io.ReadCloser, error)) error {
	var err error
	for range settleTries {
		if err = d.settle(ctx, account, p, open); !fault.Is(err, fault.StateConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("assortment of %s: %w", account, err)
	}
	return nil
}

func (d Documents) settle(ctx context.Context, account string, p Part, open func() (io.ReadCloser, error)) error {
	before, etag, err := d.Load(ctx, account, "")
	var unusable *FileError
	switch {
	case fault.Is(err, fault.SourceMissing):
		etag = statestore.IfAbsent
	case errors.As(err, &unusable):
		before = nil
	case err != nil:
		return err
	}
	rows, err := open()
	if err != nil {
		return err
	}
	defer rows.Close()
	p.Rows = rows
	after, err := Merge(before, p)
	if err != nil {
		return err
	}
	_, err = d.Put(ctx, d.Layout.AssortmentKey(account), "application/octet-stream",
		after, etag)
	return err
}

// Forget removes the file: what is not known for sure is not answered.
func (d Documents) Forget(ctx context.Context, account string) error {
	return d.Delete(ctx, d.Layout.AssortmentKey(account))
}

// ErrUnchanged says that the file is still the one that the caller has.
var ErrUnchanged = errors.New("assortment: unchanged")

// Load reads an account's file, unless it is the one that had names (ErrUnchanged). Without one the error is
// fault.SourceMissing, with one that cannot be used a *FileError, and etag names it.
func (d Documents) Load(ctx context.Context, account, had string) (x *Index, etag string, err error) {
	object, err := d.look(ctx, account, had)
	if err != nil {
		return nil, object.ETag, err
	}
	x, err = d.open(ctx, object)
	return x, object.ETag, err
}

func (d Documents) look(ctx context.Context, account, had string) (statestore.Object, error) {
	object, err := d.Head(ctx, d.Layout.AssortmentKey(account))
	if err == nil && object.ETag == had {
		err = ErrUnchanged
	}
	return object, err
}

func (d Documents) open(ctx context.Context, object statestore.Object) (*Index, error) {
	body, err := d.Objects.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := make([]byte, object.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("%s: %w", object.URI(), err)
	}
	return Open(data)
}

// Assortments loads indexes for a Store that keeps most bytes: none that is larger, and no more than that at once,
// however many accounts are asked for.
func (d Documents) Assortments(most int64) Load[*Index] {
	room := semaphore.NewWeighted(most)
	return func(ctx context.Context, account, had string) (*Index, string, int64, error) {
		object, err := d.look(ctx, account, had)
		switch {
		case err != nil:
			return nil, object.ETag, 0, err
		case object.Size > most:
			return nil, object.ETag, 0,
				&FileError{fmt.Sprintf("it has %d bytes, more than the %d that may be kept in memory", object.Size,
					most)}
		}
		if err := room.Acquire(ctx, object.Size); err != nil {
			return nil, "", 0, fmt.Errorf("%s waited for others to be loaded: %w", object.URI(), err)
		}
		defer room.Release(object.Size)
		x, err := d.open(ctx, object)
		return x, object.ETag, object.Size, err
	}
}

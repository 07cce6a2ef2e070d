package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
)

// BenchmarkColdAssortment loads what a hook of a large account needs, as a server does that has just started: from S3,
// into a new process. The time is that of the load alone.
func BenchmarkColdAssortment(b *testing.B) {
	given := startSandbox(b)
	for _, products := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("%dk", products/1000), func(b *testing.B) {
			t := given
			t.How, t.Account = "assortment", fmt.Sprintf("acct_%d", products)
			b.SetBytes(putAssortment(b, t, products))
			var took []time.Duration
			var peak int64
			for b.Loop() {
				m := t.run(b)
				took, peak = append(took, m.Took), max(peak, m.Memory.Peak)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "load-ms")
			b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "worst-ms")
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
		})
	}
}

// loadAssortment is the first question about an account.
func (t task) loadAssortment(ctx context.Context) error {
	d, err := t.assortments(ctx)
	if err != nil {
		return err
	}
	const most = 1 << 30
	store := assortment.NewStore(d.Assortments(most), most, time.Now, nil)
	x, found := store.Get(ctx, t.Account)
	if !found {
		return errors.New("there is no assortment")
	}
	if _, found := x.Find(product(7)); !found {
		return errors.New("a product is missing")
	}
	return nil
}

func (t task) assortments(ctx context.Context) (assortment.Documents, error) {
	objects, err := t.objects(ctx)
	return assortment.Documents{
		Store: statestore.Store{Objects: objects,
			Layout: statestore.Layout{StateBucket: t.Env["VITRINE_SOURCE_BUCKET"], StatePrefix: "state/"}},
	}, err
}

func product(n int) string { return fmt.Sprintf("SKU-%07d", n) }

// putAssortment makes the file of an account with so many products, and returns its size.
func putAssortment(b *testing.B, t task, products int) int64 {
	b.Helper()
	var rows bytes.Buffer
	rows.WriteString("id,title,availability,inventory_quantity,price,shipping\n")
	for n := range products {
		fmt.Fprintf(&rows,
			"%s,Organic cotton shirt with a rather usual title %d,in_stock,%d,20.00 USD,\"US:ALL:Standard:3-5:5.00 USD\"\n", product(n), n, n%50)
	}
	file, err := assortment.Merge(nil, assortment.Part{
		Kind: feed.Product, Format: lines.CSV, Rows: &rows, Refused: func([]byte) bool { return false }, Full: true,
		Number: 1, Parts: 1, At: time.Now(),
	})
	require.NoError(b, err)
	d, err := t.assortments(b.Context())
	require.NoError(b, err)
	_, err = d.Put(b.Context(), d.Layout.AssortmentKey(t.Account),
		"application/octet-stream", file, "")
	require.NoError(b, err)
	return int64(len(file))
}

package chaos

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"vitrine/internal/simcontrol"
)

// shop is a merchant: what they have written to S3 last.
type shop struct {
	account string

	mu       sync.Mutex
	products map[string]string // id to price
	next     int               // number of the next new product
	versions int               // that were written, or may have been
	doubtful bool              // whether S3 may have another version than products, because a write of it failed
	resends  int               // imports that the handbook's procedures ordered
}

// trade is what merchants and agents do meanwhile.
type trade struct {
	bucket   string
	store    *s3.Client
	emulator simcontrol.Client
	shops    []*shop

	rebuilt bool // whether Temporal's database was lost, and orders brought back

	mu       sync.Mutex
	sentBack map[string]bool // sessions of the orders whose money is to go back
	said     map[string]int  // how often that was heard to be done, by session
}

// emulatorOf is a client that gives up on an emulator which cannot be reached.
func emulatorOf(d *Deployment) simcontrol.Client {
	return simcontrol.Client{BaseURL: d.StripeURL(), Client: &http.Client{Timeout: 10 * time.Second}}
}

func newTrade(d *Deployment, accounts int) *trade {
	t := &trade{
		bucket: d.env["VITRINE_SOURCE_BUCKET"], emulator: emulatorOf(d), sentBack: map[string]bool{},
		said: map[string]int{},
		store: s3.New(s3.Options{
			BaseEndpoint: aws.String(d.S3URL()), Region: "us-east-1", UsePathStyle: true,
			HTTPClient:  &http.Client{Timeout: 10 * time.Second},
			Credentials: credentials.NewStaticCredentialsProvider(d.env["S3_ACCESS_KEY"], d.env["S3_SECRET_KEY"], ""),
		}),
	}
	for i := range accounts {
		t.shops = append(t.shops, &shop{account: fmt.Sprintf("acct_chaos%04d", i), products: map[string]string{}})
	}
	return t
}

// change gives a shop another catalog, and writes it. What could not be written may be there all the same.
func (t *trade) change(ctx context.Context, s *shop, chance *rand.Rand) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	products := map[string]string{}
	for id := range s.products {
		switch chance.IntN(10) {
		case 0: // gone
		case 1, 2:
			products[id] = price(chance)
		default:
			products[id] = s.products[id]
		}
	}
	next := s.next
	for len(products) < 5 || chance.IntN(3) == 0 {
		products[fmt.Sprintf("P%04d", next)] = price(chance)
		next++
	}
	s.next = next // even if it cannot be written: no id is used twice
	return t.write(ctx, s, products)
}

// write puts a shop's catalog where Vitrine looks for it.
func (t *trade) write(ctx context.Context, s *shop, products map[string]string) error {
	s.versions++
	_, err := t.store.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &t.bucket, Key: aws.String("catalogs/" + s.account + "/product.csv"),
		Body: bytes.NewReader(written(products)),
	})
	s.doubtful = err != nil
	if err == nil {
		s.products = products
	}
	return err
}

// makeSure writes the catalogs again of which nobody knows whether they were written.
func (t *trade) makeSure(ctx context.Context) error {
	for _, s := range t.shops {
		s.mu.Lock()
		var err error
		if s.doubtful {
			err = t.write(ctx, s, s.products)
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// price stays within a range in which no guard asks a person.
func price(chance *rand.Rand) string {
	return fmt.Sprintf("%d.%02d USD", 90+chance.IntN(20), chance.IntN(100))
}

var columns = []string{"id", "title", "description", "link", "image_link", "availability", "inventory_quantity",
	"price", "brand", "condition", "mpn"}

// written is a catalog as a file, with a row at its end that Stripe would refuse: it is not to come to Stripe.
func written(products map[string]string) []byte {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	rows := [][]string{columns}
	for _, id := range slices.Sorted(maps.Keys(products)) {
		rows = append(rows, row(id, products[id]))
	}
	if err := w.WriteAll(append(rows, row(invalid, "dear"))); err != nil {
		panic(err) // memory takes everything
	}
	return file.Bytes()
}

// invalid is the product without a price that every file has.
const invalid = "WITHOUT-PRICE"

func row(id, price string) []string {
	page := "https://shop.example/" + id
	return []string{id, "Product " + id, "What it is like", page, page + ".jpg", "in_stock", "1000", price, "Chaos",
		"new", "M-" + id}
}

// buy lets an agent buy something of a shop that Stripe has. A quarter is sent back later, of those that are paid by
// hand: what was paid by hand is with its merchant. Money that goes back before that calls an order off instead.
func (t *trade) buy(ctx context.Context, s *shop, chance *rand.Rand) error {
	capture := []string{"automatic", "manual"}[chance.IntN(2)]
	bought, err := t.emulator.Purchase(ctx, simcontrol.Purchase{Account: s.account, Capture: capture})
	if back := chance.IntN(2) == 0; err == nil && back && capture == "manual" {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.sentBack[bought.Session] = true
	}
	return err
}

// probed places an order if none is there yet, and reports whether it is with its merchant, and paid.
func (t *trade) probed(ctx context.Context, account string, session *string) (bool, error) {
	if *session == "" {
		bought, err := t.emulator.Purchase(ctx, simcontrol.Purchase{Account: account, Capture: "manual"})
		*session = bought.Session
		return false, err
	}
	is, err := t.emulator.Order(ctx, *session)
	return err == nil && is.Captured == is.Total, err
}

// refund has merchants give the money back, each of those that were paid: they ask until they are told that it is done,
// and once more, as people do.
func (t *trade) refund(ctx context.Context, d *Deployment) error {
	placed, err := t.emulator.Orders(ctx, "")
	if err != nil {
		return err
	}
	for _, o := range placed {
		if t.goesBack(o.Session) && o.Captured == o.Total && t.said[o.Session] < 2 && ctx.Err() == nil {
			if _, err := d.Starter(ctx, "", "order", "refund", o.Account, o.Session, "--why", "sent back"); err == nil {
				t.said[o.Session]++
			}
		}
	}
	return ctx.Err()
}

func (t *trade) goesBack(session string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sentBack[session]
}

// every calls do at a steady pace until it did so n times; an attempt that fails is made again, later.
func every(ctx context.Context, n int, within time.Duration, do func() error) (done, failed int) {
	pace := time.NewTicker(max(within/time.Duration(max(n, 1)), time.Millisecond))
	defer pace.Stop()
	for done < n {
		select {
		case <-ctx.Done():
			return done, failed
		case <-pace.C:
		}
		if do() != nil {
			failed++
			continue
		}
		done++
	}
	return done, failed
}

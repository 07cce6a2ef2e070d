package chaos

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
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
	versions int
}

// trade is what merchants and agents do meanwhile.
type trade struct {
	bucket   string
	store    *s3.Client
	emulator simcontrol.Client
	shops    []*shop
}

// emulatorOf is a client that gives up on an emulator which cannot be reached.
func emulatorOf(d *Deployment) simcontrol.Client {
	return simcontrol.Client{BaseURL: d.StripeURL(), Client: &http.Client{Timeout: 10 * time.Second}}
}

func newTrade(d *Deployment, accounts int) *trade {
	t := &trade{
		bucket: d.env["VITRINE_SOURCE_BUCKET"], emulator: emulatorOf(d),
		store: s3.New(s3.Options{
			BaseEndpoint: aws.String(d.S3URL()), Region: "us-east-1", UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(d.env["S3_ACCESS_KEY"], d.env["S3_SECRET_KEY"], ""),
		}),
	}
	for i := range accounts {
		t.shops = append(t.shops, &shop{account: fmt.Sprintf("acct_chaos%04d", i), products: map[string]string{}})
	}
	return t
}

// change gives a shop another catalog, and writes it. What could not be written stays as it was.
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
	_, err := t.store.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &t.bucket, Key: aws.String("catalogs/" + s.account + "/product.csv"),
		Body: bytes.NewReader(written(products)),
	})
	if err != nil {
		return err
	}
	s.products, s.next = products, next
	s.versions++
	return nil
}

// price stays within a range in which no guard asks a person.
func price(chance *rand.Rand) string {
	return fmt.Sprintf("%d.%02d USD", 90+chance.IntN(20), chance.IntN(100))
}

func written(products map[string]string) []byte {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.Write(
		strings.Split("id,title,description,link,image_link,availability,inventory_quantity,price,brand,condition,mpn",
			","))
	for id, price := range products {
		page := "https://shop.example/" + id
		_ = w.Write([]string{id, "Product " + id, "What it is like", page, page + ".jpg", "in_stock", "1000", price,
			"Chaos", "new", "M-" + id})
	}
	w.Flush()
	return file.Bytes()
}

// buy lets an agent buy something of a shop that Stripe has.
func (t *trade) buy(ctx context.Context, s *shop, chance *rand.Rand) error {
	_, err := t.emulator.Purchase(ctx,
		simcontrol.Purchase{Account: s.account, Capture: []string{"automatic", "manual"}[chance.IntN(2)]})
	return err
}

// every calls do at a steady pace until it did so n times; an attempt that fails is made again, later.
func every(ctx context.Context, n int, within time.Duration, do func() error) (failed int) {
	pace := time.NewTicker(max(within/time.Duration(max(n, 1)), time.Millisecond))
	defer pace.Stop()
	for done := 0; done < n; {
		select {
		case <-ctx.Done():
			return failed
		case <-pace.C:
		}
		if do() != nil {
			failed++
			continue
		}
		done++
	}
	return failed
}

package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/terminal"
	"vitrine/sandbox/s3"
	"vitrine/workflows"
)

// export puts a shop's catalog where its system would.
func (d *demo) export(ctx context.Context, s *shop) error {
	_, err := s3.Client(d.stack.S3()).PutObject(ctx, &awss3.PutObjectInput{
		Bucket: aws.String(d.layout.SourceBucket), Key: aws.String(s.key(d.layout)), Body: bytes.NewReader(s.content),
	})
	if err != nil {
		return fmt.Errorf("export the catalog of %s: %w", s.account, err)
	}
	return nil
}

// changeAndExport edits a shop's catalog and exports it.
func (d *demo) changeAndExport(ctx context.Context, s *shop, change func(records [][]string) [][]string) error {
	if err := s.edit(change); err != nil {
		return err
	}
	return d.export(ctx, s)
}

func (d *demo) changePrice(ctx context.Context) error {
	s := d.shops[0]
	d.story.begin("One price changes: one row is sent")
	var id, price string
	err := d.changeAndExport(ctx, s, func(records [][]string) [][]string {
		row, at := records[len(records)/2], indexOf(records[0], "price")
		before := row[at]
		row[at] = "42.00 USD"
		id, price = row[indexOf(records[0], "id")], row[at]
		d.story.say("%s of %s was %s and is now %s", id, s.account, before, price)
		return records
	})
	if err != nil {
		return err
	}
	if err := d.starter(ctx, "sync", s.account, "--dry-run"); err != nil {
		return err
	}
	if err := d.starter(ctx, "sync", s.account, "--force", "--follow"); err != nil {
		return err
	}
	sent, err := d.lastImport(ctx, s)
	if err != nil {
		return err
	}
	file, err := d.lastUpload(ctx, s)
	if err != nil {
		return err
	}
	if sent.RowsProcessed != 1 {
		return fmt.Errorf("%d rows were sent to Stripe, expected one", sent.RowsProcessed)
	}
	d.story.check("Stripe got a file of %s with one row, where the catalog has %s and %s", terminal.Bytes(file.Size),
		terminal.Plural(int64(s.summary.Rows), "row"), terminal.Bytes(int64(len(s.content))))
	product, found, err := d.emulator.Product(ctx, s.account, id)
	if err != nil || !found || product.Price != price {
		return fmt.Errorf("Stripe has %s at %q, expected %q: %w", id, product.Price, price, err)
	}
	d.story.check("Stripe has %s at %s", id, product.Price)
	return nil
}

func (d *demo) removeProduct(ctx context.Context) error {
	s := d.shops[1]
	d.story.begin("A product is taken out of the range: it disappears from Stripe")
	var id string
	err := d.changeAndExport(ctx, s, func(records [][]string) [][]string {
		n := len(records) / 3
		id = records[n][indexOf(records[0], "id")]
		return slices.Delete(records, n, n+1)
	})
	if err != nil {
		return err
	}
	if _, found, err := d.emulator.Product(ctx, s.account, id); err != nil || !found {
		return fmt.Errorf("Stripe should have had %s: %w", id, err)
	}
	if err := d.starter(ctx, "sync", s.account, "--force", "--follow"); err != nil {
		return err
	}
	if _, found, err := d.emulator.Product(ctx, s.account, id); err != nil || found {
		return fmt.Errorf("Stripe still has %s, which is no longer in the catalog: %w", id, err)
	}
	d.story.check("Stripe has no %s any more", id)
	return d.checkCatalog(ctx, s)
}

func (d *demo) holdTruncated(ctx context.Context) error {
	s := d.shops[2]
	d.story.begin("An export breaks off after a third: the sync is held, and a person looks")
	whole := s.expected
	err := d.changeAndExport(ctx, s, func(records [][]string) [][]string { return records[:len(records)/3] })
	if err != nil {
		return err
	}
	s.expected = whole // what Stripe has, and is to keep
	if err := d.starter(ctx, "sync", s.account, "--force"); err != nil {
		return err
	}
	held, err := d.awaitHold(ctx, s)
	if err != nil {
		return err
	}
	if err := d.starter(ctx, "status", "--held"); err != nil {
		return err
	}
	d.story.check("the run is held because %s", held.Text())
	if err := d.checkUploads(ctx, s, 1); err != nil {
		return err
	}
	if err := d.starter(ctx, "reject", s.account, "--why", "the export broke off", "--by",
		"ada@acme.example"); err != nil {
		return err
	}
	var result workflows.CatalogSyncResult
	if err := d.temporal.GetWorkflow(ctx, held.Run.WorkflowID, held.Run.RunID).Get(ctx, &result); err != nil {
		return err
	}
	if result.Outcome != catalog.Rejected {
		return fmt.Errorf("the held run of %s ended as %s, expected rejected", s.account, result.Outcome)
	}
	d.story.check("the run ended as %s, and nothing was uploaded", result.Outcome)
	return d.checkCatalog(ctx, s)
}

// awaitHold waits until a run is held and says so.
func (d *demo) awaitHold(ctx context.Context, s *shop) (*catalog.Hold, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		state, _, err := d.documents.State(ctx, catalog.ID{Account: s.account, Feed: feed.Product})
		if err != nil {
			return nil, err
		}
		if held := state.Held; held != nil {
			run, err := d.temporal.DescribeWorkflowExecution(ctx, held.Run.WorkflowID, held.Run.RunID)
			if err != nil {
				return nil, err
			}
			if attribute(run.GetWorkflowExecutionInfo(), workflows.SearchOutcome.GetName()) == string(catalog.Held) {
				return held, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the sync of %s is not held: %w", s.account, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *demo) lastImport(ctx context.Context, s *shop) (simcontrol.Import, error) {
	imports, err := d.emulator.Imports(ctx, s.account)
	if err != nil || len(imports) == 0 {
		return simcontrol.Import{}, fmt.Errorf("Stripe has no import of %s: %w", s.account, err)
	}
	return imports[len(imports)-1], nil
}

func (d *demo) lastUpload(ctx context.Context, s *shop) (simcontrol.File, error) {
	files, err := d.uploads(ctx, s)
	if err != nil || len(files) == 0 {
		return simcontrol.File{}, fmt.Errorf("nothing was uploaded for %s: %w", s.account, err)
	}
	return files[len(files)-1], nil
}

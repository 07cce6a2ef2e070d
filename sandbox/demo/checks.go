package demo

import (
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore"
	"vitrine/sandbox/s3"
	"vitrine/sandbox/temporalserver"
	"vitrine/workflows"
)

// connect opens the demo's own eyes: what the starter says is checked against Temporal, S3 and the emulator.
func (d *demo) connect(ctx context.Context) error {
	cfg, err := config.LoadStarter(d.lookup)
	if err != nil {
		return fmt.Errorf("the sandbox's environment does not configure Vitrine: %w", err)
	}
	d.layout = cfg.Layout()
	store, err := objectstore.New(ctx, objectstore.Options{
		PathStyle: true, Endpoint: d.stack.S3(), Region: s3.Region, AccessKeyID: s3.AccessKey, SecretAccessKey: s3.SecretKey,
	})
	if err != nil {
		return err
	}
	d.documents = catalog.Documents{Objects: store, Layout: d.layout}
	d.temporal, err = client.DialContext(ctx, client.Options{
		HostPort: d.stack.Services()[0].Address, Namespace: temporalserver.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	return err
}

// lookup finds a variable in the environment that worker and starter get.
func (d *demo) lookup(name string) (string, bool) {
	for _, v := range d.stack.Variables() {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}

func (d *demo) checkSchedules(ctx context.Context) error {
	for _, s := range d.shops {
		id := workflows.ScheduleID(s.account, feed.Product)
		if _, err := d.temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx); err != nil {
			return fmt.Errorf("the schedule %s is not there: %w", id, err)
		}
	}
	d.story.check("Temporal has a schedule for each of the %d accounts", len(d.shops))
	return nil
}

// checkImported compares what Stripe has with what the shop exported, product by product.
func (d *demo) checkImported(ctx context.Context, s *shop) error {
	imports, err := d.emulator.Imports(ctx, s.account)
	if err != nil {
		return err
	}
	if len(imports) != 1 {
		return fmt.Errorf("Stripe has %d imports of %s, expected exactly one", len(imports), s.account)
	}
	if refused := imports[0].RowsFailed; refused != int64(len(s.summary.Bad)) {
		return fmt.Errorf("Stripe refused %d rows of %s, expected %d", refused, s.account, len(s.summary.Bad))
	}
	products, err := d.emulator.Catalog(ctx, s.account)
	if err != nil {
		return err
	}
	if len(products) != len(s.expected) {
		return fmt.Errorf("Stripe has %d products of %s, expected %d", len(products), s.account, len(s.expected))
	}
	for _, product := range products {
		if price, sold := s.expected[product.ID]; !sold || price != product.Price {
			return fmt.Errorf("Stripe has %s of %s at %q, the shop's catalog says %q", product.ID, s.account, product.Price, price)
		}
	}
	d.story.check("Stripe has exactly %d of the %d products of %s, by one import", len(products), s.summary.Rows, s.account)
	return nil
}

// checkReport compares the rows that the report names with the ones that were spoilt on purpose.
func (d *demo) checkReport(ctx context.Context, s *shop) error {
	state, _, err := d.documents.State(ctx, s.account, feed.Product)
	if err != nil {
		return err
	}
	if state.Last == nil || state.Last.Report == "" {
		return fmt.Errorf("the state of %s names no report", s.account)
	}
	report, err := d.documents.Report(ctx, state.Last.Report)
	if err != nil {
		return err
	}
	named, err := d.refusedIDs(ctx, report)
	if err != nil {
		return err
	}
	var spoilt []string
	for _, bad := range s.summary.Bad {
		spoilt = append(spoilt, bad.ID)
	}
	slices.Sort(spoilt)
	if !slices.Equal(named, spoilt) {
		return fmt.Errorf("the report of %s names the rows %v, expected %v", s.account, named, spoilt)
	}
	d.story.check("the report names exactly the %d rows that are wrong in the shop's file", len(spoilt))
	return nil
}

func (d *demo) refusedIDs(ctx context.Context, report catalog.Report) ([]string, error) {
	content, object, err := d.documents.Objects.Get(ctx, d.layout.StateBucket, report.Findings)
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil || len(records) == 0 {
		return nil, fmt.Errorf("%s is not a CSV: %w", object.URI(), err)
	}
	id := indexOf(records[0], "id")
	var ids []string
	for _, record := range records[1:] {
		ids = append(ids, record[id])
	}
	slices.Sort(ids)
	return ids, nil
}

func (d *demo) checkNothingSent(ctx context.Context) error {
	for _, s := range d.shops {
		files, err := d.emulator.Files(ctx, s.account)
		if err != nil {
			return err
		}
		uploads := 0
		for _, file := range files {
			if file.Purpose == "data_management_manual_upload" {
				uploads++
			}
		}
		if uploads != 1 {
			return fmt.Errorf("%d files were uploaded for %s, expected the one of the first sync", uploads, s.account)
		}
	}
	d.story.check("nothing was uploaded a second time")
	return nil
}

package demo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore"
	"vitrine/internal/report"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
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
		PathStyle: true, Endpoint: d.stack.S3(), Region: s3.Region, AccessKeyID: s3.AccessKey,
		SecretAccessKey: s3.SecretKey,
	})
	if err != nil {
		return err
	}
	d.documents = catalog.Documents{Store: statestore.Store{Objects: store, Layout: d.layout}}
	d.temporal, err = client.DialContext(ctx, client.Options{
		HostPort: d.stack.Services()[0].Address, Namespace: temporalserver.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
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
		id := workflows.ScheduleID(catalog.ID{Account: s.account, Feed: feed.Product})
		if _, err := d.temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx); err != nil {
			return fmt.Errorf("the schedule %s is not there: %w", id, err)
		}
	}
	d.story.check("Temporal has a schedule for each of the %d accounts", len(d.shops))
	return nil
}

// checkImported holds the first sync to one import that refused the rows which are odd, and no other.
func (d *demo) checkImported(ctx context.Context, s *shop) error {
	imports, err := d.emulator.Imports(ctx, s.account)
	if err != nil {
		return err
	}
	if len(imports) != 1 {
		return fmt.Errorf("Stripe has %d imports of %s, expected exactly one", len(imports), s.account)
	}
	if refused := imports[0].RowsFailed; refused != int64(s.odd) {
		return fmt.Errorf("Stripe refused %d rows of %s, expected %d", refused, s.account, s.odd)
	}
	return d.checkCatalog(ctx, s)
}

// checkCatalog compares what Stripe has with what the shop exported, product by product.
func (d *demo) checkCatalog(ctx context.Context, s *shop) error {
	products, err := d.emulator.Catalog(ctx, s.account)
	if err != nil {
		return err
	}
	if len(products) != len(s.expected) {
		return fmt.Errorf("Stripe has %d products of %s, expected %d", len(products), s.account, len(s.expected))
	}
	for _, product := range products {
		if price, sold := s.expected[product.ID]; !sold || price != product.Price {
			return fmt.Errorf("Stripe has %s of %s at %q, the shop's catalog says %q", product.ID, s.account,
				product.Price, price)
		}
	}
	d.story.check("Stripe has exactly the %s of %s that it should have",
		terminal.Plural(int64(len(products)), "product"), s.account)
	return nil
}

// checkReport compares the rows that the report names with the ones that were spoilt on purpose.
func (d *demo) checkReport(ctx context.Context, s *shop) error {
	state, _, err := d.documents.State(ctx, catalog.ID{Account: s.account, Feed: feed.Product})
	if err != nil {
		return err
	}
	if state.Last == nil || state.Last.Report == "" {
		return fmt.Errorf("the state of %s names no report", s.account)
	}
	newest, err := d.documents.Report(ctx, state.Last.Report)
	if err != nil {
		return err
	}
	var spoilt []string
	for _, bad := range s.summary.Bad {
		spoilt = append(spoilt, bad.ID)
	}
	named, err := d.faultyIDs(ctx, newest, catalog.SaidByVitrine)
	if err != nil {
		return err
	}
	if slices.Sort(spoilt); !slices.Equal(named, spoilt) {
		return fmt.Errorf("Vitrine names of %s: %s; expected: %s", s.account, some(named), some(spoilt))
	}
	d.story.check("Vitrine kept exactly the %d rows back that it finds wrong in the shop's file", len(named))
	named, err = d.faultyIDs(ctx, newest, catalog.SaidByStripe)
	if err != nil {
		return err
	}
	if len(named) != s.odd || slices.ContainsFunc(named, func(id string) bool { return !isOdd(id) }) {
		return fmt.Errorf("Stripe refused of %s: %s; expected %d ids with a slash", s.account, some(named), s.odd)
	}
	d.story.check("Stripe refused exactly the %d rows whose ids it does not take", len(named))
	return nil
}

// some names the first rows of many.
func some(ids []string) string {
	if len(ids) == 0 {
		return "no row"
	}
	return terminal.Some(ids, 10)
}

// faultyIDs are the rows that somebody finds an error in, each once.
func (d *demo) faultyIDs(ctx context.Context, r catalog.Report, by catalog.Teller) ([]string, error) {
	content, _, err := d.documents.Get(ctx, r.Findings)
	if err != nil {
		return nil, err
	}
	var ids []string
	for entry, err := range report.NewReader(bytes.NewReader(content)).All() {
		if err != nil {
			return nil, err
		}
		if entry.By == by && entry.Severity == feed.Error {
			ids = append(ids, entry.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (d *demo) checkNothingSent(ctx context.Context) error {
	for _, s := range d.shops {
		if err := d.checkUploads(ctx, s, 1); err != nil {
			return err
		}
	}
	d.story.check("nothing was uploaded a second time")
	return nil
}

func (d *demo) checkUploads(ctx context.Context, s *shop, want int) error {
	files, err := d.uploads(ctx, s)
	if err != nil {
		return err
	}
	if len(files) != want {
		return fmt.Errorf("%d files were uploaded for %s, expected %d", len(files), s.account, want)
	}
	return nil
}

// uploads are the files that were sent to Stripe, oldest first.
func (d *demo) uploads(ctx context.Context, s *shop) ([]simcontrol.File, error) {
	files, err := d.emulator.Files(ctx, s.account)
	return slices.DeleteFunc(files,
		func(f simcontrol.File) bool { return f.Purpose != "data_management_manual_upload" }), err
}

package stripesim

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"vitrine/internal/simcontrol"
)

const (
	reportRunsPath = "/v1/reporting/report_runs"
	catalogReport  = "catalog_feed.product.1"
	// reportPurpose is what Stripe's OpenAPI document calls files of reports.
	reportPurpose = "finance_report_run"
	// maxReportDelay is how old the data of a report may be, by Stripe's documentation.
	maxReportDelay = 15 * time.Minute
)

// reportColumns are those of the product feed. That the report has them in alphabetical order is documented; which ones
// it has in full, and whether one that no product uses is there, is not.
var reportColumns = []string{
	"additional_image_link", "age_group", "age_restriction", "applicable_fees", "availability", "availability_date",
	"brand",
	"color", "condition", "custom_label_0", "custom_label_1", "custom_label_2", "custom_label_3", "custom_label_4",
	"custom_variant_option_name_1", "custom_variant_option_name_2", "custom_variant_option_name_3",
	"custom_variant_option_value_1", "custom_variant_option_value_2", "custom_variant_option_value_3", "description",
	"disable_checkout", "expiration_date", "free_shipping_threshold", "gender", "google_product_category", "gtin",
	"height",
	"id", "image_link", "inventory_not_tracked", "inventory_quantity", "item_group_id", "item_group_title", "length",
	"link",
	"material", "model_3d_link", "mpn", "popularity_score", "price", "product_category", "product_review_count",
	"product_review_rating", "product_warning", "related_products", "return_rate", "sale_price",
	"sale_price_effective_date",
	"shipping", "shipping_cost_basis", "shipping_tax_behavior", "size", "size_system", "stripe_product_tax_code",
	"tax_behavior", "third_party_tax_code", "title", "video_link", "weight", "width",
}

// reportRun is one report under way, or its end.
type reportRun struct {
	id        string
	account   string
	columns   []string // as asked for; nil for the default ones
	created   time.Time
	succeeded time.Time
	status    string
	failed    string
	products  []simcontrol.Product // as they were when its data ended; nil once it is written
	file      *storedFile
}

// reports are the reports of accounts' catalogs.
type reports struct {
	*core
	files  *files
	events *events
	all    []*reportRun
}

func (h *reports) forgetLocked() { h.all = nil }

// object is Stripe's. base is the address that the call came to.
func (r *reportRun) object(base string) map[string]any {
	parameters := map[string]any{}
	if r.columns != nil {
		parameters["columns"] = r.columns
	}
	object := map[string]any{
		"id": r.id, "object": "reporting.report_run", "created": r.created.Unix(), "error": orNull(r.failed),
		"livemode":   false,
		"parameters": parameters, "report_type": catalogReport, "result": nil, "status": r.status, "succeeded_at": nil,
	}
	if r.file != nil {
		object["result"], object["succeeded_at"] = r.file.object(base), r.succeeded.Unix()
	}
	return object
}

func (h *reports) getType(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	if c.id != catalogReport {
		return nil, missingObject("reporting report type", "report_type", c.id)
	}
	end := h.dataEndLocked()
	return map[string]any{
		"id": catalogReport, "object": "reporting.report_type", "data_available_end": end.Unix(),
		"data_available_start": 0,
		"default_columns":      reportColumns, "livemode": false, "name": "Product catalog feed", "updated": end.Unix(),
		"version": 1,
	}, nil
}

func (h *reports) dataEndLocked() time.Time { return h.options.Now().Add(-h.reportDelay) }

// postRun begins a report. Its data ends where the report type said at that moment.
func (h *reports) postRun(c orderCall) (func() (any, *apiError), *apiError) {
	kind, columns := c.text("report_type"), listIn(c, "parameters[columns]")
	if kind == "" {
		c.fail(missing("report_type"))
	} else if kind != catalogReport {
		c.fail(invalid("report_type", "No such report type: '%s'", kind))
	}
	for _, column := range columns {
		if !slices.Contains(reportColumns, column) {
			c.fail(invalid("parameters[columns]", "Invalid column: %s.", column))
		}
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		run := &reportRun{
			id: newID("frr_"), account: c.account, columns: columns, created: h.options.Now(), status: statusPending,
			products: h.accountLocked(c.account).productsAt(h.dataEndLocked()),
		}
		h.all = append(h.all, run)
		fault, base, why := stateOf(c.request).fault, baseOf(c.request), c.because()
		if fault == nil || fault.Kind != simcontrol.FaultReportStuck {
			h.laterLocked(h.reportTime, func() { h.endLocked(run, fault, base, why) })
		}
		return run.object(base), nil
	}, nil
}

// listIn reads a list within a hash: parameters[columns][]=… or parameters[columns][0]=….
func listIn(c orderCall, name string) (values []string) {
	for i := range maxFormBytes {
		key := fmt.Sprintf("%s[%d]", name, i)
		if !c.has(key) {
			break
		}
		values = append(values, c.text(key))
	}
	if key := name + "[]"; c.has(key) {
		c.asked[key] = true
		values = append(values, c.values[key]...)
	}
	return values
}

func (h *reports) endLocked(run *reportRun, fault *simcontrol.Fault, base string, why cause) {
	file, err := h.writeLocked(run)
	switch run.products = nil; {
	case err != nil:
		run.status, run.failed = statusFailed, "The emulator could not write the report: "+err.Error()
	case fault != nil && fault.Kind == simcontrol.FaultReportFail:
		run.status, run.failed = statusFailed, cmp.Or(fault.Message, "Injected fault: the report failed.")
	default:
		run.status, run.file, run.succeeded = statusSucceeded, file, h.options.Now()
	}
	h.events.emitLocked("reporting.report_run."+run.status, run.account, run.object(base), why)
}

// writeLocked writes the file of a report. In which order its rows come is not documented: here in none.
func (h *reports) writeLocked(run *reportRun) (*storedFile, error) {
	disk, err := os.CreateTemp(h.dir, "report-")
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	file := &storedFile{
		ID: newID("file_"), Account: run.account, Filename: run.id + ".csv", Purpose: reportPurpose,
		ContentType: mimeCSV,
		Created:     h.options.Now(), path: disk.Name(),
	}
	h.files.keepFileLocked(file, apiV1)
	columns := run.columns
	if columns == nil {
		columns = reportColumns
	}
	columns = slices.Sorted(slices.Values(columns))
	rows := csv.NewWriter(disk)
	if err := rows.Write(columns); err != nil {
		return nil, err
	}
	slices.SortFunc(run.products, func(a, b simcontrol.Product) int { return cmp.Compare(a.RowSHA256, b.RowSHA256) })
	fields := make([]string, len(columns))
	for _, product := range run.products {
		shown := shownColumns(&product)
		shown["id"] = &product.ID
		for i, column := range columns {
			fields[i] = product.Row[column]
			if value, kept := shown[column]; kept {
				fields[i] = *value
			}
		}
		if err := rows.Write(fields); err != nil {
			return nil, err
		}
	}
	rows.Flush()
	info, err := disk.Stat()
	if err := errors.Join(rows.Error(), err); err != nil {
		return nil, err
	}
	file.Size = info.Size()
	return file, nil
}

func (h *reports) getRun(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	for _, run := range h.all {
		if run.id == c.id && run.account == c.account {
			return run.object(baseOf(c.request)), nil
		}
	}
	return nil, missingObject("reporting report run", "report_run", c.id)
}

// pastCatalog is an account's catalog as it was until a moment.
type pastCatalog struct {
	until   time.Time
	catalog map[string]simcontrol.Product
}

// rememberLocked keeps what a catalog is before it changes, as long as a report may yet show it: only where reports lag
// behind, since it takes memory. A delay that is set later finds nothing that was before it.
func (c *core) rememberLocked(a *account) {
	now := c.options.Now()
	a.past = slices.DeleteFunc(a.past, func(p pastCatalog) bool { return now.Sub(p.until) > maxReportDelay })
	if c.reportDelay > 0 {
		a.past = append(a.past, pastCatalog{now, maps.Clone(a.catalog)})
	}
}

// productsAt are an account's products as they were at a moment.
func (a *account) productsAt(at time.Time) []simcontrol.Product {
	for _, p := range a.past {
		if p.until.After(at) {
			return slices.Collect(maps.Values(p.catalog))
		}
	}
	return slices.Collect(maps.Values(a.catalog))
}

// putProduct changes a product behind everybody's back, as the dashboard or another integration would.
func (h *catalogs) putProduct(w http.ResponseWriter, r *http.Request) {
	cells := map[string]string{}
	if !readControl(w, r, &cells) {
		return
	}
	id := r.PathValue("id")
	cells["id"] = id
	var fields []string
	for _, column := range slices.Sorted(maps.Keys(cells)) {
		fields = append(fields, cells[column])
	}
	product := simcontrol.Product{ID: id, RowSHA256: rowSHA256(row{fields: fields}), Row: cells}
	for column, field := range shownColumns(&product) {
		*field = cells[column]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	owner := h.accountLocked(r.PathValue("account"))
	h.rememberLocked(owner)
	owner.catalog[id] = product
	show(w, product)
}

// deleteProduct takes a product away behind everybody's back.
func (h *catalogs) deleteProduct(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	owner := h.accountLocked(r.PathValue("account"))
	h.rememberLocked(owner)
	delete(owner.catalog, r.PathValue("id"))
	show(w, struct{}{})
}

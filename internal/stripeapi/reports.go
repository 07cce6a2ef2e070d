package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/drift"
	"vitrine/internal/fault"
)

const (
	reportRunsPath  = "/v1/reporting/report_runs"
	reportTypesPath = "/v1/reporting/report_types"
)

var reportRunID = regexp.MustCompile(`^frr_[A-Za-z0-9_-]{1,250}$`)

// Reports are Stripe's reports of what it has of accounts' product catalogs. Reading them does not count against the
// ration of reads.
type Reports struct{ client *Client }

// Reports are those of the accounts that the key may act for.
func (c *Client) Reports() *Reports { return &Reports{client: c} }

// params name the account by Stripe-Account: parameters[connected_account] belongs to reports for platforms, and this
// type does not list it. Reporting is no preview; the version is that of the imports, so that one setting moves both.
func (r *Reports) params(account string) stripe.Params {
	return r.client.params(account, r.client.options.Version)
}

// Available tells how far the data of an account's report reaches.
func (r *Reports) Available(ctx context.Context, account string) (drift.Availability, error) {
	if err := checkAccount(account); err != nil {
		return drift.Availability{}, err
	}
	const doing = "read report type " + drift.ReportType
	path := reportTypesPath + "/" + drift.ReportType
	response, err := r.client.raw(ctx, doing, http.MethodGet, path, "", r.params(account))
	if err != nil {
		return drift.Availability{}, err
	}
	var kind struct {
		End     count `json:"data_available_end"`
		Columns texts `json:"default_columns"`
	}
	if err := decodeObject(response.RawJSON, &kind); err != nil {
		return drift.Availability{}, unreadable(doing, response, err)
	}
	if kind.End <= 0 {
		return drift.Availability{}, unreadable(doing, response,
			errors.New("the answer does not say how far the data reaches"))
	}
	return drift.Availability{End: unix(kind.End), Columns: kind.Columns}, nil
}

// Create begins a report of an account's catalog.
func (r *Reports) Create(ctx context.Context, account, idempotencyKey string) (drift.Run, error) {
	if err := errors.Join(checkAccount(account), checkIdempotencyKey(idempotencyKey)); err != nil {
		return drift.Run{}, err
	}
	form := url.Values{"report_type": {drift.ReportType}}
	params := r.params(account)
	params.IdempotencyKey = stripe.String(idempotencyKey)
	return r.call(ctx, "create report run", http.MethodPost, reportRunsPath, form.Encode(), params)
}

// Run reads a report run.
func (r *Reports) Run(ctx context.Context, account, id string) (drift.Run, error) {
	if err := checkAccount(account); err != nil {
		return drift.Run{}, err
	}
	if !reportRunID.MatchString(id) {
		return drift.Run{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%.40q is not the id of a report run (frr_…)", id))
	}
	return r.call(ctx, "read report run "+id, http.MethodGet, reportRunsPath+"/"+id, "", r.params(account))
}

// Open streams the file of a report, which is CSV. There is no limit for the whole, only for standing still. A read
// that fails carries a fault; the caller closes the reader.
func (r *Reports) Open(ctx context.Context, account, file string) (io.ReadCloser, error) {
	if err := errors.Join(checkAccount(account), checkFileID(file)); err != nil {
		return nil, err
	}
	return r.client.fileContents(ctx, account, file)
}

func (r *Reports) call(ctx context.Context, doing, method, path, form string, params stripe.Params) (drift.Run, error) {
	response, err := r.client.raw(ctx, doing, method, path, form, params)
	if err != nil {
		return drift.Run{}, err
	}
	run, err := decodeReportRun(response.RawJSON, r.client.redactor)
	if err != nil {
		return drift.Run{}, unreadable(doing, response, err)
	}
	return run, nil
}

// texts reads a list of strings; anything else is none.
type texts []string

// UnmarshalJSON never fails.
func (t *texts) UnmarshalJSON(data []byte) error {
	var list []string
	if json.Unmarshal(data, &list) == nil {
		*t = list
	}
	return nil
}

// decodeReportRun reads Stripe's object. A run that succeeded has a file: an answer without one says too little.
func decodeReportRun(body []byte, redact redactor) (drift.Run, error) {
	var run struct {
		ID      string `json:"id"`
		Status  text   `json:"status"`
		Created count  `json:"created"`
		Error   reason `json:"error"`
		Result  object `json:"result"`
	}
	if err := decodeObject(body, &run); err != nil {
		return drift.Run{}, errors.New("the answer cannot be read: " + redact.clean(err.Error()))
	}
	if !reportRunID.MatchString(run.ID) {
		return drift.Run{}, errors.New("the answer names no report run")
	}
	found := drift.Run{
		ID: run.ID, Status: drift.RunStatus(redact.clean(string(run.Status))), Created: unix(run.Created),
		Error: redact.clean(string(run.Error)),
	}
	if fileID.MatchString(string(run.Result)) {
		found.File = string(run.Result)
	}
	if found.Status == drift.RunSucceeded && found.File == "" {
		return drift.Run{}, errors.New("the report has succeeded, and the answer names no file")
	}
	return found, nil
}

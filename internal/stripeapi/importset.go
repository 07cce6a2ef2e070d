package stripeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

const importSetsPath = "/v1/data_management/import_sets"

var importSetID = regexp.MustCompile(`^impset_[A-Za-z0-9_-]{1,250}$`)

// isImport says whether this is the id of an import, of either API.
func isImport(id string) bool { return importSetID.MatchString(id) || catalogImportID.MatchString(id) }

// ImportSets is Stripe's first way to import a feed: a file of the Files API, and an import set of the Data Management
// API that takes it.
type ImportSets struct{ client *Client }

// V1 is the way that [feed.V1] names.
func (c *Client) V1() *ImportSets { return &ImportSets{client: c} }

// CreateImport starts the import of an uploaded file.
func (s *ImportSets) CreateImport(
	ctx context.Context, id catalog.ID, file, idempotencyKey string,
) (catalog.Import, error) {
	if err := errors.Join(checkAccount(id.Account), checkFileID(file), checkFormat(id.Feed),
		checkIdempotencyKey(idempotencyKey)); err != nil {
		return catalog.Import{}, err
	}
	form := url.Values{"file": {file}, "standard_data_format": {standardDataFormat(id.Feed)}}
	params := s.client.params(id.Account, s.client.options.Version)
	params.IdempotencyKey = stripe.String(idempotencyKey)
	return s.call(ctx, "create import set", http.MethodPost, importSetsPath, form.Encode(), params)
}

// standardDataFormat is what the Data Management API calls a feed.
func standardDataFormat(k feed.Kind) string {
	if k == feed.Product {
		return "product_catalog_feed"
	}
	return string(k) + "_feed"
}

func checkFormat(k feed.Kind) error {
	if !feed.V1.Takes(k) {
		return fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("import sets have no format for the feed %q: it goes by the Product Catalog Import API (v2)", k))
	}
	return nil
}

// Import reads an import.
func (s *ImportSets) Import(ctx context.Context, account, id string) (catalog.Import, error) {
	if err := checkAccount(account); err != nil {
		return catalog.Import{}, err
	}
	if !importSetID.MatchString(id) {
		return catalog.Import{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%.40q is not the id of an import set (impset_…)", id))
	}
	set, err := s.call(ctx, "read import set "+id, http.MethodGet, importSetsPath+"/"+id, "",
		s.client.params(account, s.client.options.Version))
	if err != nil {
		return catalog.Import{}, err
	}
	return set, checkAnswered(id, set.ID)
}

// checkAnswered refuses an answer about another import than the one that was asked for: what became of that one's rows
// says nothing of these.
func checkAnswered(asked, answered string) error {
	if asked == answered {
		return nil
	}
	return unavailable(&Error{Message: "read import " + asked + ": the answer is about " + answered})
}

func checkFileID(id string) error {
	if !fileID.MatchString(id) {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%.40q is not the id of a file (file_…)", id))
	}
	return nil
}

func (s *ImportSets) call(
	ctx context.Context, doing, method, path, form string, params stripe.Params,
) (catalog.Import, error) {
	response, err := s.client.raw(ctx, doing, method, path, form, params)
	if err != nil {
		return catalog.Import{}, err
	}
	set, err := decodeImportSet(response.RawJSON, s.client.redactor)
	if err != nil {
		return catalog.Import{}, unreadable(doing, response, err)
	}
	return set, nil
}

// importSet is Stripe's object as far as it is known. Everything but the id may be absent, null, or one day of another
// shape: an import that runs must not fail because its description changed.
type importSet struct {
	ID           string `json:"id"`
	Status       text   `json:"status"`
	Created      count  `json:"created"`
	FailedReason reason `json:"failed_reason"`
	Result       *struct {
		RowsProcessed     *count `json:"rows_processed"`
		Successes         rows   `json:"successes"`
		Errors            rows   `json:"errors"`
		SkippedByFilter   rows   `json:"skipped_by_filter"`
		SkippedDuplicates rows   `json:"skipped_duplicates"`
	} `json:"result"`
}

type rows struct {
	RowCount *count `json:"row_count"`
	File     object `json:"file"`
}

func decodeImportSet(body []byte, redact redactor) (catalog.Import, error) {
	var set importSet
	// A field of another type than expected is left out; json goes on behind it.
	if err := json.Unmarshal(body, &set); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		return catalog.Import{}, fmt.Errorf("the answer cannot be read: %s", redact.clean(err.Error()))
	}
	if !importSetID.MatchString(set.ID) {
		return catalog.Import{}, errors.New("the answer names no import set")
	}
	imp := catalog.Import{
		ID:           set.ID,
		Status:       catalog.ImportStatus(redact.clean(string(set.Status))),
		FailedReason: redact.clean(string(set.FailedReason)),
	}
	if set.Created > 0 {
		imp.Created = time.Unix(int64(set.Created), 0).UTC()
	}
	if r := set.Result; r != nil {
		imp.RowsProcessed, imp.ProcessedCounted = sum(r.RowsProcessed)
		imp.RowsSucceeded, imp.RowsCounted = sum(r.Successes.RowCount)
		imp.RowsFailed, imp.FailedCounted = sum(r.Errors.RowCount)
		imp.RowsFiltered, _ = sum(r.SkippedByFilter.RowCount)
		imp.RowsSkipped, _ = sum(r.SkippedByFilter.RowCount, r.SkippedDuplicates.RowCount)
		if fileID.MatchString(string(r.Errors.File)) {
			imp.ErrorFile = string(r.Errors.File)
		}
	}
	return imp, nil
}

// count reads a number, or a string that holds one, as Stripe's newer API writes it; anything else is 0.
type count int64

// UnmarshalJSON never fails.
func (c *count) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(string(bytes.Trim(data, `"`)), 10, 64)
	if err != nil {
		n = 0
	}
	*c = count(n)
	return nil
}

// reason reads why an import failed: a string, or an object that has it as its message, reason or code.
type reason string

// UnmarshalJSON never fails.
func (r *reason) UnmarshalJSON(data []byte) error {
	*r = reason(firstOf(data, "message", "reason", "code"))
	return nil
}

// object reads the id of an object, whether it came expanded or not.
type object string

// UnmarshalJSON never fails.
func (o *object) UnmarshalJSON(data []byte) error {
	*o = object(firstOf(data, "id"))
	return nil
}

// firstOf returns a JSON string, or the first of these fields of a JSON object, or the JSON itself.
func firstOf(data []byte, fields ...string) string {
	if string(data) == "null" {
		return ""
	}
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		return plain
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) == nil {
		for _, name := range fields {
			if json.Unmarshal(members[name], &plain) == nil && plain != "" {
				return plain
			}
		}
	}
	return fmt.Sprintf("%.200s", data)
}

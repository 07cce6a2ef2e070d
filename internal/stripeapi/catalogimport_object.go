package stripeapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"vitrine/internal/catalog"
)

// statusAwaitingUpload is the status of an import that has no bytes yet.
const statusAwaitingUpload catalog.ImportStatus = "awaiting_upload"

// catalogImport is Stripe's ProductCatalogImport as far as it is known, read as tolerantly as an importSet.
type catalogImport struct {
	ID      string    `json:"id"`
	Status  text      `json:"status"`
	Created timestamp `json:"created"`
	Details struct {
		AwaitingUpload struct {
			UploadURL signedURL `json:"upload_url"`
		} `json:"awaiting_upload"`
		Processing          rowCounts `json:"processing"`
		Succeeded           rowCounts `json:"succeeded"`
		SucceededWithErrors struct {
			rowCounts
			ErrorFile *errorFile `json:"error_file"`
		} `json:"succeeded_with_errors"`
		Failed struct {
			Code           text `json:"code"`
			Type           text `json:"type"`
			FailureMessage text `json:"failure_message"`
			// ErrorFile of a failed import is not documented.
			ErrorFile *errorFile `json:"error_file"`
		} `json:"failed"`
	} `json:"status_details"`

	replayed bool
	at       time.Time // Stripe's clock when it answered
}

// errorFile has its URL in download_url; Stripe's guide leaves that level out, its schema and its answers do not.
type errorFile struct {
	DownloadURL signedURL `json:"download_url"`
}

// rowCounts are counts as /v2 writes them: strings.
type rowCounts struct {
	SuccessCount *count `json:"success_count"`
	ErrorCount   *count `json:"error_count"`
}

// sum adds up what is there; told says that something is.
func sum(counts ...*count) (n int64, told bool) {
	for _, c := range counts {
		if c != nil {
			n, told = n+int64(*c), true
		}
	}
	return n, told
}

func (i catalogImport) errorFile() *errorFile {
	return cmp.Or(i.Details.SucceededWithErrors.ErrorFile, i.Details.Failed.ErrorFile)
}

func decodeCatalogImport(body []byte, redact redactor) (catalogImport, error) {
	var imp catalogImport
	if err := json.Unmarshal(body, &imp); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		return catalogImport{}, fmt.Errorf("the answer cannot be read: %s", redact.clean(err.Error()))
	}
	if !catalogImportID.MatchString(imp.ID) {
		return catalogImport{}, errors.New("the answer names no product catalog import")
	}
	return imp, nil
}

func (i catalogImport) status() catalog.ImportStatus { return catalog.ImportStatus(i.Status) }

// awaitsUpload goes by the URL as well: an import that has one waits, whatever its status is called.
func (i catalogImport) awaitsUpload() bool {
	return i.status() == statusAwaitingUpload || i.Details.AwaitingUpload.UploadURL.Address != ""
}

// outcome is the import in the words that both APIs share. The details are those of the status alone, the others are 0.
func (i catalogImport) outcome(redact redactor) catalog.Import {
	d := i.Details
	succeeded, counted := sum(d.Processing.SuccessCount, d.Succeeded.SuccessCount, d.SucceededWithErrors.SuccessCount)
	failed, failedCounted := sum(d.Processing.ErrorCount, d.Succeeded.ErrorCount, d.SucceededWithErrors.ErrorCount)
	outcome := catalog.Import{
		ID:               i.ID,
		Status:           catalog.ImportStatus(redact.clean(string(i.Status))),
		Created:          time.Time(i.Created),
		FailedReason:     i.failedReason(redact),
		RowsProcessed:    succeeded + failed,
		RowsSucceeded:    succeeded,
		RowsFailed:       failed,
		RowsCounted:      counted,
		ProcessedCounted: counted,
		FailedCounted:    failedCounted,
	}
	if i.errorFile() != nil {
		outcome.ErrorFile = i.ID
	}
	return outcome
}

// failedReason says why an import failed: the message for people, and the words that Stripe's support asks for.
func (i catalogImport) failedReason(redact redactor) string {
	f := i.Details.Failed
	reason := string(f.FailureMessage)
	if f.Code != "" || f.Type != "" {
		reason += " (" + strings.Trim(string(f.Code)+", "+string(f.Type), ", ") + ")"
	}
	return redact.clean(strings.TrimSpace(reason))
}

// timestamp reads RFC 3339, as /v2 writes times; anything else is no time.
type timestamp time.Time

// UnmarshalJSON never fails.
func (t *timestamp) UnmarshalJSON(data []byte) error {
	var s string
	*t = timestamp{}
	if json.Unmarshal(data, &s) == nil {
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			*t = timestamp(at.UTC())
		}
	}
	return nil
}

package activities

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/report"
)

// ReportQueue has a report mailed to its merchant, for a day if it has to be. Asking again for the same report is
// harmless.
type ReportQueue interface {
	Mail(ctx context.Context, in MailReportInput) error
}

// ReportLetter is a letter with a report.
type ReportLetter struct {
	report.Letter
	ID       string // the same letter has the same id
	To       string
	List     []byte // everything that was found, as CSV; nil: none goes with it
	ListName string
}

// ReportPost sends letters to merchants. Errors carry a fault, and repeat neither the address nor the server's.
type ReportPost interface {
	SendReport(ctx context.Context, l ReportLetter) error
}

// ReportMail mails reports to the merchants whose settings name an address.
type ReportMail struct {
	Accounts  account.Documents
	Documents catalog.Documents
	Queue     ReportQueue
	Post      ReportPost // nil: nobody writes to merchants
}

// MailReportInput names a report.
type MailReportInput struct {
	catalog.ID
	Report string `json:"report"` // its key in the state bucket
}

// MailReportResult says whether there was anybody to write to.
type MailReportResult struct {
	Sent bool `json:"sent"`
}

// tell has the merchant written to if the report has something new. Nothing of a sync depends on it: what cannot be
// begun is logged, and the next report says it again, as what is still there.
func (m *ReportMail) tell(ctx context.Context, id catalog.ID, r catalog.Report, key string) {
	if m == nil || m.Post == nil || !report.HasNews(r) {
		return
	}
	settings, err := m.Accounts.Settings(ctx, id.Account)
	if err == nil && settings.ReportTo != "" {
		err = m.Queue.Mail(ctx, MailReportInput{ID: id, Report: key})
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("the report is not mailed to the merchant", "report", key, "error", err)
	}
}

// mostListed bounds the list that goes with a letter, in bytes: mail servers refuse letters of some megabytes.
const mostListed = 1 << 20

// MailReport mails a report to the merchant, if their settings still name an address. If the mail server's answer is
// lost it may come twice, under the same Message-ID.
func (m *ReportMail) MailReport(ctx context.Context, in MailReportInput) (MailReportResult, error) {
	keys := m.Documents.Keys(in.ID)
	if err := in.Check(); err != nil {
		return MailReportResult{}, err
	}
	if !strings.HasPrefix(in.Report, keys.ReportsPrefix()) {
		return MailReportResult{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("the report is none of %s", in.Name()))
	}
	settings, err := m.Accounts.Settings(ctx, in.Account)
	if err != nil || settings.ReportTo == "" || m.Post == nil {
		return MailReportResult{}, err
	}
	r, err := m.Documents.Report(ctx, in.Report)
	if err != nil {
		return MailReportResult{}, err
	}
	list, err := m.list(ctx, r)
	if err != nil {
		return MailReportResult{}, err
	}
	letter, err := report.WriteLetter(r, list != nil)
	if err != nil {
		return MailReportResult{}, fault.NewPermanent(fault.InputInvalid, err)
	}
	name := strings.TrimSuffix(path.Base(in.Report), path.Ext(in.Report))
	err = m.Post.SendReport(ctx, ReportLetter{
		Letter: letter, ID: in.Report, To: settings.ReportTo, List: list,
		ListName: string(in.Feed) + "-" + name + ".csv",
	})
	return MailReportResult{Sent: err == nil}, err
}

// list is what the report lists; nil if that is nothing, too much for a letter, or gone.
func (m *ReportMail) list(ctx context.Context, r catalog.Report) ([]byte, error) {
	if r.Findings == "" {
		return nil, nil
	}
	object, err := m.Documents.Head(ctx, r.Findings)
	if fault.Is(err, fault.SourceMissing) || err == nil && object.Size > mostListed {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := m.Documents.Objects.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var list bytes.Buffer
	_, err = io.Copy(&list, io.LimitReader(body, mostListed))
	return list.Bytes(), err
}

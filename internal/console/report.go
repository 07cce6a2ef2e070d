package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strconv"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/report"
)

// reportPage is a report as the merchant's own page has it.
type reportPage struct {
	catalog.ID
	Number             int64
	Report, Provenance template.HTML // escaped by the room that wrote them
}

func (c *Console) report(ctx context.Context, v visit) (page, error) {
	id, err := catalogIDOf(v)
	if err != nil {
		return page{}, err
	}
	number, err := strconv.ParseUint(v.PathValue("number"), 10, 31)
	if err != nil {
		return page{}, absent("There is no such report: reports have numbers.")
	}
	view := reportPage{ID: id, Number: int64(number)}
	found, err := c.desk.Report(ctx, id, view.Number)
	if err != nil {
		return page{}, err
	}
	if view.Report, view.Provenance, err = c.fragment(ctx, id, view.Number, found); err != nil {
		return page{}, err
	}
	return page{
		template: "report", title: fmt.Sprintf("%s %s, %s feed", found.Headline(), id.Account, id.Feed), data: view,
	}, nil
}

// fragment has the findings in it, unless nothing was found.
func (c *Console) fragment(
	ctx context.Context, id catalog.ID, number int64, found catalog.Report,
) (body, provenance template.HTML, err error) {
	var entries iter.Seq2[catalog.ReportEntry, error]
	if found.Findings != "" {
		var findings io.ReadCloser
		if findings, err = c.desk.Findings(ctx, id, number); err != nil {
			return "", "", err
		}
		defer findings.Close()
		entries = report.NewReader(findings).All()
	}
	body, provenance, err = report.Fragment(found, entries)
	if errors.Is(err, report.ErrForeign) {
		err = &desk.Refusal{Kind: desk.Damaged, Why: "its findings cannot be read: the log says why", Err: err}
	}
	return body, provenance, err
}

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// listForms are the forms of a list of ids for somebody else, and csv is one of them.
func listForms() []string { return []string{"text", csvOutput, "xlsx"} }

// handOn writes the accounts' ids in the form that is asked for, one a row.
func (a *app) handOn(accounts []string) error {
	if len(accounts) == 0 {
		return errors.New("no account has settings yet: 'starter accounts apply -f FILE' adds them")
	}
	switch a.output {
	case csvOutput:
		return writeCSV(a.Stdout, accounts)
	case "xlsx":
		if a.IsTerminal(a.Stdout) {
			return badUsage("a spreadsheet is no text: write it to a file, as in 'starter accounts list -o xlsx > " +
				"accounts.xlsx'")
		}
		return writeSpreadsheet(a.Stdout, accounts)
	}
	for _, account := range accounts {
		a.Verbatim(account)
	}
	return nil
}

func writeCSV(w io.Writer, accounts []string) error {
	rows := csv.NewWriter(w)
	if err := rows.Write([]string{columnAccount}); err != nil {
		return err
	}
	for _, account := range accounts {
		if err := rows.Write([]string{account}); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

// writeSpreadsheet streams the rows: a platform may have a hundred thousand accounts.
func writeSpreadsheet(w io.Writer, accounts []string) (err error) {
	book := excelize.NewFile()
	defer func() { err = errors.Join(err, book.Close()) }()
	rows, err := book.NewStreamWriter(book.GetSheetName(0))
	if err != nil {
		return err
	}
	for i, account := range append([]string{columnAccount}, accounts...) {
		if err := rows.SetRow(fmt.Sprintf("A%d", i+1), []any{account}); err != nil {
			return err
		}
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	return book.Write(w)
}

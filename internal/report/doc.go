// Package report writes what the merchant reads about a run: a CSV of every finding, their counts by cause for the JSON
// summary (catalog.Report), and a page for people. It is pure: it reads and writes streams, and its memory grows with
// neither the catalog nor its findings, but for some 60 bytes per error of the report before. The
// example shows how its pieces go together.
package report

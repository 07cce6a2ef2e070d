package feed

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// Absent and empty mean the same: whatever columns a file has, one more in which nothing stands changes no verdict.
func TestABlankColumnChangesNoVerdict(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		luck := rand.New(rand.NewPCG(seed, 7))
		for _, k := range Kinds() {
			row := someRow(luck, k)
			before := verdict(k, row)
			for _, c := range Columns(k) {
				if _, there := row[c.Name]; !there && c.Need != Required {
					row[c.Name] = ""
					require.Equal(t, before, verdict(k, row), "seed %d: %s is there and blank in %v", seed, c.Name, row)
					delete(row, c.Name)
				}
			}
		}
	}
}

// someRow has what is required, and some of the other columns: with their samples, or blank.
func someRow(luck *rand.Rand, k Kind) map[string]string {
	row := map[string]string{}
	for _, c := range Columns(k) {
		switch n := luck.IntN(4); {
		case c.Name == "delete":
		case c.Need == Required || n == 0:
			row[c.Name] = c.Sample
		case n == 1:
			row[c.Name] = ""
		}
	}
	for column, values := range map[string][]string{
		"availability": {"preorder", "in_stock"}, "inventory_not_tracked": {"true", "false"},
		"google_product_category": {"2271", "Furniture > Tables"},
		"target_selection":        {"all_products", "specific_products"},
		"benefit_type":            {"percent_off", "amount_off", "free_shipping"},
	} {
		if _, there := row[column]; there {
			row[column] = values[luck.IntN(len(values))]
		}
	}
	return row
}

// verdict is what becomes of a row: its errors, in the order of their columns.
func verdict(k Kind, row map[string]string) (errors []string) {
	for _, found := range judged(k, row) {
		if cause, _, _ := strings.Cut(found, ":"); Cause(cause).Severity() == Error {
			errors = append(errors, found)
		}
	}
	slices.Sort(errors)
	return errors
}

func TestProductsThatExpired(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]bool{
		"2026-06-14T11:59:00Z": true, "2026-06-15T12:00:01Z": false, "2026-06-15": false, "2026-06-14": true,
		"2026-12-31": false,
		"":           false, "soon": false,
	} {
		require.Equal(t, want, Expired([]byte(date), inJune.Unix()), date)
	}
	require.False(t, Expired([]byte("2020-01-01"), 0), "without a clock nothing is over")
	source := sevenColumns + ",expiration_date\n" + strings.TrimSuffix(item("A", "1"), "\n") + ",2026-01-01\n"
	d, out := compared(t, source, Options{Now: inJune})
	require.Equal(t, []string{"2 A expired expiration_date"}, out.found)
	require.EqualValues(t, 1, d.Counts.Sent, "it is no more than a warning")
	_, out = compared(t, source, Options{Now: time.Time{}})
	require.Empty(t, out.found)
}

// Whatever the column, a file without it and a file in which it is blank fare the same: the same rows go out, with the
// same fingerprints, and no advice is in one that is not in the other, of the file or of its rows.
func TestAbsentAndBlankColumnsFareTheSame(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		for _, dialect := range []Dialect{StripeDialect, GoogleDialect} {
			names := columnNames(k)
			if dialect == GoogleDialect {
				names = append(names, "identifier_exists", "cost_of_goods_sold")
			}
			for _, name := range names {
				if c := columnNamed(k, name); c != nil && c.Need == Required {
					continue // without it no row can be taken: a file is refused, and so is each row
				}
				o := Options{Kind: k, Format: lines.TSV, Dialect: dialect, Now: inJune}
				without, blank := sourceOf(k, name, false), sourceOf(k, name, true)
				d, out := compared(t, without, o)
				dBlank, outBlank := compared(t, blank, o)
				require.Equal(t, outcome(t, d, out, o), outcome(t, dBlank, outBlank, o), "%s %s", k, name)
				require.Equal(t, advice(out), advice(outBlank), "%s %s", k, name)
				for i := range d.Parts {
					require.Equal(t, d.Parts[i].Table.fingerprint(0), dBlank.Parts[i].Table.fingerprint(0), "%s %s", k,
						name)
				}
			}
		}
	}
}

// sourceOf is a file of two rows that have all that is needed but one column, which is blank, or is not there.
func sourceOf(k Kind, missing string, blank bool) string {
	row := map[string]string{}
	if k == Product || k == Promotion {
		row["delete"] = "false"
	}
	for _, c := range Columns(k) {
		if c.Need == Required || c.Need == Conditional && c.Type != AmountType || c.Name == "brand" ||
			c.Name == "gtin" {
			row[c.Name] = c.Sample
		}
	}
	delete(row, missing)
	if blank {
		row[missing] = ""
	}
	columns := slices.Sorted(maps.Keys(row))
	source := strings.Join(columns, "\t") + "\n"
	for _, id := range []string{"A", "B"} {
		row[k.IDColumn()] = id
		for i, c := range columns {
			if i > 0 {
				source += "\t"
			}
			source += row[c]
		}
		source += "\n"
	}
	return source
}

// advice is what is found of a file, whether it is told of the file or of its rows.
func advice(out *recorder) (all []string) {
	for _, found := range slices.Concat(out.header, out.found) {
		words := strings.Fields(found)
		cause, column := Cause(words[len(words)-2]), words[len(words)-1]
		switch {
		case cause == ColumnNotSent: // is about a column that is there
			continue
		case cause == ColumnAbsent, cause == MaybeMissing:
			cause = AskedFor
		}
		all = append(all, string(cause)+" "+column)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A column in which nothing stands comes or goes without a row being sent; what a manifest has from before blank cells
// were left out of fingerprints, is known as well.
func TestBlankColumnsSendNothing(t *testing.T) {
	t.Parallel()
	source := heading + item("A", "1") + item("B", "2")
	wide := sevenColumns + ",color,gtin,shelf\n" + strings.TrimSuffix(item("A", "1"), "\n") + ",,,\n" +
		strings.TrimSuffix(item("B", "2"), "\n") + ",,,\n"
	for name, o := range map[string]Options{
		"as it was": {Manifest: manifestAfter(t, Options{}, nil, source)},
		"lately":    {Manifest: formerManifest(t, source, (*former).ofValues)},
		"formerly":  {Manifest: formerManifest(t, source, (*former).ofCells)},
		"refused":   {Manifest: manifestAfter(t, Options{}, []string{"A", "B"}, source)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, now := range []string{source, wide} {
				d, out := compared(t, now, o)
				if name == "formerly" && now == wide {
					require.Equal(t, "send A B", outcome(t, d, out, o), "the names of all columns were part of it")
					continue
				}
				require.Empty(t, out.parts, "%s", outcome(t, d, out, o))
			}
			d, out := compared(t, strings.Replace(wide, ",,,\n", ",Oak,,\n", 1),
				Options{Manifest: o.Manifest, Full: true})
			require.Equal(t, "send A B", outcome(t, d, out, o))
			require.NotEqual(t, d.Parts[0].Table.fingerprint(0), d.Parts[0].Table.fingerprint(1))
		})
	}
	d, out := compared(t, strings.Replace(wide, ",,,\n", ",Oak,,\n", 1),
		Options{Manifest: manifestAfter(t, Options{}, nil, source)})
	require.Equal(t, "send A, 1 unchanged", outcome(t, d, out, Options{}))
	swapped := func(first, second string) uint64 {
		d, _ := compared(t,
			sevenColumns+",color,size\n"+strings.TrimSuffix(item("A", "1"), "\n")+","+first+","+second+"\n", Options{})
		return d.Parts[0].Table.fingerprint(0)
	}
	require.NotEqual(t, swapped("10", ""), swapped("", "10"), "a value counts with its column")
}

// formerManifest is the manifest of a source as an earlier release wrote it.
func formerManifest(t *testing.T, source string, fingerprint func(*former, [][]byte) uint64) *Manifest {
	t.Helper()
	columns := strings.Split(sevenColumns, ",")
	f := newFormer(columns, newExaminer(Header{Columns: columns}, Options{Kind: Product, Format: lines.CSV}).sent)
	m := NewManifest(Product)
	for line, row := range strings.Split(strings.TrimSpace(source), "\n")[1:] {
		fields := bytes.Split([]byte(row), []byte(","))
		entry := Entry{ID: fields[0], Fingerprint: fingerprint(&f, fields), Line: int64(line + 2)}
		require.NoError(t, m.Rows.Add(entry))
	}
	return m
}

// Who says of each product whether it has a code is asked for one where they do not say no, and not for the file.
func TestWhoSaysThatThereIsNoCodeIsNotAskedForOne(t *testing.T) {
	t.Parallel()
	row := strings.TrimSuffix(item("A", "1"), "\n")
	for said, want := range map[string][]string{
		"no": nil, "FALSE": nil, "yes": {"2 A asked_for mpn"}, "": {"2 A asked_for mpn"},
	} {
		_, out := compared(t, sevenColumns+",identifier_exists\n"+row+","+said+"\n",
			Options{Dialect: GoogleDialect, Now: inJune})
		var codes []string
		for _, found := range out.found {
			if strings.HasSuffix(found, " mpn") {
				codes = append(codes, found)
			}
		}
		require.Equal(t, want, codes, said)
	}
}

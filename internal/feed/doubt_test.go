package feed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// A product that no row names waits for as long as it may stand in a row that cannot be read for certain.
func TestDeletionsWaitInDoubt(t *testing.T) {
	t.Parallel()
	known := heading + item("A", "1") + item("B", "1") + item("C-1", "1")
	a := item("A", "1")
	for name, c := range map[string]struct {
		source string
		want   string
		waits  int64
		cause  Cause
		line   int64
	}{
		"nothing in doubt": {heading + a, "delete B C-1, 1 unchanged", 0, "", 0},
		"too many fields, another product": {heading + a +
			"X-2,Oak, table,Solid,https://e.com/x,https://e.com/x.jpg,in_stock,1.00 USD\n",
			"delete B C-1, 1 unchanged, 1 held back", 0, TooManyFields, 3},
		"too few fields, cut": {heading + a + "B,Oak tab\n", "1 unchanged, 1 held back", 1, TooFewFields, 3},
		"rows joined": {heading + strings.TrimSuffix(a, "\n") + item("B", "1"),
			"delete C-1, 1 held back", 1, TooManyFields, 2},
		"an id in quotes, behind something else": {heading + a + `x"C-1",y` + "\n" + item("D", "1"),
			"send D, 1 unchanged, 1 held back", 2, TooFewFields, 3},
		"quotes that do not match": {
			heading + a + `X,"Oak,Solid oak.,https://e.com/x,https://e.com/x.jpg,in_stock,1.00 USD` + "\n" +
				item("D", "1"), "send D, 1 unchanged, 1 held back", 2, BrokenQuotes, 3,
		},
		"no id": {heading + a + item("", "1"), "1 unchanged, 1 held back", 2, EmptyID,
			3},
		"not UTF-8": {heading + a + "X\xff,,,,,,\n", "1 unchanged, 1 held back", 2, NotUTF8,
			3},
		"NUL": {heading + a + "X\x00,,,,,,\n", "1 unchanged, 1 held back", 2, HasNUL,
			3},
		"contradictory": {heading + a + item("D", "1") + item("D", "2"),
			"1 unchanged, 1 held back, 1 superseded", 2, DuplicateID, 3},
		"broken off": {heading + a + "X,Oak", "1 unchanged, 1 held back", 2, Interrupted, 3},
		"broken off within a quote": {heading + a + "X,\"Oak\ntable", "1 unchanged, 1 held back", 2,
			Interrupted, 3},
		"broken off in the last value": {heading + a + strings.TrimSuffix(item("D", "1"), "D\n"),
			"1 unchanged, 1 held back", 2, Interrupted, 3},
		"whole, without a line end": {heading + strings.TrimSuffix(a, "\n"), "delete B C-1, 1 unchanged", 0,
			"", 0},
		"cells moved, as many as before": {heading + a +
			"Oak table,Solid oak.,https://e.com/t,https://e.com/t.jpg,in_stock,1.00 USD,B\n" + item("D", "2"),
			"send D, delete C-1, 1 unchanged, 1 held back", 1, NotURL, 3},
		"an id among the values of a new row": {heading + a +
			"D,Oak,B,https://e.com/d,https://e.com/d.jpg,in_stock,1.00 USD\n", "send D, delete C-1, 1 unchanged", 1,
			BesideDoubt, 3},
		"an id in a value that is wrong": {heading + strings.Replace(a, "in_stock", `"in_stock,C-1,"`, 1),
			"delete B, 1 held back", 1, BesideDoubt, 2},
		"an id in a value with room for it": {heading + strings.Replace(a, "Solid oak.", `"Oak,B,,Solid"`, 1),
			"send A, delete C-1", 1, BesideDoubt, 2},
		"cells moved, and the file broken off": {heading + a +
			"x,B,Oak,https://e.com/d,https://e.com/d.jpg,in_stock,1.00 USD", "send x, 1 unchanged", 2,
			Interrupted, 3},
		"a new row that may be cut off": {heading + a + strings.TrimSuffix(item("D", "1"), "\n"),
			"send D, 1 unchanged", 2, Interrupted, 3},
		"a new id in place of an old one": {heading + a + item("D", "1") + item("C-1", "1"),
			"send D, 2 unchanged", 1, Renamed, 3},
		"a new id, and another price": {heading + a + item("D", "2") + item("C-1", "1"),
			"send D, delete B, 2 unchanged", 0, "", 0},
		"an id that lost digits": {heading + a + item("4.0063E+12", "2"), "1 unchanged, 1 held back", 2, NotAnID, 3},
		"an id with a quote": {heading + a + strings.Replace(item("D", "1"), "D,", `D",`, 1),
			"1 unchanged, 1 held back", 2, BrokenQuotes, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Manifest: manifestAfter(t, Options{}, nil, known)}
			d, out := compared(t, c.source, o)
			require.Equal(t, c.want, outcome(t, d, out, o))
			require.Equal(t, c.waits, d.Reading.Waiting)
			require.Equal(t, c.waits > 0, d.Reading.WaitingText() != "")
			require.Equal(t, c.line, d.Reading.FirstDoubt)
			if c.cause != NotURL {
				require.Equal(t, c.cause, d.Reading.Doubt)
			}
			o.Manifest = settled(t, o.Manifest, d)
			d, out = compared(t, heading+a, o)
			require.Contains(t, outcome(t, d, out, o)+"delete", "delete", "a source without doubt")
			require.Zero(t, d.Reading.Waiting)
			require.EqualValues(t, 1, settled(t, o.Manifest, d).Rows.Len(), "and nothing was forgotten")
		})
	}
}

// What spreadsheets leave behind is passed over or named, and takes no product along.
func TestDebris(t *testing.T) {
	t.Parallel()
	a, b := item("A", "1"), item("B", "1")
	for name, c := range map[string]struct {
		source string
		want   string
		found  []string
		header []string
		blank  int64
	}{
		"blank rows": {
			source: heading + ",,,,,,\n" + a + " , ,,,,,\n,,\n\"\",,,,,,\n" + b + ",,,,,,", want: "send A B", blank: 5,
		},
		"a title above": {source: "Products of Northloom,,,,,,\n,,,,,,\n" + heading + a,
			want: "send A", found: []string{"2  row_above_header"}, header: []string{"1  row_above_header"}},
		"a comment above": {source: "# exported today\n" + heading + a, want: "send A",
			header: []string{"1  row_above_header"}},
		"sep= with commas": {source: "sep=,\n" + heading + a, want: "send A",
			header: []string{"1  row_above_header"}},
		"a description below": {
			source: heading + "Unique id,The title,A text,The page,The picture,Is it there,What it costs\n" + a,
			want:   "send A, 1 held back", found: []string{"2 Unique id not_a_product"},
		},
		"a comment below": {source: heading + a + "# the rest follows\n" + b,
			want: "send A B, 1 held back", found: []string{"3 # the rest follows not_a_product"}},
		"a footer": {source: heading + a + "2 products in all,,,,,,\n",
			want: "send A, 1 held back", found: []string{"3 2 products in all not_a_product"}},
		"half a description": {source: heading + "Unique id,The title,,the page,,,\n" + a,
			want: "send A, 1 held back", found: []string{"2 Unique id not_a_product"}},
		"a note in words": {source: heading + "Your SKU,Its name,,,,see the docs,\n" + a,
			want: "send A, 1 held back", found: []string{"2 Your SKU not_a_product"}},
		"words on what is needed": {
			source: heading + "required,required,optional,required,required,required,required\n" + a,
			want:   "send A, 1 held back", found: []string{"2 required not_a_product"},
		},
		"a note": {source: heading + a + "note,see the price list,,,,,\n" + b,
			want: "send A B, 1 held back", found: []string{"3 note not_a_product"}},
		"a note by itself": {source: heading + a + "note,,,,,,\n" + b, want: "send A B, 1 held back",
			found: []string{"3 note not_a_product"}},
		"a rule": {source: heading + a + "-----,-----,-----,-----,-----,-----,-----\n" + b,
			want: "send A B, 1 held back", found: []string{"3 ----- not_a_product"}},
		"a rule by itself": {source: heading + a + "-----,,,,,,\n=====\n" + b,
			want: "send A B, 2 held back", found: []string{"3 ----- not_a_product", "4 ===== loose_text"}},
		"a line of text": {source: heading + a + "The rest follows.\n" + b,
			want: "send A B, 1 held back", found: []string{"3 The rest follows. loose_text"}},
		"half a row": {source: heading + a + "C7\n" + b, want: "send A B, 1 held back",
			found: []string{"3 C7 too_few_fields"}},
		"a row commented out": {source: heading + "#" + item("C", "1") + a + b,
			want: "send A B, 1 held back", found: []string{"2 #C commented_out id"}},
		"rows commented out, with slashes": {source: heading + a + b + "// " + item("C", "1"),
			want: "send A B, 1 held back", found: []string{"4 // C commented_out id"}},
		"ids that begin so": {source: heading + "#" + a + "#" + b + item("C", "1"), want: "send #A #B C",
			found: []string{"2 #A unusual_id id", "3 #B unusual_id id"}},
		"a deletion is none": {source: sevenColumns + ",delete\n" + strings.TrimSuffix(a, "\n") + ",\nC,,,,,,,true\n",
			want: "send A, 1 asked"},
		"a deletion misspelt": {source: sevenColumns + ",delete\n" + strings.TrimSuffix(a, "\n") + ",\nC,,,,,,,yes\n",
			want: "send A, 1 held back", found: []string{"3 C not_allowed delete",
				"3 C missing title", "3 C missing description", "3 C missing link", "3 C missing image_link",
				"3 C missing availability", "3 C missing price"}},
		"a product without all": {source: heading + a + "C,Oak,,https://example.com/c,,,\n",
			want: "send A, 1 held back",
			found: []string{"3 C missing description", "3 C missing image_link", "3 C missing availability",
				"3 C missing price"}},
		"the header again": {source: heading + a + heading + b, want: "send A B",
			found: []string{"3  header_again"}},
		"columns without names": {
			source: sevenColumns + ", ,\n" + strings.TrimSuffix(a, "\n") + ",,\n" + strings.TrimSuffix(b, "\n") +
				",note,\n", want: "send A B", found: []string{"3 B unnamed_column"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Manifest: NewManifest(Product)}
			d, out := compared(t, c.source, o)
			require.Equal(t, c.want, outcome(t, d, out, o))
			require.Equal(t, c.found, out.found)
			header := []string{}
			for _, text := range out.header {
				if strings.Contains(text, string(RowAboveHeader)) {
					header = append(header, text)
				}
			}
			require.ElementsMatch(t, c.header, header)
			require.Equal(t, c.blank, d.Reading.Blank)
		})
	}
	d, out := fileAsRead(t, "comma-only-rows.csv", Options{})
	require.EqualValues(t, d.Counts.Source, d.Counts.Sent)
	require.NotZero(t, d.Reading.Blank)
	require.Empty(t, out.found)
	for source, says := range map[string]string{
		strings.ReplaceAll(heading+a, ",",
			";"): "separated by semicolons, but the name says csv: export with commas",
		"sep=;\n" + strings.ReplaceAll(heading+a, ",", ";"):       "sep=;, is for Excel alone: export with commas",
		"\"sep=;\"\r\n" + strings.ReplaceAll(heading+a, ",", ";"): "sep=;, is for Excel alone: export with commas",
		"SEP=;\n" + strings.ReplaceAll(heading+a, ",", ";"):       "sep=;, is for Excel alone: export with commas",
		"id,,title,price\n1,x,2,3\n":                              `column 2 (B in a spreadsheet) behind id has no name`,
		strings.TrimSuffix(heading, "\n") + a:                     "is the line end behind the header missing?",
	} {
		_, err := Compare(opens([]byte(source)), Options{Kind: Product, Format: lines.CSV}, &recorder{})
		require.ErrorContains(t, err, says)
	}
}

func TestSeparatorsOfSmallFeedsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   Kind
		format lines.Format
		source string
		says   string
	}{
		{Pricing, lines.CSV, "id;price\nA;15,00 EUR\n", "separated by semicolons"},
		{Pricing, lines.CSV, "\"id\";\"price\"\nA;15,00 EUR\n", "separated by semicolons"},
		{Pricing, lines.TSV, "id,price\nA,15.00 EUR\n", "separated by commas"},
		{Inventory, lines.CSV, "ID\tinventory_quantity\nA\t1\n", "separated by tabs"},
		{Product, lines.CSV, "id|delete\nA|true\n", "separated by vertical bars"},
	} {
		_, err := Compare(opens([]byte(c.source)), Options{Kind: c.kind, Format: c.format}, &recorder{})
		require.ErrorContains(t, err, c.says, c.source)
	}
}

// A catalog numbered from 1 on has ids that are words everywhere: a number among the words of a row that nobody can
// read says nothing of the product with that number, a cell of its own does.
func TestAShortIDIsNamedByACellAlone(t *testing.T) {
	t.Parallel()
	var d doubt
	d.noteBrief([]byte("\"12\",A shirt of 7 colours,9.99 USD\tB\r\n"))
	for id, named := range map[string]bool{"12": true, "B": true, "A": false, "7": false, "USD": false, "9": false} {
		require.Equal(t, named, d.names([]byte(id)), id)
	}
}

// A row that changed may have cells of another one. What shows that they are is kept back; what any text may be is
// sent, and decision 18 names it.
func TestValuesThatMayHaveCellsOfAnotherRow(t *testing.T) {
	t.Parallel()
	known := item("A", "1") + item("B", "1")
	for title, sent := range map[string]bool{
		"\"Oak\nB,203k\nSolid\"":          false, // the row of B begins here
		"\"In the box:\nB, a table\"":     true,
		"\"Oak\nD,203k\nSolid\"":          true,  // no product that is known
		"\"Oak\nx,Oak,,\nSolid\"":         false, // an empty cell
		"\"Oak, a table,\nwith a chair\"": true,
		`"Oak,in_stock,Solid"`:            false, // a whole cell
		`"Oak 1tock,Oilek 24"" long"`:     true,  // less than one
		`"S,M,L,XL"`:                      true,
		"https://example.com/t.jpg":       false, // moved from another column
		"Oak https://example.com/t.jpg":   true,
		`Solid srh4"`:                     false, // the end of a value that was opened elsewhere
		`Oak "big`:                        false,
		`Oak and" wax 16"`:                false,
		`Oak "big" table`:                 true,
		`Oak 24"`:                         true,
		`Oak ""big"" table`:               false,
	} {
		for _, quotes := range []lines.Quotes{lines.AutoQuotes, lines.RFC4180Quotes} {
			t.Run(title+" "+string(quotes), func(t *testing.T) {
				t.Parallel()
				o := Options{Quotes: quotes}
				o.Manifest = manifestAfter(t, o, nil, heading+known)
				d, _ := compared(t, heading+strings.Replace(known, "Oak table", title, 1), o)
				require.Equal(t, sent, d.Counts.Sent == 1, d.Counts)
				require.Equal(t, !sent, d.Counts.KeptBack == 1, d.Counts)
				require.Zero(t, d.Counts.Deleted)
			})
		}
	}
	label := sevenColumns + ",custom_label_0\n" + strings.TrimSuffix(item("A", "1"), "\n") +
		",https://example.com/label\n"
	d, _ := compared(t, label, Options{})
	require.EqualValues(t, 1, d.Counts.Sent, "a label is the merchant's own business")
}

// Variants that are grouped under the id of one of them, quantities that look like ids: what is right where it stands
// keeps nothing from being deleted.
func TestValuesThatAreIDsByRightDeleteWhatVanished(t *testing.T) {
	t.Parallel()
	header := sevenColumns + ",item_group_id,color,inventory_quantity,related_products\n"
	row := func(id, color, more string) string {
		return strings.TrimSuffix(item(id, "1"), "\n") + ",5," + color + ",7," + more + "\n"
	}
	o := Options{
		Manifest: manifestAfter(t, Options{}, nil,
			header+row("5", "red", "")+row("6", "blue", "")+row("7", "green", "")),
	}
	d, out := compared(t, header+row("6", "blue", "")+row("8", "black", `"substitute:5,substitute:6,substitute:7"`), o)
	require.Equal(t, "send 8, delete 5 7, 1 unchanged", outcome(t, d, out, o))
	require.Zero(t, d.Reading.InDoubt)
}

func TestIDsThatAreAlike(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]bool{
		{"P0027", "P0031"}: true, {"SKU-1-A", "SKU-2-A"}: true, {"1", "2"}: true,
		{"P0027", "P31"}: false, {"P0027", "Q0027"}: true, {"P0027", "p0027"}: false, {"Acme", "P0001"}: false,
		{"SKU-1", "SKU_1"}: false,
	} {
		require.Equal(t, want, alike([]byte(pair[0]), []byte(pair[1])), pair)
	}
}

// An export that dies leaves something in the file, in whatever words, and ends its line. What it did not come to is
// not deleted.
func TestWhatIsNoRowDeletesNothing(t *testing.T) {
	t.Parallel()
	rows := item("A", "1") + item("B", "1")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows+item("C", "1")+item("D", "1"))}
	for _, text := range []string{
		"<br />\n<b>Fatal error</b>: Allowed memory size exhausted in export.php on line 42<br />\n",
		"\nPHP Fatal error:  Uncaught Exception in /var/www/export.php:3\n",
		"Traceback (most recent call last):\nMemoryError\n",
		"ERROR 2013 (HY000): Lost connection to MySQL server during query\n",
		"Warning: mysqli_query(): gone away in export.php on line 3, sorry\n",
		"504 Gateway Time-out\n", "503 Service Unavailable\n", "</body></html>\n", "{\"error\":\"timed out\"}\n",
		"# export failed\n", "Access denied for user 'shop'\n", "Killed\n", "(showing first 255 of 300 rows)\n",
		"Connection reset by peer\n", "[truncated]\n", "panic: runtime error: index out of range [3]\n", "null\n",
		"QzcsT2FrIHRhYmxl\nLFNvbGlkIG9hay4=\n", "…\n", "...\n", "...and 3 more\n", "4 rows exported\n", "Total,4\n",
		"Total: 4,,,,,,\n", "(the first 2 rows)\n", "Ende der Liste wegen Zeitüberschreitung\n", "Killed,,,,,,\n",
		"Killed,by,the,kernel\n", "EOF after 2 of 4\n", "# truncated\n", "# failed: 2 of 4\n", "2026-11-30\n", "C7\n",
		"Out of memory after 2 rows\n", "Next page: 2\n", "2 rows, more follow\n", "exit status 2\n",
		"ORA-01555,snapshot too old\n", "E500,timeout\n", "2026-11-30T10:00:00,ERROR,export,db,lost,connection,1\n",
		"<h1>504,Gateway</h1>\n", "exit=137,OOMKilled\n",
	} {
		d, out := compared(t, heading+rows+text, o)
		require.Zero(t, d.Counts.Deleted, "%q: %v", text, out.found)
		require.EqualValues(t, 2, d.Reading.Waiting, text)
		d, _ = compared(t, heading+item("A", "1")+text+item("B", "1"), o)
		require.Zero(t, d.Counts.Deleted, "%q among rows", text)
		d, _ = compared(t, heading+text+rows, o)
		require.EqualValues(t, 2, d.Counts.Deleted+d.Reading.Waiting, "%q above them", text)
	}
	for _, text := range []string{
		"2 rows exported\n", "-----\n", "Total,2\n", "# end\n", "2 Artikel\n", "(2 rows)\n", "# 2 products\n",
		"Total: 2,,,,,,\n", "EOF\n", "--- End ---\n",
		"-----,-----,-----,-----,-----,-----,-----\n",
	} {
		d, _ := compared(t, heading+rows+text, o)
		require.EqualValues(t, 2, d.Counts.Deleted, text)
	}
	for _, comment := range []string{"# out of memory\n", "# page 1 of 2\n", "# abgebrochen\n",
		"// to be continued\n"} {
		d, _ := compared(t, heading+rows+comment, o)
		require.Zero(t, d.Counts.Deleted, "%q ends the file", comment)
		d, _ = compared(t, heading+item("A", "1")+"# shoes, for the first time\n"+item("B", "1"), o)
		require.EqualValues(t, 2, d.Counts.Deleted, "the file goes on")
	}
	for _, row := range []string{
		"X-9,Oak, table,Solid,https://e.com/x,https://e.com/x.jpg,in_stock,1.00 USD\n", "pine,Oak table,Solid,,,,\n",
	} {
		d, _ := compared(t, heading+row+rows, o)
		require.NotZero(t, d.Counts.Deleted, "an ordinary mistake: %s", row)
	}
	titled := strings.Replace("title,"+heading, ",title", "", 1)
	row := func(id string) string { return strings.Replace("t,"+item(id, "1"), ",Oak table", "", 1) }
	byTitle := Options{Manifest: manifestAfter(t, Options{}, nil, titled+row("A")+row("C"))}
	for _, text := range []string{"Killed,by,the,kernel\n", "Killed,\n", "ERROR 2013: Lost connection, sorry\n"} {
		d, _ := compared(t, titled+row("A")+text, byTitle)
		require.Zero(t, d.Counts.Deleted, "the id stands behind: %q", text)
	}
	d, _ := compared(t, heading+"Out of memory,,,,,,\n", o)
	require.Zero(t, d.Counts.Deleted, "nothing else is there")
	d, _ = compared(t, heading+"Unique id,The title,A text,The page,The picture,Is it there,What it costs\n"+rows, o)
	require.EqualValues(t, 2, d.Counts.Deleted, "what the columns are for, said below the header")
}

// A file that is put together from two may have a second header, with its columns in another order: what is below it is
// not read by the first one.
func TestASecondHeaderInAnotherOrder(t *testing.T) {
	t.Parallel()
	rows := item("A", "1") + item("B", "1")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows+item("C", "1"))}
	const swapped = "id,description,title,link,image_link,availability,price\n"
	for _, header := range []string{swapped, strings.ToUpper(swapped), "title,id,price,link\n",
		"id,title,description,image_link,link,availability,price,sale_price\n"} {
		d, out := compared(t, heading+item("A", "1")+header+item("B", "3")+item("N-1", "1"), o)
		require.Zero(t, d.Counts.Sent, "%s: %v", header, out.found)
		require.Zero(t, d.Counts.Deleted, header)
		require.Contains(t, strings.Join(out.found, "\n"), string(OtherHeader), header)
		d, _ = compared(t, heading+item("A", "1")+header+heading+item("B", "3"), o)
		require.EqualValues(t, 1, d.Counts.Sent, "%s: the right one follows", header)
	}
	d, _ := compared(t, heading+rows+heading+item("C", "3"), o)
	require.EqualValues(t, 1, d.Counts.Sent, "the same once more")
	for _, labels := range []string{
		"ID,Title,Description,Link,Image link,Availability,Price\n",
		"id, title, description, link, image_link, availability, price\n",
	} {
		d, out := compared(t, heading+labels+rows+item("C", "3"), o)
		require.EqualValues(t, 1, d.Counts.Sent, "%s: %v", labels, out.found)
	}
	d, _ = compared(t, heading+item("A", "1")+"id,Name,Text,Seite,Bild,Bestand,EK-Preis\n"+item("B", "3"), o)
	require.Zero(t, d.Counts.Sent, "other names")
	prices := Options{Kind: Pricing,
		Manifest: manifestAfter(t, Options{Kind: Pricing}, nil, "id,price\nA,5.00 USD\nB,5.00 USD\n")}
	d, _ = compared(t, "id,price\nA,5.00 USD\nid,cost\nB,3.00 USD\n", prices)
	require.Zero(t, d.Counts.Sent, "what it costs is not what is paid")
	d, _ = compared(t, heading+rows+"price,list,for,link,and,title,price\n", o)
	require.NotZero(t, d.Counts.KeptBack)
}

// A program may end each line with a separator, and the header without one.
func TestSeparatorsBehindEveryRow(t *testing.T) {
	t.Parallel()
	a, b := strings.TrimSuffix(item("A", "1"), "\n"), strings.TrimSuffix(item("B", "1"), "\n")
	d, out := compared(t, heading+a+",,\n"+b+", ,\n", Options{})
	require.Equal(t, "send A B", outcome(t, d, out, Options{}))
	require.Empty(t, out.found)
	for _, source := range []string{a + ",\n" + b + "\n", a + ",\n" + b + ",,\n", a + ",\n" + b + ",x\n"} {
		d, _ = compared(t, heading+source, Options{})
		require.NotZero(t, d.Counts.KeptBack, source)
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+a+"\n"+b+"\n")}
	d, out = compared(t, heading+a+",\n"+b+",\n", o)
	require.Equal(t, "2 unchanged", outcome(t, d, out, o))
	d, _ = compared(t, heading+a+",\n"+heading+b+",\nEOF\n", o)
	require.EqualValues(t, 2, d.Counts.Unchanged, "the header again, and an end")
	d, _ = compared(t, heading+strings.Replace(a, "Oak table", "Oak, table", 1)+"\n", Options{})
	require.Zero(t, d.Counts.Sent, "one row tells nothing")
	d, _ = compared(t, heading+a+"\nEOF,,,,,,,\n", Options{})
	require.EqualValues(t, 1, d.Counts.Sent, "an end is no row")
	lacking := strings.Replace(heading, "price", "price,brand", 1)
	d, _ = compared(t, lacking+strings.Replace(a, ",1.00", ",0.30 USD,1.00", 1)+",\n", Options{})
	require.Zero(t, d.Counts.Sent, "the header lacks a column")
}

// A line end before a row's last value makes a row without it, and a fragment.
func TestALineEndBeforeTheLastValue(t *testing.T) {
	t.Parallel()
	columns := sevenColumns + ",sale_price\n"
	row := func(id, sale string) string { return strings.TrimSuffix(item(id, "9"), "\n") + "," + sale + "\n" }
	o := Options{Manifest: manifestAfter(t, Options{}, nil, columns+row("A", "5.00 USD")+row("B", ""))}
	for _, last := range []string{"5.00 USD", "\"5.00 USD\""} {
		d, out := compared(t, columns+row("A", "\n"+last)+row("B", ""), o)
		require.Equal(t, "1 unchanged, 2 held back", outcome(t, d, out, o), "%q", last)
	}
	d, out := compared(t, columns+row("A", "\n# the rest")+row("B", ""), o)
	require.Equal(t, "send A, 1 unchanged, 1 held back", outcome(t, d, out, o), "a comment is no value")
	for _, footer := range []string{"EOF", "3 products", "Tables", "-----"} {
		d, _ = compared(t, columns+row("B", "")+row("A", "")+footer+"\n", o)
		require.EqualValues(t, 1, d.Counts.Sent, footer)
	}
}

// What says that a product is not for sale, or is to be deleted, is read in whatever capitals the column is written.
func TestColumnsThatAreSpelledOtherwise(t *testing.T) {
	t.Parallel()
	for name, column := range map[string]string{
		"Delete": "delete", "DELETE": "delete", "disable_checkout ": "disable_checkout", "SalePrice": "sale_price",
		"Sale Price": "sale_price", "expiration_date\u200b": "expiration_date", "Disable-Checkout": "disable_checkout",
		"\"\"\"delete\"\"\"": "delete", "disable_checkouts": "disable_checkout",
		"Disable checkout?":             "disable_checkout",
		"Disable_Checkout (true/false)": "disable_checkout",
	} {
		d, out := compared(t, sevenColumns+","+name+"\n"+strings.TrimSuffix(item("A", "1"), "\n")+",\n", Options{})
		require.Equal(t, column, d.Header.Columns[7], name)
		require.Len(t, d.Header.Renamed, 1)
		require.Equal(t, "send A", outcome(t, d, out, Options{}))
		require.Contains(t, out.parts[0].String(), column)
	}
	d, _ := compared(t, sevenColumns+",sale_price,SalePrice\n"+strings.TrimSuffix(item("A", "1"), "\n")+",,\n",
		Options{})
	require.Equal(t, []string{"SalePrice"}, d.Header.Unknown, "there is one already")
	d, _ = compared(t, sevenColumns+",sale_price_2,deleted\n"+strings.TrimSuffix(item("A", "1"), "\n")+",,0\n",
		Options{})
	require.Equal(t, []string{"sale_price_2", "deleted"}, d.Header.Unknown)
}

// A weekly full send trusts a file that may break off no more than any other.
func TestAFullSendDeletesNothingThatMayFollow(t *testing.T) {
	t.Parallel()
	rows := item("A", "1") + item("B", "1")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows+item("C", "1")), Full: true}
	d, _ := compared(t, heading+item("A", "1")+strings.TrimSuffix(item("N", "1"), "\n"), o)
	require.Zero(t, d.Counts.Deleted)
	require.EqualValues(t, 2, d.Reading.Waiting)
}

func TestIDsThatNobodyWrote(t *testing.T) {
	t.Parallel()
	rows := item("A", "1") + item("B", "1")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows)}
	for _, id := range []string{
		"4,00638E+12", "4.00638E+12", "4E+12", "-4.0E+12", "#NV", "#N/D", "#¡VALOR!", "#¿NOMBRE?", "#DIV/0!", "#ИМЯ?",
		`\N`, "(null)", "<NA>", "[NULL]", "None", "NaN", "Err:502", "{sku}", "{{ sku }}", "${sku}", "%SKU%",
		"undefined", "[object Object]", "(blank)", "########",
	} {
		d, out := compared(t, heading+item("A", "1")+`"`+id+`"`+item("", "2"), o)
		require.Equal(t, "1 unchanged, 1 held back", outcome(t, d, out, o), id)
		require.Contains(t, strings.Join(out.found, "\n"), string(NotAnID), id)
		require.EqualValues(t, 1, d.Reading.Waiting, id)
	}
	for _, id := range []string{"E12", "4E12", "N-1", "NA-7", "NULL-1", "%7", "B{1}", "Err:x", "NORD", "{a b}"} {
		d, out := compared(t, heading+rows+item(id, "2"), o)
		require.Equal(t, "send "+id+", 2 unchanged", outcome(t, d, out, o), id)
	}
}

// Whoever has invalid rows sent does not send what is no row.
func TestWhatIsNoRowIsNeverSent(t *testing.T) {
	t.Parallel()
	rows := item("A", "1") + item("B", "1")
	o := Options{SendInvalid: true, Manifest: manifestAfter(t, Options{}, nil, heading+rows+item("C", "1"))}
	for _, row := range []string{"C,Oak table,Solid oak.,,,,\n", "Killed,,,,,,\n"} {
		d, out := compared(t, heading+rows+row, o)
		require.Equal(t, "2 unchanged, 1 held back", outcome(t, d, out, o), row)
		require.EqualValues(t, 3, settled(t, o.Manifest, d).Rows.Len(), row)
	}
}

// What programs say as they fail may have an address in it, or begin as ids do.
func TestFailuresThatLookLikeRows(t *testing.T) {
	t.Parallel()
	for ids, texts := range map[string][]string{
		"SKU-101 SKU-102 SKU-103": {"ERROR,page=3,https://shop.example/api?page=3\n",
			"ORA-01555,snapshot too old,,,,,\n", "GET,https://shop.example/api,504\n"},
		"101 102 103": {"504,Gateway Time-out,,,,,\n"},
		"oak pine bed": {"Error,export stopped at row 2,,,,,\n", "Warning,only the first 2 rows,,,,,\nEOF\n",
			"https://shop.example/api,timed out\n"},
	} {
		all := strings.Fields(ids)
		rows := item(all[0], "1") + item(all[1], "1")
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows+item(all[2], "1"))}
		for _, text := range texts {
			d, out := compared(t, heading+rows+text, o)
			require.Zero(t, d.Counts.Deleted, "%q: %v", text, out.found)
			require.NotEmpty(t, d.Reading.WaitingText(), text)
		}
	}
}

// Ordinary mistakes and ordinary footers keep no other product on sale, or off it.
func TestOrdinaryFilesDeleteWhatVanished(t *testing.T) {
	t.Parallel()
	const uuid = "0b1c7c0e-2f0e-4a53-9a1c-2b6f1d0c9e1"
	for name, c := range map[string]struct{ ids, before, behind string }{
		"a draft among uuids":   {uuid + "1 " + uuid + "2 " + uuid + "3", "7d4f" + uuid[4:] + "9,Oak table,,,,,\n", ""},
		"a draft among handles": {"oak-table pine-shelf bed-2", "usb-c-2-0-cable,USB cable,,,,,\n", ""},
		"an id beforehand":      {"1001 1002 1003", "1007,,,,,,\n", ""},
		"rules twice":           {"A1 B2 C3", "-----\n", "-----\n"},
		"comments twice":        {"A1 B2 C3", "# new\n" + item("A9", "3") + "# new\n", ""},
		"a total twice":         {"A1 B2 C3", "2 rows\n", "2 rows\n"},
		"an end and new ids":    {"77 80 12", "", "EOF\n"},
		"a total like an id":    {"7 8 2", "", "2 rows exported\n"},
		"commented out":         {"A1 B2 C3", "", "#" + item("X9", "3") + "2 rows\n"},
	} {
		all := strings.Fields(c.ids)
		rows := item(all[0], "1") + item(all[1], "1")
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+rows+item(all[2], "1"))}
		d, out := compared(t, heading+c.before+rows+c.behind, o)
		require.EqualValues(t, 1, d.Counts.Deleted, "%s: %v", name, out.found)
		require.Zero(t, d.Counts.Duplicates, name)
	}
	o := Options{Kind: Promotion, Manifest: manifestAfter(t, Options{Kind: Promotion}, nil,
		promotionHeading+promotionRow("BLACKFRIDAY", thisYear, "10%", "", "")+
			promotionRow("SPRING", thisYear, "10%", "", ""))}
	for _, row := range []string{strings.Replace(promotionRow("SUMMER26", thisYear, "20%", "", ""), "20,", "20%,", 1),
		strings.Replace(promotionRow("SUMMER26", thisYear, "20%", "", ""), "Summer sale", "Sale, now", 1)} {
		d, out := compared(t, promotionHeading+promotionRow("BLACKFRIDAY", thisYear, "10%", "", "")+row, o)
		require.EqualValues(t, 1, d.Counts.Deleted, "%s: %v", row, out.found)
	}
}

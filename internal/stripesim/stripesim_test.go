package stripesim

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

const (
	key     = "sk_test_emulator0123456789"
	shop    = "acct_1Shop"
	preview = "2025-09-30.clover;udap_beta=v1"
	columns = "id,title,description,link,image_link,availability,price"
)

// line is a good row.
func line(id string) string {
	return id + ",Lamp,A lamp,https://shop.example/" + id + ",https://shop.example/" + id + ".jpg,in_stock,15.00 USD\n"
}

func feedOf(ids ...string) string {
	var b strings.Builder
	b.WriteString(columns + "\n")
	for _, id := range ids {
		b.WriteString(line(id))
	}
	return b.String()
}

// developer calls an emulator the way a client of Stripe does.
type developer struct {
	t       *testing.T
	base    string
	control simcontrol.Client
	sim     *Server
}

func serve(t *testing.T, o Options) developer {
	t.Helper()
	o.Dir = t.TempDir()
	sim, err := New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, sim.Close())
		left, err := os.ReadDir(o.Dir)
		require.NoError(t, err)
		require.Empty(t, left, "the emulator left files behind")
	})
	return developer{t: t, base: server.URL, control: simcontrol.Client{BaseURL: server.URL}, sim: sim}
}

// reply is an answer that was read.
type reply struct {
	status  int
	header  http.Header
	body    string
	failure struct{ Type, Code, Param, Message string }
}

func (r reply) field(t *testing.T, name string) any {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &object), r.body)
	return object[name]
}

func (r reply) id(t *testing.T) string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	id, _ := r.field(t, "id").(string)
	require.NotEmpty(t, id)
	return id
}

// try makes a call and returns the connection's error, if it comes to that.
func (d developer) try(method, path, contentType string, body io.Reader, headers map[string]string) (reply, error) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, body)
	require.NoError(d.t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Stripe-Account", shop)
	request.Header.Set("Stripe-Version", preview)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for name, value := range headers {
		request.Header.Del(name)
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	r := reply{status: response.StatusCode, header: response.Header, body: string(text)}
	if response.StatusCode >= 400 {
		var envelope struct {
			Error *struct{ Type, Code, Param, Message string }
		}
		require.NoError(d.t, json.Unmarshal(text, &envelope), r.body)
		require.NotNil(d.t, envelope.Error, r.body)
		r.failure = *envelope.Error
	}
	return r, err
}

func (d developer) call(method, path, contentType string, body io.Reader, headers map[string]string) reply {
	d.t.Helper()
	r, err := d.try(method, path, contentType, body, headers)
	require.NoError(d.t, err)
	return r
}

func (d developer) get(path string, headers map[string]string) reply {
	d.t.Helper()
	return d.call(http.MethodGet, path, "", nil, headers)
}

// form is what an upload consists of.
type form struct {
	purpose, filename, contentType, content string
	extra                                   map[string]string
}

func csvForm(content string) form {
	return form{purpose: uploadPurpose, filename: "product.csv", contentType: "text/csv", content: content}
}

func (f form) encode(t *testing.T) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	if f.purpose != "" {
		require.NoError(t, w.WriteField("purpose", f.purpose))
	}
	for name, value := range f.extra {
		require.NoError(t, w.WriteField(name, value))
	}
	if f.filename != "" {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition("file", f.filename)},
			"Content-Type":        {f.contentType},
		})
		require.NoError(t, err)
		_, err = io.WriteString(part, f.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), body
}

func (d developer) upload(f form, headers map[string]string) reply {
	d.t.Helper()
	contentType, body := f.encode(d.t)
	return d.call(http.MethodPost, "/v1/files", contentType, body, headers)
}

func (d developer) create(file string, headers map[string]string) reply {
	d.t.Helper()
	return d.createWith(url.Values{"file": {file}, "standard_data_format": {"product_catalog_feed"}}, headers)
}

func (d developer) createWith(values url.Values, headers map[string]string) reply {
	d.t.Helper()
	return d.call(http.MethodPost, importSetsPath, "application/x-www-form-urlencoded",
		strings.NewReader(values.Encode()), headers)
}

// imported uploads and imports a file and waits for the end.
func (d developer) imported(f form) simcontrol.Import {
	d.t.Helper()
	file := d.upload(f, nil).id(d.t)
	return d.ended(d.create(file, nil).id(d.t))
}

func (d developer) ended(id string) simcontrol.Import {
	d.t.Helper()
	var ended simcontrol.Import
	require.Eventually(d.t, func() bool {
		imports, err := d.control.Imports(d.t.Context(), "")
		require.NoError(d.t, err)
		for _, i := range imports {
			if i.ID == id && i.Finished != nil {
				ended = i
				return true
			}
		}
		return false
	}, 10*time.Second, 2*time.Millisecond)
	return ended
}

func (d developer) errorRows(file string) [][]string {
	d.t.Helper()
	contents := d.get("/v1/files/"+file+"/contents", nil)
	require.Equal(d.t, http.StatusOK, contents.status)
	rows := csv.NewReader(strings.NewReader(contents.body))
	rows.FieldsPerRecord = -1
	all, err := rows.ReadAll()
	require.NoError(d.t, err)
	return all
}

func (d developer) arm(f simcontrol.Fault) {
	d.t.Helper()
	_, err := d.control.AddFault(d.t.Context(), f)
	require.NoError(d.t, err)
}

func TestKeysAndAccounts(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{Accounts: []string{shop, "acct_2Shop"}})
	basic := func(user string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":")) }
	for _, test := range []struct {
		name    string
		headers map[string]string
		status  int
		code    string
	}{
		{"no key", map[string]string{"Authorization": ""}, 401, ""},
		{"another scheme", map[string]string{"Authorization": "Digest " + key}, 401, ""},
		{"empty bearer", map[string]string{"Authorization": "Bearer "}, 401, ""},
		{"live key", map[string]string{"Authorization": "Bearer sk_live_abcdefgh"}, 401, ""},
		{"publishable key", map[string]string{"Authorization": "Bearer pk_test_abcdefgh"}, 401, ""},
		{"unknown account", map[string]string{"Stripe-Account": "acct_stranger"}, 403, "account_invalid"},
		{"malformed account", map[string]string{"Stripe-Account": "shop"}, 403, "account_invalid"},
		{"bearer", nil, 404, "resource_missing"},
		{"basic", map[string]string{"Authorization": basic(key)}, 404, "resource_missing"},
		{"restricted key", map[string]string{"Authorization": "Bearer rk_test_abcdefgh"}, 404, "resource_missing"},
		{"the platform itself", map[string]string{"Stripe-Account": ""}, 404, "resource_missing"},
	} {
		r := d.get("/v1/files/file_x", test.headers)
		require.Equal(t, test.status, r.status, test.name)
		require.Equal(t, "invalid_request_error", r.failure.Type, test.name)
		require.Equal(t, test.code, r.failure.Code, test.name)
		require.NotContains(t, r.body, key, test.name)
		require.Regexp(t, `^req_[A-Za-z0-9]+$`, r.header.Get("Request-Id"), test.name)
		require.Equal(t, preview, r.header.Get("Stripe-Version"), test.name)
	}
	require.NoError(t, d.control.RevokeKey(t.Context(), key))
	require.Equal(t, "api_key_expired", d.get("/v1/files/file_x", nil).failure.Code)
}

func TestOnlyNamedKeysAreAccepted(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{Keys: []string{"sk_test_theone"}})
	require.Equal(t, 401, d.get("/v1/files/file_x", nil).status)
	require.Equal(t, 404, d.get("/v1/files/file_x", map[string]string{"Authorization": "Bearer sk_test_theone"}).status)
}

func TestUnknownURLs(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	for _, path := range []string{"/v1/data_management/import_sets", "/v1/charges", "/", "/v2/x"} {
		r := d.get(path, nil)
		require.Equal(t, 404, r.status, path)
		require.Contains(t, r.failure.Message, "Unrecognized request URL (GET: "+path+")")
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{MaxFileBytes: 200})
	good := csvForm("id,title\n1,Lamp\n")
	change := func(f func(*form)) form { g := good; f(&g); return g }
	for name, test := range map[string]struct {
		form  form
		param string
		code  string
	}{
		"no purpose":      {change(func(f *form) { f.purpose = "" }), "purpose", "parameter_missing"},
		"another purpose": {change(func(f *form) { f.purpose = "dispute_evidence" }), "purpose", ""},
		"no file":         {change(func(f *form) { f.filename = "" }), "file", "parameter_missing"},
		"unknown field": {change(func(f *form) { f.extra = map[string]string{"color": "red"} }), "color",
			"parameter_unknown"},
		"octet-stream":    {change(func(f *form) { f.contentType = "application/octet-stream" }), "file", ""},
		"no type":         {change(func(f *form) { f.contentType = "" }), "file", ""},
		"CSV named .tsv":  {change(func(f *form) { f.filename = "product.tsv" }), "file", ""},
		"TSV as text/csv": {change(func(f *form) { f.content = "id\ttitle\n1\tLamp\n" }), "file", ""},
		"CSV as TSV": {change(func(f *form) { f.contentType, f.filename = mimeTSV, "product.tsv" }),
			"file", ""},
		"gzip":   {change(func(f *form) { f.content = "\x1f\x8b\x08rest" }), "file", ""},
		"binary": {change(func(f *form) { f.content = "id,\x00" }), "file", ""},
		"empty":  {change(func(f *form) { f.content = "" }), "file", ""},
		"one byte above the size": {change(func(f *form) { f.content = "id,a\n" + strings.Repeat("x", 196) }), "file",
			""},
	} {
		r := d.upload(test.form, nil)
		require.Equal(t, 400, r.status, name)
		require.Equal(t, test.param, r.failure.Param, name)
		require.Equal(t, test.code, r.failure.Code, name)
	}
	for name, contentType := range map[string]string{
		"form": "application/x-www-form-urlencoded", "no boundary": "multipart/form-data", "none": "",
	} {
		require.Equal(t, 400, d.call(http.MethodPost, "/v1/files", contentType, strings.NewReader("x"), nil).status,
			name)
	}
	contentType, body := good.encode(t)
	body.Truncate(body.Len() - 30)
	require.Equal(t, 400, d.call(http.MethodPost, "/v1/files", contentType, body, nil).status, "truncated")

	files, err := d.control.Files(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, files)
	left, err := os.ReadDir(d.sim.dir)
	require.NoError(t, err)
	require.Empty(t, left, "a refused upload stayed on disk")
	exact := change(func(f *form) { f.content = "id,a\n" + strings.Repeat("x", 195) })
	require.Equal(t, 200, d.upload(exact, nil).status, "exactly the limit")
}

func TestAFileBelongsToItsAccount(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	r := d.upload(csvForm(feedOf("A")), nil)
	id := r.id(t)
	require.Regexp(t, `^file_[A-Za-z0-9]+$`, id)
	require.Equal(t, shop, r.header.Get("Stripe-Account"))
	for name, want := range map[string]any{
		"object": "file", "purpose": uploadPurpose, "filename": "product.csv", "type": "csv",
		"size": float64(len(feedOf("A"))),
		"url":  d.base + "/v1/files/" + id + "/contents",
	} {
		require.Equal(t, want, r.field(t, name), name)
	}
	require.Equal(t, id, d.get("/v1/files/"+id, nil).id(t))
	contents := d.get("/v1/files/"+id+"/contents", map[string]string{"Stripe-Version": ""})
	require.Equal(t, feedOf("A"), contents.body)
	require.Equal(t, "text/csv", contents.header.Get("Content-Type"))

	other := map[string]string{"Stripe-Account": "acct_2Shop"}
	require.Equal(t, 404, d.get("/v1/files/"+id, other).status)
	require.Equal(t, 404, d.get("/v1/files/"+id+"/contents", other).status)
	missing := d.create(id, other)
	require.Equal(t, 400, missing.status)
	require.Equal(t, "resource_missing", missing.failure.Code)
}

func TestImportsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	file := d.upload(csvForm(feedOf("A")), nil).id(t)
	values := func(change func(url.Values)) url.Values {
		v := url.Values{"file": {file}, "standard_data_format": {"product_catalog_feed"}}
		change(v)
		return v
	}
	for name, test := range map[string]struct {
		values  url.Values
		headers map[string]string
		param   string
	}{
		"no file": {values(func(v url.Values) { v.Del("file") }), nil, "file"},
		"no format": {values(func(v url.Values) { v.Del("standard_data_format") }), nil,
			"standard_data_format"},
		"another format": {values(func(v url.Values) { v.Set("standard_data_format", "pricing_feed") }), nil,
			"standard_data_format"},
		"unknown parameter": {values(func(v url.Values) { v.Set("mode", "replace") }), nil, "mode"},
		"twice":             {values(func(v url.Values) { v.Add("file", "file_x") }), nil, "file"},
		"missing file":      {values(func(v url.Values) { v.Set("file", "file_x") }), nil, "file"},
		"no version":        {values(func(url.Values) {}), map[string]string{"Stripe-Version": ""}, "Stripe-Version"},
		"GA version": {values(func(url.Values) {}), map[string]string{"Stripe-Version": "2025-10-29.clover"},
			"Stripe-Version"},
		"JSON": {values(func(url.Values) {}), map[string]string{"Content-Type": "application/json"}, ""},
	} {
		r := d.createWith(test.values, test.headers)
		require.Equal(t, 400, r.status, name)
		require.Equal(t, test.param, r.failure.Param, name)
	}
	imports, err := d.control.Imports(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, imports)

	created := d.create(file, map[string]string{"Stripe-Version": "2025-12-15.preview"})
	id := created.id(t)
	require.Regexp(t, `^impset_[A-Za-z0-9]+$`, id)
	require.Equal(t, "data_management.import_set", created.field(t, "object"))
	require.Equal(t, "pending", created.field(t, "status"))
	require.Equal(t, 404, d.get(importSetsPath+"/"+id, map[string]string{"Stripe-Account": "acct_2Shop"}).status)
	require.Equal(t, 400, d.get(importSetsPath+"/"+id, map[string]string{"Stripe-Version": ""}).status)
	require.Equal(t, 404, d.get(importSetsPath+"/impset_x", nil).status)
	d.ended(id)
	errorsOf := d.imported(csvForm(feedOf("A") + "B\n")).ErrorFile
	require.Equal(t, "file", d.create(errorsOf, nil).failure.Param, "an error file is not an upload")
}

func TestImportsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, reason string }{
		"required column missing": {"id,title\n1,Lamp\n", `"description" is missing`},
		"no id":                   {"sku,delete\n1,true\n", `"id" is missing`},
		"column twice":            {columns + ",title\n", `"title" is there twice`},
		"byte order mark":         {"\ufeff" + feedOf("A"), `"id" is missing`},
		"no rows":                 {columns + "\n", "no rows"},
		"blank lines only":        {"\n\n\n", "no header"},
		"broken quote":            {columns + "\n" + `A,"Lamp` + "\n", "cannot be parsed"},
		"quote within a field":    {columns + "\n" + `A,15" Lamp,x` + "\n", "cannot be parsed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := serve(t, Options{})
			file := d.upload(csvForm(test.content), nil).id(t)
			id := d.create(file, nil).id(t)
			failed := d.ended(id)
			require.Equal(t, "failed", failed.Status)
			require.Contains(t, failed.FailedReason, test.reason)
			r := d.get(importSetsPath+"/"+id, nil)
			require.Equal(t, failed.FailedReason, r.field(t, "failed_reason"))
			require.Nil(t, r.field(t, "result"))
			products, err := d.control.Catalog(t.Context(), shop)
			require.NoError(t, err)
			require.Empty(t, products)
		})
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"id": "SKU-1", "title": "Lamp", "description": "A lamp", "link": "https://shop.example/1",
		"image_link": "https://shop.example/1.jpg", "availability": "in_stock", "price": "15.00 USD",
	}
	for _, test := range []struct{ column, value, wrong string }{
		{"id", "", "id is required"},
		{"id", "SKU 1", "id is not valid"},
		{"id", strings.Repeat("a", 101), "id has 101 characters"},
		{"title", "  ", "title is required"},
		{"title", strings.Repeat("é", 151), "title has 151 characters"},
		{"title", "\xff\xfe", "title is not valid UTF-8"},
		{"description", strings.Repeat("a", 5001), "description has 5001"},
		{"link", "shop.example/1", "link is not a http"},
		{"link", "ftp://shop.example/1", "link is not a http"},
		{"link", "https://shop.example/a b", "link is not a http"},
		{"image_link", "https://shop.example/1.WEBP?w=1", "neither JPEG nor PNG"},
		{"availability", "In Stock", "availability is not one of"},
		{"availability", "preorder", "availability_date is required"},
		{"price", "15,00 USD", "price is not valid"},
		{"price", "-15.00 USD", "price is not valid"},
		{"price", "$15.00", "price is not valid"},
		{"price", "15.00USD", "price is not valid"},
		{"price", "15.00 usd", "price is not valid"},
		{"sale_price", "free", "sale_price is not valid"},
		{"delete", "yes", "delete is not one of"},
		{"delete", "true", "cannot be deleted"},
		{"inventory_quantity", "-1", "inventory_quantity is not valid"},
		{"inventory_not_tracked", "false", "inventory_quantity is required"},
		{"gender", "Black", "gender is not one of"},
		{"gtin", "12-34", "gtin is not valid"},
		{"weight", "2 lbs", "weight is not valid"},
		{"stripe_product_tax_code", "txcd_1", "not valid"},
		{"product_review_rating", "6", "0 to 5"},
		{"popularity_score", "NaN", "0 to 5"},
		{"availability_date", "tomorrow", "ISO 8601"},
	} {
		t.Run(test.column+" "+test.wrong, func(t *testing.T) {
			t.Parallel()
			names := strings.Split(columns, ",")
			if _, known := good[test.column]; !known {
				names = append(names, test.column)
			}
			fields := make([]string, len(names))
			for i, name := range names {
				fields[i] = good[name]
				if name == test.column {
					fields[i] = test.value
				}
			}
			h, wrong := readHeader(&productFeed, names)
			require.Empty(t, wrong)
			p := &processing{imp: &importJob{feed: &productFeed}, latest: map[string]int{},
				known: func(string) bool { return false }}
			require.Contains(t, p.judge(row{header: h, fields: fields}).message, test.wrong)
		})
	}
	for _, price := range []string{"15 USD", "15.00 USD", "1500 JPY", "0.00 EUR", "1.234 KWD"} {
		require.Regexp(t, pricePattern, price)
	}
}

func TestAnImportWithErrors(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	content := feedOf("A", "B") + "C,Lamp\n" + strings.Replace(line("D"), "in_stock", "maybe", 1) +
		"E,\"two\nlines\",,,,,\n" + line("F")[:len(line("F"))-1] + ",extra\n"
	done := d.imported(csvForm(content))
	require.Equal(t, "succeeded_with_errors", done.Status)
	require.EqualValues(t, 6, done.RowsProcessed)
	require.EqualValues(t, 2, done.RowsSucceeded)
	require.EqualValues(t, 4, done.RowsFailed)
	require.EqualValues(t, 2, done.ObjectsCreated)

	rows := d.errorRows(done.ErrorFile)
	require.Len(t, rows, 5)
	require.Equal(t, append([]string{"stripe_error_message"}, strings.Split(columns, ",")...), rows[0])
	require.Equal(t, []string{"The row has 2 fields, the header has 7.", "C", "Lamp"}, rows[1])
	require.Contains(t, rows[2][0], "availability")
	require.Equal(t, "two\nlines", rows[3][2])
	require.Len(t, rows[4], 9, "a row that is too long keeps its extra field")
	other := d.get("/v1/files/"+done.ErrorFile+"/contents", map[string]string{"Stripe-Account": "acct_2Shop"})
	require.Equal(t, 404, other.status)

	result, _ := d.get(importSetsPath+"/"+done.ID, nil).field(t, "result").(map[string]any)
	require.Equal(t, map[string]any{"file": done.ErrorFile, "row_count": 4.0}, result["errors"])
}

func TestUpsertAndDelete(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	first := d.imported(csvForm(feedOf("A", "B", "C")))
	require.Equal(t, "succeeded", first.Status)
	require.Empty(t, first.ErrorFile)
	result, _ := d.get(importSetsPath+"/"+first.ID, nil).field(t, "result").(map[string]any)
	require.NotContains(t, result, "errors")

	second := d.imported(form{
		purpose: uploadPurpose, filename: "product.TSV", contentType: "text/tab-separated-values; charset=utf-8",
		content: strings.ReplaceAll(columns, ",", "\t") + "\tdelete\tpattern\r\n" +
			"A\tBig lamp\tA big lamp, yes\thttps://x.example\thttps://x.example/a.png\tbackorder\t1500 JPY\t\tdots\r\n" +
			"B\t\t\t\t\t\t\ttrue\t\r\n" +
			"D\tOld\tOld\thttps://x.example\thttps://x.example/a.png\tin_stock\t1.00 USD\tfalse\t\r\n" +
			"D\tNew\tNew\thttps://x.example\thttps://x.example/a.png\tin_stock\t2.00 USD\t\t\r\n",
	})
	require.Equal(t, "succeeded", second.Status, second.FailedReason)
	require.EqualValues(t, 1, second.ObjectsCreated)
	require.EqualValues(t, 1, second.SkippedDuplicates)
	require.EqualValues(t, 3, second.RowsSucceeded)

	products, err := d.control.Catalog(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, products, 3)
	require.Equal(t, []string{"A", "C", "D"}, []string{products[0].ID, products[1].ID, products[2].ID})
	require.Equal(t, "Big lamp", products[0].Title)
	require.Equal(t, "A big lamp, yes", products[0].Row["description"])
	require.Equal(t, "2.00 USD", products[2].Price)
	_, found, err := d.control.Product(t.Context(), shop, "B")
	require.NoError(t, err)
	require.False(t, found)
	page, err := d.control.CatalogPage(t.Context(), shop, "A", 1)
	require.NoError(t, err)
	require.Equal(t, 3, page.Count)
	require.Equal(t, "C", page.Products[0].ID)
	empty, err := d.control.Catalog(t.Context(), "acct_2Shop")
	require.NoError(t, err)
	require.Empty(t, empty)

	tombstones := d.imported(csvForm("id,delete\nA,true\nA,true\nZ,true\nC,\n"))
	require.Equal(t, "succeeded_with_errors", tombstones.Status)
	require.EqualValues(t, 3, tombstones.RowsFailed)
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := serve(t, Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	keyed := func(key string) map[string]string { return map[string]string{"Idempotency-Key": key} }

	first := d.upload(csvForm(feedOf("A")), keyed("k"))
	again := d.upload(csvForm(feedOf("A")), keyed("k"))
	require.Equal(t, first.body, again.body)
	require.Empty(t, first.header.Get("Idempotent-Replayed"))
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	require.Equal(t, "k", again.header.Get("Idempotency-Key"))
	require.NotEqual(t, first.header.Get("Request-Id"), again.header.Get("Request-Id"))

	renamed := csvForm(feedOf("A"))
	renamed.filename = "other.csv"
	for name, r := range map[string]reply{
		"other content":  d.upload(csvForm(feedOf("B")), keyed("k")),
		"other name":     d.upload(renamed, keyed("k")),
		"other endpoint": d.create(first.id(t), keyed("k")),
	} {
		require.Equal(t, 400, r.status, name)
		require.Equal(t, "idempotency_error", r.failure.Type, name)
	}
	elsewhere := d.upload(csvForm(feedOf("A")),
		map[string]string{"Idempotency-Key": "k", "Stripe-Account": "acct_2Shop"})
	require.NotEqual(t, first.id(t), elsewhere.id(t), "keys of two accounts met")
	require.NotEqual(t, first.id(t), d.upload(csvForm(feedOf("A")), nil).id(t))

	set := d.create(first.id(t), keyed("i"))
	require.Equal(t, set.id(t), d.create(first.id(t), keyed("i")).id(t))
	require.Equal(t, 400, d.upload(csvForm(feedOf("A")), keyed(strings.Repeat("k", 256))).status)

	octet := csvForm(feedOf("A"))
	octet.contentType = "application/octet-stream"
	require.Equal(t, 400, d.upload(octet, keyed("v")).status)
	require.Equal(t, 200, d.upload(csvForm(feedOf("A")), keyed("v")).status, "a validation failure was stored")

	gone := d.create("file_gone", keyed("g"))
	require.Equal(t, 400, gone.status)
	require.Equal(t, "true", d.create("file_gone", keyed("g")).header.Get("Idempotent-Replayed"))

	mu.Lock()
	now = now.Add(24 * time.Hour)
	mu.Unlock()
	require.NotEqual(t, first.id(t), d.upload(csvForm(feedOf("A")), keyed("k")).id(t), "the key outlived a day")
}

func TestWhichFailuresAKeyRemembers(t *testing.T) {
	t.Parallel()
	yes := true
	for _, test := range []struct {
		fault  simcontrol.Fault
		stored bool
	}{
		{simcontrol.Fault{Status: 429, RetryAfter: "3"}, false},
		{simcontrol.Fault{Status: 401}, false},
		{simcontrol.Fault{Status: 500}, true},
		{simcontrol.Fault{Status: 503}, false},
		{simcontrol.Fault{Status: 503, Stored: &yes}, true},
	} {
		d := serve(t, Options{})
		test.fault.Kind = simcontrol.FaultStatus
		d.arm(test.fault)
		keyed := map[string]string{"Idempotency-Key": "k"}
		failed := d.upload(csvForm(feedOf("A")), keyed)
		require.Equal(t, test.fault.Status, failed.status)
		require.Equal(t, test.fault.RetryAfter, failed.header.Get("Retry-After"))
		again := d.upload(csvForm(feedOf("A")), keyed)
		if !test.stored {
			require.Equal(t, 200, again.status)
			continue
		}
		require.Equal(t, test.fault.Status, again.status)
		require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
		require.Equal(t, failed.failure, again.failure)
		files, err := d.control.Files(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, files)
	}
}

func TestAKeyInUse(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	contentType, body := csvForm(feedOf("A")).encode(t)
	whole := body.Bytes()
	slow, feeder := io.Pipe()
	keyed := map[string]string{"Idempotency-Key": "k"}
	done := make(chan reply)
	go func() {
		r, err := d.try(http.MethodPost, "/v1/files", contentType, slow, keyed)
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	_, err := feeder.Write(whole[:10]) // read by the client, so the call is on its way
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		d.sim.mu.Lock()
		defer d.sim.mu.Unlock()
		return len(d.sim.idempotency.keys) == 1
	}, 5*time.Second, time.Millisecond)
	conflict := d.upload(csvForm(feedOf("A")), keyed)
	require.Equal(t, 409, conflict.status)
	require.Equal(t, "idempotency_key_in_use", conflict.failure.Code)
	_, err = feeder.Write(whole[10:])
	require.NoError(t, err)
	require.NoError(t, feeder.Close())
	first := <-done
	require.Equal(t, first.id(t), d.upload(csvForm(feedOf("A")), keyed).id(t))
}

func TestAKeyIsFreeAfterItsConnectionBroke(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultCutRequestAfter, Bytes: 20,
		Match: simcontrol.Match{PathPrefix: "/v1/files"}})
	contentType, body := csvForm(feedOf("A")).encode(t)
	keyed := map[string]string{"Idempotency-Key": "k"}
	_, err := d.try(http.MethodPost, "/v1/files", contentType, body, keyed)
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/v1/files",
		io.MultiReader(strings.NewReader("--x\r\n"), blocked{ctx}))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Stripe-Account", shop)
	request.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	request.Header.Set("Idempotency-Key", "k")
	go func() {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
	}()
	waitFor := func(keys int) {
		require.Eventually(t, func() bool {
			d.sim.mu.Lock()
			defer d.sim.mu.Unlock()
			return len(d.sim.idempotency.keys) == keys
		}, 5*time.Second, time.Millisecond)
	}
	waitFor(1)
	cancel()
	waitFor(0)
	require.Equal(t, 200, d.upload(csvForm(feedOf("A")), keyed).status)
}

// blocked is a body whose next byte never comes.
type blocked struct{ ctx context.Context } //nolint:containedctx // it is one call's body

func (b blocked) Read([]byte) (int, error) { <-b.ctx.Done(); return 0, b.ctx.Err() }

func TestFaultsOnTheConnection(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	contentType, body := csvForm(feedOf("A")).encode(t)
	keyed := map[string]string{"Idempotency-Key": "k"}
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultLoseResponse, Match: simcontrol.Match{Method: "POST"}})
	_, err := d.try(http.MethodPost, "/v1/files", contentType, bytes.NewReader(body.Bytes()), keyed)
	require.Error(t, err)
	again := d.call(http.MethodPost, "/v1/files", contentType, bytes.NewReader(body.Bytes()), keyed)
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"), "the effect was lost with the answer")

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultCutResponse, Bytes: 7,
		Match: simcontrol.Match{PathPrefix: "/v1/files/"}})
	partial, err := d.try(http.MethodGet, "/v1/files/"+again.id(t)+"/contents", "", nil, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, feedOf("A")[:7], partial.body)

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultLatency, Delay: simcontrol.Duration(30 * time.Millisecond)})
	started := time.Now()
	require.Equal(t, 200, d.get("/v1/files/"+again.id(t), nil).status)
	require.GreaterOrEqual(t, time.Since(started), 30*time.Millisecond)

	log, err := d.control.Requests(t.Context(), shop)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true, false}, []bool{log[0].Cut, log[1].Cut, log[2].Cut, log[3].Cut})
	require.Equal(t, []int{0, 200, 200, 200}, []int{log[0].Status, log[1].Status, log[2].Status, log[3].Status})
	require.True(t, log[1].Replayed)
	require.Equal(t, "latency", log[3].Fault)
}

func TestFaultsAreMatchedAndCounted(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	for name, bad := range map[string]simcontrol.Fault{
		"kind": {Kind: "earthquake"}, "status": {Kind: simcontrol.FaultStatus, Status: 200},
		"latency": {Kind: simcontrol.FaultLatency},
		"bytes":   {Kind: simcontrol.FaultCutResponse, Bytes: -1},
	} {
		_, err := d.control.AddFault(t.Context(), bad)
		require.Error(t, err, name)
	}
	r, err := http.Post(d.base+"/_sim/faults", "application/json", strings.NewReader(`{"kind":"status","statsu":500}`))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, 400, r.StatusCode, "a mistyped field passed")

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 503, Skip: 1, Times: 2,
		Match: simcontrol.Match{Method: "get", PathPrefix: "/v1/files", Account: shop}})
	statuses := []int{}
	for range 5 {
		statuses = append(statuses, d.get("/v1/files/file_x", nil).status)
	}
	require.Equal(t, []int{404, 503, 503, 404, 404}, statuses)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 500, Times: -1, Code: "oops", Message: "Broken.",
		Match: simcontrol.Match{Account: "acct_2Shop"}})
	require.Equal(t, 404, d.get("/v1/files/file_x", nil).status)
	for range 3 {
		require.Equal(t, "Broken.",
			d.get("/v1/files/file_x", map[string]string{"Stripe-Account": "acct_2Shop"}).failure.Message)
	}
	faults, err := d.control.Faults(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{2, 3}, []int{faults[0].Struck, faults[1].Struck})
	require.NoError(t, d.control.ClearFaults(t.Context()))
	require.Equal(t, 404, d.get("/v1/files/file_x", map[string]string{"Stripe-Account": "acct_2Shop"}).status)
}

func TestFaultsOfImports(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportFail, Message: "No luck."})
	failed := d.imported(csvForm(feedOf("A")))
	require.Equal(t, "failed", failed.Status)
	require.Equal(t, "No luck.", failed.FailedReason)

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportStuck})
	file := d.upload(csvForm(feedOf("A")), nil).id(t)
	stuck := d.create(file, nil).id(t)
	done := d.ended(d.create(file, nil).id(t))
	require.Equal(t, "pending", d.get(importSetsPath+"/"+stuck, nil).field(t, "status"))

	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportStatus, StatusText: "creating_records"})
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultImportStatus})
	require.Equal(t, "creating_records", d.get(importSetsPath+"/"+done.ID, nil).field(t, "status"))
	require.NotContains(t, d.get(importSetsPath+"/"+done.ID, nil).body, `"status"`)
	require.Equal(t, "succeeded", d.get(importSetsPath+"/"+done.ID, nil).field(t, "status"))
}

func TestImportsInFlightAreCounted(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{ImportDelay: time.Hour})
	file := d.upload(csvForm(feedOf("A")), nil).id(t)
	d.create(file, nil)
	d.create(file, nil)
	require.NoError(t, d.control.SetImportDelay(t.Context(), 0))
	d.ended(d.create(file, nil).id(t))
	stats, err := d.control.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, stats.MaxInFlight[shop+"/product_catalog_feed"])
	require.Equal(t, 2, stats.InFlight[shop+"/product_catalog_feed"])
	require.Equal(t, map[string]int{"pending": 2, "succeeded": 1}, stats.ImportsByStatus)
	require.Equal(t, 1, stats.Files)
	require.Equal(t, 1, stats.Products[shop])
}

func TestReset(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{ImportDelay: time.Hour})
	keyed := map[string]string{"Idempotency-Key": "k"}
	file := d.upload(csvForm(feedOf("A")), keyed).id(t)
	d.create(file, nil)
	d.arm(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 500})
	require.NoError(t, d.control.RevokeKey(t.Context(), key))
	require.NoError(t, d.control.Reset(t.Context()))
	require.NotEqual(t, file, d.upload(csvForm(feedOf("A")), keyed).id(t))
	stats, err := d.control.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats.Requests)
	require.Zero(t, stats.Imports)
	left, err := os.ReadDir(d.sim.dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestTheLogKeepsNoKeys(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	d.upload(csvForm(feedOf("A")), map[string]string{"Idempotency-Key": "k"})
	response, err := http.Get(d.base + "/_sim/requests")
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NotContains(t, string(text), key)
	log, err := d.control.Requests(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, log, 1)
	require.Equal(t, "/v1/files", log[0].Path)
	require.Equal(t, "k", log[0].IdempotencyKey)
	require.Equal(t, "Bearer", log[0].AuthScheme)
	require.Equal(t, preview, log[0].Headers["Stripe-Version"])
	require.Positive(t, log[0].ContentLength)
}

func TestManyImportsAtOnce(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			contentType, body := csvForm(feedOf(fmt.Sprintf("SKU-%d", i))).encode(t)
			r, err := d.try(http.MethodPost, "/v1/files", contentType, body, nil)
			if err != nil || r.status != 200 {
				t.Errorf("upload: %v %s", err, r.body)
				return
			}
			var file struct{ ID string }
			if err := json.Unmarshal([]byte(r.body), &file); err != nil {
				t.Error(err)
				return
			}
			values := url.Values{"file": {file.ID}, "standard_data_format": {productFeed.format}}
			if _, err := d.try(http.MethodPost, importSetsPath, "application/x-www-form-urlencoded",
				strings.NewReader(values.Encode()), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool {
		stats, err := d.control.Stats(t.Context())
		require.NoError(t, err)
		return stats.ImportsByStatus["succeeded"] == 8
	}, 10*time.Second, 2*time.Millisecond)
	products, err := d.control.Catalog(t.Context(), shop)
	require.NoError(t, err)
	require.Len(t, products, 8)
}

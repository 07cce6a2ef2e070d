package catalogs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/sandbox/catalogs"
)

// The emulator's checks are its own code, so what it takes and refuses says something about the catalogs.
func TestStripeTakesEveryRowButTheBadOnes(t *testing.T) {
	for _, options := range []catalogs.Options{
		{Assortment: catalogs.Apparel, Rows: 3000, Seed: 1},
		{Assortment: catalogs.Apparel, Rows: 3000, Seed: 2, BadRows: 22},
		{Assortment: catalogs.HomeGoods, Rows: 3000, Seed: 3, Format: lines.TSV},
		{Assortment: catalogs.HomeGoods, Rows: 1000, Seed: 4, BadRows: 11, Revision: 3},
	} {
		t.Run(fmt.Sprintf("%s seed %d", options.Assortment, options.Seed), func(t *testing.T) {
			var out bytes.Buffer
			summary, err := catalogs.Write(&out, options)
			require.NoError(t, err)
			imported := importAtStripe(t, options.Format, &out)
			require.Equal(t, int64(options.Rows), imported.RowsProcessed)
			require.Equal(t, int64(len(summary.Bad)), imported.RowsFailed)
			require.Equal(t, int64(options.Rows-len(summary.Bad)), imported.RowsSucceeded)
		})
	}
}

func importAtStripe(t *testing.T, format lines.Format, body io.Reader) simcontrol.Import {
	t.Helper()
	emulator, err := stripesim.New(stripesim.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, emulator.Close()) })
	server := httptest.NewServer(emulator)
	t.Cleanup(server.Close)

	file := upload(t, server.URL, format, body)
	form := url.Values{"file": {file}, "standard_data_format": {"product_catalog_feed"}}
	call(t, server.URL+"/v1/data_management/import_sets", "application/x-www-form-urlencoded",
		strings.NewReader(form.Encode()))

	control := simcontrol.Client{BaseURL: server.URL}
	var ended simcontrol.Import
	require.Eventually(t, func() bool {
		imports, err := control.Imports(t.Context(), account)
		require.NoError(t, err)
		require.Len(t, imports, 1)
		ended = imports[0]
		return ended.Finished != nil
	}, 10*time.Second, 10*time.Millisecond)
	return ended
}

const account = "acct_catalogs"

func upload(t *testing.T, base string, format lines.Format, content io.Reader) string {
	t.Helper()
	if format == "" {
		format = lines.CSV
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(t, form.WriteField("purpose", "data_management_manual_upload"))
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="catalog.` + string(format) + `"`},
		"Content-Type":        {format.ContentType()},
	})
	require.NoError(t, err)
	_, err = io.Copy(part, content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	return call(t, base+"/v1/files", form.FormDataContentType(), &body)
}

func call(t *testing.T, address, contentType string, body io.Reader) (id string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer sk_test_catalogs")
	request.Header.Set("Stripe-Account", account)
	request.Header.Set("Stripe-Version", "2025-09-30.clover;udap_beta=v1")
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", answer)
	var object struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(answer, &object))
	return object.ID
}

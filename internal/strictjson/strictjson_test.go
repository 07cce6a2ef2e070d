package strictjson_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/strictjson"
)

type parcel struct {
	ID        string    `json:"id"`
	ShippedAt time.Time `json:"shipped_at"`
	Heavy     *bool     `json:"heavy"`
	Lines     *[]line   `json:"lines"`
}

type line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

func TestWhatIsMisreadElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		``:                                      "it is empty",
		" \r\n":                                 "it is empty",
		`<html>`:                                "not one whole JSON value",
		`{"id":"a"`:                             "not one whole JSON value",
		`{"id":"a"} {"id":"b"}`:                 "not one whole JSON value",
		`{"id":"a"} x`:                          "not one whole JSON value",
		"{\"id\":\"\xff\"}":                     "not one whole JSON value",
		`{"id":"a","id":"a"}`:                   "id: the name is there twice",
		`{"id":"a","\u0069d":"b"}`:              "id: the name is there twice",
		`{"more":{"x":1,"x":2}}`:                "more.x: the name is there twice",
		`{"Id":"a"}`:                            "alone",
		`{"id":"a","ID":"b"}`:                   "alone",
		`{"id":"a","Lines":[]}`:                 "alone",
		`{"lines":[{"sku":"a","Quantity":1}]}`:  "alone",
		`{"shippedAt":"2026-11-24T12:00:00Z"}`:  "alone",
		`{"shipped-at":"2026-11-24T12:00:00Z"}`: "alone",
		`{"lines":[{"sku":"a","quantity":"1"}]}`: "lines.0.quantity: this string cannot be read" +
			": expected a whole number",
		`{"lines":[{"sku":"a","quantity":1.5}]}`: "lines.0.quantity: this number cannot be read" +
			": expected a whole number",
		`{"lines":[{"sku":"a","quantity":1e3}]}`:                 "expected a whole number",
		`{"lines":[{"sku":"a","quantity":9223372036854775808}]}`: "expected a whole number",
		`{"lines":{}}`:               "lines: this object cannot be read: expected a list",
		`{"shipped_at":"yesterday"}`: "shipped_at: this string cannot be read: expected a time",
		`{"heavy":1}`:                "heavy: this number cannot be read: expected true or false",
		`{"id":7}`:                   "id: this number cannot be read: expected a text",
		`[]`:                         "this list cannot be read: expected an object",
		`true`:                       "this truth value cannot be read: expected an object",
	} {
		p := parcel{ID: "untouched"}
		err := strictjson.DecodeOpen([]byte(body), &p)
		require.ErrorContains(t, err, says, body)
		require.Equal(t, parcel{ID: "untouched"}, p, body)
		require.Error(t, strictjson.Decode([]byte(body), &p), body)
	}
}

func TestWhatSaysNothing(t *testing.T) {
	t.Parallel()
	for body, where := range map[string]string{
		`{"a":null}`: "a", `{"a":{"b":""}}`: "a.b", `{"a":[1,{"b":[]}]}`: "a.1.b", `{"a":{}}`: "a", `{"a":[""]}`: "a.0",
		`null`: "", `{}`: "", ``: "-",
		`{"a":"0s"}`: "a", `{"a":["0h0m"]}`: "a.0", `{"a":"0"}`: "a", `{"a":"0001-01-01T00:00:00Z"}`: "a",
		`{"a":"1s","b":"-1h","c":"0x","d":"1970-01-01T00:00:00Z"}`: "-",
		`{"a":0,"b":false,"c":" ","d":[0],"e":{"f":"x"}}`:          "-",
	} {
		err := strictjson.CheckSaid([]byte(body))
		if where == "-" {
			require.NoError(t, err, body)
			continue
		}
		var strict *strictjson.Error
		require.ErrorAs(t, err, &strict, body)
		require.Equal(t, where, strict.Where, body)
	}
}

func TestWhatIsSaidBesides(t *testing.T) {
	t.Parallel()
	const body = ` {"id":"a","note":{"any":["thing"]},"lines":[{"sku":"L","quantity":2,"color":"red"}]} `
	var p parcel
	require.NoError(t, strictjson.DecodeOpen([]byte(body), &p))
	require.Equal(t, parcel{ID: "a", Lines: &[]line{{"L", 2}}}, p)
	require.ErrorContains(t, strictjson.Decode([]byte(body), &p), "note: the name is not known")
	require.NoError(t, strictjson.Decode([]byte(`{"id":"b","lines":null}`), &p))
	require.Equal(t, parcel{ID: "b"}, p)
}

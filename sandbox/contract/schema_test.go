package contract_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-mock/embedded"
)

// document is as much of Stripe's OpenAPI document as the comparison needs.
type document struct {
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema *schema `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
}

type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Nullable             bool               `json:"nullable"`
	Enum                 []any              `json:"enum"`
	MaxLength            int                `json:"maxLength"`
	Required             []string           `json:"required"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	AnyOf                []*schema          `json:"anyOf"`
}

var readDocument = sync.OnceValues(func() (d document, err error) {
	err = json.Unmarshal(embedded.OpenAPISpec, &d)
	return d, err
})

// stripes is Stripe's document.
func stripes(t *testing.T) document {
	t.Helper()
	d, err := readDocument()
	require.NoError(t, err)
	return d
}

// answer is what a call answers with, by Stripe's document.
func (d document) answer(t *testing.T, method, path, status string) *schema {
	t.Helper()
	found := d.Paths[path][method].Responses[status].Content["application/json"].Schema
	require.NotNil(t, found, "%s %s", method, path)
	return found
}

func (d document) resolve(s *schema) *schema {
	for s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// differences lists how a value departs from a schema. A property that the schema does not name is one: the emulator
// has not to make properties up.
func (d document) differences(s *schema, value any, at string) []string {
	s = d.resolve(s)
	if value == nil {
		if s.Nullable {
			return nil
		}
		return []string{at + " is null"}
	}
	if len(s.AnyOf) > 0 {
		return d.closest(s, value, at)
	}
	switch v := value.(type) {
	case string:
		return d.text(s, v, at)
	case bool:
		return wrongType(s, at, "boolean")
	case float64:
		if v == math.Trunc(v) {
			return wrongType(s, at, "integer", "number")
		}
		return wrongType(s, at, "number")
	case []any:
		wrong := wrongType(s, at, "array")
		for i, one := range v {
			if s.Items != nil {
				wrong = append(wrong, d.differences(s.Items, one, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
		return wrong
	case map[string]any:
		return d.object(s, v, at)
	}
	return []string{fmt.Sprintf("%s is a %T", at, value)}
}

// closest compares with the alternative that fits best.
func (d document) closest(s *schema, value any, at string) (best []string) {
	for i, alternative := range s.AnyOf {
		wrong := d.differences(alternative, value, at)
		if len(wrong) == 0 {
			return nil
		}
		if i == 0 || len(wrong) < len(best) {
			best = wrong
		}
	}
	return best
}

func wrongType(s *schema, at string, fitting ...string) []string {
	if s.Type == "" || slices.Contains(fitting, s.Type) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, not %s", at, fitting[0], s.Type)}
}

func (d document) text(s *schema, value, at string) []string {
	wrong := wrongType(s, at, "string")
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(value)) {
		wrong = append(wrong, fmt.Sprintf("%s is %q, not one of %v", at, value, s.Enum))
	}
	if s.MaxLength > 0 && len([]rune(value)) > s.MaxLength {
		wrong = append(wrong, fmt.Sprintf("%s is longer than %d", at, s.MaxLength))
	}
	return wrong
}

func (d document) object(s *schema, value map[string]any, at string) []string {
	wrong := wrongType(s, at, "object")
	for _, name := range s.Required {
		if _, present := value[name]; !present {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	for name, one := range value {
		property, known := s.Properties[name]
		switch {
		case known:
			wrong = append(wrong, d.differences(property, one, at+"."+name)...)
		case len(s.Properties) > 0 && len(s.AdditionalProperties) == 0:
			wrong = append(wrong, fmt.Sprintf("%s.%s is not known", at, name))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestDifferencesAreFound(t *testing.T) {
	d := stripes(t)
	refund := &schema{Ref: "#/components/schemas/refund"}
	good := func() map[string]any {
		return map[string]any{
			"id": "re_1", "object": "refund", "amount": 1.0, "created": 1.0, "currency": "usd", "charge": "ch_1",
			"status": "succeeded", "reason": nil,
		}
	}
	require.Empty(t, d.differences(refund, good(), "refund"))
	for name, c := range map[string]struct {
		spoil func(map[string]any)
		found string
	}{
		"missing":     {func(o map[string]any) { delete(o, "amount") }, "refund.amount is missing"},
		"unknown":     {func(o map[string]any) { o["colour"] = "red" }, "refund.colour is not known"},
		"type":        {func(o map[string]any) { o["amount"] = "1" }, "refund.amount is string, not integer"},
		"fraction":    {func(o map[string]any) { o["amount"] = 1.5 }, "refund.amount is number, not integer"},
		"null":        {func(o map[string]any) { o["id"] = nil }, "refund.id is null"},
		"enum":        {func(o map[string]any) { o["reason"] = "boredom" }, `refund.reason is "boredom", not one of`},
		"alternative": {func(o map[string]any) { o["charge"] = true }, "refund.charge is boolean, not string"},
	} {
		t.Run(name, func(t *testing.T) {
			object := good()
			c.spoil(object)
			wrong := d.differences(refund, object, "refund")
			require.Len(t, wrong, 1)
			require.Contains(t, wrong[0], c.found)
		})
	}
}

package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error says what cannot be read, without its value.
type Error struct {
	// Where is the path of the value, such as lines.0.quantity; empty for the whole. It may hold names of the other
	// side's.
	Where string
	What  string // in our own words
}

// Error says what is wrong and at which place; no value is in it.
func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Decode reads one JSON value. Names have to be spelled as they are documented, none may be there twice, nothing may
// follow, and a name that is not known is a mistake: a mistyped one would pass for absent.
func Decode[T any](body []byte, into *T) error {
	return decode(body, into, json.RejectUnknownMembers(true))
}

// DecodeOpen is Decode for answers that may say more than is asked for. A name that is known but for its case, hyphens
// or underscores is a mistake all the same.
func DecodeOpen[T any](body []byte, into *T) error { return decode(body, into) }

func decode[T any](body []byte, into *T, options ...json.Options) error {
	var exact, alike T
	if len(bytes.TrimSpace(body)) == 0 {
		return &Error{What: "it is empty"}
	}
	if err := json.Unmarshal(body, &exact, options...); err != nil {
		return explain(err)
	}
	options = append(options, json.MatchCaseInsensitiveNames(true))
	if err := json.Unmarshal(body, &alike, options...); err != nil || !reflect.DeepEqual(exact, alike) {
		return &Error{What: "a name differs from a documented one in case, hyphens or underscores alone"}
	}
	*into = exact
	return nil
}

// CheckSaid refuses values that say nothing: null, a text, list or object that is empty, and a time or duration that is
// zero. Where something else holds for what is absent, nobody knows which of the two they mean.
func CheckSaid(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return explain(err)
		case saysNothing(token, d):
			return &Error{Where: path(d.StackPointer()), What: "it is empty: leave it away, or say what it is"}
		case token.Kind() == jsontext.KindString && isZero(token.String()):
			return &Error{Where: path(d.StackPointer()), What: "it is zero: leave it away, or say what it is"}
		}
	}
}

func saysNothing(token jsontext.Token, rest *jsontext.Decoder) bool {
	switch token.Kind() {
	case jsontext.KindNull:
		return true
	case jsontext.KindString:
		return token.String() == ""
	case jsontext.KindBeginObject:
		return rest.PeekKind() == jsontext.KindEndObject
	case jsontext.KindBeginArray:
		return rest.PeekKind() == jsontext.KindEndArray
	}
	return false
}

// isZero reports whether a text is a duration or a time that programs take for none.
func isZero(text string) bool {
	if long, err := time.ParseDuration(text); err == nil {
		return long == 0
	}
	at, err := time.Parse(time.RFC3339, text)
	return err == nil && at.IsZero()
}

func explain(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return &Error{Where: path(syntactic.JSONPointer), What: "the name is there twice"}
	case errors.As(err, &syntactic):
		return &Error{What: fmt.Sprintf("it is not one whole JSON value (byte %d)", syntactic.ByteOffset)}
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return &Error{Where: path(semantic.JSONPointer), What: "the name is not known"}
	case errors.As(err, &semantic):
		return &Error{Where: path(semantic.JSONPointer),
			What: fmt.Sprintf("this %s cannot be read: %s", given(semantic.JSONKind), wanted(semantic.GoType))}
	}
	return &Error{What: "it is not one whole JSON value"}
}

func path(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// given names what is there, as people do.
func given(k jsontext.Kind) string {
	switch k {
	case jsontext.KindBeginObject:
		return "object"
	case jsontext.KindBeginArray:
		return "list"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "truth value"
	}
	return k.String()
}

// wanted names what a Go type reads.
func wanted(t reflect.Type) string {
	if t == nil {
		return "expected something else"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Name() {
	case "Time":
		return "expected a time such as 2026-11-24T12:00:00Z"
	case "Interval":
		return "expected a duration such as \"72h\""
	}
	switch t.Kind() {
	case reflect.Int64, reflect.Int, reflect.Uint64:
		return "expected a whole number"
	case reflect.Float64:
		return "expected a number"
	case reflect.String:
		return "expected a text"
	case reflect.Bool:
		return "expected true or false"
	case reflect.Slice, reflect.Array:
		return "expected a list"
	case reflect.Struct, reflect.Map:
		return "expected an object"
	}
	return "expected something else"
}

package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

type object = map[string]any

// operation is what the document says of a route beyond what the route says itself.
type operation struct {
	id, tag, summary string
	more             string // what a caller has to know
	query            []parameter
	takes            any // a type, or a schema; nil: no body
	status           int
	answers          []any // one of them
	refuses          []int // beyond 400, 401, 403, 404, 413, 415 and 503
}

type parameter struct {
	name, means string
	schema      object
}

var limits = parameter{"limit", "how many at most",
	object{"type": "integer", "minimum": 1, "maximum": mostRows, "default": usualPage}}

// operations is the document's own part, by the pattern of the route.
func operations() map[string]operation {
	const (
		orders   = "/accounts/{account}/orders/{session}"
		catalogs = "/accounts/{account}/catalogs/{feed}"
	)
	shipment := operation{"reportShipment", "orders", "Report a parcel: sent, or delivered",
		"The same id again is the same parcel, with news. A payment that is captured on shipment is captured now.", nil,
		order.Shipment{}, 202, []any{problem{}}, []int{409, 422}}
	decision := operation{"decideOrder", "orders", "Decide for a merchant who left an order pending",
		"A rejection, or what a partial acceptance leaves out, gives money back. " +
			"**Rejecting what was accepted gives none back**: the answer is 202 all the same, " +
			"and the order is held until a person cancels it or lets it go on, since goods may be under way. " +
			"It is then in the state `held`, with the reason, and the platform hears `order.held`. " +
			"Accepting otherwise than before, or what has ended, is 409.", nil, decisionBody, 202,
		[]any{problem{}}, []int{409, 422}}
	older := func(o operation, id string) operation {
		o.id, o.more = id, o.more+" The address of earlier releases, which stays."
		return o
	}
	verdict := "The version is the one that was looked at: if another one is held by now, nothing is decided. The name of the token is recorded as who decided. Repeating it is safe: the same verdict about the same version is answered as done."
	return map[string]operation{
		"GET /accounts": {"listAccounts", "accounts",
			"List the accounts that have settings, or of which anything is kept",
			"A token of one account sees that one. Its syncs are from Temporal's list, which lags a moment behind; what is paused and stale is what the fleet's dispatchers saw last.",
			[]parameter{
				{"prefix", "only accounts that begin with it", object{"type": "string"}},
				{"after", "go on after this account: next of the page before", object{"type": "string"}}, limits,
			}, nil, 200, []any{AccountPage{}}, nil},
		"GET /accounts/{account}": {"getAccount", "accounts",
			"An account: its settings with the defaults filled in, its schedules and its catalogs",
			"The same as `starter accounts show` and `starter status` print as JSON.", nil, nil, 200,
			[]any{desk.AccountDocument{}}, nil},
		"POST /accounts/{account}/account_sessions": {"beginAccountSession", "accounts",
			"Make an account session at Stripe, to embed the account's settings",
			"The client secret is good for one page, once.", nil, object{"type": "object", "maxProperties": 0}, 200,
			[]any{openedSession{}}, []int{502}},
		"GET " + catalogs: {"getCatalog", "catalogs",
			"How a catalog's last sync ended, when the next one is due, and what is under way",
			"The same as `starter status` prints as JSON. A catalog that was never synced has no last.", nil, nil, 200,
			[]any{desk.Catalog{}}, nil},
		"GET " + catalogs + "/reports": {"listReports", "catalogs",
			"The reports of a catalog that are kept, the newest first", "", []parameter{
				{"before", "only reports with a smaller number", object{"type": "integer", "minimum": 0}},
				{"limit", "how many at most",
					object{"type": "integer", "minimum": 1, "maximum": mostRead, "default": 20}},
			}, nil, 200, []any{ReportPage{}}, nil},
		"GET " + catalogs + "/reports/{number}": {"getReport", "catalogs",
			"One report, as `starter report` prints it as JSON", "", nil, nil, 200, []any{catalog.Report{}}, nil},
		"GET /accounts/{account}/orders": {"listOrders", "orders", "The orders of an account, the newest first",
			"Temporal's list lags a moment behind.", []parameter{
				{"state", "only orders in it", object{"$ref": "#/components/schemas/OrderState"}},
				{"after", "go on after an earlier page: its next", object{"type": "string"}}, limits,
			}, nil, 200, []any{OrderPage{}}, nil},
		"GET " + orders: {"getOrder", "orders", "Where an order stands; nothing of its buyer",
			"The same as `starter order show` prints as JSON. It needs a worker.", nil, nil, 200,
			[]any{desk.OrderDocument{}}, nil},
		"POST " + catalogs + "/approve": {"approveSync", "catalogs", "Let a held sync go on", verdict, nil,
			VerdictBody{}, 200, []any{desk.TakenVerdict{}}, []int{409}},
		"POST " + catalogs + "/reject": {"rejectSync", "catalogs",
			"End a held sync, and leave this version of its source alone", verdict, nil, VerdictBody{}, 200,
			[]any{desk.TakenVerdict{}}, []int{409}},
		"POST " + catalogs + "/sync": {"startSync", "catalogs", "Sync a catalog now",
			"A sync that is under way and was started in the same way is joined.", nil, SyncBody{}, 202,
			[]any{desk.SyncRun{}}, nil},
		"POST " + orders + "/shipments": shipment,
		"POST " + orders + "/decision":  decision,
		"POST " + orders + "/cancel": {"cancelOrder", "orders", "Cancel an order: no goods, and the money goes back",
			"The name of the token is recorded as who decided.", nil, CommandBody{}, 200, []any{desk.Steered{}},
			[]int{409, 422}},
		"POST " + orders + "/retry": {"retryOrder", "orders",
			"Let an order go on that is held, or whose step failed for good", "Steps that worked are not repeated.",
			nil, CommandBody{}, 200, []any{desk.Steered{}}, []int{409, 422}},
		"POST " + orders + "/refund": {"refundOrder", "orders", "Refund an order: an amount, or all that is left",
			"The same amount for the same reason is the same refund, whoever asks and how often; a repetition is told which it was. Say an id for another one that is alike.", nil, RefundBody{}, 200, []any{desk.Steered{}, desk.Repeated{}}, []int{409, 422}},

		"POST /orders/{account}/{session}/shipments": older(shipment, "reportShipmentFormerly"),
		"POST /orders/{account}/{session}/decision":  older(decision, "decideOrderFormerly"),
	}
}

// decisionBody is what order.ParseDecision reads.
var decisionBody = object{"type": "object", "required": []string{"status"}, "additionalProperties": false,
	"properties": object{
		"status":    object{"type": "string", "enum": []string{"accepted", "rejected"}},
		"reason":    object{"$ref": "#/components/schemas/Reason", "description": "of a rejection"},
		"reference": object{"type": "string", "description": "the merchant's own number of the order"},
		"lines": object{"type": "array", "minItems": 1, "items": object{"$ref": "#/components/schemas/AcceptedLine"},
			"description": "what the merchant takes of it; without them all of it"},
	}}

// names tell types apart that are called alike.
var names = map[reflect.Type]string{
	reflect.TypeFor[order.DecisionStatus](): "DecisionStatus", reflect.TypeFor[order.State](): "OrderState",
	reflect.TypeFor[order.ID]():  "OrderID",
	reflect.TypeFor[feed.Kind](): "Feed", reflect.TypeFor[catalog.Run](): "WorkflowRun",
	reflect.TypeFor[statestore.Object](): "SourceVersion",
}

func (s schemas) name(of reflect.Type) string {
	name := cmp.Or(names[of], of.Name())
	name = strings.ToUpper(name[:1]) + name[1:]
	if s.types[name] == nil {
		s.types[name] = of
	}
	require.Equal(s.t, of, s.types[name], "two types are called %s", name)
	return name
}

// openAPI is the document.
func openAPI(t *testing.T, routes []route) []byte {
	s := schemas{t: t, made: object{}, types: map[string]reflect.Type{}, comments: map[string]map[string]string{}}
	paths := object{
		"/openapi.json": object{"get": object{
			"operationId": "getDocument", "tags": []string{"document"}, "summary": "This document", "security": []any{},
			"responses": object{
				"200": object{"description": "OpenAPI 3.1", "content": jsonOf(object{"type": "object"})},
			},
		}},
		"/webhooks/stripe": object{
			"post": stripes("receiveEvent", "Stripe's events",
				"200 once the order's workflow has it; 503: Stripe sends it again."),
		},
		"/hooks/stripe": object{
			"post": stripes("answerHook", "Stripe's questions during a checkout", "Where VITRINE_HOOK_SECRETS is set."),
		},
	}
	all := operations()
	for _, rt := range routes {
		o, known := all[rt.pattern()]
		require.True(t, known, "%s is not described", rt.pattern())
		delete(all, rt.pattern())
		item, _ := paths[rt.path].(object)
		if item == nil {
			item = object{}
			paths[rt.path] = item
		}
		item[strings.ToLower(rt.method)] = s.operation(rt, o)
	}
	require.Empty(t, slices.Collect(maps.Keys(all)), "described, and there is no such route")
	s.made["Problem"] = object{"type": "object", "description": "Why not, in words.",
		"properties": object{"error": object{"type": "string"}}}
	text, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Vitrine", "version": "1",
			"description": "What `starter serve` answers and takes. Every request but Stripe's has a token: `Authorization: Bearer …`. A token has a scope, and may be for one account alone: of another it is told 404, whether the account exists or not.",
		},
		"security": []any{object{"token": []string{}}},
		"paths":    paths,
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
			"schemas":         s.made,
		},
	}, "", "  ")
	require.NoError(t, err)
	return append(bytes.ReplaceAll(text, []byte(`\u0026`), []byte("&")), '\n')
}

func stripes(id, summary, more string) object {
	return object{
		"operationId": id, "tags": []string{"stripe"}, "summary": summary, "description": more, "security": []any{},
		"parameters": []any{object{"name": "Stripe-Signature", "in": "header", "required": true,
			"schema": object{"type": "string"}}},
		"requestBody": object{"required": true, "content": jsonOf(object{"type": "object"})},
		"responses": object{"200": object{"description": "taken, or answered"},
			"400": object{"description": "not Stripe's"}, "503": object{"description": "not now"}},
	}
}

func jsonOf(schema object) object { return object{"application/json": object{"schema": schema}} }

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// pathParameters are what the paths name.
var pathParameters = map[string]object{
	"account": {"description": "the connected account", "schema": object{"type": "string", "pattern": "^acct_"},
		"example": "acct_1Nv0FGQ9RKHgCVdK"},
	"session": {"description": "the checkout session", "schema": object{"type": "string", "pattern": "^cs_"},
		"example": "cs_live_a1b2"},
	"feed":   {"description": "which of the account's catalogs", "schema": object{"$ref": "#/components/schemas/Feed"}},
	"number": {"description": "of the report", "schema": object{"type": "integer", "minimum": 0}},
}

var refusals400 = map[int]string{
	400: "the request is wrong, and the words say where", 401: "no token that is known",
	403: "a token that may look, and not decide",
	404: "there is no such thing, or it is not the token's", 409: "it contradicts what there is", 413: "too long",
	415: "not application/json",
	422: "it does not fit the order", 502: "Stripe refuses it",
	503: "something is away, or too much is under way: again later",
	500: "what is kept cannot be read", 408: "its body came too slowly",
}

func (s schemas) operation(rt route, o operation) object {
	doc := object{"operationId": o.id, "tags": []string{o.tag}, "summary": o.summary, "x-scope": string(rt.scope)}
	if o.more != "" {
		doc["description"] = o.more
	}
	parameters := []any{}
	for _, match := range inPath.FindAllStringSubmatch(rt.path, -1) {
		p := maps.Clone(pathParameters[match[1]])
		p["name"], p["in"], p["required"] = match[1], "path", true
		parameters = append(parameters, p)
	}
	for _, p := range o.query {
		parameters = append(parameters,
			object{"name": p.name, "in": "query", "description": p.means, "schema": p.schema})
	}
	doc["parameters"] = parameters
	refuses := append([]int{400, 401, 404, 500, 503}, o.refuses...)
	if o.takes != nil {
		body, isSchema := o.takes.(object)
		if !isSchema {
			body = s.of(reflect.TypeOf(o.takes))
		}
		doc["requestBody"] = object{"required": true, "content": jsonOf(body)}
		refuses = append(refuses, 403, 408, 413, 415)
	}
	var answers []any
	for _, a := range o.answers {
		answers = append(answers, s.of(reflect.TypeOf(a)))
	}
	answer, _ := answers[0].(object)
	if len(answers) > 1 {
		answer = object{"anyOf": answers}
	}
	responses := object{itoa(o.status): s.done(o, answer)}
	for _, status := range refuses {
		responses[itoa(status)] = object{"description": refusals400[status],
			"content": jsonOf(object{"$ref": "#/components/schemas/Problem"})}
	}
	doc["responses"] = responses
	return doc
}

// done is the answer to what was done, with examples of what it does not say.
func (s schemas) done(o operation, answer object) object {
	content := object{"schema": answer}
	description := "done"
	if strings.HasPrefix(o.id, "decideOrder") {
		description = "The order has it. It is not said here whether the order goes on: " +
			"of a rejection after an acceptance it is held."
		content["examples"] = object{
			"taken": object{"summary": "the order goes on as decided", "value": object{}},
			"rejectedAfterAccepting": object{
				"summary":     "taken, and the order is held: no money has gone back",
				"description": `GET /accounts/{account}/orders/{session} says from then on {"state": "held", "step": "held", "reason": "` + order.RejectedAfterAccepting + `"}.`,
				"value":       object{},
			},
		}
	}
	return object{"description": description, "content": object{"application/json": content}}
}

func itoa(n int) string { text, _ := json.Marshal(n); return string(text) }

// schemas makes a schema of each type that is answered with, from its fields and their comments.
type schemas struct {
	t        *testing.T
	made     object
	types    map[string]reflect.Type
	comments map[string]map[string]string // by package, and in it by Type or Type.Field
}

// closed are the types whose constants are all their values.
var closed = []reflect.Type{
	reflect.TypeFor[catalog.Outcome](), reflect.TypeFor[feed.Kind](), reflect.TypeFor[order.State](),
	reflect.TypeFor[catalog.Teller](),
	reflect.TypeFor[feed.Severity](), reflect.TypeFor[order.DecisionStatus](), reflect.TypeFor[order.Reason](),
}

func (s schemas) of(of reflect.Type) object {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case of == reflect.TypeFor[account.Interval]():
		return object{"type": "string", "description": "such as 15m or 168h0m0s"}
	}
	switch of.Kind() {
	case reflect.Pointer:
		return s.of(of.Elem())
	case reflect.String:
		if slices.Contains(closed, of) {
			return s.enum(of)
		}
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(of.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(of.Elem())}
	case reflect.Struct:
		return s.structure(of)
	}
	s.t.Fatalf("no schema for %s", of)
	return nil
}

func (s schemas) enum(of reflect.Type) object {
	name := s.name(of)
	if s.made[name] == nil {
		s.made[name] = object{"type": "string", "enum": s.constants(of), "description": s.comment(of, "")}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s schemas) structure(of reflect.Type) object {
	if of == reflect.TypeFor[problem]() {
		return object{"type": "object", "maxProperties": 0}
	}
	name := s.name(of)
	if s.made[name] == nil {
		schema := object{"type": "object"}
		s.made[name] = schema
		properties, required := object{}, []string{}
		s.fields(of, properties, &required)
		schema["properties"] = properties
		if len(required) > 0 {
			schema["required"] = required
		}
		if text := s.comment(of, ""); text != "" {
			schema["description"] = text
		}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s schemas) fields(of reflect.Type, properties object, required *[]string) {
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Anonymous {
			s.fields(field.Type, properties, required)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || name == "" || !field.IsExported() {
			continue
		}
		schema := maps.Clone(s.of(field.Type))
		if text := s.comment(of, field.Name); text != "" {
			schema["description"] = text
		}
		properties[name] = schema
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}

// comment is what the source says of a type, or of a field of it.
func (s schemas) comment(of reflect.Type, field string) string {
	s.read(of.PkgPath())
	name := of.Name()
	if field != "" {
		name += "." + field
	}
	return s.comments[of.PkgPath()][name]
}

func (s schemas) constants(of reflect.Type) (values []string) {
	s.read(of.PkgPath())
	text := s.comments[of.PkgPath()]["constants of "+of.Name()]
	require.NotEmpty(s.t, text, "constants of %s", of)
	return strings.Fields(text)
}

func (s schemas) read(pkg string) {
	if s.comments[pkg] != nil {
		return
	}
	found := map[string]string{}
	s.comments[pkg] = found
	files, err := filepath.Glob("../../" + strings.TrimPrefix(pkg, "vitrine/") + "/*.go")
	require.NoError(s.t, err)
	for _, name := range files {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(s.t, err)
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range group.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					found[spec.Name.Name] = sentence(spec.Name.Name, group.Doc, spec.Doc, spec.Comment)
					readFields(spec, found)
				case *ast.ValueSpec:
					readConstant(spec, found)
				}
			}
		}
	}
}

func readFields(spec *ast.TypeSpec, found map[string]string) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			found[spec.Name.Name+"."+name.Name] = sentence(name.Name, field.Doc, field.Comment)
		}
	}
}

func readConstant(spec *ast.ValueSpec, found map[string]string) {
	of, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == gotoken.STRING {
		key := "constants of " + of.Name
		found[key] = strings.TrimSpace(found[key] + " " + strings.Trim(literal.Value, `"`))
	}
}

// sentence is a comment without the name that it begins with.
func sentence(name string, groups ...*ast.CommentGroup) string {
	var texts []string
	for _, group := range groups {
		if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
			texts = append(texts, text)
		}
	}
	text := strings.Join(texts, " ")
	for _, lead := range []string{name + " is ", name + " are ", name + " has ", name + " "} {
		if rest, ok := strings.CutPrefix(text, lead); ok {
			return rest
		}
	}
	return text
}

// With VITRINE_UPDATE_DOCS=1 it writes the document.
func TestTheDocumentIsThatOfTheRoutes(t *testing.T) {
	made := openAPI(t,
		NewAPI(APIOptions{Tokens: access.Tokens{{}}, Merchants: &Merchants{}, Sessions: &AccountSessions{}}).routes())
	if os.Getenv("VITRINE_UPDATE_DOCS") == "1" {
		require.NoError(t, os.WriteFile("openapi.json", made, 0o644))
		return
	}
	require.Equal(t, string(made), string(document), "'make docs' writes it")
}

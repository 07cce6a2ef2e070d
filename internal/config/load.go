package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"vitrine/internal/account"
)

// The worker and starter serve answer probes at ports of their own, so that both can run on one machine.
const (
	workerListen = ":9464"
	serveListen  = ":9465"
)

const (
	stripeAPIBase   = "https://api.stripe.com"
	stripeFilesBase = "https://files.stripe.com"
)

// Lookup finds an environment variable; os.LookupEnv is the real one.
type Lookup func(name string) (string, bool)

// Problem is what is wrong with one variable.
type Problem struct {
	Variable string
	Value    string // as Variable.Shown; empty if the variable is unset, or its value a secret
	Err      error  // what is expected
}

// Error names the variable, and its value where that is no secret.
func (p *Problem) Error() string {
	if p.Value == "" {
		return p.Variable + ": " + hide(p.Err.Error())
	}
	return fmt.Sprintf("%s=%q: %s", p.Variable, p.Value, hide(p.Err.Error()))
}

// Unwrap gives what is wrong with the value.
func (p *Problem) Unwrap() error { return p.Err }

// LoadWorker reads what the worker needs. The error joins all problems, one *Problem each.
func LoadWorker(lookup Lookup) (Config, error) {
	c, problems := load(lookup, func(v Variable) bool { return v.Worker })
	c.Worker.Listen = cmp.Or(c.Worker.Listen, workerListen)
	for _, required := range []error{c.CheckStripe(), c.CheckSource(), c.CheckState(), c.checkNews()} {
		problems = appendNew(problems, required)
	}
	return c, errors.Join(problems...)
}

// LoadStarter reads what the starter needs of what is set; commands that read S3 ask CheckSource or CheckState too.
// The error joins all problems, one *Problem each.
func LoadStarter(lookup Lookup) (Config, error) {
	c, problems := load(lookup, func(v Variable) bool { return v.Starter })
	return c, errors.Join(problems...)
}

// LoadStripe reads what the starter needs to ask Stripe something. The error joins all problems, one *Problem each.
func LoadStripe(lookup Lookup) (Config, error) {
	c, problems := load(lookup, func(v Variable) bool { return v.Starter || aboutStripe(v.Name) })
	return c, errors.Join(appendNew(problems, c.CheckStripe())...)
}

// LoadAll reads everything that any process reads. The problems are one *Problem each; what has none is usable.
func LoadAll(lookup Lookup) (c Config, problems []error) {
	c, problems = load(lookup, func(Variable) bool { return true })
	for _, required := range []error{c.CheckStripe(), c.CheckSource(), c.CheckState(), c.checkNews()} {
		problems = appendNew(problems, required)
	}
	return c, problems
}

func aboutStripe(name string) bool {
	return strings.HasPrefix(name, "STRIPE_") || strings.HasPrefix(name, "VITRINE_STRIPE_")
}

// LoadServe reads what starter serve needs: what the starter reads, and more. The error joins all problems, one
// *Problem each.
func LoadServe(lookup Lookup) (Config, error) {
	c, problems := load(lookup, func(v Variable) bool { return v.Starter || v.Serve })
	c.Worker.Listen = cmp.Or(c.Worker.Listen, serveListen)
	for _, required := range []error{c.CheckStripe(), c.CheckState(), c.checkWebhookSecrets()} {
		problems = appendNew(problems, required)
	}
	return c, errors.Join(problems...)
}

// LoadCodec reads what starter codec needs: what the starter reads, and more. The error joins all problems, one
// *Problem each.
func LoadCodec(lookup Lookup) (Config, error) {
	c, problems := load(lookup, func(v Variable) bool { return v.Starter || v.Codec })
	for _, required := range []error{c.checkPayloadKeys(), c.checkCodecTokens()} {
		problems = appendNew(problems, required)
	}
	return c, errors.Join(problems...)
}

// checkWebhookSecrets returns an error if nothing could be verified.
func (c Config) checkWebhookSecrets() error {
	if len(c.Serve.Secrets) > 0 {
		return nil
	}
	return &Problem{Variable: "VITRINE_WEBHOOK_SECRETS",
		Err: errors.New("it is not set: expected the signing secrets (whsec_…) of the webhook endpoints, or their " +
			"file in VITRINE_WEBHOOK_SECRETS_FILE")}
}

// CheckStripe returns an error if there is no key for Stripe.
func (c Config) CheckStripe() error {
	if c.Stripe.Key != "" {
		return nil
	}
	return &Problem{Variable: "STRIPE_API_KEY",
		Err: errors.New("it is not set: expected Stripe's secret or restricted key (sk_… or rk_…), or its file in " +
			"STRIPE_API_KEY_FILE")}
}

// CheckSource returns an error if nobody said where the catalogs are.
func (c Config) CheckSource() error {
	if c.Storage.SourceBucket != "" {
		return nil
	}
	return &Problem{Variable: "VITRINE_SOURCE_BUCKET",
		Err: errors.New("it is not set: expected the S3 bucket that the catalogs are exported to")}
}

// CheckState returns an error if nobody said where settings, state and reports are.
func (c Config) CheckState() error {
	if c.Storage.StateBucket != "" {
		return nil
	}
	return &Problem{Variable: "VITRINE_STATE_BUCKET",
		Err: errors.New("neither it nor VITRINE_SOURCE_BUCKET is set: expected the S3 bucket for settings, state and " +
			"reports")}
}

// appendNew drops a problem with a variable that has one already: one missing bucket is one problem, and so is a
// malformed key.
func appendNew(problems []error, err error) []error {
	var next *Problem
	if !errors.As(err, &next) {
		return problems
	}
	for _, had := range problems {
		var p *Problem
		if errors.As(had, &p) && sameConcern(p.Variable, next.Variable) {
			return problems
		}
	}
	return append(problems, err)
}

func sameConcern(had, next string) bool {
	switch next {
	case "STRIPE_API_KEY", "VITRINE_WEBHOOK_SECRETS":
		return strings.HasPrefix(had, next)
	case "VITRINE_STATE_BUCKET":
		return had == next || had == "VITRINE_SOURCE_BUCKET"
	}
	return had == next
}

// load applies the defaults, then what is set, then what follows from several variables together.
func load(lookup Lookup, wanted func(Variable) bool) (Config, []error) {
	c := Config{Storage: Storage{PathStyle: ownEndpoint(lookup)}}
	var problems []error
	for _, v := range Table() {
		if v.set == nil || !wanted(v) {
			continue
		}
		value, isSet := given(lookup, v.Name)
		if !isSet && v.preset {
			value, isSet = v.Default, true
		}
		if !isSet {
			continue
		}
		if err := v.set(&c, value); err != nil {
			problems = append(problems, v.problem(value, err))
		}
	}
	c.Rules = c.Rules.Over(account.DefaultRules())
	c.fillFromOthers(lookup)
	return c, append(problems, c.checkTogether(lookup, len(problems) == 0)...)
}

// given is lookup, except that an empty variable counts as unset: compose files and shells pass those along.
func given(lookup Lookup, name string) (string, bool) {
	value, _ := lookup(name)
	value = strings.TrimSpace(value)
	return value, value != ""
}

func (v Variable) problem(value string, err error) error {
	shown := v.Shown(value)
	if shown == redacted {
		shown = ""
	}
	return &Problem{Variable: v.Name, Value: shown, Err: err}
}

func ownEndpoint(lookup Lookup) bool {
	_, s3 := given(lookup, "AWS_ENDPOINT_URL_S3")
	_, all := given(lookup, "AWS_ENDPOINT_URL")
	return s3 || all
}

// fillFromOthers sets what defaults to another variable.
func (c *Config) fillFromOthers(lookup Lookup) {
	if c.Storage.StateBucket == "" {
		c.Storage.StateBucket = c.Storage.SourceBucket
	}
	// An emulator gets the files too: a catalog on its way to real Stripe by mistake cannot be called back.
	if c.Stripe.FilesBase == "" {
		c.Stripe.FilesBase = c.Stripe.APIBase
		if c.RealStripe() {
			c.Stripe.FilesBase = stripeFilesBase
		}
	}
}

// RealStripe reports whether the API is Stripe's own, whose rules cannot be bent.
func (c Config) RealStripe() bool { return isStripe(c.Stripe.APIBase) }

func isStripe(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return host == "stripe.com" || strings.HasSuffix(host, ".stripe.com")
}

// checkTogether checks what no variable shows alone.
func (c Config) checkTogether(lookup Lookup, sound bool) []error {
	if !sound {
		return nil // half of what would be compared is missing
	}
	problems := append(checkEndpoints(lookup), checkTemporal(lookup)...)
	if err := c.checkCanary(); err != nil {
		problems = append(problems, err)
	}
	if err := account.CheckInterval(c.Import.Interval); err != nil && c.RealStripe() {
		problems = append(problems, &Problem{
			Variable: "VITRINE_IMPORT_INTERVAL", Value: c.Import.Interval.String(),
			Err: fmt.Errorf("%w; shorter ones are for emulators (STRIPE_API_BASE)", err),
		})
	}
	for _, base := range []struct{ variable, address string }{
		{"STRIPE_API_BASE", c.Stripe.APIBase},
		{"STRIPE_FILES_BASE", c.Stripe.FilesBase},
	} {
		if _, isSet := given(lookup, base.variable); !isSet {
			continue
		}
		var err error
		switch {
		case c.exposesLiveKey(base.address):
			err = errors.New("a live key would travel in clear text: expected https://")
		case strings.HasPrefix(base.address, "http://") && isStripe(base.address):
			err = errors.New("Stripe answers nobody in clear text: expected https://")
		default:
			continue
		}
		problems = append(problems, &Problem{Variable: base.variable, Value: base.address, Err: err})
	}
	return problems
}

// checkEndpoints checks what Amazon's library reads by itself, and would take for an address only when it is used.
func checkEndpoints(lookup Lookup) (problems []error) {
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		value, isSet := given(lookup, name)
		if !isSet {
			continue
		}
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
			err = errors.New("expected an address such as https://s3.example or http://127.0.0.1:9000")
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			err = errors.New("expected an address without a user, query or fragment; credentials go into " +
				"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
		if err != nil {
			problems = append(problems, Variable{Name: name}.problem(value, err))
		}
	}
	return problems
}

// checkTemporal refuses an address of the web: Temporal's library would look for a host of that name for ever.
func checkTemporal(lookup Lookup) []error {
	value, isSet := given(lookup, "TEMPORAL_ADDRESS")
	if !isSet ||
		!strings.Contains(value, "@") && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
		return nil
	}
	return []error{Variable{Name: "TEMPORAL_ADDRESS"}.problem(value,
		errors.New("expected host and port alone, such as temporal.example:7233"))}
}

// exposesLiveKey allows plain http within the machine, and for keys that move no money anywhere.
func (c Config) exposesLiveKey(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || !c.Livemode() {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Unknown names the variables of environ (as os.Environ gives them) that begin with VITRINE_ and mean nothing: a
// mistyped name is otherwise silently a default.
func Unknown(environ []string) []string {
	var names []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		known := slices.ContainsFunc(Table(), func(v Variable) bool { return v.Name == name })
		if strings.HasPrefix(name, "VITRINE_") && !known {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

const key = "sk_test_51SecretOfMine"

// lookup has what the worker needs, changed by pairs of name and value; an empty value unsets.
func lookup(pairs ...string) config.Lookup {
	vars := map[string]string{"STRIPE_API_KEY": key, "VITRINE_SOURCE_BUCKET": "acme-catalogs"}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func TestEveryMalformedVariableIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"STRIPE_API_BASE", "api.stripe.com", "expected an address"},
		{"STRIPE_API_BASE", "ftp://api.stripe.com", "expected an address"},
		{"STRIPE_API_BASE", "http://[", "expected an address"},
		{"STRIPE_API_BASE", "https://user:pass@host", "scheme and host alone"},
		{"STRIPE_API_BASE", "https://host/v1", "scheme and host alone"},
		{"STRIPE_FILES_BASE", "https://host?x=1", "scheme and host alone"},
		{"VITRINE_STRIPE_VERSION", "latest", "expected a version"},
		{"VITRINE_STRIPE_VERSION", "2025-09-30\r\nX: y", "expected a version"},
		{"VITRINE_STRIPE_RATE", "0", "above 0"},
		{"VITRINE_STRIPE_RATE", "NaN", "above 0"},
		{"VITRINE_STRIPE_RATE", "fast", "above 0"},
		{"VITRINE_STRIPE_CONCURRENCY", "0", "from 1 to 1000"},
		{"VITRINE_STORAGE_CONCURRENCY", "1e9", "from 1 to 1000"},
		{"VITRINE_SOURCE_BUCKET", "s3://acme", "name of a bucket alone"},
		{"VITRINE_STATE_BUCKET", "acme/state", "name of a bucket alone"},
		{"VITRINE_SOURCE_KEY", "{acount}.csv", "{acount}"},
		{"VITRINE_SOURCE_KEY", "../{account}.csv", `".."`},
		{"VITRINE_SOURCE_KEY", "{account}.xml", ".csv"},
		{"VITRINE_SOURCE_KEY", "catalogs/{feed}.csv", "expected {account} in it"},
		{"VITRINE_STATE_PREFIX", "/state", "no leading slash"},
		{"VITRINE_STATE_PREFIX", "a/../b", "no leading slash"},
		{"VITRINE_STATE_PREFIX", "accounts/", "settings are there"},
		{"VITRINE_S3_PATH_STYLE", "maybe", "true or false"},
		{"AWS_ENDPOINT_URL_S3", "s3.example:9000", "expected an address"},
		{"AWS_ENDPOINT_URL_S3", "ftp://s3.example", "expected an address"},
		{"TEMPORAL_ADDRESS", "https://temporal.example:7233", "expected host and port alone"},
		{"TEMPORAL_ADDRESS", "ada:secret@temporal.example:7233", "expected host and port alone"},
		{"AWS_ENDPOINT_URL", "http://", "expected an address"},
		{"AWS_ENDPOINT_URL_S3", "https://id:secret@s3.example", "without a user"},
		{"VITRINE_IMPORT_INTERVAL", "15", "expected a duration"},
		{"VITRINE_IMPORT_INTERVAL", "-1s", "expected a duration"},
		{"VITRINE_IMPORT_INTERVAL", "14m59s", "emulators (STRIPE_API_BASE)"},
		{"VITRINE_IMPORT_DEADLINE", "0", "expected a duration"},
		{"VITRINE_STRIPE_V2_VERSION", "dahlia", "expected a version such as 2026-06-24.dahlia"},
		{"VITRINE_STRIPE_ORDERS_VERSION", "preview", "expected a version such as 2025-12-15.preview"},
		{"VITRINE_MAX_PART_BYTES", "4000000001", "from 1 to 4000000000, the largest file that Stripe takes"},
		{"VITRINE_MAX_PART_BYTES", "0", "from 1 to 4000000000"},
		{"VITRINE_MAX_PART_BYTES", "200MB", "a number of bytes"},
		{"VITRINE_MAX_SOURCE_BYTES", "0", "a number of bytes from 1"},
		{"VITRINE_MAX_SOURCE_BYTES", "4GB", "a number of bytes"},
		{"VITRINE_MAX_SOURCE_BYTES", "1000000000001", "a number of bytes"},
		{"VITRINE_STRIPE_IMPORT_API", "v3", "expected v1 or v2"},
		{"VITRINE_DIALECT", "amazon", "expected stripe or google"},
		{"VITRINE_INVALID_ROWS", "drop", "expected hold_back or send"},
		{"VITRINE_UNKNOWN_COLUMNS", "hold_back", "expected send or drop"},
		{"VITRINE_FULL_SEND_EVERY", "59m", "at least 1h"},
		{"VITRINE_FULL_SEND_EVERY", "7d", "at least 1h"},
		{"VITRINE_MAX_SHRINK", "101", "from 0 to 100"},
		{"VITRINE_MAX_SHRINK", "-1", "from 0 to 100"},
		{"VITRINE_MAX_SHRINK", "NaN", "from 0 to 100"},
		{"VITRINE_MAX_INVALID", "half", "from 0 to 100"},
		{"VITRINE_MAX_PRICE_MOVES", "20%%", "from 0 to 100"},
		{"VITRINE_PRICE_MOVE", "10001", "from 0 to 10000"},
		{"VITRINE_MAX_CURRENCY_FLIPS", "%", "from 0 to 100"},
		{"VITRINE_MERCHANT_SECRETS", "/nowhere", "expected a folder that is there"},
		{"VITRINE_MAIL_TEMPLATES", "/dev/null", "expected a folder that is there"},
		{"VITRINE_ALLOW_PRIVATE_ENDPOINTS", "some", "true or false"},
		{"VITRINE_SMTP_URL_FILE", "/nowhere", "a file that holds the address"},
		{"VITRINE_LISTEN", "9464", "host:port"},
		{"VITRINE_LISTEN", ":99999", "a port from 0 to 65535"},
		{"VITRINE_SHUTDOWN_TIMEOUT", "0s", "expected a duration"},
		{"OTEL_TRACES_EXPORTER", "zipkin", "expected otlp or none"},
		{"VITRINE_DEPLOYMENT", "vitrine.eu", "expected a name of letters"},
		{"VITRINE_DEPLOYMENT", "a__b", "expected a name of letters"},
		{"VITRINE_BUILD_ID", "v1 (modified)", "expected the name of a version"},
		{"VITRINE_LOG_LEVEL", "loud", "debug, info, warn or error"},
		{"VITRINE_LOG_FORMAT", "xml", "text or json"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Parallel()
			_, err := config.LoadWorker(lookup(c.name, c.value))
			require.ErrorContains(t, err, c.name+"=")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n", "one problem")
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.LoadWorker(lookup(
		"STRIPE_API_KEY", "",
		"VITRINE_SOURCE_BUCKET", "",
		"VITRINE_IMPORT_DEADLINE", "soon",
		"VITRINE_LOG_LEVEL", "loud",
	))
	problems := strings.Split(err.Error(), "\n")
	require.Len(t, problems, 4)
	for i, name := range []string{"VITRINE_IMPORT_DEADLINE", "VITRINE_LOG_LEVEL", "STRIPE_API_KEY",
		"VITRINE_SOURCE_BUCKET"} {
		require.True(t, strings.HasPrefix(problems[i], name), problems[i])
	}
	var problem *config.Problem
	require.ErrorAs(t, err, &problem)
}

func TestAKeyThatCannotBeOneIsNeverShown(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct {
		name, value, want string
		pairs             []string
	}{
		{"STRIPE_API_KEY", "pk_live_hidden", "publishable", nil},
		{"STRIPE_API_KEY", "my hidden password", "a space", nil},
		{"STRIPE_API_KEY_FILE", empty, "it is empty", []string{"STRIPE_API_KEY", ""}},
		{"STRIPE_API_KEY_FILE", empty + "-none", "no such file", []string{"STRIPE_API_KEY", ""}},
	} {
		_, err := config.LoadWorker(lookup(append(c.pairs, c.name, c.value)...))
		require.ErrorContains(t, err, c.name)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "hidden")
		require.NotContains(t, err.Error(), "\n", "one problem")
	}
}

func TestTheKeyMayComeFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(" "+key+"\n"), 0o600))
	c, err := config.LoadWorker(lookup("STRIPE_API_KEY", "", "STRIPE_API_KEY_FILE", file))
	require.NoError(t, err)
	require.Equal(t, key, c.Stripe.Key.Reveal())

	_, err = config.LoadWorker(lookup("STRIPE_API_KEY", "sk_test_other", "STRIPE_API_KEY_FILE", file))
	require.ErrorContains(t, err, "set one of the two")
	require.NotContains(t, err.Error(), "sk_test")
}

func TestALiveKeyDoesNotTravelInClearText(t *testing.T) {
	t.Parallel()
	live := []string{"STRIPE_API_KEY", "rk_live_abc", "STRIPE_API_BASE", "http://stub.example:12111"}
	_, err := config.LoadWorker(lookup(live...))
	require.ErrorContains(t, err, "clear text")
	require.NotContains(t, err.Error(), "rk_live")

	for _, pairs := range [][]string{
		{"STRIPE_API_BASE", "http://stub.example:12111"},
		{"STRIPE_API_KEY", "sk_live_abc", "STRIPE_API_BASE", "http://127.0.0.1:12111"},
		{"STRIPE_API_KEY", "sk_live_abc", "STRIPE_API_BASE", "http://localhost:12111"},
		{"STRIPE_API_KEY", "sk_live_abc", "STRIPE_API_BASE", "https://proxy.example"},
	} {
		_, err := config.LoadWorker(lookup(pairs...))
		require.NoError(t, err, pairs)
	}
}

// A worker would otherwise wait for ever for an answer that never comes.
func TestStripeIsNotAskedInClearTextWithAnyKey(t *testing.T) {
	t.Parallel()
	for _, pair := range [][]string{
		{"STRIPE_API_BASE", "http://api.stripe.com"}, {"STRIPE_API_BASE", "HTTP://API.Stripe.com:443/"},
		{"STRIPE_FILES_BASE", "http://files.stripe.com"}, {"STRIPE_API_BASE", "http://stripe.com."},
	} {
		_, err := config.LoadWorker(lookup(pair...))
		require.ErrorContains(t, err, pair[0], pair)
		require.ErrorContains(t, err, "expected https://", pair)
	}
	c, err := config.LoadWorker(lookup("STRIPE_API_BASE", "HTTPS://API.stripe.com"))
	require.NoError(t, err)
	require.True(t, c.RealStripe())
	require.Equal(t, "https://api.stripe.com", c.Stripe.APIBase)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(lookup("VITRINE_LISTEN", "  ")) // empty is unset
	require.NoError(t, err)
	require.Equal(t, config.Config{
		Stripe: config.Stripe{
			Key: key, APIBase: "https://api.stripe.com", FilesBase: "https://files.stripe.com",
			Version: "2025-09-30.clover;udap_beta=v1", V2Version: "2026-06-24.dahlia",
			OrdersVersion: "2025-12-15.preview", Rate: 20, Concurrency: 16,
		},
		Storage: config.Storage{
			SourceBucket: "acme-catalogs", SourceKey: "catalogs/{account}/{feed}.csv",
			StateBucket: "acme-catalogs", StatePrefix: "state/", Concurrency: 16,
		},
		Import: config.Import{Interval: 15 * time.Minute, Deadline: 2 * time.Hour, MaxSourceBytes: 4_000_000_000},
		Rules:  account.DefaultRules(),
		Orders: config.Orders{Concurrency: 64},
		News:   config.News{StaleAfter: time.Hour},
		Worker: config.Worker{Listen: ":9464", ShutdownTimeout: 25 * time.Second},
		Log:    config.Log{Level: slog.LevelInfo, Format: "text"},
	}, c)
	require.Equal(t, statestore.Layout{
		SourceBucket: "acme-catalogs", SourceKey: "catalogs/{account}/{feed}.csv",
		StateBucket: "acme-catalogs", StatePrefix: "state/",
	}, c.Layout())
}

func TestRulesAreTheDefaultsWhereNothingIsSet(t *testing.T) {
	t.Parallel()
	pairs := []string{
		"VITRINE_STRIPE_IMPORT_API", "V2", "VITRINE_DIALECT", "google", "VITRINE_FULL_SEND_EVERY", "24h",
		"VITRINE_MAX_SHRINK", "0", "VITRINE_MAX_CURRENCY_FLIPS", "0.5 %",
	}
	worker, err := config.LoadWorker(lookup(pairs...))
	require.NoError(t, err)
	starter, err := config.LoadStarter(lookup(pairs...))
	require.NoError(t, err)
	require.Equal(t, worker.Rules, starter.Rules, "what one shows, the other does")

	none, half := account.Percent(0), account.Percent(0.5)
	require.Equal(t, account.Rules{
		ImportAPI: feed.V2, Dialect: feed.GoogleDialect, FullSendEvery: account.Interval(24 * time.Hour),
		MaxShrink: &none, MaxCurrencyFlips: &half,
	}.Over(account.DefaultRules()), worker.Rules)
}

func TestRulesThatSomeAccountsTry(t *testing.T) {
	t.Parallel()
	pairs := []string{
		"VITRINE_CANARY_RULES", "import_api=v2, max_invalid = 10%", "VITRINE_CANARY_SHARE", "2.5 %",
		"VITRINE_CANARY_ACCOUNTS", "acct_2, acct_1,acct_2",
	}
	for _, load := range []func(config.Lookup) (config.Config, error){config.LoadWorker, config.LoadStarter} {
		c, err := load(lookup(pairs...))
		require.NoError(t, err)
		ten := account.Percent(10)
		require.Equal(t, account.Canary{
			Rules: account.Rules{ImportAPI: feed.V2, MaxInvalid: &ten}, Share: 2.5,
			Accounts: []string{"acct_1", "acct_2"},
		}, c.Deployment().Canary)
	}
	for says, pairs := range map[string][]string{
		"nobody tries them":             {"VITRINE_CANARY_RULES", "import_api=v2"},
		"expected the rules that those": {"VITRINE_CANARY_SHARE", "5"},
		"import_api=v2":                 {"VITRINE_CANARY_ACCOUNTS", "acct_1"},
		"expected NAME=VALUE":           {"VITRINE_CANARY_RULES", "import_api", "VITRINE_CANARY_SHARE", "5"},
		"there twice": {"VITRINE_CANARY_RULES", "import_api=v2,import_api=v1",
			"VITRINE_CANARY_SHARE", "5"},
		`rule "api" is not known`: {"VITRINE_CANARY_RULES", "api=v2", "VITRINE_CANARY_SHARE", "5"},
		"expected v1 or v2":       {"VITRINE_CANARY_RULES", "import_api=v3", "VITRINE_CANARY_SHARE", "5"},
		"above 0 and up to 100":   {"VITRINE_CANARY_RULES", "import_api=v2", "VITRINE_CANARY_SHARE", "0"},
		"up to 100":               {"VITRINE_CANARY_RULES", "import_api=v2", "VITRINE_CANARY_SHARE", "NaN"},
		"acct_1/x":                {"VITRINE_CANARY_RULES", "import_api=v2", "VITRINE_CANARY_ACCOUNTS", "acct_1/x"},
	} {
		_, err := config.LoadWorker(lookup(pairs...))
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "VITRINE_CANARY_")
	}
}

func TestEveryRuleHasAVariable(t *testing.T) {
	t.Parallel()
	for _, name := range account.RuleNames() {
		variable := "VITRINE_" + strings.ToUpper(name)
		if name == "import_api" {
			variable = "VITRINE_STRIPE_IMPORT_API"
		}
		_, err := config.LoadStarter(lookup(variable, "?"))
		require.ErrorContains(t, err, variable)
	}
}

func TestALimitOfPartsMayBeSet(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(lookup("VITRINE_MAX_PART_BYTES", "4000000000", "VITRINE_MAX_SOURCE_BYTES", "1"))
	require.NoError(t, err)
	require.Equal(t, int64(4_000_000_000), c.Import.MaxPartBytes)
	require.Equal(t, int64(1), c.Import.MaxSourceBytes)
}

func TestAnEmulatorBendsStripesRules(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(lookup("STRIPE_API_BASE", "http://127.0.0.1:12111/", "VITRINE_IMPORT_INTERVAL", "0s"))
	require.NoError(t, err)
	require.Zero(t, c.Import.Interval)
	require.Equal(t, "http://127.0.0.1:12111", c.Stripe.APIBase)
	require.Equal(t, "http://127.0.0.1:12111", c.Stripe.FilesBase, "files must not reach real Stripe by mistake")

	c, err = config.LoadWorker(lookup("STRIPE_API_BASE", "http://127.0.0.1:1", "STRIPE_FILES_BASE",
		"http://127.0.0.1:2"))
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:2", c.Stripe.FilesBase)
}

func TestOtherS3ServersAreAddressedByPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pairs []string
		want  bool
	}{
		{nil, false},
		{[]string{"AWS_ENDPOINT_URL_S3", "http://127.0.0.1:7070"}, true},
		{[]string{"AWS_ENDPOINT_URL", "http://127.0.0.1:7070"}, true},
		{[]string{"AWS_ENDPOINT_URL", "http://127.0.0.1:7070", "VITRINE_S3_PATH_STYLE", "false"}, false},
		{[]string{"VITRINE_S3_PATH_STYLE", "true"}, true},
	} {
		got, err := config.LoadWorker(lookup(c.pairs...))
		require.NoError(t, err)
		require.Equal(t, c.want, got.Storage.PathStyle, c.pairs)
	}
}

func TestTheStatePrefixEndsInASlash(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(lookup("VITRINE_STATE_PREFIX", "vitrine/prod", "VITRINE_STATE_BUCKET", "acme-state"))
	require.NoError(t, err)
	require.Equal(t, "vitrine/prod/", c.Layout().StatePrefix)
	require.Equal(t, "acme-state", c.Layout().StateBucket)
}

func TestTheStarterNeedsLess(t *testing.T) {
	t.Parallel()
	c, err := config.LoadStarter(lookup("STRIPE_API_KEY", "pk_of_no_concern", "VITRINE_SOURCE_BUCKET", ""))
	require.NoError(t, err)
	require.Empty(t, c.Stripe.Key)
	require.ErrorContains(t, c.CheckStripe(), "STRIPE_API_KEY_FILE")
	require.ErrorContains(t, c.CheckSource(), "VITRINE_SOURCE_BUCKET")
	require.ErrorContains(t, c.CheckState(), "VITRINE_STATE_BUCKET")

	c, err = config.LoadStarter(lookup())
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.CheckSource(), c.CheckState()))

	_, err = config.LoadStarter(lookup("VITRINE_LOG_LEVEL", "loud"))
	require.ErrorContains(t, err, "VITRINE_LOG_LEVEL")
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(lookup())
	require.NoError(t, err)

	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
		_, _ = fmt.Fprintf(&printed, verb+" "+verb+"\n", c, c.Stripe.Key)
	}
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	printed.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("config", "config", c, "key", c.Stripe.Key, "stripe", c.Stripe)
	}
	require.NotContains(t, printed.String(), key)
	require.NotContains(t, printed.String(), fmt.Sprintf("%x", key))
	require.Contains(t, printed.String(), "[redacted]")
	require.Empty(t, config.Secret("").String())
}

func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range config.Table() {
		require.False(t, seen[v.Name], "%s twice", v.Name)
		seen[v.Name] = true
		require.NotEmpty(t, v.Meaning, v.Name)
		require.True(t, v.Worker || v.Starter || v.Serve || v.Codec, "nobody reads %s", v.Name)
	}
}

func TestUnknownNamesWhatIsMistyped(t *testing.T) {
	t.Parallel()
	got := config.Unknown([]string{"VITRINE_SOURCE_BUKET=x", "VITRINE_LISTEN=:1", "HOME=/root", "VITRINE_A=1"})
	require.Equal(t, []string{"VITRINE_A", "VITRINE_SOURCE_BUKET"}, got)
}

func TestMailServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "smtp")
	require.NoError(t, os.WriteFile(file, []byte("smtp://me:pa55word@mail.example:587\n"), 0o600))
	c, err := config.LoadWorker(lookup("VITRINE_SMTP_URL_FILE", file))
	require.NoError(t, err)
	require.Equal(t, "smtp://me:pa55word@mail.example:587", c.Orders.SMTP.Reveal())
	require.NotContains(t, fmt.Sprintf("%+v %v", c, c.LogValue()), "pa55word")

	for _, pairs := range [][]string{
		{"VITRINE_SMTP_URL", "me:pa55word@mail.example"},
		{"VITRINE_SMTP_URL", "smtp://me:pa55word@other.example", "VITRINE_SMTP_URL_FILE", file},
	} {
		_, err := config.LoadWorker(lookup(pairs...))
		require.ErrorContains(t, err, "VITRINE_SMTP_URL")
		require.NotContains(t, err.Error(), "pa55word")
	}
}

// secretVariables are the rows whose value is a secret, and those of their files: a value pasted into the wrong one of
// the two is a secret too.
func secretVariables() (names []string) {
	for _, v := range config.Table() {
		if v.Secret || strings.HasSuffix(v.Name, "_FILE") && v.Name != "TEMPORAL_CONFIG_FILE" {
			names = append(names, v.Name)
		}
	}
	return names
}

func TestEveryVariableWithASecretIsMarked(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"STRIPE_API_KEY", "STRIPE_API_KEY_FILE", "VITRINE_SMTP_URL", "VITRINE_SMTP_URL_FILE",
		"VITRINE_NEWS_URL", "VITRINE_NEWS_SECRETS", "VITRINE_NEWS_SECRETS_FILE", "VITRINE_WEBHOOK_SECRETS",
		"VITRINE_WEBHOOK_SECRETS_FILE", "VITRINE_API_TOKEN", "VITRINE_API_TOKEN_FILE", "VITRINE_API_TOKENS",
		"VITRINE_API_TOKENS_FILE", "VITRINE_HOOK_SECRETS",
		"VITRINE_HOOK_SECRETS_FILE", "OTEL_EXPORTER_OTLP_HEADERS", "TEMPORAL_API_KEY",
		"VITRINE_PAYLOAD_KEYS_FILE", "VITRINE_CODEC_TOKENS_FILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	}, secretVariables(), "whoever adds a variable with a secret marks it, and adds it here")
}

// What is wrong with a secret is said without the secret, whatever was pasted where.
func TestNoProblemShowsASecret(t *testing.T) {
	t.Parallel()
	loads := map[string]func(config.Lookup) (config.Config, error){
		"worker": config.LoadWorker, "starter": config.LoadStarter, "serve": config.LoadServe,
	}
	for _, v := range config.Table() {
		for _, value := range []string{
			"smtp://ada:hunter2@mail.example:25/x", "https://ada:hun/ter2@host.example", "sk_live_hunter2 ",
			"sk_live_hunter2\nx",
			"whsec_hunter2,hunter2", "rk_test_hunter2", "../../sk_live_hunter2",
		} {
			require.NotContains(t, v.Shown(value), "unter2", v.Name)
			require.NotContains(t, v.Shown(value), "ter2@", v.Name)
			for name, load := range loads {
				if _, err := load(lookup(v.Name, value)); err != nil {
					require.NotContains(t, err.Error(), "unter2", "%s, read by the %s", v.Name, name)
					require.NotContains(t, err.Error(), "ter2@", "%s, read by the %s", v.Name, name)
				}
			}
		}
	}
	for _, name := range secretVariables() {
		for _, value := range []string{"correct-horse-battery-staple", "hunter2", "aaaa.bbbb.cccc"} {
			require.NotContains(t, variable(t, name).Shown(value), value, name)
			for _, load := range loads {
				if _, err := load(lookup(name, value)); err != nil {
					require.NotContains(t, err.Error(), value, name)
				}
			}
		}
	}
}

func TestThePathOfASecretIsShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/run/secrets/key", variable(t, "STRIPE_API_KEY_FILE").Shown("/run/secrets/key"))
	require.Equal(t, "./key", variable(t, "STRIPE_API_KEY_FILE").Shown("./key"))
	require.Empty(t, variable(t, "STRIPE_API_KEY").Shown(""))
	require.Equal(t, "http://127.0.0.1:9000", variable(t, "AWS_ENDPOINT_URL_S3").Shown("http://127.0.0.1:9000"))
}

func variable(t *testing.T, name string) config.Variable {
	t.Helper()
	for _, v := range config.Table() {
		if v.Name == name {
			return v
		}
	}
	require.FailNow(t, "no variable "+name)
	return config.Variable{}
}

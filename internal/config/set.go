package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

func setStripeKey(c *Config, value string) error {
	if err := checkKey(value); err != nil {
		return err
	}
	c.Stripe.Key = Secret(value)
	return nil
}

func setStripeKeyFile(c *Config, path string) error {
	key, err := readSecretFile(path, "key")
	if err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if c.Stripe.Key != "" && c.Stripe.Key != Secret(key) {
		return errors.New("STRIPE_API_KEY is set as well, to another key: set one of the two")
	}
	c.Stripe.Key = Secret(key)
	return nil
}

// checkKey says nothing of the key itself: what fails here may be a password pasted into the wrong variable.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("it is empty: expected a secret or restricted key (sk_… or rk_…)")
	case strings.HasPrefix(key, "pk_"):
		return errors.New("it is a publishable key: expected a secret or restricted one (sk_… or rk_…)")
	case strings.ContainsFunc(key, notVisible):
		return errors.New("it holds a space, a line break or another character that no key has")
	}
	return nil
}

func setAPIBase(c *Config, value string) (err error) {
	c.Stripe.APIBase, err = baseURL(value)
	return err
}

func setFilesBase(c *Config, value string) (err error) {
	c.Stripe.FilesBase, err = baseURL(value)
	return err
}

func baseURL(value string) (string, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "", errors.New("expected an address such as https://api.stripe.com or http://127.0.0.1:12111")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("expected scheme and host alone, without a user, path or query")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

var versionPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[!-~]*$`)

func setStripeVersion(c *Config, value string) error {
	c.Stripe.Version = value
	return checkVersion(value, "2025-09-30.clover;udap_beta=v1")
}

func setStripeV2Version(c *Config, value string) error {
	c.Stripe.V2Version = value
	return checkVersion(value, "2026-06-24.dahlia")
}

func setStripeOrdersVersion(c *Config, value string) error {
	c.Stripe.OrdersVersion = value
	return checkVersion(value, "2025-12-15.preview")
}

func setStripeAgreementsVersion(c *Config, value string) error {
	c.Stripe.AgreementsVersion = value
	return checkVersion(value, "2026-05-27.preview")
}

// embeddedPattern is the one form of a version with a space in it.
var embeddedPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}\.preview; embedded_connect_beta=v\d{1,3}$`)

func setStripeEmbeddedVersion(c *Config, value string) error {
	c.Stripe.EmbeddedVersion = value
	if embeddedPattern.MatchString(value) {
		return nil
	}
	return checkVersion(value, "2026-06-24.preview; embedded_connect_beta=v2")
}

func checkVersion(value, example string) error {
	if !versionPattern.MatchString(value) {
		return errors.New("expected a version such as " + example)
	}
	return nil
}

func setStripeRate(c *Config, value string) error {
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(rate) || rate <= 0 || rate > 10_000 {
		return errors.New("expected activities a second: a number above 0, such as 20")
	}
	c.Stripe.Rate = rate
	return nil
}

func setStripeConcurrency(c *Config, value string) (err error) {
	c.Stripe.Concurrency, err = concurrency(value)
	return err
}

func setStorageConcurrency(c *Config, value string) (err error) {
	c.Storage.Concurrency, err = concurrency(value)
	return err
}

func setMerchantConcurrency(c *Config, value string) (err error) {
	c.Orders.Concurrency, err = concurrency(value)
	return err
}

func concurrency(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1000 {
		return 0, errors.New("expected a number from 1 to 1000")
	}
	return n, nil
}

func setSourceBucket(c *Config, value string) error {
	c.Storage.SourceBucket = value
	return account.CheckBucket(value)
}

func setStateBucket(c *Config, value string) error {
	c.Storage.StateBucket = value
	return account.CheckBucket(value)
}

func setSourceKey(c *Config, value string) error {
	c.Storage.SourceKey = value
	if err := account.CheckSourceKey(value); err != nil {
		return err
	}
	if !strings.Contains(value, "{account}") {
		return errors.New("expected {account} in it: every account would be sent the same catalog; an account whose " +
			"file lies elsewhere has a source_key in the list of accounts")
	}
	return nil
}

func setStatePrefix(c *Config, value string) error {
	prefix := strings.TrimRight(value, "/") + "/"
	c.Storage.StatePrefix = prefix
	if strings.HasPrefix(prefix, statestore.SettingsPrefix) {
		return errors.New("expected something else than accounts/: the accounts' settings are there")
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "{}\\") {
			return errors.New("expected a prefix such as state/: no leading slash, empty segment, dots or braces")
		}
	}
	return nil
}

func setPathStyle(c *Config, value string) (err error) {
	c.Storage.PathStyle, err = strconv.ParseBool(value)
	if err != nil {
		return errors.New("expected true or false")
	}
	return nil
}

func setInterval(c *Config, value string) (err error) {
	c.Import.Interval, err = duration(value, 0, 7*24*time.Hour)
	return err
}

func setDeadline(c *Config, value string) (err error) {
	c.Import.Deadline, err = duration(value, time.Second, 7*24*time.Hour)
	return err
}

func setShutdownTimeout(c *Config, value string) (err error) {
	c.Worker.ShutdownTimeout, err = duration(value, time.Second, time.Hour)
	return err
}

func duration(value string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("expected a duration from %s to %s, such as 90s or 15m", least, most)
	}
	return d, nil
}

func setMaxPartBytes(c *Config, value string) (err error) {
	c.Import.MaxPartBytes, err = byteCount(value, feed.V2.MaxPartBytes(), "the largest file that Stripe takes")
	return err
}

func setMaxSourceBytes(c *Config, value string) (err error) {
	c.Import.MaxSourceBytes, err = byteCount(value, 1_000_000_000_000, "far more than a catalog has")
	return err
}

func byteCount(value string, most int64, why string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("expected a number of bytes from 1 to %d, %s", most, why)
	}
	return n, nil
}

// setRule sets the deployment's rule of that name.
func setRule(name string) func(*Config, string) error {
	return func(c *Config, value string) error { return c.Rules.Set(name, value) }
}

func setMerchantSecrets(c *Config, dir string) error {
	c.Orders.SecretsDir = dir
	return checkFolder(dir)
}

func setMailTemplates(c *Config, dir string) error {
	c.Orders.MailTemplates = dir
	return checkFolder(dir)
}

func setReportsFrom(c *Config, value string) error {
	from, err := mail.ParseAddress(value)
	if err != nil || !account.IsAddress(from.Address) {
		return errors.New("expected an address such as Acme <catalogs@acme.example>")
	}
	c.Orders.ReportsFrom = value
	return nil
}

func checkFolder(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return errors.New("expected a folder that is there")
	}
	return nil
}

func setAllowPrivate(c *Config, value string) (err error) {
	c.Orders.AllowPrivate, err = strconv.ParseBool(value)
	if err != nil {
		return errors.New("expected true or false")
	}
	return nil
}

func setSMTPFile(c *Config, path string) error {
	address, err := readSecretFile(path, "address")
	if err != nil {
		return err
	}
	if c.Orders.SMTP != "" && c.Orders.SMTP != Secret(address) {
		return errors.New("VITRINE_SMTP_URL is set as well, to another address: set one of the two")
	}
	return setSMTP(c, address)
}

// setSMTP leaves the fine print to internal/fulfillment, and says nothing of the address: it holds a password.
func setSMTP(c *Config, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return errors.New("expected an address such as smtp://mail.example:587, with USER:PASSWORD@ before the host")
	}
	c.Orders.SMTP = Secret(value)
	return nil
}

func setListen(c *Config, value string) error {
	c.Worker.Listen = value
	return checkListen(value, workerListen)
}

func setWebhookListen(c *Config, value string) error {
	c.Serve.Listen = value
	return checkListen(value, ":8080")
}

func checkListen(value, example string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return errors.New("expected host:port or :port, such as " + example)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("expected a port from 0 to 65535, not %q", port)
	}
	return nil
}

func setLogLevel(c *Config, value string) error {
	if err := c.Log.Level.UnmarshalText([]byte(value)); err != nil {
		return errors.New("expected debug, info, warn or error")
	}
	return nil
}

func setLogFormat(c *Config, value string) error {
	if value != FormatText && value != FormatJSON {
		return errors.New("expected text or json")
	}
	c.Log.Format = value
	return nil
}

package account

import (
	"errors"
	"fmt"
	"regexp"
)

// Endpoint is an address that Vitrine posts to for an account. Its secret is named here and stands elsewhere.
type Endpoint struct {
	URL        string `json:"url,omitempty"`
	SecretEnv  string `json:"secret_env,omitempty"`  // variable with the signing secret (whsec_…), MERCHANT_SECRET_…
	SecretFile string `json:"secret_file,omitempty"` // or the name of a file in the folder of secrets
}

var (
	// A document must not make Vitrine read any other variable or file than those that hold merchants' secrets.
	secretEnvPattern  = regexp.MustCompile(`^MERCHANT_SECRET_[A-Z0-9_]{1,64}$`)
	secretFilePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	endpointPattern   = regexp.MustCompile(`^https?://[^\s/?#@\\]+(/[!-~]*)?$`)
)

// CheckEndpointURL returns an error that does not repeat the address: it may carry a token.
func CheckEndpointURL(address string) error {
	if !endpointPattern.MatchString(address) {
		return errors.New("is not an address such as https://shop.example/orders, without a user or fragment")
	}
	return nil
}

// NameSecret is the endpoint with its secret named as one text: a variable, or a file in the folder of secrets.
func (e Endpoint) NameSecret(name string) Endpoint {
	e.SecretEnv, e.SecretFile = "", name
	if secretEnvPattern.MatchString(name) {
		e.SecretEnv, e.SecretFile = name, ""
	}
	return e
}

// SecretName is where the secret stands, as NameSecret takes it.
func (e Endpoint) SecretName() string { return e.SecretEnv + e.SecretFile }

// Check returns every problem of the endpoint, joined. The messages name the setting that it stands in, and do not
// repeat the address.
func (e Endpoint) Check(name string) (err error) {
	if e := CheckEndpointURL(e.URL); e != nil {
		err = fmt.Errorf("%s.url %w", name, e)
	}
	switch env, file := e.SecretEnv != "", e.SecretFile != ""; {
	case env == file:
		err = errors.Join(err, fmt.Errorf("%s: expected one of secret_env and secret_file", name))
	case env && !secretEnvPattern.MatchString(e.SecretEnv):
		err = errors.Join(err, fmt.Errorf(
			"%s.secret_env: expected a variable's name that begins with MERCHANT_SECRET_, in capital letters", name))
	case file && !secretFilePattern.MatchString(e.SecretFile):
		err = errors.Join(err, fmt.Errorf(
			"%s.secret_file: expected the name of a file in the folder of secrets, of letters, digits, - and _", name))
	}
	return err
}

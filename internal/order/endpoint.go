package order

import (
	"errors"
	"fmt"
	"regexp"
)

// Endpoint is an address of the merchant's. Its secret is named here and stands elsewhere.
type Endpoint struct {
	URL        string `json:"url,omitempty"`
	SecretEnv  string `json:"secret_env,omitempty"`  // variable with the signing secret (whsec_…), MERCHANT_SECRET_…
	SecretFile string `json:"secret_file,omitempty"` // or the name of a file in the folder of secrets
}

// Endpoint is where orders are posted to.
func (f Fulfillment) Endpoint() Endpoint {
	return Endpoint{URL: f.URL, SecretEnv: f.SecretEnv, SecretFile: f.SecretFile}
}

var (
	// A document must not make Vitrine read any other variable or file than those that hold merchants' secrets.
	secretEnvPattern  = regexp.MustCompile(`^MERCHANT_SECRET_[A-Z0-9_]{1,64}$`)
	secretFilePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	endpointPattern   = regexp.MustCompile(`^https?://[^\s/?#@\\]+(/[!-~]*)?$`)
)

// check names the setting. The messages do not repeat the address: it may carry a token.
func (e Endpoint) check(name string) (err error) {
	if !endpointPattern.MatchString(e.URL) {
		err = fmt.Errorf("%s.url is not an address such as https://shop.example/orders, without a user or fragment",
			name)
	}
	switch env, file := e.SecretEnv != "", e.SecretFile != ""; {
	case env == file:
		err = errors.Join(err, fmt.Errorf("%s: expected one of secret_env and secret_file", name))
	case env && !secretEnvPattern.MatchString(e.SecretEnv):
		err = errors.Join(err,
			fmt.Errorf("%s.secret_env: expected a variable's name that begins with MERCHANT_SECRET_, in capital "+
				"letters", name))
	case file && !secretFilePattern.MatchString(e.SecretFile):
		err = errors.Join(err,
			fmt.Errorf("%s.secret_file: expected the name of a file in the folder of secrets, of letters, digits, "+
				"- and _", name))
	}
	return err
}

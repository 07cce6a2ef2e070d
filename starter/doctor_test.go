package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/doctor"
)

// What is missing is said once, by the check that it is about.
func TestTheDoctorSaysOnceWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		set      map[string]string
		variable string
		check    string
	}{
		"no key": {map[string]string{"VITRINE_SOURCE_BUCKET": "catalogs",
			"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "STRIPE_API_KEY", "stripe key"},
		"a malformed key": {map[string]string{"VITRINE_SOURCE_BUCKET": "catalogs", "STRIPE_API_KEY": "pk_test_1"},
			"STRIPE_API_KEY", "stripe key"},
		"no bucket": {map[string]string{"STRIPE_API_KEY": sandboxKey, "STRIPE_API_BASE": "http://127.0.0.1:1"},
			"_BUCKET", "s3"},
		"a malformed mail server": {map[string]string{"VITRINE_SMTP_URL": "mail.example:25"}, "VITRINE_SMTP_URL",
			"mail server"},
		"no mail templates": {map[string]string{"VITRINE_SMTP_URL": "smtp://127.0.0.1:1",
			"VITRINE_MAIL_TEMPLATES": "/nobody/made/this"}, "VITRINE_MAIL_TEMPLATES", "mail server"},
		"news without a secret": {map[string]string{"VITRINE_NEWS_URL": "https://news.example/vitrine"},
			"VITRINE_NEWS_SECRETS", "configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.environment(c.set)
			require.Equal(t, exitFailed, s.run("doctor", "acct_1", "-o", "json"))
			var results []doctor.Result
			require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &results))
			var said []string
			for _, r := range results {
				if strings.Contains(r.Found, c.variable) && r.Subject == doctor.OfDeployment {
					said = append(said, r.Check)
				}
			}
			require.Equal(t, []string{c.check}, said, s.stdout.String())
			require.NotContains(t, s.stdout.String(), "pk_test_1")
		})
	}
}

package stack

import (
	"vitrine/sandbox/child"
	"vitrine/sandbox/s3"
	"vitrine/sandbox/temporalserver"
)

// Variable is one environment variable.
type Variable struct {
	Name  string
	Value string
}

// Variables are what worker and starter need to work against the parts of the stack that are up, and nothing else.
func (s *Stack) Variables() (all []Variable) {
	if s.temporal != nil {
		all = append(all, Variable{"TEMPORAL_ADDRESS", s.temporal.Address()},
			Variable{"TEMPORAL_NAMESPACE", temporalserver.Namespace})
	}
	if s.s3 != nil {
		all = append(all, Variable{"AWS_ENDPOINT_URL_S3", s.s3.URL()}, Variable{"AWS_ACCESS_KEY_ID", s3.AccessKey},
			Variable{"AWS_SECRET_ACCESS_KEY", s3.SecretKey}, Variable{"AWS_REGION", s3.Region},
			Variable{"VITRINE_SOURCE_BUCKET", s3.SourceBucket}, Variable{"VITRINE_SOURCE_KEY", SourceKey},
			Variable{"VITRINE_STATE_BUCKET", s3.StateBucket})
	}
	if s.stripe != nil {
		all = append(all, Variable{"STRIPE_API_KEY", StripeKey}, Variable{"STRIPE_API_BASE", s.stripe.url},
			Variable{"STRIPE_FILES_BASE", s.stripe.url})
	}
	if s.mail != nil {
		all = append(all, Variable{"VITRINE_SMTP_URL", s.mail.SMTP()})
	}
	return all
}

// The secrets of the sandbox open nothing anywhere else. They are the same each time, so that an endpoint that was
// registered once, and a file of variables, go on fitting.
const (
	WebhookSecret = "whsec_sandboxWebhooks0123456789"
	HookSecret    = "whsec_sandboxHooks0123456789"
	APIToken      = "sandbox-token-0123456789"
	// MerchantSecret is what merchants' endpoints are called with: 24 bytes in base64, as Standard Webhooks wants it.
	MerchantSecret = "whsec_c2FuZGJveC1tZXJjaGFudC1zZWNyZXQhISE="
)

// OrderVariables are what worker and starter serve need beside Variables to fulfil orders: the secrets of Stripe's
// webhooks and hooks, the token of merchants' systems, and a secret for merchants' endpoints on this machine.
func (s *Stack) OrderVariables() []Variable {
	return []Variable{
		{"VITRINE_WEBHOOK_SECRETS", WebhookSecret},
		{"VITRINE_HOOK_SECRETS", HookSecret},
		{"VITRINE_API_TOKEN", APIToken},
		{"VITRINE_ALLOW_PRIVATE_ENDPOINTS", "true"},
		{"MERCHANT_SECRET_SANDBOX", MerchantSecret},
	}
}

// Env is Variables as os/exec wants them.
func (s *Stack) Env() []string {
	var env []string
	for _, v := range s.Variables() {
		env = append(env, v.Name+"="+v.Value)
	}
	return env
}

// Environ is Env on top of what base says about everything else. Nothing of base that configures Vitrine, Temporal, AWS
// or Stripe gets through: what runs against the sandbox must never reach a real account because of a forgotten variable
// or a profile in the home directory.
func (s *Stack) Environ(base []string) []string {
	env := child.Isolated(base)
	return append(env, s.Env()...)
}

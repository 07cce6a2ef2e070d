package fault

import (
	"errors"
	"time"
)

// Kind is the behaviour of an error.
type Kind int

const (
	// Plain is every error that nobody classified: try again with the caller's own backoff.
	Plain Kind = iota
	// Permanent will not go away by trying again: a person or a new input has to change something.
	Permanent
	// Throttled asks for a pause. After says how long, zero leaves it to the caller's backoff.
	Throttled
	// Pending is not a failure: what was asked for is still being made. After says when to look again.
	Pending
)

// String is for logs and tests; what Temporal sees is the code.
func (k Kind) String() string {
	switch k {
	case Permanent:
		return "permanent"
	case Throttled:
		return "throttled"
	case Pending:
		return "pending"
	default:
		return "plain"
	}
}

// Code names a failure for machines: it becomes the error type in Temporal, so it is what a retry policy, an alert or
// a script matches. Codes are never renamed.
type Code string

// The closed list of codes.
const (
	// InputInvalid: the workflow input or an id in it is malformed.
	InputInvalid Code = "InputInvalid"
	// SettingsInvalid: the account's settings document in the state bucket cannot be used.
	SettingsInvalid Code = "SettingsInvalid"
	// SourceMissing: the source object does not exist.
	SourceMissing Code = "SourceMissing"
	// BucketMissing: a bucket does not exist, of the sources or of the state; nothing is known of what would be in it.
	BucketMissing Code = "BucketMissing"
	// SourceForbidden: S3 refuses to let the worker read the source.
	SourceForbidden Code = "SourceForbidden"
	// SourceChanged: the source was replaced while it was being read; the next try reads the new version.
	SourceChanged Code = "SourceChanged"
	// CatalogInvalid: the source is not a product feed that Stripe could take (header, encoding, structure).
	CatalogInvalid Code = "CatalogInvalid"
	// CatalogTooLarge: the source is beyond what Stripe takes in one file.
	CatalogTooLarge Code = "CatalogTooLarge"
	// StorageFailed: S3 failed in a way that says nothing about the source.
	StorageFailed Code = "StorageFailed"
	// StorageUnusable: S3 answers that it will never do this: another region, a feature that it lacks, an archived
	// object, a disabled key, or no S3 at all.
	StorageUnusable Code = "StorageUnusable"
	// StateConflict: another run changed the account's state at the same time.
	StateConflict Code = "StateConflict"
	// RunSuperseded: another run took this run's place; this one must not touch Stripe any more.
	RunSuperseded Code = "RunSuperseded"
	// RunWaiting: another run of this account and feed is importing; this one waits for its turn.
	RunWaiting Code = "RunWaiting"
	// StripeRejected: Stripe refused the request for what it contains (HTTP 400, 402, 404, 409 …).
	StripeRejected Code = "StripeRejected"
	// StripeUnauthorized: the API key is unknown, expired or revoked (HTTP 401).
	StripeUnauthorized Code = "StripeUnauthorized"
	// StripeForbidden: the key may not do this, or not for this account (HTTP 403).
	StripeForbidden Code = "StripeForbidden"
	// AccountParked: the account is parked, so nothing is brought to Stripe for it.
	AccountParked Code = "AccountParked"
	// StripeThrottled: Stripe asks to slow down (HTTP 429, lock_timeout).
	StripeThrottled Code = "StripeThrottled"
	// StripeUnavailable: Stripe failed or could not be reached (5xx, network, timeout).
	StripeUnavailable Code = "StripeUnavailable"
	// StripeUnclear: something between here and Stripe answered, such as a proxy with a page of its own.
	StripeUnclear Code = "StripeUnclear"
	// StripeKeySpent: what belongs to the idempotency key gets nowhere, a server error that Stripe replays or an import
	// that failed before it was known; only another key helps.
	StripeKeySpent Code = "StripeKeySpent"
	// StepTimeout: a step did not end in the time that it has, all retries included.
	StepTimeout Code = "StepTimeout"
	// ImportPending: Stripe still processes the import.
	ImportPending Code = "ImportPending"
	// ImportFailed: Stripe ended the import without taking the catalog.
	ImportFailed Code = "ImportFailed"
	// ImportUnreadable: what became of an import, or why Stripe refused rows of it, cannot be learnt; its rows are sent
	// again.
	ImportUnreadable Code = "ImportUnreadable"
	// ImportDeadline: Stripe did not end the import in time.
	ImportDeadline Code = "ImportDeadline"
	// ReportPending: Stripe still makes the report of a catalog, or its data does not reach far enough yet.
	ReportPending Code = "ReportPending"
	// ReportFailed: Stripe could not make the report of a catalog, or made one that cannot be used.
	ReportFailed Code = "ReportFailed"
	// AuthorizationExpired: the money was reserved, and is not any more; nothing can be captured.
	AuthorizationExpired Code = "AuthorizationExpired"
	// PaymentConflict: the payment is in a state that does not allow the step, and is not what the step would have made
	// of it.
	PaymentConflict Code = "PaymentConflict"
	// MerchantRejected: the merchant's endpoint refuses the request itself (4xx), not the order.
	MerchantRejected Code = "MerchantRejected"
	// MerchantThrottled: the merchant's endpoint asks for a pause (429, 503 with Retry-After).
	MerchantThrottled Code = "MerchantThrottled"
	// MerchantUnavailable: the merchant's endpoint failed or could not be reached.
	MerchantUnavailable Code = "MerchantUnavailable"
	// MerchantAnswerInvalid: the merchant's answer is not one, or does not fit the order.
	MerchantAnswerInvalid Code = "MerchantAnswerInvalid"
	// EndpointForbidden: the merchant's endpoint is at an address that Vitrine must not call.
	EndpointForbidden Code = "EndpointForbidden"
	// OrderConflict: another document lies where the order, or a notice of it, would go; or what is asked or reported
	// contradicts the order as it stands.
	OrderConflict Code = "OrderConflict"
	// SecretMissing: a secret that the settings name is not there, or is none.
	SecretMissing Code = "SecretMissing"
	// MailRejected: the mail server, or the address, takes no mail.
	MailRejected Code = "MailRejected"
	// MailUnavailable: the mail server failed or could not be reached.
	MailUnavailable Code = "MailUnavailable"
	// SignatureInvalid: a webhook's signature is missing, wrong or too old.
	SignatureInvalid Code = "SignatureInvalid"
)

// Error is an error with a behaviour.
type Error struct {
	Kind  Kind
	Code  Code
	After time.Duration // Throttled and Pending: how long to wait before the next try
	Err   error
}

// Error is the text of what happened; kind and code are read with Of.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives what happened.
func (e *Error) Unwrap() error { return e.Err }

// NewPermanent marks err as one that no retry heals.
func NewPermanent(code Code, err error) error {
	return &Error{Kind: Permanent, Code: code, Err: err}
}

// NewPlain gives err a code and leaves the retry to the caller's backoff.
func NewPlain(code Code, err error) error {
	return &Error{Kind: Plain, Code: code, Err: err}
}

// NewThrottled marks err as a request for a pause; after is what the other side asked for, zero if it named no time.
func NewThrottled(code Code, after time.Duration, err error) error {
	return &Error{Kind: Throttled, Code: code, After: after, Err: err}
}

// NewPending marks err as "not yet"; after is when it is worth looking again.
func NewPending(code Code, after time.Duration, err error) error {
	return &Error{Kind: Pending, Code: code, After: after, Err: err}
}

// Of returns the behaviour nearest to the surface of err, and whether there is one.
func Of(err error) (*Error, bool) {
	var f *Error
	ok := errors.As(err, &f)
	return f, ok
}

// Is reports whether err carries code.
func Is(err error, code Code) bool {
	f, ok := Of(err)
	return ok && f.Code == code
}

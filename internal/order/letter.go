package order

// MailKind is what a mail tells the buyer, and what its templates are called.
type MailKind string

const (
	ConfirmationMail MailKind = "confirmation"
	RejectionMail    MailKind = "rejection"
)

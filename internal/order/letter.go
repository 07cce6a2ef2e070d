package order

// MailKind is what a mail tells the buyer, and what its templates are called.
type MailKind string

const (
	ConfirmationMail MailKind = "confirmation"
	RejectionMail    MailKind = "rejection"
)

// Letter is a mail to the buyer: what was decided about their order.
type Letter struct {
	Kind     MailKind
	Decision Decision
}

package order

// MailKind is what a mail tells the buyer, and what its templates are called.
type MailKind string

const (
	ConfirmationMail MailKind = "confirmation" // the merchant took the order
	RejectionMail    MailKind = "rejection"    // the merchant did not, and the money goes back
)

// Letter is a mail to the buyer: what was decided about their order.
type Letter struct {
	Kind     MailKind
	Decision Decision
}

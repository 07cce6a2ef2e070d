package order

import (
	"slices"
	"time"
)

// Message is something to be said of an order that nothing waits for: a notice to the merchant, or a letter to the
// buyer.
type Message struct {
	Notice *Notice
	Letter *Letter
}

// Outbox is what is to be said since it was last asked for, in its order. Whoever takes it delivers it.
func (l *Lifecycle) Outbox() []Message {
	messages := l.outbox
	l.outbox = nil
	return messages
}

// Undelivered keeps a notice that did not reach the merchant, for somebody who retries.
func (l *Lifecycle) Undelivered(n Notice) { l.r.Undelivered = append(l.r.Undelivered, n) }

// Unsent keeps which letter the buyer did not get.
func (l *Lifecycle) Unsent(letter Letter) { l.r.Unsent = append(l.r.Unsent, letter.Kind) }

// write has the buyer told, if the account writes to buyers.
func (l *Lifecycle) write(kind MailKind, d Decision) {
	if l.r.Policy.Mail {
		l.outbox = append(l.outbox, Message{Letter: &Letter{Kind: kind, Decision: d}})
	}
}

// notify has the merchant told once, if they have the order.
func (l *Lifecycle) notify(kind NoticeKind, fact string, now time.Time, fill func(*Notice)) {
	if !l.r.Submitted || l.r.Summary == nil {
		return
	}
	notice := NewNotice(*l.r.Summary, kind, fact, now)
	if fill != nil {
		fill(&notice)
	}
	if !slices.Contains(l.r.Noticed, notice.ID) {
		l.r.Noticed = append(l.r.Noticed, notice.ID)
		l.outbox = append(l.outbox, Message{Notice: &notice})
	}
}

// TellNews has a merchant who has accepted told what they do not know yet: of refunds and disputes, whenever they came.
func (l *Lifecycle) TellNews(now time.Time) {
	if l.taken() {
		l.tellNews(now)
	}
}

func (l *Lifecycle) tellNews(now time.Time) {
	for _, refund := range l.r.Refunds {
		l.tellRefund(NoticeRefunded, refund.ID+"-"+refund.Status, refund, now)
	}
	if l.RefundedInFull() && !l.Shipped() {
		newest := l.r.Refunds[0]
		l.tellRefund(NoticeStopShipment, newest.ID, newest, now)
	}
	for _, dispute := range l.r.Disputes {
		l.tellDispute(dispute, now)
	}
}

func (l *Lifecycle) tellRefund(kind NoticeKind, fact string, refund Refund, now time.Time) {
	l.notify(kind, fact, now, func(n *Notice) {
		n.Refund, n.Amount, n.Status, n.Reason = refund.ID, refund.Amount, refund.Status, refund.Reason
	})
}

func (l *Lifecycle) tellDispute(d Dispute, now time.Time) {
	kind := NoticeDisputed
	if d.Closed() {
		kind = NoticeDisputeClosed
	}
	fill := func(n *Notice) {
		n.Dispute, n.Amount, n.Status, n.Reason, n.Deadline = d.ID, d.Amount, d.Status, d.Reason, d.EvidenceDueBy
	}
	l.notify(kind, d.ID+"-"+d.Status, now, fill)
	if !d.Closed() && !l.Shipped() && l.r.Ended == "" {
		l.notify(NoticeStopShipment, d.ID, now, fill)
	}
}

// tellOff tells buyer and merchant that the order is off; a merchant who rejected it themselves knows.
func (l *Lifecycle) tellOff(now time.Time) {
	decision := Decision{Status: Rejected, Reason: OtherReason}
	if l.r.Decision != nil && l.r.Decision.Status == Rejected {
		decision = *l.r.Decision
	}
	if l.r.Ended != StateRejected || decision.Reason.ours() {
		l.notify(NoticeCanceled, "", now, func(n *Notice) { n.Reason = string(decision.Reason) })
	}
	l.write(RejectionMail, decision)
}

// Warn has the merchant told, once, that the authorisation is about to expire.
func (l *Lifecycle) Warn(now time.Time) {
	if !l.r.Warned {
		l.r.Warned = true
		l.notify(NoticeExpiring, "", now, func(n *Notice) { n.Deadline = l.payment().AuthorizationExpires })
	}
}

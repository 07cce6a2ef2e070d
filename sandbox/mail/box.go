package mail

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// kept is how many mails the catcher remembers: the newest.
const kept = 200

// Match picks mails by the addresses of their envelope; an empty field fits all.
type Match struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"` // one of the recipients
}

func (m Match) fits(sender string, recipients []string) bool {
	to := func(recipient string) bool { return strings.EqualFold(m.To, recipient) }
	return (m.From == "" || strings.EqualFold(m.From, sender)) && (m.To == "" || slices.ContainsFunc(recipients, to))
}

// FaultKind says what goes wrong; the package comment describes each one.
type FaultKind string

// The kinds of faults.
const (
	RefuseRecipient FaultKind = "refuse_recipient"
	Refuse          FaultKind = "refuse"
	LoseAnswer      FaultKind = "lose_answer"
	Hang            FaultKind = "hang"
)

// Fault is something that goes wrong with mails.
type Fault struct {
	Kind   FaultKind `json:"kind"`
	Match  Match     `json:"match,omitzero"`
	Status int       `json:"status,omitempty"` // of a refusal
	Times  int       `json:"times,omitempty"`  // 0: once, -1: until disarmed
}

// ArmedFault is a fault and how often it struck.
type ArmedFault struct {
	ID string `json:"id"`
	Fault
	Struck int `json:"struck"`
}

func (f Fault) check() error {
	switch f.Kind {
	case Refuse, RefuseRecipient:
		if f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("status %d is not one of a refusal: 400 to 599", f.Status)
		}
	case LoseAnswer, Hang:
	default:
		return fmt.Errorf("fault kind %q is not known", f.Kind)
	}
	return nil
}

// spent reports whether a fault has struck as often as it should.
func (f ArmedFault) spent() bool { return f.Times >= 0 && f.Struck >= max(f.Times, 1) }

// box is what the catcher remembers.
type box struct {
	mu     sync.Mutex
	last   int // id of the newest mail
	mails  []Mail
	armed  int // faults so far
	faults []*ArmedFault
}

func (b *box) keep(sender string, recipients []string, source []byte) {
	m := read(source)
	m.At, m.Sender, m.Recipients = time.Now(), sender, slices.Clone(recipients)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.ID = b.last
	b.mails = append(b.mails, m)
	if over := len(b.mails) - kept; over > 0 {
		b.mails = slices.Delete(b.mails, 0, over)
	}
}

// matching are mails, the oldest first.
func (b *box) matching(match Match) []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Mail{}
	for _, m := range b.mails {
		if match.fits(m.Sender, m.Recipients) {
			found = append(found, m)
		}
	}
	return found
}

func (b *box) find(id int) (Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.mails, func(m Mail) bool { return m.ID == id })
	if at < 0 {
		return Mail{}, false
	}
	return b.mails[at], true
}

func (b *box) arm(f Fault) (ArmedFault, error) {
	if err := f.check(); err != nil {
		return ArmedFault{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed++
	armed := &ArmedFault{ID: fmt.Sprintf("fault_%d", b.armed), Fault: f}
	b.faults = append(b.faults, armed)
	return *armed, nil
}

// list are the armed faults, as they are now.
func (b *box) list() []ArmedFault {
	b.mu.Lock()
	defer b.mu.Unlock()
	armed := []ArmedFault{}
	for _, f := range b.faults {
		armed = append(armed, *f)
	}
	return armed
}

func (b *box) disarm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// strike returns the fault of one of these kinds that a mail meets, and counts it; false if the mail is spared.
func (b *box) strike(sender string, recipients []string, kinds ...FaultKind) (Fault, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		if slices.Contains(kinds, f.Kind) && !f.spent() && f.Match.fits(sender, recipients) {
			f.Struck++
			return f.Fault, true
		}
	}
	return Fault{}, false
}

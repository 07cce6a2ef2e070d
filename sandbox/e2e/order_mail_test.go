package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/sandbox/mail"
	"vitrine/sandbox/ports"
	"vitrine/workflows"
)

// writesAs has an account write to its buyers, from an address by which its mails are told from other tests'.
func writesAs(o *order.Settings) {
	o.Mail = order.Mail{From: sender(o.Account), Name: "Lamp & Co", ReplyTo: "help@lamps.example"}
}

func sender(account string) string { return account + "@lamps.example" }

// mails are those that the account's buyers got, the oldest first.
func (s *shop) mails(c mail.Control) []mail.Mail {
	s.t.Helper()
	found, err := c.Mails(within(s.t), mail.Match{From: sender(s.account), To: buyer.Email})
	require.NoError(s.t, err)
	return found
}

// wrote waits until the step that writes to the buyer has ended, after all its tries, and returns why it failed, if it
// did.
func (b bought) wrote() (code fault.Code) {
	b.t.Helper()
	b.await("the mail of "+b.id().String()+" being sent, or given up", func() bool {
		var scheduled int64
		for _, event := range b.history(b.id().String(), "") {
			switch {
			case event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "SendMail":
				scheduled = event.GetEventId()
			case scheduled != 0 && event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId() == scheduled:
				return true
			case scheduled != 0 && event.GetActivityTaskFailedEventAttributes().GetScheduledEventId() == scheduled:
				code = fault.Code(event.GetActivityTaskFailedEventAttributes().GetFailure().GetApplicationFailureInfo().
					GetType())
				return true
			}
		}
		return false
	})
	return code
}

// ships sends the parcel, as the merchant does.
func (b bought) ships() {
	b.t.Helper()
	b.succeeds("order", "ship", b.account, b.Session, "--id", "P-1", "--carrier", "UPS", "--tracking", "1Z999")
	b.comes("having left", func(v workflows.OrderView) bool { return len(v.Shipments) == 1 })
}

// letter is the one mail of an order, once nobody will write another.
func (b bought) letter() mail.Mail {
	b.t.Helper()
	require.Empty(b.t, b.wrote())
	mails := b.mails(mail.Control{BaseURL: house.ready.Mail})
	require.Len(b.t, mails, 1)
	return mails[0]
}

func TestTheBuyerIsToldThatAnAgentBought(t *testing.T) {
	s := opened(t, writesAs)
	b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 2}},
		Agent: simcontrol.Agent{Name: "Agent Alpha", Profile: "profile_alpha"}})
	b.becomes(order.StateAccepted)
	got := b.letter()
	require.Equal(t, "Your order at Lamp & Co (SO-1)", got.Subject)
	require.Contains(t, got.From, sender(s.account))
	require.Equal(t, []string{buyer.Email}, got.Recipients)
	require.Contains(t, got.Text, "This purchase was made for you by an AI agent, Agent Alpha.")
	require.Contains(t, got.HTML, "by an AI agent, <b>Agent Alpha</b>")
	for _, text := range []string{got.Text, got.HTML} {
		require.Contains(t, text, buyer.Name)
		require.Contains(t, text, buyer.Address.Line1)
		require.Contains(t, text, order.Money(b.Total, "usd"))
		require.Contains(t, text, "SO-1")
	}
	require.Contains(t, got.Headers, mail.Header{Name: "Reply-To", Value: "<help@lamps.example>"})
	s.requireNobody()
}

func TestTheBuyerIsToldWhatBecomesOfTheMoney(t *testing.T) {
	s := opened(t, writesAs)
	s.merchant.decides(rejects("sku2"))
	caught := mail.Control{BaseURL: house.ready.Mail}
	for i, c := range []struct {
		capture string
		says    string
	}{
		{"automatic", " goes back to where it was paid from"},
		{"manual", " was reserved, and is not charged"},
	} {
		b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}, Capture: c.capture,
			Agent: simcontrol.Agent{Name: "Agent Alpha"}})
		b.becomes(order.StateRejected)
		require.Empty(t, b.wrote())
		mails := s.mails(caught)
		require.Len(t, mails, i+1)
		require.Equal(t, "Your order at Lamp & Co cannot be delivered", mails[i].Subject)
		require.Contains(t, mails[i].Text, "You pay nothing: "+order.Money(b.Total, "usd")+c.says)
		require.Contains(t, mails[i].Text, "out of stock")
		require.Contains(t, mails[i].Text, "by an AI agent, Agent Alpha")
		at := b.atStripe()
		require.Equal(t, at.Captured, at.Refunded, "what the mail says is so")
	}
	s.requireNobody()
}

func TestTheBuyerIsToldWhatIsMissing(t *testing.T) {
	s := opened(t, writesAs)
	s.merchant.decides(func(order.Document) map[string]any {
		return map[string]any{"status": "accepted", "lines": []map[string]any{{"sku": "sku1", "quantity": 1}}}
	})
	caught := mail.Control{BaseURL: house.ready.Mail}
	for i, c := range []struct {
		capture string
		charged func(simcontrol.Order) int64
	}{
		{"automatic", func(o simcontrol.Order) int64 { return o.Captured - o.Refunded }},
		{"manual", func(o simcontrol.Order) int64 { return o.Captured }}, // the rest was released, never captured
	} {
		b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1", Quantity: 3}, {SKU: "sku2"}},
			Capture: c.capture})
		b.becomes(order.StateAccepted)
		require.Empty(t, b.wrote())
		mails := s.mails(caught)
		require.Len(t, mails, i+1)
		charged := c.charged(b.atStripe())
		require.EqualValues(t, 999, charged)
		for _, says := range []string{"Not everything can be delivered", "1 x ", "(sku1), 3 ordered",
			"(sku2), 1 ordered", "Total: " + order.Money(charged, "usd")} {
			require.Contains(t, mails[i].Text, says, c.capture)
		}
	}
	s.requireNobody()
}

func TestNobodyIsWrittenToWithoutASender(t *testing.T) {
	s := opened(t, func(o *order.Settings) { o.Mail = order.Mail{} })
	silent := s.buys(simcontrol.Purchase{})
	silent.becomes(order.StateAccepted)
	for _, event := range s.history(silent.id().String(), "") {
		require.NotEqual(t, "SendMail", event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName())
	}
	caught, err := mail.Control{BaseURL: house.ready.Mail}.Mails(t.Context(), mail.Match{To: buyer.Email})
	require.NoError(t, err)
	for _, m := range caught {
		require.NotContains(t, m.Text, silent.Session)
	}
}

func TestTheTemplatesOfAPlatform(t *testing.T) {
	templates := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(templates, name)), 0o700))
		writeFile(t, filepath.Join(templates, name), []byte(text))
	}
	write("confirmation.txt", "Subject: Thanks, {{.Buyer}}\n\nBought by {{.Agent}} for {{.Total}}.\n")
	write("de/confirmation.txt", "Subject: Danke, {{.Buyer}}\n\nGekauft von {{.Agent}} für {{.Total}}.\n")
	s := open(t, csv("sku1"), func(o *order.Settings) {
		writesAs(o)
		o.Mail.Language = "de"
	})
	s.settings["VITRINE_MAIL_TEMPLATES"] = templates
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	b := s.buys(simcontrol.Purchase{Agent: simcontrol.Agent{Name: "Agent Alpha"}})
	b.becomes(order.StateAccepted)
	got := b.letter()
	require.Equal(t, "Danke, "+buyer.Name, got.Subject)
	require.Equal(t, "Gekauft von Agent Alpha für "+order.Money(b.Total, "usd")+".", strings.TrimSpace(got.Text))
	require.Contains(t, got.HTML, "Thank you for your order", "Vitrine's own, where the platform has none")
	s.requireNobody()

	write("rejection.html", "{{.Naem}}")
	w := s.launchWorker(s.bin)
	require.NotZero(t, w.ExitCode(),
		"a template that cannot be filled in is found at the start, not at the first order")
	require.Contains(t, w.output.String(), "rejection.html")
}

// While the mail server is away, orders are accepted, charged and shipped as ever. The mail comes when the server is
// back, once, and whichever worker is there then sends it.
func TestMailSurvivesAnOutage(t *testing.T) {
	s := open(t, csv("sku1"), writesAs)
	free, err := ports.Several(2)
	require.NoError(t, err)
	s.settings["VITRINE_SMTP_URL"] = "smtp://" + ports.Address(free[0]) + "?tls=none"
	doomed := s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	b := s.buys(simcontrol.Purchase{Capture: "manual"})
	b.becomes(order.StateAccepted)
	require.Equal(t, b.Total, b.atStripe().Captured)
	b.ships()
	b.retries("SendMail", fault.MailUnavailable)
	doomed.Kill()
	s.startWorker()

	back, err := mail.Start(mail.Options{SMTPPort: free[0], PagePort: free[1]})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, back.Stop()) })
	require.Empty(t, b.wrote())
	require.Len(t, s.mails(mail.Control{BaseURL: back.URL()}), 1)
	s.requireNobody()
}

// retries waits until a step has failed at least once, and will be tried again.
func (b bought) retries(step string, code fault.Code) {
	b.t.Helper()
	b.await(step+" failing as "+string(code), func() bool {
		described, err := b.temporal.DescribeWorkflowExecution(within(b.t), b.id().String(), "")
		require.NoError(b.t, err)
		for _, pending := range described.GetPendingActivities() {
			if pending.GetActivityType().GetName() == step && pending.GetLastFailure() != nil {
				require.EqualValues(b.t, code, pending.GetLastFailure().GetApplicationFailureInfo().GetType())
				return true
			}
		}
		return false
	})
}

func TestMailThatIsRefused(t *testing.T) {
	s := opened(t, writesAs)
	caught := mail.Control{BaseURL: house.ready.Mail}
	refuse := func(kind mail.FaultKind, status, times int) {
		_, err := caught.AddFault(t.Context(),
			mail.Fault{Kind: kind, Status: status, Times: times, Match: mail.Match{From: sender(s.account)}})
		require.NoError(t, err)
	}
	refuse(mail.RefuseRecipient, 450, 1)
	refuse(mail.Refuse, 451, 1)
	later := s.buys(simcontrol.Purchase{})
	later.becomes(order.StateAccepted)
	require.Empty(t, later.wrote())
	require.Len(t, s.mails(caught), 1, "the third try was taken, and none followed it")

	for _, kind := range []mail.FaultKind{mail.RefuseRecipient, mail.Refuse} {
		refuse(kind, 550, 1)
		never := s.buys(simcontrol.Purchase{Capture: "manual"})
		never.becomes(order.StateAccepted)
		require.Equal(t, fault.MailRejected, never.wrote(), "the order's history says so, and nothing tries again")
		require.Equal(t, never.Total, never.atStripe().Captured)
		never.ships()
	}
	require.Len(t, s.mails(caught), 1)
	s.requireNobody()
}

// A worker that dies between the mail server's taking a mail and saying so leaves nobody who knows. So the mail comes
// again: at least once is what can be had. Both bear the same Message-ID, by which mailboxes show one of the two.
func TestAWorkerThatDiesWhileItWrites(t *testing.T) {
	s := open(t, csv("sku1"), writesAs)
	doomed := s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	caught := mail.Control{BaseURL: house.ready.Mail}
	_, err := caught.AddFault(t.Context(), mail.Fault{Kind: mail.Hang, Match: mail.Match{From: sender(s.account)}})
	require.NoError(t, err)
	b := s.buys(simcontrol.Purchase{})
	s.await("the mail server having the mail", func() bool { return len(s.mails(caught)) == 1 })
	doomed.Kill()
	s.startWorker()
	b.becomes(order.StateAccepted)
	require.Empty(t, b.wrote())
	mails := s.mails(caught)
	require.Len(t, mails, 2)
	require.NotEmpty(t, mails[0].MessageID)
	require.Equal(t, mails[0].MessageID, mails[1].MessageID)
	require.Equal(t, 1, s.merchant.has(b.id()).times, "only the mail is repeated")
	s.requireNobody()
}

// An answer that is lost is the same without a death.
func TestAMailServerThatTakesAMailAndDies(t *testing.T) {
	s := opened(t, writesAs)
	caught := mail.Control{BaseURL: house.ready.Mail}
	_, err := caught.AddFault(t.Context(),
		mail.Fault{Kind: mail.LoseAnswer, Match: mail.Match{From: sender(s.account)}})
	require.NoError(t, err)
	b := s.buys(simcontrol.Purchase{})
	b.becomes(order.StateAccepted)
	require.Empty(t, b.wrote())
	mails := s.mails(caught)
	require.Len(t, mails, 2)
	require.Equal(t, mails[0].MessageID, mails[1].MessageID)
}

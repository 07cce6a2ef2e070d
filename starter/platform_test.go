package main

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

// stripeAt puts an emulator in Stripe's place, and a key into the environment.
func (s *stage) stripeAt(key string) simcontrol.Client {
	s.t.Helper()
	emulator, err := stripesim.New(stripesim.Options{Dir: s.t.TempDir()})
	require.NoError(s.t, err)
	server := httptest.NewServer(emulator)
	s.t.Cleanup(func() {
		server.Close()
		require.NoError(s.t, emulator.Close())
	})
	s.environment(map[string]string{"STRIPE_API_KEY": key, "STRIPE_API_BASE": server.URL})
	return simcontrol.Client{BaseURL: server.URL}
}

// environment adds variables to those of the process.
func (s *stage) environment(variables map[string]string) {
	before := s.app.Lookup
	s.app.Lookup = func(name string) (string, bool) {
		if value, set := variables[name]; set {
			return value, true
		}
		return before(name)
	}
}

const sandboxKey = "rk_test_starter0123456789"

func TestPlatformSaysWhatToSend(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	require.Zero(t, s.run("platform"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "  name      US\n", "of a business that has no name")
	require.Contains(t, s.stdout.String(), "the list that you are going to apply")
	require.NoError(t, sim.SetStanding(t.Context(), "acct_platform",
		simcontrol.Standing{Name: "Acme", Country: "DE", ChargesEnabled: true}))
	require.Zero(t, s.apply("acct_1\nacct_2\n"), s.stderr.String())

	require.Zero(t, s.run("platform"), s.stderr.String())
	for _, said := range []string{"acct_platform\n", "Acme, DE", "sandbox", "2 accounts with settings",
		"accounts list -o xlsx"} {
		require.Contains(t, s.stdout.String(), said)
	}
	require.Zero(t, s.run("platform", "-o", "json"))
	require.JSONEq(t, `{"account":"acct_platform","name":"Acme","country":"DE","livemode":false,"accounts":2}`,
		s.stdout.String())
}

func TestPlatformWithoutAKeyThatWorks(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitUsage, s.run("platform"))
	require.Contains(t, s.stderr.String(), "STRIPE_API_KEY: it is not set")

	sim := s.stripeAt(sandboxKey)
	require.NoError(t, sim.RevokeKey(t.Context(), sandboxKey))
	require.Equal(t, exitFailed, s.run("platform"))
	require.Contains(t, s.stderr.String(), "the API key is not accepted")
	require.NotContains(t, s.stderr.String(), sandboxKey)
}

func TestAccountsAreHandedOn(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitFailed, s.run("accounts", "list", "-o", "text"), "an empty list is nothing to send")
	require.Contains(t, s.stderr.String(), "no account has settings yet")
	require.Zero(t, s.apply("acct_2\nacct_1\n"), s.stderr.String())
	_, err := s.store.Put(t.Context(), "state", "accounts/acct_3.json", "", []byte("{"), "")
	require.NoError(t, err, "settings of no use are no reason to leave an account out")

	for form, want := range map[string]string{"text": "acct_1\nacct_2\nacct_3\n",
		"csv": "account\nacct_1\nacct_2\nacct_3\n"} {
		require.Zero(t, s.run("accounts", "list", "-o", form), s.stderr.String())
		require.Equal(t, want, s.stdout.String())
	}
	require.Zero(t, s.run("accounts", "list", "-o", "xlsx"), s.stderr.String())
	book, err := excelize.OpenReader(bytes.NewReader(s.stdout.Bytes()))
	require.NoError(t, err)
	rows, err := book.GetRows(book.GetSheetName(0))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"account"}, {"acct_1"}, {"acct_2"}, {"acct_3"}}, rows)

	s.app.IsTerminal = func(any) bool { return true }
	s.columns = 80
	require.Equal(t, exitUsage, s.run("accounts", "list", "-o", "xlsx"))
	require.Contains(t, s.stderr.String(), "write it to a file")
	require.Empty(t, s.stdout.String())
}

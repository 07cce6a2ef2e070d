package chaos

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

func TestADeploymentHasPortsOfItsOwn(t *testing.T) {
	d, err := NewDeployment("../..", "20s")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	written, err := os.ReadFile(d.envFile)
	require.NoError(t, err)
	env := assignments(string(written))
	require.Equal(t, d.env, env)
	require.Equal(t, "20s", env["VITRINE_IMPORT_INTERVAL"])
	for _, name := range append([]string{"POSTGRES_PASSWORD", "S3_ACCESS_KEY", "VITRINE_SOURCE_BUCKET"}, published...) {
		require.NotEmpty(t, env[name], name)
	}
	require.NotEqual(t, env["S3_PORT"], env["STRIPESIM_PORT"])
}

// The same seed breaks the same things, and each of them has a name.
func TestBreakagesAreNamed(t *testing.T) {
	d := &Deployment{env: map[string]string{"STRIPESIM_PORT": "1"}}
	names := map[string]bool{}
	for _, b := range breakages(d, rand.New(rand.NewPCG(1, 1))) {
		require.False(t, names[b.name], b.name)
		names[b.name] = true
	}
	for _, name := range []string{"kill worker", "pause stripesim", "cut off postgres", "mute s3", "lossy temporal",
		"Stripe: status 503"} {
		require.True(t, names[name], name)
	}
	require.False(t, names["kill stripesim"], "it would forget what it has")
}

func TestADifferenceIsFound(t *testing.T) {
	s := &shop{account: "acct_1", products: map[string]string{"A": "1.00 USD", "B": "2.00 USD"}}
	require.Empty(t, s.differs([]simcontrol.Product{{ID: "A", Price: "1.00 USD"}, {ID: "B", Price: "2.00 USD"}}))
	for name, is := range map[string][]simcontrol.Product{
		"missing": {{ID: "A", Price: "1.00 USD"}},
		"old":     {{ID: "A", Price: "1.10 USD"}, {ID: "B", Price: "2.00 USD"}},
		"foreign": {{ID: "A", Price: "1.00 USD"}, {ID: "C", Price: "2.00 USD"}},
	} {
		require.NotEmpty(t, s.differs(is), name)
	}
}

func TestACatalogIsWrittenAsAFeed(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(string(written(map[string]string{"A": "1.00 USD"})))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, "id", rows[0][0])
	require.Equal(t, "A", rows[1][0])
}

func TestAVerdictSaysWhatIsWrong(t *testing.T) {
	var right, wrong strings.Builder
	require.NoError(t,
		Verdict{Accounts: 3, Recovered: 20 * time.Second, Broken: []Break{{What: "kill s3"}}}.Write(&right))
	require.Contains(t, right.String(), "everything was right 20s after")
	require.Contains(t, right.String(), "kill s3")
	require.NoError(t, Verdict{Wrong: []string{"acct_1 had 2 versions and 3 imports"}}.Write(&wrong))
	require.Contains(t, wrong.String(), "NOT RIGHT")
	require.Contains(t, wrong.String(), "3 imports")
}

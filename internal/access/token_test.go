package access_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/access"
)

const (
	reading   = "a-token-that-reads-everything"
	operating = "a-token-that-operates-one-account"
)

func given() access.Tokens {
	return access.Tokens{
		access.New("board", reading, access.Read, ""),
		access.New("erp", operating, access.Operate, "acct_1"),
	}
}

func TestATokenIsFoundByItsWholeText(t *testing.T) {
	t.Parallel()
	for header, name := range map[string]string{
		"": "", "Bearer": "", "Bearer ": "", "Basic " + reading: "", reading: "", "Bearer  " + reading: "",
		"Bearer " + reading + "x": "", "Bearer " + reading[1:]: "", "Bearer " + reading + " " + operating: "",
		"Bearer " + reading: "board", "bearer " + operating: "erp",
	} {
		found, ok := given().Bearer(http.Header{"Authorization": {header}})
		require.Equal(t, name != "", ok, header)
		require.Equal(t, name, found.Name, header)
	}
	_, ok := access.Tokens{}.Find("")
	require.False(t, ok)
}

func TestWhatTokensOpen(t *testing.T) {
	t.Parallel()
	board, _ := given().Find(reading)
	erp, _ := given().Find(operating)
	require.True(t, board.May(access.Read))
	require.False(t, board.May(access.Operate))
	require.True(t, erp.May(access.Read) && erp.May(access.Operate))
	require.True(t, board.Opens("acct_1") && board.Opens("acct_2"))
	require.True(t, erp.Opens("acct_1"))
	for _, other := range []string{"acct_2", "acct_11", "acct_", "", "ACCT_1", "acct_1/"} {
		require.False(t, erp.Opens(other), other)
	}
	require.False(t, access.Token{}.May(access.Operate), "what was never given out operates nothing")
}

// A proxy that adds its header to what it was sent, in place of setting it, makes two: nobody is let in by either.
func TestTwoTokensAreNone(t *testing.T) {
	t.Parallel()
	for _, headers := range [][]string{{"Bearer " + reading, "Bearer x"}, {"Bearer x", "Bearer " + reading},
		{"Bearer " + reading, "Bearer " + reading}, {"Basic eDp5", "Bearer " + reading}, {}} {
		_, ok := given().Bearer(http.Header{"Authorization": headers})
		require.False(t, ok, headers)
	}
}

func TestKeysEndWithTheirToken(t *testing.T) {
	t.Parallel()
	board := given()[0]
	require.Equal(t, board.Key("session"), given()[0].Key("session"), "every process makes the same")
	require.NotEqual(t, board.Key("session"), board.Key("form"))
	require.NotEqual(t, board.Key("session"), access.New("board", reading+"2", access.Read, "").Key("session"))
}

func TestTokensPrintNoText(t *testing.T) {
	t.Parallel()
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", given(), given(), given()), reading)
}

func TestNamesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"board", "ops@acme.example", "erp-2", "A.b_c"} {
		require.NoError(t, access.CheckName(name))
	}
	for _, name := range []string{"", "-", "two words", "line\nbreak", "ü", "=cmd", string(make([]byte, 65))} {
		require.Error(t, access.CheckName(name), name)
	}
	_, err := access.ParseScope("admin")
	require.ErrorContains(t, err, "read or operate")
}

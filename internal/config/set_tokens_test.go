package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/access"
	"vitrine/internal/config"
)

const other = "another-token-nobody-guesses"

func TestTokensComeFromEverywhere(t *testing.T) {
	t.Parallel()
	c, err := config.LoadServe(serveLookup("VITRINE_API_TOKEN", token,
		"VITRINE_API_TOKENS", "board read "+other+", board read "+other+"-next",
		"VITRINE_API_TOKENS_FILE", file(t, "# of merchants\r\n\r\nerp  operate\t"+other+"-erp acct_1\r\n")))
	require.NoError(t, err)
	for text, want := range map[string]access.Token{
		token:           access.New("api", token, access.Operate, ""),
		other:           access.New("board", other, access.Read, ""),
		other + "-next": access.New("board", other+"-next", access.Read, ""),
		other + "-erp":  access.New("erp", other+"-erp", access.Operate, "acct_1"),
	} {
		found, ok := c.Serve.AllTokens().Find(text)
		require.True(t, ok, text)
		require.Equal(t, want, found)
	}
	require.Len(t, c.Serve.AllTokens(), 4)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", c, c.Serve, c.Serve, c.LogValue()), "nobody-guesses")
	none, err := config.LoadServe(serveLookup())
	require.NoError(t, err)
	require.Empty(t, none.Serve.AllTokens())
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 1001 {
		many = append(many, fmt.Sprintf("n read %s-%d", other, i))
	}
	for _, c := range []struct{ name, value, want string }{
		{"VITRINE_API_TOKENS", other, "entry 1: expected NAME SCOPE TOKEN"},
		{"VITRINE_API_TOKENS", "board read " + other + " acct_1 acct_2", "entry 1: expected NAME SCOPE TOKEN"},
		{"VITRINE_API_TOKENS", " , ", "it is empty"},
		{"VITRINE_API_TOKENS", "board admin " + other, "entry 1: expected the scope"},
		{"VITRINE_API_TOKENS", other + " read board", "entry 1: expected a random text"},
		{"VITRINE_API_TOKENS", "a,b read short", "entry 1"},
		{"VITRINE_API_TOKENS", "<" + other + " read x", "entry 1: expected a name"},
		{"VITRINE_API_TOKENS", "board read " + other + " acme", "entry 1: expected an account"},
		{"VITRINE_API_TOKENS", "board read " + other + ",erp operate " + other, "entry 2: this token is there twice"},
		{"VITRINE_API_TOKENS", strings.Join(many, ","), "at most 1000"},
		{"VITRINE_API_TOKENS_FILE", "/does/not/exist", "expected a file that holds the tokens"},
		{"VITRINE_API_TOKENS_FILE", file(t, "# nothing\n"), "it is empty"},
		{"VITRINE_API_TOKENS_FILE", file(t, "board read "+other+"\n\nboard "+other), "line 3: expected NAME"},
	} {
		_, err := config.LoadServe(serveLookup(c.name, c.value))
		require.ErrorContains(t, err, c.want, "%s=%s", c.name, c.value)
		require.NotContains(t, err.Error(), "nobody-guesses")
	}
	_, err := config.LoadServe(serveLookup("VITRINE_API_TOKEN", token, "VITRINE_API_TOKENS", "board read "+token))
	require.ErrorContains(t, err, "this token is there twice")
}

package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
)

const payloadKey = "k1 MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=" // 32 digits

func TestPayloadKeysComeFromAFile(t *testing.T) {
	t.Parallel()
	path := file(t, payloadKey+"\n")
	for name, read := range map[string]func(config.Lookup) (config.Config, error){
		"worker": config.LoadWorker, "starter": config.LoadStarter, "serve": config.LoadServe,
	} {
		c, err := read(serveLookup("VITRINE_PAYLOAD_KEYS_FILE", path))
		require.NoError(t, err, name)
		require.Equal(t, []string{"k1"}, c.PayloadKeys.IDs(), name)
		shown := fmt.Sprintf("%v %+v %s", c, c, c.LogValue())
		require.NotContains(t, shown, "MTIzNDU2")
		require.Contains(t, c.LogValue().String(), "payload_keys=[k1]")
	}
	for _, c := range []struct{ value, want string }{
		{file(t, ""), "it is empty"},
		{file(t, "k1 MTIz"), "line 1: expected a key of 32 bytes"},
		{"/does/not/exist", "expected a file that holds the keys"},
		// the key in the place of its file's name
		{strings.Fields(payloadKey)[1], "expected a file that holds the keys"},
	} {
		_, err := config.LoadWorker(lookup("VITRINE_PAYLOAD_KEYS_FILE", c.value))
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "MTIz")
	}
}

func TestTheCodecIsConfigured(t *testing.T) {
	t.Parallel()
	keys, tokens := file(t, payloadKey), file(t, "ana read "+token+"\nops operate "+token+"-too\n")
	needed := []string{"VITRINE_PAYLOAD_KEYS_FILE", keys, "VITRINE_CODEC_TOKENS_FILE", tokens}
	c, err := config.LoadCodec(lookup(append(needed,
		"VITRINE_CODEC_ORIGINS", "https://UI.example.com, http://127.0.0.1:8233")...))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8089", c.Codec.Listen, "nobody else reaches it unless somebody says so")
	require.Equal(t, []string{"https://ui.example.com", "http://127.0.0.1:8233"}, c.Codec.Origins)
	require.Len(t, c.Codec.Tokens, 2)

	for _, c := range []struct{ name, value, want string }{
		{"VITRINE_PAYLOAD_KEYS_FILE", "", "VITRINE_PAYLOAD_KEYS_FILE: it is not set"},
		{"VITRINE_CODEC_TOKENS_FILE", "", "VITRINE_CODEC_TOKENS_FILE: it is not set"},
		{"VITRINE_CODEC_TOKENS_FILE", file(t, "ana read "+token+" acct_1"), "without an account"},
		{"VITRINE_CODEC_TOKENS_FILE", file(t, "ana read short"), "line 1: expected a random text"},
		{"VITRINE_CODEC_ORIGINS", "https://ui.example.com/", "without a path or a slash"},
		{"VITRINE_CODEC_ORIGINS", "*", "expected origins"},
		{"VITRINE_CODEC_LISTEN", "8089", "host:port"},
	} {
		_, err := config.LoadCodec(lookup(append(needed, c.name, c.value)...))
		require.ErrorContains(t, err, c.want, "%s=%s", c.name, c.value)
		require.NotContains(t, err.Error(), "nobody-guesses")
	}
}

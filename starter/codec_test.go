package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodecSaysWhatItIsMissing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitUsage, s.run("codec"))
	require.Contains(t, s.stderr.String(), "VITRINE_PAYLOAD_KEYS_FILE: it is not set")
	require.Contains(t, s.stderr.String(), "VITRINE_CODEC_TOKENS_FILE: it is not set")
	require.Equal(t, exitUsage, s.run("codec", "acct_1"))
}

func TestCodecNamesThePortThatItCannotHave(t *testing.T) {
	t.Parallel()
	keys, tokens := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(keys, []byte("k1 MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="), 0o600))
	require.NoError(t, os.WriteFile(tokens, []byte("ana read a-token-that-nobody-guesses"), 0o600))
	vars := map[string]string{
		"VITRINE_PAYLOAD_KEYS_FILE": keys, "VITRINE_CODEC_TOKENS_FILE": tokens,
		"VITRINE_CODEC_LISTEN": "192.0.2.1:8089",
	}
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) { value, ok := vars[name]; return value, ok }
	require.Equal(t, exitFailed, s.run("codec"))
	require.Contains(t, s.stderr.String(),
		"VITRINE_CODEC_LISTEN=192.0.2.1:8089: cannot listen there for the Web UI and the CLI")
}

func TestOnlyThisMachineIsThisMachine(t *testing.T) {
	t.Parallel()
	for address, within := range map[string]bool{
		"127.0.0.1:8089": true, "[::1]:8089": true, "localhost:1": true, ":8089": false, "0.0.0.0:8089": false,
		"10.0.0.1:1": false,
	} {
		require.Equal(t, within, withinMachine(address), address)
	}
}

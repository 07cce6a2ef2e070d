package keyring_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/keyring"
)

// line is a key as it stands in a file; what it is made of follows from the id.
func line(id string) string {
	return id + " " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{id[len(id)-1]}, 32))
}

func TestKeysAreReadAndNeverShown(t *testing.T) {
	t.Parallel()
	parsed, err := keyring.Parse("# the newest first\r\n\n  " + line("2026-11") + "\r\n" + line("2026-08") + "\n")
	require.NoError(t, err)
	require.Equal(t, []string{"2026-11", "2026-08"}, parsed.IDs())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		shown := fmt.Sprintf(verb, parsed)
		require.NotContains(t, shown, strings.Fields(line("2026-11"))[1][:8])
		require.NotContains(t, shown, "111111")
		require.NotContains(t, shown, "0x31, 0x31")
	}
}

func TestKeysThatCannotBeRightAreRefused(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("too-short-to-be-one"))
	var many []string
	for i := range 101 {
		many = append(many, line(fmt.Sprintf("k%d", i)))
	}
	for text, want := range map[string]string{
		"":                                    "it is empty",
		"# only words\n":                      "it is empty",
		short:                                 "line 1: expected ID KEY, not 1 fields",
		line("a") + "\nb " + short:            "line 2: expected a key of 32 bytes, not 19",
		"a not-base64!":                       "line 1: expected 32 bytes in base64",
		line("a") + " more":                   "line 1: expected ID KEY, not 3 fields",
		line("a") + "\n\n" + line("a"):        "line 3: this id is there twice",
		"a/b " + strings.Fields(line("a"))[1]: "line 1: expected an id",
		strings.Join(many, "\n"):              "101 keys: expected at most 100",
	} {
		_, err := keyring.Parse(text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), short)
		require.NotContains(t, err.Error(), "not-base64!")
	}
}

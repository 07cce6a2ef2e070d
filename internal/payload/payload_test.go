package payload_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"vitrine/internal/keyring"
	"vitrine/internal/payload"
)

// line is a key as it stands in a file; what it is made of follows from the id.
func line(id string) string {
	return id + " " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{id[len(id)-1]}, 32))
}

func keys(t *testing.T, ids ...string) keyring.Keys {
	t.Helper()
	var lines []string
	for _, id := range ids {
		lines = append(lines, line(id))
	}
	parsed, err := keyring.Parse(strings.Join(lines, "\n"))
	require.NoError(t, err)
	return parsed
}

func one(t *testing.T, value any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayloads(value)
	require.NoError(t, err)
	return p.GetPayloads()[0]
}

func TestWhatIsEncryptedIsReadAgain(t *testing.T) {
	t.Parallel()
	codec := payload.Codec{Keys: keys(t, "new", "old")}
	for _, clear := range []*commonpb.Payload{
		one(t, map[string]string{"account": "acct_secret"}), one(t, nil), one(t, []byte{0, 1, 2}), {},
		{Data: []byte("raw")},
		one(t, strings.Repeat("x", 1<<20)),
	} {
		encrypted, err := codec.Encode([]*commonpb.Payload{clear, clear})
		require.NoError(t, err)
		require.Equal(t, "binary/encrypted", string(encrypted[0].GetMetadata()["encoding"]))
		require.Equal(t, "new", string(encrypted[0].GetMetadata()["encryption-key-id"]), "the first key writes")
		require.NotContains(t, encrypted[0].String(), "acct_secret")
		require.NotEqual(t, encrypted[0].GetData(), encrypted[1].GetData(), "equal payloads do not look equal")
		decrypted, err := codec.Decode(encrypted)
		require.NoError(t, err)
		require.True(t, proto.Equal(clear, decrypted[0]))
		require.True(t, proto.Equal(clear, decrypted[1]))
	}
}

func TestEveryKeyReadsAndClearTextIsReadToo(t *testing.T) {
	t.Parallel()
	value := one(t, "value")
	older, err := payload.Codec{Keys: keys(t, "old")}.Encode([]*commonpb.Payload{value})
	require.NoError(t, err)
	rotated := payload.Codec{Keys: keys(t, "new", "old")}
	got, err := rotated.Decode([]*commonpb.Payload{older[0], value})
	require.NoError(t, err)
	require.True(t, proto.Equal(value, got[0]))
	require.True(t, proto.Equal(value, got[1]), "it was written before there were keys")

	none := payload.Codec{}
	written, err := none.Encode([]*commonpb.Payload{value})
	require.NoError(t, err)
	require.Same(t, value, written[0])
}

func TestAKeyThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	encrypted, err := payload.Codec{Keys: keys(t, "2026-11")}.Encode([]*commonpb.Payload{one(t, "value")})
	require.NoError(t, err)
	for _, c := range []struct {
		keys keyring.Keys
		want []string
	}{
		{nil, []string{`"2026-11"`, "there are no keys here", "set VITRINE_PAYLOAD_KEYS_FILE"}},
		{keys(t, "2026-12"), []string{`"2026-11"`, "not among the keys here", "below the first line"}},
	} {
		_, err := payload.Codec{Keys: c.keys}.Decode(encrypted)
		for _, words := range c.want {
			require.ErrorContains(t, err, words)
		}
		var unreadable *payload.UnreadableError
		require.ErrorAs(t, err, &unreadable)
		require.Equal(t, "2026-11", unreadable.KeyID)
		require.ErrorAs(t, err, new(*converter.WorkflowTaskFailureError),
			"the task is tried again, the workflow does not fail")
	}
}

func TestWhatWasChangedIsNotRead(t *testing.T) {
	t.Parallel()
	codec := payload.Codec{Keys: keys(t, "a", "b")}
	change := func(what func(*commonpb.Payload)) error {
		encrypted, err := codec.Encode([]*commonpb.Payload{one(t, "value")})
		require.NoError(t, err)
		what(encrypted[0])
		_, err = codec.Decode(encrypted)
		return err
	}
	for i := range 60 {
		err := change(func(p *commonpb.Payload) { p.Data[i%len(p.Data)] ^= 1 << (i % 8) })
		require.ErrorContains(t, err, "or was damaged")
	}
	require.Error(t, change(func(p *commonpb.Payload) { p.Data = p.Data[:5] }))
	require.Error(t, change(func(p *commonpb.Payload) { p.Data = nil }))
	require.Error(t, change(func(p *commonpb.Payload) { p.Metadata["encryption-key-id"] = []byte("b") }))
	require.NoError(t, change(func(*commonpb.Payload) {}))

	other, err := keyring.New("a", bytes.Repeat([]byte("z"), 32))
	require.NoError(t, err)
	encrypted, err := codec.Encode([]*commonpb.Payload{one(t, "value")})
	require.NoError(t, err)
	_, err = payload.Codec{Keys: keyring.Keys{other}}.Decode(encrypted)
	require.ErrorContains(t, err, `was not encrypted with the key that is called "a" here`)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("data"), "k")
	f.Fuzz(func(t *testing.T, data []byte, id string) {
		codec := payload.Codec{Keys: keys(t, "k")}
		_, err := codec.Decode([]*commonpb.Payload{{
			Metadata: map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte(id)},
			Data:     data,
		}})
		require.Error(t, err)
	})
}

type input struct {
	Account string `json:"account"`
}

func TestTheConverterEncryptsValuesAndLeavesSummaries(t *testing.T) {
	t.Parallel()
	c := payload.NewConverter(keys(t, "k"))
	for _, values := range [][]any{{input{"acct_secret"}}, {"acct_secret", 7}} {
		written, err := c.ToPayloads(values...)
		require.NoError(t, err)
		require.NotContains(t, written.String(), "acct_secret")
		for _, p := range written.GetPayloads() {
			require.True(t, payload.IsEncrypted(p))
		}
	}
	scheduled, err := c.ToPayload(input{"acct_secret"})
	require.NoError(t, err)
	require.True(t, payload.IsEncrypted(scheduled), "the input of a schedule")
	var back input
	require.NoError(t, c.FromPayload(scheduled, &back))
	require.Equal(t, "acct_secret", back.Account)

	summary, err := c.ToPayload("Sync the product feed")
	require.NoError(t, err)
	require.False(t, payload.IsEncrypted(summary))
	require.Equal(t, "Sync the product feed", c.Text(summary))
	require.Empty(t, c.Text(scheduled), "it is no text")
	require.Empty(t, c.Text(nil))
}

func TestFailuresAreEncryptedButForTheirCode(t *testing.T) {
	t.Parallel()
	k := keys(t, "k")
	failed := temporal.NewNonRetryableApplicationError("row 7 of acct_secret", "SourceInvalid", errors.New("the cause"),
		input{"d"})
	failure := payload.Failures(k).ErrorToFailure(failed)
	require.NotContains(t, failure.String(), "acct_secret")
	require.NotContains(t, failure.String(), "the cause")
	require.Equal(t, "SourceInvalid", failure.GetApplicationFailureInfo().GetType())
	require.Equal(t, "row 7 of acct_secret", payload.NewConverter(k).Message(failure))
	require.Contains(t, payload.NewConverter(nil).Message(failure), `encrypted with the key "k"`)

	var application *temporal.ApplicationError
	require.ErrorAs(t, payload.Failures(k).FailureToError(failure), &application)
	require.Equal(t, "row 7 of acct_secret", application.Message())
	var details input
	require.NoError(t, application.Details(&details))
	require.Equal(t, "d", details.Account)

	clear := payload.Failures(nil).ErrorToFailure(failed)
	require.Equal(t, "row 7 of acct_secret", clear.GetMessage(), "nothing changes without keys")
	require.Equal(t, "row 7 of acct_secret", payload.NewConverter(k).Message(clear))
	require.Empty(t, payload.NewConverter(k).Message(nil))
}

// The SDK drops a signal that it cannot decode. A workflow must not go on without it.
func TestAWorkflowStopsBeforeWhatItCannotDecrypt(t *testing.T) {
	t.Parallel()
	written, err := payload.NewConverter(keys(t, "k")).ToPayloads(input{"acct_1"})
	require.NoError(t, err)
	var in input
	keyless := payload.NewConverter(nil)
	require.ErrorContains(t, keyless.FromPayloads(written, &in), `"k"`, "a client is told")
	replayed := keyless.WithWorkflowContext(nil)
	require.Panics(t, func() { _ = replayed.FromPayloads(written, &in) })
	require.Panics(t, func() { _ = replayed.FromPayload(written.GetPayloads()[0], &in) })
	require.NotPanics(t, func() { _ = replayed.FromPayload(one(t, 7), &in) }, "what is merely of another type")
}

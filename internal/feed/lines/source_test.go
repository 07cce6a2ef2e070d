package lines

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// What a merchant can mend is told apart from what another try mends: a broken archive from a broken connection.
func TestSourcesAreUnpackedAndBounded(t *testing.T) {
	t.Parallel()
	const text = "id,title\nA,Oak\n"
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	broken := errors.New("connection reset")
	half := packed.Bytes()[:packed.Len()/2]
	for name, c := range map[string]struct {
		src     io.Reader
		gzipped bool
		limit   int64
		want    string
		wrong   error
		mends   bool // the merchant
	}{
		"plain":             {src: bytes.NewBufferString(text), want: text},
		"packed":            {src: &packed, gzipped: true, want: text},
		"as long as it may": {src: bytes.NewBufferString(text), limit: int64(len(text)), want: text},
		"too long":          {src: bytes.NewBufferString(text), limit: int64(len(text)) - 1, wrong: ErrTooLarge},
		"no byte, packed":   {src: bytes.NewReader(nil), gzipped: true},
		"not packed":        {src: bytes.NewBufferString(text), gzipped: true, mends: true},
		"cut off":           {src: bytes.NewReader(half), gzipped: true, mends: true},
		"a connection breaks": {src: io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)), gzipped: true,
			wrong: broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := NewSource(c.src, c.gzipped, c.limit)
			var got []byte
			if err == nil {
				got, err = io.ReadAll(source)
			}
			var syntax *SyntaxError
			require.Equal(t, c.mends, errors.As(err, &syntax))
			if c.mends {
				return
			}
			require.ErrorIs(t, err, c.wrong)
			if err == nil {
				require.Equal(t, c.want, string(got))
				require.EqualValues(t, len(c.want), source.Bytes())
			}
		})
	}
}

package lines

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A value that damage has cut off from its opening quote ends in a bare one. So does one in inches.
func TestAQuoteThatClosesNothing(t *testing.T) {
	t.Parallel()
	for field, closes := range map[string]bool{
		`Solid srh4"`: true, `wide"`: true, `wide" and long`: true, `say "so" and"`: true, ` "`: true, `a ."`: true,
		`and" wax16"`: true, `Oak "big`: true,
		`24"`: false, `Frame 24"`: false, `5.5" wide`: false, `10x15"`: false, `5/8"`: false, `6' 2"`: false,
		`24" x 36" x 2"`: false,
		`say "so"`:       false, `the "size 24"`: false, `Nuts" and "bolts`: true, `8" and 10" wide`: false,
		`"enclosed`: false, `plain`: false, ``: false, `10×15"`: false,
	} {
		require.Equal(t, closes, closesNothing([]byte(field)), field)
	}
}

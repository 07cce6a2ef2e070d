package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that nothing prints by accident: not fmt with any verb, not slog, not JSON (except as the key of a
// map, where encoding/json asks nobody). Reveal is the way to it.
type Secret string

const redacted = "[redacted]"

// Reveal returns the text itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String says whether there is a secret, never which.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format serves every verb: fmt prints the text itself for verbs that do not fit, such as %d.
func (s Secret) Format(state fmt.State, verb rune) {
	if verb == 'v' && state.Flag('#') {
		_, _ = io.WriteString(state, s.GoString())
		return
	}
	_, _ = io.WriteString(state, s.String())
}

// MarshalJSON writes what String says.
func (s Secret) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", s.String()), nil }

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

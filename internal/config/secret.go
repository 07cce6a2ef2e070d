package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Secret is a text that nothing prints by accident: not fmt with any verb, not slog, not JSON (except as the key of a
// map, where encoding/json asks nobody). Reveal is the way to it.
type Secret string

const redacted = "[redacted]"

var (
	// userinfo is the user and password of an address, wherever somebody wrote one.
	userinfo = regexp.MustCompile(`//\S*@`)
	// keyLike is what Stripe's keys and signing secrets look like.
	keyLike = regexp.MustCompile(`\b(?:sk|rk|whsec)_[A-Za-z0-9][^\s"']*`)
)

// Shown is a value of the variable as people may see it. What no secret belongs in may hold one all the same: a
// password within an address, or a key in the place of its file's name.
func (v Variable) Shown(value string) string {
	if value != "" && (v.Secret || v.path && !isPath(value)) {
		return redacted
	}
	return hide(value)
}

// hide takes out of a text what looks like a secret.
func hide(text string) string {
	return keyLike.ReplaceAllString(userinfo.ReplaceAllString(text, "//"+redacted+"@"), redacted)
}

// isPath asks for more than a name: a token is one as well.
func isPath(value string) bool { return filepath.IsAbs(value) || strings.HasPrefix(value, ".") }

// readSecretFile says nothing of what it was given: that may be the secret itself.
func readSecretFile(path, what string) (string, error) {
	content, err := os.ReadFile(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if err != nil {
		return "", fmt.Errorf("expected a file that holds the %s: %w", what, err)
	}
	return strings.TrimSpace(string(content)), nil
}

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

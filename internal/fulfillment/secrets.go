package fulfillment

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// Secrets finds the secrets that accounts' settings name.
type Secrets struct {
	Lookup func(variable string) (string, bool) // nil: os.LookupEnv
	Dir    string                               // of secret files, such as a mounted volume; empty: there are none
	// Own are secrets of the deployment itself, which no account's settings can name.
	Own map[string]string
}

// maxSecretFile is far above what secrets have.
const maxSecretFile = 4096

// signingKeys are the keys of an endpoint: one, or several with spaces between them while one replaces another.
func (s Secrets) signingKeys(at order.Endpoint) ([][]byte, error) {
	name, text, err := s.read(at)
	if err != nil {
		return nil, missing(name, err)
	}
	var keys [][]byte
	for _, word := range strings.Fields(text) {
		key, err := decodeSecret(word)
		if err != nil {
			return nil, missing(name, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, missing(name, errors.New("it is empty"))
	}
	return keys, nil
}

func missing(name string, err error) error {
	return fault.NewPermanent(fault.SecretMissing, fmt.Errorf("the signing secret in %s: %w", name, err))
}

// read goes by the account's settings, which were checked: a name leads to merchants' secrets and nowhere else.
func (s Secrets) read(at order.Endpoint) (name, text string, err error) {
	if own, is := s.Own[at.SecretEnv]; is {
		return at.SecretEnv, own, nil
	}
	if at.SecretEnv != "" {
		lookup := s.Lookup
		if lookup == nil {
			lookup = os.LookupEnv
		}
		text, _ = lookup(at.SecretEnv)
		return "variable " + at.SecretEnv, text, nil
	}
	name = "file " + at.SecretFile
	if s.Dir == "" || at.SecretFile == "" {
		return name, "", errors.New("no folder of secrets is set")
	}
	file, err := os.OpenInRoot(s.Dir, at.SecretFile)
	if err != nil {
		return name, "", errors.New("there is no such file in the folder of secrets, or it cannot be read")
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return name, "", errors.New("it cannot be read")
	}
	return name, string(content), nil
}

// decodeSecret reads a secret as Standard Webhooks writes it: whsec_ and 24 to 64 bytes in base64.
func decodeSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return nil, errors.New("expected whsec_ and base64")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("expected whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}

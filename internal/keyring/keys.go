package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Key encrypts with AES-256-GCM, under an id that stands beside what it encrypted.
type Key struct {
	id   string
	aead cipher.AEAD
}

// keyBytes are those of AES-256.
const keyBytes = 32

// maxKeys bounds a list that only grows: older keys may go once nothing that they encrypted is kept.
const maxKeys = 100

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// New is the key with these 32 bytes.
func New(id string, secret []byte) (Key, error) {
	if !idPattern.MatchString(id) {
		return Key{}, errors.New("expected an id of 1 to 64 letters, digits and . _ -")
	}
	if len(secret) != keyBytes {
		return Key{}, fmt.Errorf("expected a key of %d bytes, not %d", keyBytes, len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return Key{id, aead}, err
}

// String is the id: the key itself is never shown.
func (k Key) String() string { return k.id }

// ID is the name that what was encrypted bears in clear text.
func (k Key) ID() string { return k.id }

// Seal encrypts, under a nonce of its own. What is bound is not part of it, and has to be the same to open it.
func (k Key) Seal(plain, bound []byte) []byte { return k.aead.Seal(nil, nil, plain, bound) }

// Open decrypts; it fails if anything was changed.
func (k Key) Open(sealed, bound []byte) ([]byte, error) { return k.aead.Open(nil, nil, sealed, bound) }

// Keys are what is read with; the first one writes.
type Keys []Key

// Parse reads a key a line, each as its id and 32 bytes in base64; lines that begin with # say nothing. Its errors
// say where a mistake is, and nothing of what stands there.
func Parse(text string) (keys Keys, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseKey(strings.Fields(line))
		if err == nil && keys.has(key.id) {
			err = errors.New("this id is there twice: which of the two holds?")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("it is empty: expected a key a line, as ID KEY")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("%d keys: expected at most %d", len(keys), maxKeys)
	}
	return keys, nil
}

func parseKey(fields []string) (Key, error) {
	if len(fields) != 2 {
		return Key{}, fmt.Errorf("expected ID KEY, not %d fields", len(fields))
	}
	secret, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return Key{}, errors.New("expected 32 bytes in base64 after the id, such as openssl rand -base64 32 prints")
	}
	return New(fields[0], secret)
}

// IDs are the names of the keys, in their order.
func (ks Keys) IDs() (ids []string) {
	for _, k := range ks {
		ids = append(ids, k.id)
	}
	return ids
}

func (ks Keys) has(id string) bool {
	_, found := ks.Find(id)
	return found
}

// Find is the key with that id.
func (ks Keys) Find(id string) (Key, bool) {
	i := slices.IndexFunc(ks, func(k Key) bool { return k.id == id })
	if i < 0 {
		return Key{}, false
	}
	return ks[i], true
}

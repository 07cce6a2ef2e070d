package payload

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"vitrine/internal/keyring"
)

// The marks of an encrypted payload, as Temporal's own samples name them, so that tools know them.
const (
	encoding    = "binary/encrypted"
	keyMetadata = "encryption-key-id"
)

// Codec encrypts payloads with AES-256-GCM under the first of its keys, and decrypts them under the one that they name.
type Codec struct{ Keys keyring.Keys }

var _ converter.PayloadCodec = Codec{}

// Encode encrypts each payload as a whole, metadata included. Without keys it leaves them as they are.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if len(c.Keys) == 0 {
		return payloads, nil
	}
	return each(payloads, c.encrypt)
}

// Decode decrypts those payloads that are encrypted, and leaves the others as they are.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, c.decrypt)
}

func each(
	payloads []*commonpb.Payload, change func(*commonpb.Payload) (*commonpb.Payload, error),
) ([]*commonpb.Payload, error) {
	changed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if changed[i], err = change(p); err != nil {
			// A workflow waits for a key instead of failing for want of it.
			return nil, converter.NewWorkflowTaskFailureError(err)
		}
	}
	return changed, nil
}

func (c Codec) encrypt(p *commonpb.Payload) (*commonpb.Payload, error) {
	key := c.Keys[0]
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encrypt a payload: %w", err)
	}
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding), keyMetadata: []byte(key.ID())},
		Data:     key.Seal(plain, bound(key.ID())),
	}, nil
}

// bound holds a payload to its marks.
func bound(id string) []byte { return []byte(encoding + "\x00" + id) }

// IsEncrypted reports whether a payload needs a key to be read.
func IsEncrypted(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == encoding
}

func (c Codec) decrypt(p *commonpb.Payload) (*commonpb.Payload, error) {
	if !IsEncrypted(p) {
		return p, nil
	}
	id := string(p.GetMetadata()[keyMetadata])
	key, found := c.Keys.Find(id)
	if !found {
		return nil, &UnreadableError{KeyID: id, Keys: len(c.Keys)}
	}
	plain, err := key.Open(p.GetData(), bound(id))
	if err != nil {
		return nil, &UnreadableError{KeyID: id, Keys: len(c.Keys), Err: err}
	}
	decrypted := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, decrypted); err != nil {
		return nil, &UnreadableError{KeyID: id, Keys: len(c.Keys), Err: errors.New("what was encrypted is no payload")}
	}
	return decrypted, nil
}

// UnreadableError is an encrypted payload that cannot be read here.
type UnreadableError struct {
	KeyID string // of the payload
	Keys  int    // how many keys there are here
	Err   error  // the key is there and does not fit; nil: it is not there
}

// Error says which key is missing, and what to do about it.
func (e *UnreadableError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("the payload was not encrypted with the key that is called %q here, or was damaged: "+
			"compare the keys of all processes (VITRINE_PAYLOAD_KEYS_FILE): %v", e.KeyID, e.Err)
	case e.Keys == 0:
		return fmt.Sprintf("the payload is encrypted with the key %q, and there are no keys here: "+
			"set VITRINE_PAYLOAD_KEYS_FILE, and start again", e.KeyID)
	}
	return fmt.Sprintf("the payload is encrypted with the key %q, which is not among the keys here: "+
		"add it to the file that VITRINE_PAYLOAD_KEYS_FILE names, below the first line, and start again", e.KeyID)
}

// Unwrap gives what did not fit.
func (e *UnreadableError) Unwrap() error { return e.Err }

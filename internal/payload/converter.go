package payload

import (
	"context"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"vitrine/internal/keyring"
)

// Converter turns values into payloads and back, for a client and its workers.
type Converter struct {
	converter.DataConverter // encrypts

	readable converter.DataConverter // does not
	replayed bool                    // what it reads is read by a workflow
}

var (
	_ workflow.ContextAware          = Converter{}
	_ converter.PayloadCodecProvider = Converter{}
)

// NewConverter is the converter with these keys.
func NewConverter(keys keyring.Keys) Converter {
	plain := converter.GetDefaultDataConverter()
	return Converter{DataConverter: converter.NewCodecDataConverter(plain, Codec{keys}), readable: plain}
}

// Failures converts errors. With keys their messages and stack traces are encrypted too; their types, which are
// Vitrine's error codes, stay readable.
func Failures(keys keyring.Keys) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: NewConverter(keys), EncodeCommonAttributes: len(keys) > 0,
	})
}

// ToPayload leaves a text readable. The SDK converts one alone only where it is a summary or a memo: arguments, results
// and details come by ToPayloads, and the input of a schedule is a struct. A test of the built binaries watches that.
func (c Converter) ToPayload(value any) (*commonpb.Payload, error) {
	if text, ok := value.(string); ok {
		return c.readable.ToPayload(text)
	}
	return c.DataConverter.ToPayload(value)
}

// Codec is the stage that encrypts, without the conversion.
func (c Converter) Codec() converter.PayloadCodec {
	return c.DataConverter.(converter.PayloadCodecProvider).Codec()
}

// WithContext leaves the converter as it is for activities and clients.
func (c Converter) WithContext(context.Context) converter.DataConverter { return c }

// WithWorkflowContext is the converter for workflow code.
func (c Converter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	c.replayed = true
	return c
}

// FromPayload reads a payload.
func (c Converter) FromPayload(p *commonpb.Payload, into any) error {
	return c.judged(c.DataConverter.FromPayload(p, into))
}

// FromPayloads reads several.
func (c Converter) FromPayloads(ps *commonpb.Payloads, into ...any) error {
	return c.judged(c.DataConverter.FromPayloads(ps, into...))
}

// judged panics if a workflow is about to go on without what it cannot decrypt, which makes the server try its task
// again, perhaps where the key is. An error would not do: the SDK drops a signal that it cannot decode.
func (c Converter) judged(err error) error {
	if c.replayed && errors.As(err, new(*UnreadableError)) {
		panic(err)
	}
	return err
}

// Message is what a failure says, decrypted. One that cannot be read says why.
func (c Converter) Message(f *failurepb.Failure) string {
	if encoded := f.GetEncodedAttributes(); encoded != nil {
		if _, err := c.Codec().Decode([]*commonpb.Payload{encoded}); err != nil {
			return err.Error()
		}
	}
	f = proto.CloneOf(f)
	converter.DecodeCommonFailureAttributes(c, f)
	return f.GetMessage()
}

// Text is a payload that is a text, decrypted; empty if it is none, or cannot be read.
func (c Converter) Text(p *commonpb.Payload) (text string) {
	if c.FromPayload(p, &text) != nil {
		return ""
	}
	return text
}

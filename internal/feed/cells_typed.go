package feed

import (
	"bytes"

	"vitrine/internal/feed/lines"
)

// checkRelations reads a list of type:id. What the ids say to each other and to the row is for checkTargets to judge.
func checkRelations(c *Column, list []byte) Cause { return eachEntry(c, list, checkRelation) }

func checkRelation(c *Column, entry []byte) Cause {
	kind, id, typed := cutPart(entry)
	switch {
	case !typed || !isOneOf(c.Enum, kind):
		return NoSuchType
	case lines.Blank(id):
		return EmptyPart
	}
	return checkID(c, id)
}

// checkTargets looks for relations of a product to itself, and for two to the same product.
func checkTargets(id, list []byte) Cause {
	for more := true; more; {
		var entry []byte
		entry, list, more = cutEntry(list)
		_, target, typed := cutPart(entry)
		switch {
		case !typed || len(target) == 0:
		case bytes.Equal(target, id):
			return RelatedToItself
		case more && relatesTo(list, target):
			return RelatedTwice
		}
	}
	return ""
}

func relatesTo(list, target []byte) bool {
	for more := true; more; {
		var entry []byte
		entry, list, more = cutEntry(list)
		if _, other, _ := cutPart(entry); bytes.Equal(other, target) {
			return true
		}
	}
	return false
}

// checkWarnings reads a list of type:message. A message is prose, so it has colons and commas of its own: a new entry
// begins only behind a comma that a type and a colon follow. Whether Stripe reads it so too is not documented.
func checkWarnings(c *Column, list []byte) (doubt Cause) {
	for len(list) > 0 {
		end := endOfMessage(c, list)
		kind, message, typed := cutPart(bytes.TrimSpace(list[:end]))
		switch {
		case !typed || !isOneOf(c.Enum, kind):
			return NoSuchType
		case lines.Blank(message):
			return EmptyPart
		case tooLong(bytes.TrimSpace(message), c.Limit):
			return TooLong
		case bytes.IndexByte(message, ',') >= 0:
			doubt = CommaInMessage
		case doubt == "":
			doubt = checkPlainText(c, message)
		}
		list = list[min(end+1, len(list)):]
	}
	return doubt
}

// endOfMessage is the index of the comma behind a list's first entry, or the list's length.
func endOfMessage(c *Column, list []byte) int {
	for at := 0; ; at++ {
		comma := bytes.IndexByte(list[at:], ',')
		if comma < 0 {
			return len(list)
		}
		at += comma
		next := bytes.TrimLeft(list[at+1:], " ")
		if beginsWithType(c, next) {
			return at
		}
	}
}

// beginsWithType looks no further than it must: a message may have any number of commas.
func beginsWithType(c *Column, entry []byte) bool {
	for _, kind := range c.Enum {
		if len(entry) > len(kind) && entry[len(kind)] == ':' && string(entry[:len(kind)]) == kind {
			return true
		}
	}
	return false
}

package stripeapi

import "errors"

// list is a page of a list of Stripe's (https://docs.stripe.com/api/pagination).
type list[Item any] struct {
	Data []Item  `json:"data"`
	More saidYes `json:"has_more"`
}

// errNoList is of an answer that is well-formed and has no list, or an empty one that goes on: no list of nothing.
var errNoList = errors.New("the answer is no list")

// goesOn reports whether more follows behind a page of at most so many items. If the answer does not say, a full page
// is not taken for the last one: what stands behind it would be money or goods of which nobody knows.
func (l list[Item]) goesOn(limit int) (bool, error) {
	switch more := l.More.said; {
	case l.Data == nil, more != nil && *more && len(l.Data) == 0:
		return false, errNoList
	case more == nil:
		return len(l.Data) >= limit, nil
	default:
		return *more, nil
	}
}

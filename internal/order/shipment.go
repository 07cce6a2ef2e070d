package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/strictjson"
	"vitrine/internal/utc"
)

// Shipment is a parcel of the order, as the merchant reports it.
type Shipment struct {
	ID          string         `json:"id"` // the merchant's; the same id again is the same parcel, with news
	Carrier     string         `json:"carrier,omitempty"`
	Tracking    string         `json:"tracking,omitempty"`
	ShippedAt   time.Time      `json:"shipped_at,omitzero"`
	DeliveredAt time.Time      `json:"delivered_at,omitzero"`
	Lines       []AcceptedLine `json:"lines,omitempty"` // empty: it is not said what is in it
}

// mostParcelLines is far above what a parcel holds: a hundred parcels of them fit into one document.
const mostParcelLines = 200

// carriers and tracking numbers go into history: no room for a name or an address.
var (
	carrierPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._&-]{0,39}$`)
	trackingPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// Check returns a permanent error that names every problem with the shipment.
func (p Shipment) Check() error {
	errs := []error{kind{"a shipment", "letters, digits, - and _", noticeKind.pattern}.check(p.ID)}
	if p.Carrier != "" && !carrierPattern.MatchString(p.Carrier) {
		errs = append(errs, errors.New("carrier: expected a name such as UPS, at most 40 letters and digits"))
	}
	if p.Tracking != "" && !trackingPattern.MatchString(p.Tracking) {
		errs = append(errs, errors.New("tracking: expected a number of at most 64 letters, digits and hyphens"))
	}
	if !p.DeliveredAt.IsZero() && p.DeliveredAt.Before(p.ShippedAt) {
		errs = append(errs, errors.New("delivered_at is before shipped_at"))
	}
	if len(p.Lines) > mostParcelLines {
		errs = append(errs, fmt.Errorf("lines: there are %d, more than %d", len(p.Lines), mostParcelLines))
	}
	if slices.ContainsFunc(p.Lines, func(l AcceptedLine) bool { return !l.sound() || l.Quantity == 0 }) {
		errs = append(errs, errors.New("lines: expected a sku and a quantity of at least 1 in each"))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: %w", err))
	}
	return nil
}

// Fits returns a permanent error if the parcel holds what was not ordered, or more of it.
func (p Shipment) Fits(s Summary) error { return p.within(s.quantities(), "ordered") }

// FitsBeside is Fits beside the other parcels of the order, and by what the merchant accepted. A parcel of the same id
// is the same parcel, and parcels that do not say what is in them count for nothing.
func (p Shipment) FitsBeside(others []Shipment, s Summary, d *Decision) error {
	left, what := s.quantities(), "ordered"
	if d != nil && d.Status == Accepted && len(d.Lines) > 0 {
		left, what = quantitiesOf(d.Lines), "accepted"
	}
	for _, other := range others {
		if other.ID == p.ID {
			continue
		}
		for _, line := range other.Lines {
			left[line.SKU] = max(left[line.SKU]-line.Quantity, 0)
		}
	}
	return p.within(left, what+", and is not in another parcel")
}

func (p Shipment) within(left map[string]int64, what string) error {
	for _, line := range p.Lines {
		if left[line.SKU] -= line.Quantity; left[line.SKU] < 0 {
			return fault.NewPermanent(fault.InputInvalid,
				fmt.Errorf("shipment: lines: it holds more of SKU %.80q than was %s", line.SKU, what))
		}
	}
	return nil
}

// clockTolerance is how far clocks, and dates without a time or a zone, may be off.
const clockTolerance = 24 * time.Hour

// Plausible returns a permanent error if the parcel was sent or delivered before the order was placed, or in the
// future: money may be captured because goods are on their way.
func (p Shipment) Plausible(s Summary, now time.Time) error {
	for _, moment := range []struct {
		name string
		at   time.Time
	}{{"shipped_at", p.ShippedAt}, {"delivered_at", p.DeliveredAt}} {
		switch at := moment.at; {
		case at.IsZero():
		case at.After(now.Add(clockTolerance)):
			return fault.NewPermanent(fault.InputInvalid,
				fmt.Errorf("shipment: %s %s is in the future", moment.name, utc.Text(at)))
		case at.Before(s.PlacedAt().Add(-clockTolerance)):
			return fault.NewPermanent(fault.InputInvalid,
				fmt.Errorf("shipment: %s %s is before the order was placed, at %s",
					moment.name, utc.Text(at), utc.Text(s.PlacedAt())))
		}
	}
	return nil
}

// ParseShipment reads a parcel that a merchant reports. Whether it fits the order, the order says.
func ParseShipment(body []byte) (Shipment, error) {
	var p struct {
		Shipment
		Lines json.RawMessage `json:"lines"`
	}
	err := strictjson.Decode(body, &p)
	if err == nil {
		p.Shipment.Lines, err = readLines(p.Lines)
	}
	if err != nil {
		return Shipment{}, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: %w", err))
	}
	return p.Shipment, p.Check()
}

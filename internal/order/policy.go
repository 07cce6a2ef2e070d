package order

import "time"

// Policy is the part of an account's settings that an order is dealt with by from its beginning to its end.
type Policy struct {
	Capture      Capture       `json:"capture"`
	Expiring     Expiring      `json:"expiring"`
	UnknownSKU   UnknownWay    `json:"unknown_sku"`
	DecideWithin time.Duration `json:"decide_within"`
	SettleWindow time.Duration `json:"settle_window"`
	Mail         bool          `json:"mail,omitempty"`
}

// Policy is what an order takes along of the settings.
func (s Settings) Policy() Policy {
	return Policy{
		Capture: s.Capture, Expiring: s.Expiring, UnknownSKU: s.UnknownSKU, Mail: s.Mail.From != "",
		DecideWithin: time.Duration(s.DecideWithin), SettleWindow: time.Duration(s.SettleWindow),
	}
}

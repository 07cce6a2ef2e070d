package stripesim

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/simcontrol"
)

// withDefaults fills in what is zero.
func withDefaults(o simcontrol.OrderSettings) simcontrol.OrderSettings {
	o.APIVersion = cmp.Or(o.APIVersion, "2025-10-29.clover")
	o.Jitter = cmp.Or(o.Jitter, simcontrol.Duration(20*time.Millisecond))
	o.Retries = cmp.Or(o.Retries, 3)
	o.RetryDelay = cmp.Or(o.RetryDelay, simcontrol.Duration(time.Second))
	o.DeliveryTimeout = cmp.Or(o.DeliveryTimeout, simcontrol.Duration(10*time.Second))
	o.AuthorizationWindow = cmp.Or(o.AuthorizationWindow, simcontrol.Duration(7*24*time.Hour))
	o.HookTimeout = cmp.Or(o.HookTimeout, simcontrol.Duration(4*time.Second))
	o.HookLineItems = cmp.Or(o.HookLineItems, simcontrol.LineItemsDeployed)
	return o
}

func checkOrders(o simcontrol.OrderSettings) error {
	for name, share := range map[string]float64{"duplicates": o.Duplicates, "drops": o.Drops} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("%s %g is not a share from 0 to 1", name, share)
		}
	}
	for name, d := range map[string]simcontrol.Duration{
		"retry_delay": o.RetryDelay, "delivery_timeout": o.DeliveryTimeout, "signature_age": o.SignatureAge,
		"authorization_window": o.AuthorizationWindow, "refund_delay": o.RefundDelay, "hook_timeout": o.HookTimeout,
	} {
		if d < 0 {
			return fmt.Errorf("%s is negative", name)
		}
	}
	switch {
	case o.DropNext < 0:
		return errors.New("drop_next is negative")
	case o.HookLineItems != "" && o.HookLineItems != simcontrol.LineItemsDeployed &&
		o.HookLineItems != simcontrol.LineItemsDocumented:
		return fmt.Errorf("hook_line_items %q is neither %s nor %s", o.HookLineItems, simcontrol.LineItemsDeployed,
			simcontrol.LineItemsDocumented)
	}
	return nil
}

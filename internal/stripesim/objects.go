package stripesim

import (
	"cmp"
	"strconv"
	"time"

	"vitrine/internal/simcontrol"
)

// The objects have every property that Stripe's OpenAPI document requires, and those that a merchant reads. What the
// emulator has nothing to say on is left out, as the document allows.

func orNull[T comparable](value T) any {
	var zero T
	if value == zero {
		return nil
	}
	return value
}

func unixOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func orEmpty(metadata map[string]string) map[string]string {
	if metadata == nil {
		return map[string]string{}
	}
	return metadata
}

func addressObject(a simcontrol.Address) map[string]any {
	return map[string]any{
		"line1": orNull(a.Line1), "line2": orNull(a.Line2), "city": orNull(a.City), "state": orNull(a.State),
		"postal_code": orNull(a.PostalCode), "country": orNull(a.Country),
	}
}

func (s *session) object(e expands) map[string]any {
	total := map[string]any{
		"amount_discount": 0, "amount_shipping": s.cart.shipping.amount, "amount_tax": s.cart.tax(),
	}
	object := map[string]any{
		"id": s.id, "object": "checkout.session", "livemode": false, "created": s.created.Unix(),
		"expires_at": s.expires.Unix(),
		"mode":       "payment", "status": s.status, "payment_status": s.paymentStatus, "currency": s.cart.currency,
		"amount_subtotal": s.cart.subtotal(), "amount_total": s.cart.total(), "total_details": total,
		"automatic_tax": map[string]any{"enabled": false, "liability": nil, "provider": nil, "status": nil},
		"custom_fields": []any{}, "metadata": orEmpty(s.metadata), "payment_method_types": []string{"card"},
		"custom_text": map[string]any{
			"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil,
		},
		"shipping_options": []any{map[string]any{"shipping_amount": s.cart.shipping.amount,
			"shipping_rate": s.cart.shipping.rate}},
		"customer": nil, "client_reference_id": nil, "invoice": nil, "payment_link": nil, "setup_intent": nil,
		"subscription":   nil,
		"customer_email": nil, "customer_details": nil, "collected_information": nil, "payment_intent": nil,
		"shipping_cost": map[string]any{
			"amount_subtotal": s.cart.shipping.amount, "amount_tax": 0, "amount_total": s.cart.shipping.amount,
			"shipping_rate": s.shippingRate(e),
		},
	}
	if s.payment != nil {
		object["payment_method_types"] = []string{s.payment.method}
		object["payment_intent"] = s.payment.intent
		if e.at("payment_intent") {
			object["payment_intent"] = s.payment.object(e.under("payment_intent"))
		}
		object["customer_details"] = map[string]any{
			"name": orNull(s.buyer.Name), "email": orNull(s.buyer.Email), "phone": orNull(s.buyer.Phone),
			"address": addressObject(s.buyer.Address), "tax_exempt": "none", "tax_ids": []any{},
			"business_name": nil, "individual_name": nil,
		}
		object["collected_information"] = map[string]any{
			"shipping_details": s.shippingDetails(), "business_name": nil, "individual_name": nil,
		}
	}
	if e.at("line_items") {
		inside := e.under("line_items").under("data")
		object["line_items"] = s.lineItems(page{limit: 10}, inside)
	}
	return object
}

func (s *session) shippingDetails() map[string]any {
	return map[string]any{"name": s.buyer.Name, "address": addressObject(s.buyer.Address)}
}

func (s *session) shippingRate(e expands) any {
	rate := s.cart.shipping
	if !e.at("shipping_cost.shipping_rate") {
		return rate.rate
	}
	return map[string]any{
		"id": rate.rate, "object": "shipping_rate", "active": true, "created": s.created.Unix(), "livemode": false,
		"display_name": rate.name, "metadata": orEmpty(rate.metadata), "type": "fixed_amount",
		"fixed_amount":      map[string]any{"amount": rate.amount, "currency": s.cart.currency},
		"delivery_estimate": nil, "tax_behavior": "unspecified", "tax_code": nil,
	}
}

// lineItems is the page behind a cursor that is known to be good.
func (s *session) lineItems(p page, e expands) map[string]any {
	lines, more, _ := s.linePage(p)
	var data []any
	for _, l := range lines {
		data = append(data, l.object(s, e))
	}
	return listOf("/v1/checkout/sessions/"+s.id+"/line_items", data, more)
}

func (s *session) linePage(p page) ([]lineItem, bool, *apiError) {
	return paginate(p, s.cart.lines, func(l lineItem) string { return l.id }, func(lineItem) bool { return true })
}

func (l lineItem) object(s *session, e expands) map[string]any {
	all, _ := l.tax()
	price := map[string]any{
		"id": l.price, "object": "price", "active": false, "billing_scheme": "per_unit", "created": s.created.Unix(),
		"currency": s.cart.currency, "custom_unit_amount": nil, "livemode": false, "lookup_key": nil,
		"metadata": map[string]any{},
		"nickname": nil, "product": l.product, "recurring": nil, "tax_behavior": "unspecified", "tiers_mode": nil,
		"transform_quantity": nil, "type": "one_time", "unit_amount": l.unitAmount,
		"unit_amount_decimal": strconv.FormatInt(l.unitAmount, 10),
	}
	if e.at("price.product") {
		price["product"] = map[string]any{
			"id": l.product, "object": "product", "active": false, "created": s.created.Unix(),
			"updated":     s.created.Unix(),
			"description": orNull(l.description), "images": []any{}, "livemode": false, "marketing_features": []any{},
			"metadata": map[string]any{}, "name": l.name, "package_dimensions": nil, "shippable": nil, "tax_code": nil,
			"url": nil,
		}
	}
	if e.preview {
		price["external_reference"] = orNull(l.sku)
		if s.plain {
			price["external_reference"] = nil
		}
	}
	object := map[string]any{
		"id": l.id, "object": "item", "amount_discount": 0, "amount_subtotal": l.subtotal(), "amount_tax": all,
		"amount_total": l.total(), "currency": s.cart.currency, "description": l.name, "price": price,
		"quantity": l.quantity,
	}
	if e.at("taxes") {
		object["taxes"] = l.taxObjects(s)
	}
	return object
}

func (l lineItem) taxObjects(s *session) []any {
	taxes := []any{}
	for _, t := range l.taxes {
		rate := map[string]any{
			"id": t.id, "object": "tax_rate", "active": true, "created": s.created.Unix(), "livemode": false,
			"display_name": t.name, "inclusive": t.inclusive, "percentage": t.percent, "tax_type": "sales_tax",
			"country": orNull(s.buyer.Address.Country), "description": nil, "jurisdiction": nil,
			"jurisdiction_level":   nil,
			"effective_percentage": t.percent, "flat_amount": nil, "metadata": map[string]any{},
			"rate_type": "percentage", "state": nil,
		}
		taxes = append(taxes,
			map[string]any{"amount": t.amount, "rate": rate, "taxability_reason": nil, "taxable_amount": l.subtotal()})
	}
	return taxes
}

func (p *payment) object(e expands) map[string]any {
	capturable, received := int64(0), p.amountCaptured
	if p.status == statusRequiresCapture {
		capturable = p.amount
	}
	object := map[string]any{
		"id": p.intent, "object": "payment_intent", "livemode": false, "created": p.created.Unix(), "amount": p.amount,
		"amount_capturable": capturable, "amount_received": received, "currency": p.currency, "status": p.status,
		"capture_method": p.captureMethod, "confirmation_method": "automatic",
		"payment_method_types": []string{p.method},
		"canceled_at":          unixOrNull(p.canceled), "cancellation_reason": orNull(p.canceledBecause),
		"application_fee_amount": orNull(p.fee), "latest_charge": p.charge, "metadata": orEmpty(p.metadata),
		"client_secret": p.intent + "_secret_emulated", "customer": nil, "description": nil, "last_payment_error": nil,
		"next_action": nil, "on_behalf_of": nil, "payment_method": "pm_" + p.charge[len("ch_"):], "processing": nil,
		"receipt_email": orNull(p.session.buyer.Email), "review": nil, "setup_future_usage": nil, "transfer_group": nil,
		"shipping": map[string]any{
			"name": p.session.buyer.Name, "address": addressObject(p.session.buyer.Address),
			"phone":   orNull(p.session.buyer.Phone),
			"carrier": nil, "tracking_number": nil,
		},
	}
	if p.chargeStatus == statusFailed {
		object["payment_method"] = nil
	}
	if e.at("latest_charge") {
		object["latest_charge"] = p.chargeObject()
	}
	if e.preview && e.at("agent_details") && p.session.agent != (simcontrol.Agent{}) {
		object["agent_details"] = map[string]any{
			"name": orNull(p.session.agent.Name), "network_business_profile": orNull(p.session.agent.Profile),
		}
	}
	return object
}

func (p *payment) chargeObject() map[string]any {
	buyer := p.session.buyer
	method := map[string]any{"type": p.method}
	if p.method == "card" {
		method["card"] = map[string]any{
			"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": p.created.Year() + 3, "country": "US",
			"funding": "credit",
			"network": "visa", "fingerprint": "emulated4242", "checks": nil, "installments": nil, "mandate": nil,
			"three_d_secure": nil, "wallet": nil, "capture_before": p.authorizedUntil.Unix(),
		}
		if p.authorizedUntil.IsZero() {
			delete(method["card"].(map[string]any), "capture_before")
		}
	} else {
		method[p.method] = map[string]any{"bank_name": "Test Bank", "last4": "6789", "routing_number": "110000000",
			"account_holder_type": "individual", "account_type": "checking", "fingerprint": "emulated6789",
			"payment_reference": nil}
	}
	given := p.refunded() + p.released
	return map[string]any{
		"id": p.charge, "object": "charge", "livemode": false, "created": p.created.Unix(), "amount": p.amount,
		"amount_captured": p.amountCaptured, "amount_refunded": given, "captured": p.captured,
		"refunded": given == p.amount,
		"currency": p.currency, "disputed": p.dispute != nil, "paid": p.chargeStatus == statusSucceeded,
		"status":         p.chargeStatus,
		"payment_intent": p.intent, "payment_method": "pm_" + p.charge[len("ch_"):], "metadata": orEmpty(p.metadata),
		"application_fee_amount": orNull(p.fee), "balance_transaction": nil, "customer": nil, "description": nil,
		"failure_code": nil, "failure_message": nil, "receipt_email": orNull(buyer.Email), "receipt_number": nil,
		"payment_method_details": method,
		"billing_details": map[string]any{
			"name": orNull(buyer.Name), "email": orNull(buyer.Email), "phone": orNull(buyer.Phone), "tax_id": nil,
			"address": addressObject(buyer.Address),
		},
	}
}

func (r *refund) object() map[string]any {
	object := map[string]any{
		"id": r.id, "object": "refund", "amount": r.amount, "created": r.created.Unix(), "currency": r.payment.currency,
		"charge": r.payment.charge, "payment_intent": r.payment.intent, "reason": orNull(r.reason), "status": r.status,
		"metadata": orEmpty(r.metadata), "balance_transaction": nil, "receipt_number": nil,
		"source_transfer_reversal": nil, "transfer_reversal": nil,
	}
	if r.failed != "" {
		object["failure_reason"] = r.failed
	}
	return object
}

func (d *dispute) object(now time.Time) map[string]any {
	evidence := map[string]any{"enhanced_evidence": map[string]any{}}
	for _, name := range evidenceFields {
		evidence[name] = orNull(d.evidence[name])
	}
	return map[string]any{
		"id": d.id, "object": "dispute", "livemode": false, "amount": d.amount, "created": d.created.Unix(),
		"currency": d.payment.currency, "charge": d.payment.charge, "payment_intent": d.payment.intent,
		"reason": d.reason, "status": d.status, "metadata": orEmpty(d.metadata), "balance_transactions": []any{},
		"enhanced_eligibility_types": []any{}, "is_charge_refundable": false, "evidence": evidence,
		"evidence_details": map[string]any{
			"due_by": d.due.Unix(), "has_evidence": len(d.evidence) > 0, "past_due": !now.Before(d.due),
			"submission_count": d.submissions, "enhanced_eligibility": map[string]any{},
		},
		"payment_method_details": map[string]any{"type": "card", "card": map[string]any{
			"brand": "visa", "case_type": "chargeback", "network": "visa",
			"network_reason_code": cmp.Or(map[string]string{"fraudulent": "10.4"}[d.reason], "13.1"),
		}},
	}
}

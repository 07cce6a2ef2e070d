package account

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// RuleNames are the rules as settings and lists of accounts name them, in the order in which people read them.
func RuleNames() []string {
	return []string{
		"import_api", "dialect", "quotes", "invalid_rows", "unknown_columns", "source", "full_send_every", "heal",
		"max_shrink", "max_invalid", "max_price_moves", "price_move", "max_currency_flips", "max_free",
	}
}

// Named are the names of the rules that are set.
func (r Rules) Named() (names []string) {
	for _, name := range RuleNames() {
		if r.Text(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// Set reads the rule of that name as people write it. The error says what is expected; whoever knows where the text
// stands says what was found there.
func (r *Rules) Set(name, text string) (err error) {
	switch name {
	case "import_api":
		r.ImportAPI, err = oneOf(text, feed.V1, feed.V2)
	case "dialect":
		r.Dialect, err = oneOf(text, feed.StripeDialect, feed.GoogleDialect)
	case "quotes":
		r.Quotes, err = oneOf(text, lines.AllQuotes()...)
	case "invalid_rows":
		r.InvalidRows, err = oneOf(text, HoldBack, SendAll)
	case "unknown_columns":
		r.UnknownColumns, err = oneOf(text, SendUnknown, DropUnknown)
	case "source":
		r.Source, err = oneOf(text, WholeSource, ChangesSource)
	case "full_send_every":
		r.FullSendEvery, err = fullSend(text)
	case "heal":
		r.Heal, err = oneOf(text, HealReport, HealResend, HealResendAndDelete)
	default:
		share, most := r.share(name)
		if share == nil {
			return fmt.Errorf("rule %q is not known", name)
		}
		*share, err = percent(text, most)
		r.lenient = lenient{r.lenient.shrink && share != &r.MaxShrink, r.lenient.free && share != &r.MaxFree}
	}
	return err
}

// Text is the rule of that name as people write it; empty if it is not set.
func (r Rules) Text(name string) string {
	switch name {
	case "import_api":
		return string(r.ImportAPI)
	case "dialect":
		return string(r.Dialect)
	case "quotes":
		return string(r.Quotes)
	case "invalid_rows":
		return string(r.InvalidRows)
	case "unknown_columns":
		return string(r.UnknownColumns)
	case "source":
		return string(r.Source)
	case "full_send_every":
		if r.FullSendEvery == 0 {
			return ""
		}
		return r.FullSendEvery.String()
	case "heal":
		return string(r.Heal)
	}
	share, _ := r.share(name)
	if share == nil || *share == nil {
		return ""
	}
	return strconv.FormatFloat(float64(**share), 'f', -1, 64) + "%"
}

// share finds a rule that is a percentage, and the most that it may be; nil if there is none of that name.
func (r *Rules) share(name string) (**Percent, Percent) {
	switch name {
	case "max_shrink":
		return &r.MaxShrink, 100
	case "max_invalid":
		return &r.MaxInvalid, 100
	case "max_price_moves":
		return &r.MaxPriceMoves, 100
	case "price_move":
		return &r.PriceMove, 10_000
	case "max_currency_flips":
		return &r.MaxCurrencyFlips, 100
	case "max_free":
		return &r.MaxFree, 100
	}
	return nil, 0
}

func oneOf[T ~string](text string, known ...T) (T, error) {
	var names []string
	for _, k := range known {
		if strings.EqualFold(text, string(k)) {
			return k, nil
		}
		names = append(names, string(k))
	}
	return "", errors.New("expected " + strings.Join(names, " or "))
}

func fullSend(text string) (Interval, error) {
	every, err := time.ParseDuration(text)
	if err != nil || every < time.Hour {
		return 0, errors.New("expected a duration of at least 1h, such as 168h")
	}
	return Interval(every), nil
}

// percent takes a trailing % too: spreadsheets write one.
func percent(text string, most Percent) (*Percent, error) {
	number, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
	p := Percent(number)
	if err != nil || !(p >= 0 && p <= most) { // so put, NaN is refused
		return nil, fmt.Errorf("expected a percentage from 0 to %v, such as 20", most)
	}
	return &p, nil
}

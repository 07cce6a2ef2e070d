package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/order"
)

// functions are what the pages need beyond those of the report.
var functions = template.FuncMap{
	"ago": ago, "money": order.Money, "tone": tone, "stateTone": stateTone, "counted": catalog.Counted,
	"outcome": outcome, "title": titled, "upper": strings.ToUpper, "sentence": sentence,
	"moment": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"at":     func(now, t time.Time) moment { return moment{now, t} },
	"shown":  func(now time.Time, of catalogView) shownCatalog { return shownCatalog{now, of} },
	"crumbs": crumbsOf, "unless": func(not, text string) string { return map[bool]string{not == "": text}[true] },
	"catalogPath": catalogPath, "accountPath": accountPath, "ordersPath": ordersPath, "orderPath": orderPath,
	"sessionPath": func(name, session string) string { return orderPath(order.ID{Account: name, Session: session}) },
	"rowTone":     func(state string) string { return stateTone(order.State(state)) },
	"number32":    func(n int32) int64 { return int64(n) },
}

// moment is a time, and the one that it is seen from.
type moment struct{ Now, At time.Time }

// shownCatalog is a catalog, and when it is seen.
type shownCatalog struct {
	Now time.Time
	Of  catalogView
}

// crumb is a page above the one that is shown; the last one has no path.
type crumb struct{ Name, Path string }

// crumbsOf takes names and paths in turn, and leaves out what has no name.
func crumbsOf(pairs ...string) (all []crumb) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != "" {
			all = append(all, crumb{pairs[i], pairs[i+1]})
		}
	}
	return all
}

func accountPath(name string) string { return Root + "accounts/" + name }

func catalogPath(name string, kind feed.Kind) string {
	return accountPath(name) + "/catalogs/" + string(kind)
}

func ordersPath(name string) string { return accountPath(name) + "/orders" }

func orderPath(id order.ID) string { return ordersPath(id.Account) + "/" + id.Session }

// ago says roughly when something was, or will be.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if d := now.Sub(t); d >= 0 {
		if rough := roughly(d); rough != "" {
			return rough + " ago"
		}
		return "just now"
	} else if rough := roughly(-d); rough != "" {
		return "in " + rough
	}
	return "now"
}

func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return ""
	case d < time.Hour:
		return catalog.Counted(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return catalog.Counted(int64(d/time.Hour), "hour")
	}
	return catalog.Counted(int64(d/(24*time.Hour)), "day")
}

// outcome says how a sync ended, for people; empty: it is under way.
func outcome(o catalog.Outcome) string {
	switch o {
	case "":
		return "syncing"
	case catalog.Held:
		return "waits for a decision"
	case catalog.SucceededWithErrors:
		return "some rows refused"
	case catalog.Succeeded:
		return "in order"
	}
	return strings.ReplaceAll(string(o), "_", " ")
}

// tone is the colour of an outcome: good, bad, or wait for what a person should look at.
func tone(o catalog.Outcome) string {
	switch o {
	case catalog.Succeeded, catalog.Unchanged:
		return "good"
	case catalog.Failed, catalog.Rejected:
		return "bad"
	case catalog.Held, catalog.SucceededWithErrors, catalog.Parked:
		return "wait"
	}
	return "none"
}

func stateTone(s order.State) string {
	switch s {
	case order.StateHeld, order.StateAwaitsMerchant, order.StateDisputed:
		return "wait"
	case order.StateRejected, order.StateCanceled, order.StateRefunded, order.StateDisputeLost, order.StateExpired:
		return "bad"
	case order.StateAccepted, order.StateShipped, order.StateDelivered:
		return "good"
	}
	return "none"
}

// titled begins a text with a capital letter.
func titled(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// sentence makes one of what an error says.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return titled(text)
}

// counts says how many there are of a page, and whether there are more.
func counts(n int, more bool, what string) string {
	if more {
		return fmt.Sprintf("The first %s; there are more.", catalog.Counted(int64(n), what))
	}
	return catalog.Counted(int64(n), what) + "."
}

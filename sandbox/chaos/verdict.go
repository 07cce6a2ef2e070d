package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// Verdict is what became of everything. Wrong is empty if nothing is.
type Verdict struct {
	Seed      uint64        `json:"seed"`
	Accounts  int           `json:"accounts"`
	Versions  int           `json:"versions"` // of catalogs, written meanwhile
	Imports   int           `json:"imports"`  // at Stripe
	Orders    int           `json:"orders"`
	Broken    []Break       `json:"broken"`
	Recovered time.Duration `json:"recovered"` // from the last thing mended until all was right
	Wrong     []string      `json:"wrong"`
}

// Break is what was broken, and for how long.
type Break struct {
	What string        `json:"what"`
	At   time.Duration `json:"at"`
	For  time.Duration `json:"for"`
}

// findings are what one look at everything finds.
type findings struct {
	wrong           []string
	imports, orders int // at Stripe
}

// wrong lists what is not as it should be, yet or ever: every catalog at Stripe is what its merchant wrote last, no
// version was imported twice, and each order is accepted, and its money taken once.
func (t *trade) wrong(ctx context.Context, d *Deployment) (found findings, err error) {
	for _, s := range t.shops {
		is, err := t.emulator.Catalog(ctx, s.account)
		if err != nil {
			return findings{}, err
		}
		found.wrong = append(found.wrong, s.differs(is)...)
		made, err := t.emulator.Imports(ctx, s.account)
		if err != nil {
			return findings{}, err
		}
		found.imports += len(made)
		if len(made) > s.versions {
			found.wrong = append(found.wrong,
				fmt.Sprintf("%s had %d versions and %d imports", s.account, s.versions, len(made)))
		}
	}
	of, orders, err := t.wrongOrders(ctx, d)
	found.wrong, found.orders = append(found.wrong, of...), orders
	return found, err
}

// differs compares what Stripe has of a shop with what they wrote last.
func (s *shop) differs(is []simcontrol.Product) (wrong []string) {
	if len(is) != len(s.products) {
		wrong = append(wrong,
			fmt.Sprintf("%s has %d products at Stripe and %d in its file", s.account, len(is), len(s.products)))
	}
	for _, product := range is {
		if price := s.products[product.ID]; price != product.Price {
			wrong = append(wrong,
				fmt.Sprintf("%s %s costs %s at Stripe and %q in its file", s.account, product.ID, product.Price, price))
		}
	}
	return wrong
}

// wrongOrders asks the emulator which orders there are: whoever bought may not have heard that they did.
func (t *trade) wrongOrders(ctx context.Context, d *Deployment) (wrong []string, orders int, err error) {
	states, err := orderStates(ctx, d)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range t.shops {
		placed, err := t.emulator.Orders(ctx, s.account)
		if err != nil {
			return nil, 0, err
		}
		orders += len(placed)
		for _, is := range placed {
			if is.Captured != is.Total || is.Refunded != 0 || is.Released != 0 {
				wrong = append(wrong, fmt.Sprintf("%s of %s: captured %d of %d, refunded %d, released %d",
					is.Session, is.Account, is.Captured, is.Total, is.Refunded, is.Released))
			}
			if state := states[is.Session]; state != string(order.StateAccepted) {
				wrong = append(wrong, fmt.Sprintf("%s of %s is %q", is.Session, is.Account, state))
			}
		}
	}
	if len(states) != orders {
		wrong = append(wrong, fmt.Sprintf("%d orders were placed, and %d are there", orders, len(states)))
	}
	return wrong, orders, nil
}

// orderStates are those that starter order list prints, by session.
func orderStates(ctx context.Context, d *Deployment) (map[string]string, error) {
	printed, err := d.Starter(ctx, "", "order", "list", "--output", "json", "--limit", "10000")
	if err != nil {
		return nil, err
	}
	var listed []struct {
		Session string `json:"session"`
		State   string `json:"state"`
	}
	if err := json.Unmarshal([]byte(printed), &listed); err != nil {
		return nil, fmt.Errorf("starter order list: %w", err)
	}
	states := map[string]string{}
	for _, o := range listed {
		states[o.Session] = o.State
	}
	return states, nil
}

// Write prints the verdict for people.
func (v Verdict) Write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d merchants, %d versions of catalogs in %d imports, %d orders; %d things broke\n",
		v.Accounts, v.Versions, v.Imports, v.Orders, len(v.Broken))
	for _, b := range v.Broken {
		fmt.Fprintf(&text, "  at %6s  for %4s  %s\n", b.At, b.For, b.What)
	}
	if len(v.Wrong) == 0 {
		fmt.Fprintf(&text, "everything was right %s after the last thing was mended\n", v.Recovered)
	} else {
		fmt.Fprintf(&text, "NOT RIGHT after %s:\n  %s\n", v.Recovered, strings.Join(v.Wrong, "\n  "))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
)

// Result is what became of everything. Wrong is empty if nothing is.
type Result struct {
	Seed      uint64              `json:"seed"`
	All       bool                `json:"all,omitempty"` // everything was to break
	Accounts  int                 `json:"accounts"`
	Versions  int                 `json:"versions"` // of catalogs, written meanwhile
	Imports   int                 `json:"imports"`  // at Stripe
	Orders    int                 `json:"orders"`
	Refunds   int                 `json:"refunds"`
	Lasted    simcontrol.Duration `json:"lasted"` // from the first breakage to the last
	Broken    []Break             `json:"broken"`
	Unbroken  []string            `json:"unbroken,omitempty"` // what was to be broken and could not be
	Recovered simcontrol.Duration `json:"recovered"`          // from the last thing mended until all was right
	Wrong     []string            `json:"wrong"`
	BrokenOff bool                `json:"broken_off,omitempty"` // nobody looked what is right
}

// Break is what was broken, for how long, and how long an order took then that was placed when it was mended.
type Break struct {
	What      string              `json:"what"`
	At        simcontrol.Duration `json:"at"`
	For       simcontrol.Duration `json:"for"`
	Recovered simcontrol.Duration `json:"recovered"`
	By        string              `json:"by,omitempty"` // the procedure of the handbook that mended it, if one had to
}

// evidence is what one look at everything finds.
type evidence struct {
	catalogs []evidenceOfCatalog
	orders   []simcontrol.Order
	states   map[string]string // of orders, as Vitrine lists them, by session
	handed   map[string]bool   // sessions of the orders that merchants have
	sentBack map[string]bool   // sessions of the orders whose money merchants gave back
	rebuilt  bool              // whether orders were brought back after Temporal's database was lost
}

type evidenceOfCatalog struct {
	account           string
	file              map[string]string // id to price: what the merchant wrote last, but for what is invalid
	versions, resends int
	products          []simcontrol.Product
	imports           []simcontrol.Import
	contents          map[string]string // digests of files, by their id
}

// look asks the emulator, S3 and Vitrine.
func (t *trade) look(ctx context.Context, d *Deployment) (e evidence, err error) {
	for _, s := range t.shops {
		c, err := t.lookAt(ctx, s)
		if err != nil {
			return evidence{}, err
		}
		e.catalogs = append(e.catalogs, c)
	}
	// Whoever bought may not have heard that they did.
	if e.orders, err = t.emulator.Orders(ctx, ""); err != nil {
		return evidence{}, err
	}
	if e.states, err = orderStates(ctx, d); err != nil {
		return evidence{}, err
	}
	if e.handed, err = t.handed(ctx); err != nil {
		return evidence{}, err
	}
	e.sentBack, e.rebuilt = map[string]bool{}, t.rebuilt
	for _, o := range e.orders {
		e.sentBack[o.Session] = t.goesBack(o.Session)
	}
	return e, nil
}

func (t *trade) lookAt(ctx context.Context, s *shop) (evidenceOfCatalog, error) {
	s.mu.Lock()
	c := evidenceOfCatalog{account: s.account, file: s.products, versions: s.versions, resends: s.resends,
		contents: map[string]string{}}
	s.mu.Unlock()
	var err error
	if c.products, err = t.emulator.Catalog(ctx, s.account); err != nil {
		return c, err
	}
	if c.imports, err = t.emulator.Imports(ctx, s.account); err != nil {
		return c, err
	}
	files, err := t.emulator.Files(ctx, s.account)
	for _, file := range files {
		c.contents[file.ID] = file.SHA256
	}
	return c, err
}

// handed are the sessions of the orders that lie where merchants fetch them.
func (t *trade) handed(ctx context.Context) (map[string]bool, error) {
	handed := map[string]bool{}
	pages := s3.NewListObjectsV2Paginator(t.store,
		&s3.ListObjectsV2Input{Bucket: &t.bucket, Prefix: aws.String(statestore.OrdersPrefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			// What is deeper are notices.
			if parts := strings.Split(*object.Key, "/"); len(parts) == 3 {
				handed[strings.TrimSuffix(parts[2], ".json")] = true
			}
		}
	}
	return handed, nil
}

// wrong lists what is not as it should be, yet or ever: every catalog at Stripe is what its merchant wrote last, no
// version was imported twice, and each order is decided, with the merchant, and its money taken once, and given back
// once if it was to be.
func (e evidence) wrong() (wrong []string) {
	for _, c := range e.catalogs {
		wrong = append(wrong, c.differs()...)
		wrong = append(wrong, c.wrongImports()...)
	}
	for _, o := range e.orders {
		for _, is := range e.wrongOrder(o) {
			wrong = append(wrong, fmt.Sprintf("%s of %s %s", o.Session, o.Account, is))
		}
	}
	if len(e.states) != len(e.orders) {
		wrong = append(wrong, fmt.Sprintf("%d orders were placed, and Vitrine has %d", len(e.orders), len(e.states)))
	}
	return wrong
}

// differs compares what Stripe has of a catalog with what its merchant wrote last.
func (c evidenceOfCatalog) differs() (wrong []string) {
	missing := maps.Clone(c.file)
	for _, product := range c.products {
		delete(missing, product.ID)
		if price, found := c.file[product.ID]; !found {
			wrong = append(wrong, fmt.Sprintf("%s %s is at Stripe and not in its file", c.account, product.ID))
		} else if price != product.Price {
			wrong = append(wrong,
				fmt.Sprintf("%s %s costs %s at Stripe and %s in its file", c.account, product.ID, product.Price, price))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		wrong = append(wrong, fmt.Sprintf("%s %s is in its file and not at Stripe", c.account, id))
	}
	return wrong
}

// wrongImports are imports that failed, and those that were made again: of one file, of the same rows, or more than the
// catalog had versions. What a procedure of the handbook sends again, it may.
func (c evidenceOfCatalog) wrongImports() (wrong []string) {
	if most := c.versions + c.resends; len(c.imports) > most {
		wrong = append(wrong, fmt.Sprintf("%s had %d versions, and %d of %d imports ordered by hand: there are %d",
			c.account, c.versions, c.resends, most, len(c.imports)))
	}
	files, contents, again := map[string]bool{}, map[string]bool{}, 0
	for _, i := range c.imports {
		if i.Status != "succeeded" || i.RowsFailed != 0 {
			wrong = append(wrong,
				fmt.Sprintf("%s: import %s is %q, and Stripe refused %d rows", c.account, i.ID, i.Status, i.RowsFailed))
		}
		if files[i.File] {
			wrong = append(wrong, fmt.Sprintf("%s: file %s was imported twice", c.account, i.File))
		} else if content := cmp.Or(c.contents[i.File], i.ID); contents[content] {
			again++
		} else {
			contents[content] = true
		}
		files[i.File] = true
	}
	if again > c.resends {
		wrong = append(wrong, fmt.Sprintf("%s: %d imports were of rows that another one had brought", c.account, again))
	}
	return wrong
}

func (e evidence) wrongOrder(o simcontrol.Order) (wrong []string) {
	state, refunded, refunds := order.StateAccepted, int64(0), 0
	if e.sentBack[o.Session] {
		state, refunded, refunds = order.StateRefunded, o.Total, 1
	}
	is := e.states[o.Session]
	// Nobody remembers then that the merchant had accepted an order whose money has gone back since.
	forgotten := e.rebuilt && e.sentBack[o.Session] && is == string(order.StateCanceled)
	if is != string(state) && !forgotten {
		wrong = append(wrong, fmt.Sprintf("is %q, not %q", is, state))
	}
	if o.Captured != o.Total || o.Released != 0 {
		wrong = append(wrong, fmt.Sprintf("captured %d of %d and released %d", o.Captured, o.Total, o.Released))
	}
	if o.Refunded != refunded || len(o.Refunds) != refunds {
		wrong = append(wrong, fmt.Sprintf("refunded %d of %d in %d refunds", o.Refunded, refunded, len(o.Refunds)))
	}
	if !e.handed[o.Session] {
		wrong = append(wrong, "is not with its merchant")
	}
	return wrong
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

// counted adds what there is to a result.
func (v Result) counted(e evidence) Result {
	v.Versions, v.Imports, v.Orders, v.Refunds = 0, 0, len(e.orders), 0
	for _, c := range e.catalogs {
		v.Versions += c.versions
		v.Imports += len(c.imports)
	}
	for _, o := range e.orders {
		v.Refunds += len(o.Refunds)
	}
	v.Wrong = e.wrong()
	return v
}

// Failed is why the run proves nothing, or proves that something is wrong; nil if it proves what it is for.
func (v Result) Failed() error {
	switch {
	case len(v.Wrong) > 0:
		return fmt.Errorf("%d things are not right", len(v.Wrong))
	case len(v.Broken)+len(v.Unbroken) == 0:
		return errors.New("nothing was broken, so nothing is proven: there was nothing of that name, or no time " +
			"(--only, --for)")
	case len(v.Broken) == 0:
		return fmt.Errorf("nothing was broken, so nothing is proven: these could not be: %s. The lines above say why",
			strings.Join(v.Unbroken, ", "))
	case v.All && len(v.Unbroken) > 0:
		return fmt.Errorf("not everything was broken, as --all asks: these could not be: %s. The lines above say why",
			strings.Join(v.Unbroken, ", "))
	}
	return nil
}

// Write prints the result for people.
func (v Result) Write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d: %d merchants, %d versions of catalogs in %d imports, %d orders, %d of them refunded; "+
		"%d things broke within %s\n", v.Seed, v.Accounts, v.Versions, v.Imports, v.Orders, v.Refunds, len(v.Broken),
		whole(v.Lasted))
	fmt.Fprintf(&text, "  %7s  %6s  %-46s  %s\n", "at", "for", "what", "then an order took")
	for _, b := range v.Broken {
		fmt.Fprintf(&text, "  %7s  %6s  %-46s  %s\n", whole(b.At), whole(b.For), b.What, whole(b.Recovered))
		if b.By != "" {
			fmt.Fprintf(&text, "  %7s  %6s  by %s\n", "", "", b.By)
		}
	}
	if len(v.Unbroken) > 0 {
		fmt.Fprintf(&text, "could not be broken: %s\n", strings.Join(v.Unbroken, ", "))
	}
	if v.BrokenOff {
		fmt.Fprintf(&text, "broken off after %d of them: nobody looked what is right\n", len(v.Broken))
	} else if len(v.Wrong) == 0 && len(v.Broken) == 0 {
		fmt.Fprintln(&text, "NOTHING WAS BROKEN: that everything is right proves nothing")
	} else if len(v.Wrong) == 0 {
		fmt.Fprintf(&text, "everything was right %s after the last thing was mended\n", whole(v.Recovered))
	} else {
		fmt.Fprintf(&text, "NOT RIGHT after %s:\n  %s\n", whole(v.Recovered), strings.Join(v.Wrong, "\n  "))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

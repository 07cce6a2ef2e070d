package workflows_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/workflows"
)

const counted = "id,title,description,link,image_link,availability,price,inventory_quantity\n"

func countedProduct(id, availability, quantity string) string {
	return fmt.Sprintf("%s,Title,d,https://e.com/%s,https://e.com/%s.jpg,%s,1.00 USD,%s\n", id, id, id, availability,
		quantity)
}

// warehouse is a stage whose catalog counts, and whose account wants Stripe to be told what is left.
type warehouse struct {
	*stage
	update *activities.InventoryUpdate
	sales  int
	now    time.Time // when exports are written and pieces sold: some time ago
}

func newWarehouse(t *testing.T, rows string) *warehouse {
	t.Helper()
	s := newStage(t)
	w := &warehouse{stage: s, update: &activities.InventoryUpdate{
		Sync: s.steps, Orders: order.Documents{Store: s.steps.Documents.Store},
	}}
	w.now = time.Now().Add(-time.Hour)
	s.store.Clock = func() time.Time { return w.now }
	w.wants(true)
	if rows != "" {
		s.put(source, counted+rows)
		s.syncs(catalog.Succeeded)
	}
	return w
}

func (w *warehouse) wants(it bool) {
	w.t.Helper()
	require.NoError(w.t, w.update.Orders.SaveSettings(w.t.Context(), order.Settings{
		Account: account, Enabled: true, InventoryAfterOrder: it, Fulfillment: order.Fulfillment{Kind: order.S3},
	}))
}

func (w *warehouse) documents() assortment.Documents {
	return assortment.Documents{Store: w.steps.Documents.Store}
}

// sells notes what an order took; what happens next is a minute later.
func (w *warehouse) sells(sku string, quantity int64) {
	w.t.Helper()
	w.sales++
	w.now = w.now.Add(time.Minute)
	sale := assortment.Sale{SKU: sku, Quantity: quantity, Of: 5, At: w.now, Order: fmt.Sprintf("cs_%d", w.sales)}
	w.now = w.now.Add(time.Minute)
	require.NoError(w.t, w.documents().NoteSales(w.t.Context(), account, []assortment.Sale{sale}))
}

func (w *warehouse) inventory() catalog.State {
	w.t.Helper()
	state, _, err := w.steps.Documents.State(w.t.Context(), catalog.ID{Account: account, Feed: feed.Inventory})
	require.NoError(w.t, err)
	return state
}

// slot lets the time pass that lies between two imports of the inventory.
func (w *warehouse) slot() {
	w.t.Helper()
	id := catalog.ID{Account: account, Feed: feed.Inventory}
	state, etag, err := w.steps.Documents.State(w.t.Context(), id)
	require.NoError(w.t, err)
	state.LastImportAt = time.Time{}
	_, err = w.steps.Documents.SaveState(w.t.Context(), state, etag)
	require.NoError(w.t, err)
}

// tell runs the workflow to its end.
func (w *warehouse) tell(
	prepare ...func(*testsuite.TestWorkflowEnvironment),
) (result workflows.InventoryUpdateResult, err error) {
	w.t.Helper()
	env := newEnvironment(nil)
	in := workflows.InventoryUpdateInput{Account: account}
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: in.WorkflowID(), TaskQueue: workflows.TaskQueue})
	env.RegisterActivity(w.steps)
	env.RegisterActivity(w.update)
	for _, p := range prepare {
		p(env)
	}
	w.stripe.forget()
	w.stripe.files = map[string][][]string{}
	env.ExecuteWorkflow(workflows.InventoryUpdateType, in)
	require.True(w.t, env.IsWorkflowCompleted())
	if err = env.GetWorkflowError(); err == nil {
		require.NoError(w.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

// tells fails unless the workflow tells Stripe of these rows alone.
func (w *warehouse) tells(want ...[]string) workflows.InventoryUpdateResult {
	w.t.Helper()
	w.slot()
	result, err := w.tell()
	require.NoError(w.t, err)
	var rows [][]string
	for _, file := range w.stripe.files {
		require.Equal(w.t, []string{"id", "availability", "inventory_quantity"}, file[0])
		rows = append(rows, file[1:]...)
	}
	require.Equal(w.t, want, rows)
	w.requireFree()
	return result
}

func (w *warehouse) requireFree() {
	w.t.Helper()
	require.Nil(w.t, w.state().Run)
	require.Nil(w.t, w.inventory().Run)
}

func (w *warehouse) shows(sku string) (assortment.Availability, int64) {
	w.t.Helper()
	x, _, err := w.documents().Load(w.t.Context(), account, "")
	require.NoError(w.t, err)
	item, found := x.Find(sku)
	require.True(w.t, found)
	return item.Availability, item.Quantity
}

func TestStripeIsToldHowMuchIsLeftUntilTheNextExport(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, countedProduct("lamp", "in_stock", "5")+countedProduct("mug", "in_stock", "3"))
	w.tells()
	w.sells("lamp", 1)
	result := w.tells([]string{"lamp", "in_stock", "4"})
	require.EqualValues(t, 1, result.Rows)
	require.Len(t, result.Imports, 1)
	w.tells() // it was told
	w.sells("lamp", 1)
	w.sells("mug", 3)
	w.tells([]string{"lamp", "in_stock", "3"}, []string{"mug", "out_of_stock", "0"})
	availability, quantity := w.shows("mug")
	require.Equal(t, assortment.OutOfStock, availability)
	require.Zero(t, quantity)

	// The export says what it said before: it is the merchant's word, and sent although no row of it has changed.
	settled := w.changes(counted+countedProduct("lamp", "in_stock", "5")+countedProduct("mug", "in_stock", "3")+
		countedProduct("cup", "in_stock", "1"), catalog.Succeeded)
	require.EqualValues(t, 3, settled.Rows.Sent)
	_, quantity = w.shows("lamp")
	require.EqualValues(t, 5, quantity)
	w.tells() // the export may know of all that was sold before it
	w.sells("lamp", 2)
	w.tells([]string{"lamp", "in_stock", "3"})
}

func TestNothingIsToldOnADoubt(t *testing.T) {
	t.Parallel()
	lamp := countedProduct("lamp", "in_stock", "5")
	for name, doubt := range map[string]func(*warehouse){
		"the settings do not want it": func(w *warehouse) { w.wants(false) },
		"the account is parked": func(w *warehouse) {
			require.NoError(w.t, park(w))
		},
		"the product is not known": func(w *warehouse) { w.sells("ghost", 1) },
		"there is no export any more": func(w *warehouse) {
			require.NoError(w.t, w.store.Delete(w.t.Context(), "catalogs", source))
		},
		"a newer export may know of it": func(w *warehouse) {
			w.changes(counted+countedProduct("lamp", "in_stock", "6"), catalog.Succeeded)
		},
		"nobody brings the newest export": func(w *warehouse) {
			w.put(source, counted+countedProduct("lamp", "in_stock", "6"))
			w.nextTurn()
		},
		"the newest export fails": func(w *warehouse) {
			w.put(source, counted+countedProduct("lamp", "in_stock", "6"))
			w.nextTurn()
			w.stripe.fails[2] = "internal"
			_, err := w.sync(workflows.CatalogSyncInput{Account: account})
			require.Error(w.t, err)
		},
		"it is not known what Stripe has": func(w *warehouse) {
			require.NoError(w.t, w.store.Delete(w.t.Context(), "catalogs", "state/acct_123/product/manifest"))
		},
		"it is not known what the account sells": func(w *warehouse) {
			require.NoError(w.t, w.documents().Forget(w.t.Context(), account))
		},
		"the merchant's file cannot be read by all": func(w *warehouse) {
			w.setState(func(s *catalog.State) { s.Held = &catalog.Hold{Since: time.Now()} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWarehouse(t, lamp)
			if name != "the product is not known" {
				w.sells("lamp", 1)
			}
			doubt(w)
			w.tells()
		})
	}
}

func park(w *warehouse) error {
	_, err := w.steps.Accounts.ChangeStanding(w.t.Context(), account, func(s *accounts.Standing) bool {
		s.Parked = &accounts.Parking{Trigger: accounts.ByPerson, By: "Ada", Since: time.Now()}
		return true
	})
	return err
}

func TestTheInventoryKeepsItsDistance(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, countedProduct("lamp", "in_stock", "5"))
	w.sells("lamp", 1)
	w.tells([]string{"lamp", "in_stock", "4"})
	w.sells("lamp", 1)
	began := time.Time{}
	waited := time.Duration(0)
	result, err := w.tell(func(env *testsuite.TestWorkflowEnvironment) {
		env.SetStartTime(time.Now())
		env.RegisterDelayedCallback(func() { began = env.Now() }, 0)
		env.RegisterDelayedCallback(w.slot, 14*time.Minute)
		env.SetOnTimerFiredListener(func(string) { waited = env.Now().Sub(began) })
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, result.Rows)
	require.Greater(t, waited, 14*time.Minute)
}

func TestWhatStripeRefusesIsNotToldAgain(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, countedProduct("lamp", "in_stock", "5")+countedProduct("mug", "in_stock", "3"))
	w.sells("lamp", 1)
	w.sells("mug", 1)
	w.stripe.refuse["lamp"] = "no"
	result := w.tells([]string{"lamp", "in_stock", "4"}, []string{"mug", "in_stock", "2"})
	require.EqualValues(t, 1, result.Refused)
	require.EqualValues(t, 1, result.Rows)
	_, quantity := w.shows("lamp")
	require.EqualValues(t, 5, quantity)
	delete(w.stripe.refuse, "lamp")
	w.tells()
}

func TestARunThatEndsInTheMiddleIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, countedProduct("lamp", "in_stock", "5"))
	w.sells("lamp", 1)
	_, err := w.tell(func(env *testsuite.TestWorkflowEnvironment) {
		env.OnActivity("SettleInventory", mock.Anything, mock.Anything).Return(nil,
			temporal.NewNonRetryableApplicationError("terminated", "X", nil))
	})
	require.Error(t, err)
	require.NotNil(t, w.inventory().Open)
	w.requireFree()
	w.tells() // nothing is uploaded again
	_, quantity := w.shows("lamp")
	require.EqualValues(t, 4, quantity)
}

func TestAnUploadThatFailsIsTriedWithTheNextSale(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, countedProduct("lamp", "in_stock", "5"))
	w.sells("lamp", 1)
	w.stripe.errors["upload"] = []error{fault.NewPermanent(fault.StripeRejected, errors.New("no"))}
	_, err := w.tell()
	requireType(t, err, fault.StripeRejected)
	require.Nil(t, w.inventory().Open)
	w.requireFree()
	w.tells([]string{"lamp", "in_stock", "4"})
}

// Who counts in the inventory feed is told of in it, and corrected by it.
func TestAnInventoryFeedIsCorrectedByItself(t *testing.T) {
	t.Parallel()
	w := newWarehouse(t, "")
	require.NoError(t, w.steps.Accounts.SaveSettings(t.Context(), accounts.Settings{
		Account: account, Feeds: []feed.Kind{feed.Product, feed.Inventory},
	}))
	w.put(source, catalogOf("lamp", "mug"))
	w.syncs(catalog.Succeeded)
	const stock = "id,availability,inventory_quantity\nlamp,in_stock,5\n"
	const inventory = "catalogs/acct_123/inventory.csv"
	bring := func(text string) workflows.CatalogSyncResult {
		w.put(inventory, text)
		w.slot()
		result, err := w.sync(workflows.CatalogSyncInput{Account: account, Feed: feed.Inventory})
		require.NoError(t, err)
		return result
	}
	bring(stock)
	w.sells("lamp", 2)
	w.sells("mug", 1) // nobody counts them
	w.tells([]string{"lamp", "in_stock", "3"})
	again := bring(stock + "mug,in_stock,9\n")
	require.EqualValues(t, 2, again.Rows.Sent)
	_, quantity := w.shows("lamp")
	require.EqualValues(t, 5, quantity)
}

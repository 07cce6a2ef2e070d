package stripesim

import (
	"context"
	"slices"
	"sync"
	"time"

	"vitrine/internal/simcontrol"
)

// core is what all handlers stand on. Each handler has the state of its own resource; one lock guards it all, core's,
// as an order's objects change together: methods whose name ends in Locked are called under it, the others take it, and
// an endpoint of orderCalls runs under it. Sessions and payments point at each other and all handlers of orders look
// them up, so core has them, in the ledger.
type core struct {
	options    Options
	dir        string // of uploaded files
	background sync.WaitGroup

	mu          sync.Mutex
	ctx         context.Context
	stop        context.CancelFunc // ends every import, delivery and timer that is under way
	generation  int                // grows with every reset, so that what began before it leaves no trace
	importDelay time.Duration
	reportDelay time.Duration // how old the data of reports is
	reportTime  time.Duration // how long a report is made
	orders      simcontrol.OrderSettings
	accounts    map[string]*account
	ledger      *ledger
}

func (c *core) forgetLocked() {
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.generation++
	c.importDelay = c.options.ImportDelay
	c.reportDelay, c.reportTime = c.options.ReportDelay, c.options.ReportTime
	c.orders, c.ledger = withDefaults(c.options.Orders), newLedger()
	c.accounts = map[string]*account{}
}

func (c *core) knowsAccount(account string) bool {
	if len(c.options.Accounts) > 0 {
		return slices.Contains(c.options.Accounts, account)
	}
	return accountID.MatchString(account)
}

func (c *core) currentGeneration() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation
}

// laterLocked does something in a while, unless the emulator forgets everything before.
func (c *core) laterLocked(delay time.Duration, do func()) {
	ctx := c.ctx
	c.background.Go(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			c.mu.Lock()
			defer c.mu.Unlock()
			if ctx.Err() == nil {
				do()
			}
		case <-ctx.Done():
		}
	})
}

// account is everything that belongs to one connected account: nothing of it is visible to another.
type account struct {
	files       map[string]*storedFile
	imports     map[string]*importJob
	catalog     map[string]simcontrol.Product
	past        []pastCatalog // the oldest first
	promotions  map[string]simcontrol.Promotion
	inFlight    map[string]int // imports by standard_data_format (v1) or feed_type (v2)
	maxInFlight map[string]int
}

// accountLocked returns the account with this id, a new one if nobody used it yet.
func (c *core) accountLocked(id string) *account {
	a, found := c.accounts[id]
	if !found {
		a = &account{
			files:       map[string]*storedFile{},
			imports:     map[string]*importJob{},
			catalog:     map[string]simcontrol.Product{},
			promotions:  map[string]simcontrol.Promotion{},
			inFlight:    map[string]int{},
			maxInFlight: map[string]int{},
		}
		c.accounts[id] = a
	}
	return a
}

package account

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Deployment is what a deployment says of rules: what holds for accounts that have none of their own, and what some of
// them try before all do.
type Deployment struct {
	Rules  Rules // complete
	Canary Canary
}

// Of are the rules in force for an account: its own, over those that it tries, over the deployment's.
func (d Deployment) Of(s Settings) Rules { return s.Rules.Over(d.Canary.Of(s.Account)).Over(d.Rules) }

// Canary is a trial: rules that hold for some accounts before they hold for all.
type Canary struct {
	Rules Rules `json:"rules,omitzero"` // what is not set in them is as everywhere
	// Share are the accounts that try them, in percent, picked by their ids: who is among them stays among them as it
	// grows.
	Share    Percent  `json:"share,omitempty"`
	Accounts []string `json:"accounts,omitempty"` // these try them besides; in order
}

// On reports whether there is anything to try.
func (c Canary) On() bool { return len(c.Rules.Named()) > 0 }

// Has reports whether an account is one of those that try the rules.
func (c Canary) Has(id string) bool {
	if !c.On() {
		return false
	}
	if _, named := slices.BinarySearch(c.Accounts, id); named {
		return true
	}
	const steps = 10_000 // hundredths of a percent
	sum := sha256.Sum256([]byte(id))
	return float64(binary.BigEndian.Uint64(sum[:])%steps) < float64(c.Share)*steps/100
}

// Of are the rules that an account tries; none of them is set if it tries none.
func (c Canary) Of(id string) Rules {
	if !c.Has(id) {
		return Rules{}
	}
	return c.Rules
}

// String lists the rules that are tried as they are configured.
func (c Canary) String() string {
	var set []string
	for _, name := range c.Rules.Named() {
		set = append(set, name+"="+c.Rules.Text(name))
	}
	return strings.Join(set, ",")
}

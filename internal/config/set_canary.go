package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vitrine/internal/account"
)

// setCanaryRules reads rules as NAME=VALUE with commas between them, by the names that accounts' settings use.
func setCanaryRules(c *Config, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		name, text, found := strings.Cut(strings.TrimSpace(part), "=")
		name, text = strings.TrimSpace(name), strings.TrimSpace(text)
		switch {
		case !found || text == "":
			return fmt.Errorf("expected NAME=VALUE with commas between them, such as import_api=v2; the names are %s",
				strings.Join(account.RuleNames(), ", "))
		case c.Canary.Rules.Text(name) != "":
			return fmt.Errorf("%s is there twice", name)
		}
		if err := c.Canary.Rules.Set(name, text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func setCanaryShare(c *Config, value string) error {
	share, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, "%")), 64)
	if err != nil || !(share > 0 && share <= 100) { // so put, NaN is refused
		return errors.New("expected a percentage above 0 and up to 100, such as 5")
	}
	c.Canary.Share = account.Percent(share)
	return nil
}

func setCanaryAccounts(c *Config, value string) error {
	for id := range strings.SplitSeq(value, ",") {
		id = strings.TrimSpace(id)
		if err := account.Check(id); err != nil {
			return err
		}
		c.Canary.Accounts = append(c.Canary.Accounts, id)
	}
	slices.Sort(c.Canary.Accounts)
	c.Canary.Accounts = slices.Compact(c.Canary.Accounts)
	return nil
}

// checkCanary returns an error if rules would be tried by nobody, or somebody would try nothing.
func (c Config) checkCanary() error {
	some := c.Canary.Share > 0 || len(c.Canary.Accounts) > 0
	switch {
	case c.Canary.On() && !some:
		return &Problem{Variable: "VITRINE_CANARY_RULES", Value: c.Canary.String(), Err: errors.New(
			"nobody tries them: expected VITRINE_CANARY_SHARE or VITRINE_CANARY_ACCOUNTS as well")}
	case !c.Canary.On() && some:
		return &Problem{Variable: "VITRINE_CANARY_RULES", Err: errors.New(
			"it is not set, and VITRINE_CANARY_SHARE or VITRINE_CANARY_ACCOUNTS is: expected the rules that those " +
				"accounts try, such as import_api=v2")}
	}
	return nil
}

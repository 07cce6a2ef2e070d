package console

import "vitrine/internal/access"

// Patterns are the routes for those who are logged in, and which of them are for those who decide.
func (c *Console) Patterns() map[string]bool {
	all := map[string]bool{}
	for _, rt := range c.routes() {
		all[rt.pattern] = rt.scope == access.Operate
	}
	return all
}

package stripesim

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"vitrine/internal/simcontrol"
)

// catalogs shows what imports made of the accounts' catalogs.
type catalogs struct{ *core }

func (h *catalogs) showCatalog(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), "100"))
	if err != nil || limit < 1 || limit > simcontrol.MaxPage {
		complain(w, http.StatusBadRequest, "limit %q is not a number from 1 to %d", r.URL.Query().Get("limit"),
			simcontrol.MaxPage)
		return
	}
	show(w, h.page(r.PathValue("account"), r.URL.Query().Get("after"), limit))
}

func (h *catalogs) page(id, after string, limit int) simcontrol.Catalog {
	h.mu.Lock()
	defer h.mu.Unlock()
	page := simcontrol.Catalog{Account: id, Products: []simcontrol.Product{}}
	a, found := h.accounts[id]
	if !found {
		return page
	}
	page.Count = len(a.catalog)
	ids := make([]string, 0, len(a.catalog))
	for id := range a.catalog {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids[:min(limit, len(ids))] {
		page.Products = append(page.Products, a.catalog[id])
	}
	return page
}

func (h *catalogs) showProduct(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	var product simcontrol.Product
	a, found := h.accounts[r.PathValue("account")]
	if found {
		product, found = a.catalog[r.PathValue("id")]
	}
	h.mu.Unlock()
	if !found {
		complain(w, http.StatusNotFound, "account %s has no product %s", r.PathValue("account"), r.PathValue("id"))
		return
	}
	show(w, product)
}

func (h *catalogs) promotions(id string) []simcontrol.Promotion {
	h.mu.Lock()
	defer h.mu.Unlock()
	promotions := []simcontrol.Promotion{}
	if a, found := h.accounts[id]; found {
		for _, id := range slices.Sorted(maps.Keys(a.promotions)) {
			promotions = append(promotions, a.promotions[id])
		}
	}
	return promotions
}

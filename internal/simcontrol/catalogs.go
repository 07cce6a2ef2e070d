package simcontrol

// Product is a product of an account's catalog.
type Product struct {
	ID                string `json:"id"`
	Title             string `json:"title"`
	Price             string `json:"price"`
	SalePrice         string `json:"sale_price,omitempty"`
	Availability      string `json:"availability"`
	InventoryQuantity string `json:"inventory_quantity,omitempty"`
	ItemGroupID       string `json:"item_group_id,omitempty"`
	// RowSHA256 is of the fields of the row in the product feed, to compare rows that were not kept.
	RowSHA256 string `json:"row_sha256"`
	Import    string `json:"import"` // the import that last wrote it, of whichever feed
	// Row is the whole row, with what other feeds changed of it; absent if it came from a file of more than 8 MiB.
	Row map[string]string `json:"row,omitempty"`
}

// Promotion is a promotion of an account.
type Promotion struct {
	ID     string            `json:"id"`
	Title  string            `json:"title"`
	Import string            `json:"import"` // the import that last wrote it
	Row    map[string]string `json:"row"`
}

// MaxPage is how many products one page of a catalog has at most.
const MaxPage = 10_000

// Catalog is a page of an account's catalog.
type Catalog struct {
	Account  string    `json:"account"`
	Count    int       `json:"count"` // in the whole catalog
	Products []Product `json:"products"`
}

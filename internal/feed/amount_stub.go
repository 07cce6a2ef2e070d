package feed

// Amount is an amount of money.
type Amount struct {
	Thousandths int64
	Currency    Currency
}

// Currency is an ISO 4217 code.
type Currency [3]byte

func parseAmount(text []byte) (Amount, bool) {
	var a Amount
	n := len(text)
	if n < 5 || text[n-4] != ' ' {
		return a, false
	}
	copy(a.Currency[:], text[n-3:])
	scale, point := int64(1000), false
	for _, c := range text[:n-4] {
		if c == '.' {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			return a, false
		}
		if point {
			scale /= 10
		}
		a.Thousandths = a.Thousandths*10 + int64(c-'0')
	}
	a.Thousandths *= scale
	return a, true
}

type problem struct {
	column string
	value  []byte
	cause  Cause
}
type rules struct{ del int }

func compileRules(kind Kind, columns []string) *rules {
	r := &rules{-1}
	for i, c := range columns {
		if c == "delete" {
			r.del = i
		}
	}
	return r
}
func (r *rules) check(fields [][]byte, found []problem) []problem { return found }
func (r *rules) variants(fields [][]byte) uint16                  { return 0 }
func (r *rules) deletes(fields [][]byte) bool {
	return r.del >= 0 && string(fields[r.del]) == "true"
}

type Normalisation struct{ Rule, Column string }
type normaliser struct{}

func compileDialect(d Dialect, kind Kind, columns []string) *normaliser { return nil }
func (n *normaliser) row(fields [][]byte, scratch []byte) (uint64, []byte) {
	return 0, scratch
}
func (n *normaliser) rules() []Normalisation { return nil }
func (c Cause) Severity() Severity           { return Error }

const (
	HasNUL          Cause = "has_nul"
	DuplicateID     Cause = "duplicate_id"
	VariantsDiffer  Cause = "variants_differ"
	NotInCatalog    Cause = "not_in_catalog"
	RefusedByStripe Cause = "refused_by_stripe"
	RowTooLong      Cause = "row_too_long"
)

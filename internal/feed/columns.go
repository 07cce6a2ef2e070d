package feed

// Need says whether a row must have a value in a column.
type Need int

// How much a column is needed.
const (
	Optional Need = iota
	Recommended
	Conditional // on other columns, or on what is sold: Column.Condition says when
	Required
)

// String is the word of the page on columns.
func (n Need) String() string {
	return [...]string{"optional", "recommended", "conditional", "required"}[n]
}

// Type is what the values of a column are.
type Type string

// The types.
const (
	IDType                Type = "id"
	TextType              Type = "text"
	TitleType             Type = "title"      // text, not all in capitals
	PlainTextType         Type = "plain text" // text without markup or links
	URLType               Type = "URL"
	PageType              Type = "web page" // a URL, better https
	ImageType             Type = "image URL"
	ImageListType         Type = "list of image URLs"
	MeasureType           Type = "number and unit"
	BoolType              Type = "true or false"
	EnumType              Type = "one of a list"
	DateType              Type = "date"         // ISO 8601, with or without a time
	IntervalType          Type = "interval"     // two dates with a slash between them
	PeriodType            Type = "exact period" // an interval whose ends have a time and a zone
	AmountType            Type = "amount"       // a number and an ISO 4217 code
	IntegerType           Type = "whole number" //
	DecimalType           Type = "number"       //
	GTINType              Type = "GTIN"         //
	CountryType           Type = "country"      // ISO 3166-1 alpha-2
	GoogleCategoryType    Type = "Google category"
	CategoryType          Type = "category path" // from the general to the special, > between
	TaxCodeType           Type = "Stripe tax code"
	ThirdPartyTaxCodeType Type = "third-party tax code"
	ShippingType          Type = "list of country:area:service:days:amount"
	FeesType              Type = "list of country:region:label:amount"
	ThresholdsType        Type = "list of country:region:service:amount"
	RelationsType         Type = "list of type:id"
	WarningsType          Type = "list of type:message"
	IDListType            Type = "list of ids"
	PromotionCodeType     Type = "promotion code"
)

// list reports whether a cell of this type has entries with commas between them.
func (t Type) list() bool {
	switch t {
	case ImageListType, ShippingType, FeesType, ThresholdsType, RelationsType, WarningsType, IDListType:
		return true
	}
	return false
}

// wordless reports whether no value of this type is a word: each has a digit or a colon.
func (t Type) wordless() bool {
	switch t {
	case URLType, PageType, ImageType, ImageListType, MeasureType, DateType, IntervalType, PeriodType, AmountType,
		IntegerType, DecimalType, GTINType, ShippingType, FeesType, ThresholdsType:
		return true
	}
	return false
}

// free reports whether a cell of this type may be any text.
func (t Type) free() bool { return t == TextType || t == TitleType || t == PlainTextType }

// Column is one column of a feed: what the specification says of it, and all that Vitrine knows.
type Column struct {
	Name      string
	Type      Type
	Need      Need
	Condition string // when a Conditional column needs a value; reads on from "needed"
	Limit     int    // the most characters of a text, or of one message; 0: none is stated
	Entries   int    // the most entries of a list; 0: none is stated
	Min, Max  int64  // of a number, both inclusive. Max 0: none
	Enum      []string
	Units     []string
	Since     string // the version of the specification that has it first: "2025", the private preview, or "2026"
	Sample    string // a value as it should be
	Rule      string // what else is to be said, for people
	Variant   bool   // an attribute that tells variants apart: within an item group, all rows fill it or none does
	Paid      bool   // what a buyer pays for the product
	// Unconfirmed: Stripe's text does not state the form of the values; what is expected here is taken from sellers'
	// code or from the name. A value of another form is no more than doubtful.
	Unconfirmed bool
}

// Columns are the columns of a feed, as the product feed specification lists them
// (https://docs.stripe.com/agentic-commerce/product-feed). The slice is shared: do not write to it.
func Columns(k Kind) []Column {
	switch k {
	case Product:
		return productColumns
	case Inventory:
		return inventoryColumns
	case Pricing:
		return pricingColumns
	case Promotion:
		return promotionColumns
	}
	return nil
}

// columnsByName finds a column of a feed: headers have been seen that are really a whole file, and each of their
// names is looked up.
var columnsByName = func() map[Kind]map[string]*Column {
	all := map[Kind]map[string]*Column{}
	for _, k := range Kinds() {
		all[k] = map[string]*Column{}
		columns := Columns(k)
		for i := range columns {
			all[k][columns[i].Name] = &columns[i]
		}
	}
	return all
}()

// columnNamed is the column of that name, or nil.
func columnNamed(k Kind, name string) *Column { return columnsByName[k][name] }

// requiredColumns are the names of the columns without which no row of the feed can be taken.
func requiredColumns(k Kind) (names []string) {
	for _, c := range Columns(k) {
		if c.Need == Required {
			names = append(names, c.Name)
		}
	}
	return names
}

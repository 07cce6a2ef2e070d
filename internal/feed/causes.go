package feed

// The causes: the closed list of what can be wrong with a row. causeTexts says of each how bad it is, and why.
const (
	// Of a row as a whole, and of the file it stands in.

	UnknownColumn   Cause = "unknown_column"
	ColumnNotSent   Cause = "column_not_sent"
	ColumnAbsent    Cause = "column_absent"
	UnnamedColumn   Cause = "unnamed_column"
	RowAboveHeader  Cause = "row_above_header"
	HeaderAgain     Cause = "header_again"
	OtherHeader     Cause = "other_header"
	NotAProduct     Cause = "not_a_product"
	CommentedOut    Cause = "commented_out"
	LooseText       Cause = "loose_text"
	TooManyFields   Cause = "too_many_fields"
	TooFewFields    Cause = "too_few_fields"
	BrokenQuotes    Cause = "broken_quotes"
	Interrupted     Cause = "interrupted"
	RowTooLong      Cause = "row_too_long"
	EmptyID         Cause = "empty_id"
	NotUTF8         Cause = "not_utf8"
	HasNUL          Cause = "has_nul"
	BesideDoubt     Cause = "beside_doubt"
	DuplicateID     Cause = "duplicate_id"
	RepeatedRow     Cause = "repeated_row"
	Renamed         Cause = "renamed"
	VariantsDiffer  Cause = "variants_differ"
	NotInCatalog    Cause = "not_in_catalog"
	RefusedByStripe Cause = "refused_by_stripe"
	DeletionRefused Cause = "deletion_refused"
	NothingToDelete Cause = "nothing_to_delete"

	DeletionContradicted Cause = "deletion_contradicted"

	// Of a value that should be there, or should not.

	Missing      Cause = "missing"
	MissingHere  Cause = "missing_here"
	MaybeMissing Cause = "maybe_missing"
	AskedFor     Cause = "asked_for"
	MustBeBlank  Cause = "must_be_blank"
	HasNoEffect  Cause = "has_no_effect"
	OnlySpaces   Cause = "only_spaces"

	// Of a value by itself.

	TooLong                 Cause = "too_long"
	HasControlCharacter     Cause = "has_control_character"
	UnusualID               Cause = "unusual_id"
	AllCapitals             Cause = "all_capitals"
	HasMarkup               Cause = "has_markup"
	HasLink                 Cause = "has_link"
	NotAllowed              Cause = "not_allowed"
	Unconfirmed             Cause = "unconfirmed"
	NotURL                  Cause = "not_url"
	SeveralURLs             Cause = "several_urls"
	NotHTTPS                Cause = "not_https"
	ImageFormat             Cause = "image_format"
	UnusualImageFormat      Cause = "unusual_image_format"
	NotMeasure              Cause = "not_measure"
	MixedUnits              Cause = "mixed_units"
	NotInteger              Cause = "not_integer"
	NotNumber               Cause = "not_number"
	OutOfRange              Cause = "out_of_range"
	NotDigits               Cause = "not_digits"
	UnusualGTIN             Cause = "unusual_gtin"
	NotDate                 Cause = "not_date"
	NotInterval             Cause = "not_interval"
	BackwardInterval        Cause = "backward_interval"
	NotAmount               Cause = "not_amount"
	NegativeAmount          Cause = "negative_amount"
	NoCurrency              Cause = "no_currency"
	UnknownCurrency         Cause = "unknown_currency"
	TooManyDecimals         Cause = "too_many_decimals"
	UnusualDecimals         Cause = "unusual_decimals"
	NotChargeable           Cause = "not_chargeable"
	SaleNotLower            Cause = "sale_not_lower"
	SaleInOtherCurrency     Cause = "sale_in_other_currency"
	IsFree                  Cause = "is_free"
	ShippingInOtherCurrency Cause = "shipping_in_other_currency"
	InOtherCurrency         Cause = "in_other_currency"
	NothingOff              Cause = "nothing_off"
	EverythingOff           Cause = "everything_off"
	ExpirationPassed        Cause = "expired"
	PeriodOver              Cause = "period_over"
	HasEntity               Cause = "has_entity"
	HasInvisible            Cause = "has_invisible_character"
	LostCharacter           Cause = "lost_character"
	DecodedTwice            Cause = "decoded_twice"
	NoValue                 Cause = "no_value"
	ShortenedNumber         Cause = "shortened_number"
	LostCharacterInID       Cause = "lost_character_in_id"
	NotAnID                 Cause = "not_an_id"
	LookalikeID             Cause = "lookalike_id"
	MovedID                 Cause = "moved_id"
	NotCountry              Cause = "not_country"
	UnknownCountry          Cause = "unknown_country"
	CategoryTwice           Cause = "category_twice"
	UnusualCategory         Cause = "unusual_category"
	NotTaxCode              Cause = "not_tax_code"
	NotThirdPartyTaxCode    Cause = "not_third_party_tax_code"
	NotPromotionCode        Cause = "not_promotion_code"

	// Of an entry of a list.

	TooManyEntries  Cause = "too_many_entries"
	EmptyEntry      Cause = "empty_entry"
	OtherSeparator  Cause = "other_separator"
	EntryParts      Cause = "entry_parts"
	EmptyPart       Cause = "empty_part"
	NotArea         Cause = "not_area"
	NotSpeed        Cause = "not_speed"
	NoSuchService   Cause = "no_such_service"
	NoSuchType      Cause = "no_such_type"
	RelatedToItself Cause = "related_to_itself"
	RelatedTwice    Cause = "related_twice"
	CommaInMessage  Cause = "comma_in_message"
)

// causeText is what people are told. Words in braces stand for what is known of the column: see Column.word.
type causeText struct {
	cause       Cause
	severity    Severity
	typical     string // a column in which it occurs, for the documents; empty if it concerns rows
	reason, fix string
}

// causeTexts are in the order of the constants. A cause is an Error only where the specification says that the row is
// not acceptable: a value it requires, a form, a limit, a list or a condition that it states. What it recommends, and
// what it leaves open, is a Warning, so that no row is kept back which Stripe might have taken.
var causeTexts = []causeText{
	{UnknownColumn, Warning, "", "Stripe documents no such column", "remove the column, or check its spelling"},
	{ColumnNotSent, Warning, "", "the column is Google's or the shop's own business, and is not sent to Stripe",
		"nothing needs to be done; if it is meant for Stripe, give it the name that Stripe documents"},
	{ColumnAbsent, Warning, "shipping", "no row of the file has a value in {column}, which is needed {condition}",
		"fill it in if that holds for any of your products"},
	{UnnamedColumn, Warning, "", "the row has a value in a column without a name, which Stripe does not get",
		"give the column a name in the header, or remove what stands beside the table"},
	{RowAboveHeader, Warning, "", "the row stands above the header and is passed over",
		"let the file begin with the header"},
	{HeaderAgain, Warning, "", "the row repeats the header and is passed over",
		"write the header once, also where a file is put together from several"},
	{NothingToDelete, Warning, "id", "Stripe has no product with this {column}, so nothing is deleted",
		"write the id as it was sent"},
	{OtherHeader, Error, "", "the row is a header, and not the file's: nobody can say what the values below it mean",
		"give all rows the same columns in the same order, where a file is put together from several"},
	{NotAProduct, Error, "",
		"the row is a comment, or describes the columns: it has no address, amount or other value of a product",
		"remove it from the export, or fill in what its product lacks; a file has a header and rows, no more"},
	{CommentedOut, Error, "", "the row's id begins as comments do, and the ids of most other rows do not",
		"remove the row from the export, or the mark from its id"},
	{LooseText, Error, "",
		"the row is a text without a separator: a comment, what a failed export left there, or the rest of a " +
			"value that has a line end outside quotes",
		"look whether the export is whole; remove a comment, and put double quotes around values with line ends"},
	{TooManyFields, Error, "", "the row has more fields than the header has columns",
		"put values that contain the separator in double quotes"},
	{TooFewFields, Error, "", "the row has fewer fields than the header has columns",
		"write every column, empty if it has no value"},
	{BrokenQuotes, Error, "", "the row's double quotes do not match, so nobody can say where its values end",
		"close every quote that opens a value, and double those within it; if quotes are ordinary text in this file, " +
			"set quotes to literal"},
	{Interrupted, Error, "", "the file ends in the middle of the row", "export and upload the file again, to its end"},
	{RowTooLong, Error, "", "the row is too long", "look for a quote that is never closed, or shorten the row's texts"},
	{EmptyID, Error, "", "the row has no id", "give every row the stable id of its product, such as the SKU"},
	{NotUTF8, Error, "", "the row is not UTF-8 text", "export the file as UTF-8"},
	{HasNUL, Error, "", "the row contains NUL characters",
		"export the file as UTF-8 text, and remove NUL characters from its values"},
	{BesideDoubt, Error, "",
		"the row may have a piece of another one: half a line end stands in it, or a row that cannot be read for " +
			"certain is beside it or names its id", "mend that, and the row is sent"},
	{DuplicateID, Error, "", "another row has the same id and says something else; none of them is sent",
		"give every product one row, and every variant an id of its own: item_group_id is for what they have " +
			"in common"},
	{RepeatedRow, Warning, "", "a later row has the same id and counts in place of this one",
		"export every product once"},
	{Renamed, Warning, "",
		"the row is of the product of another id, which the file no longer has: it is sent as it stands, " +
			"and the other product is deleted with the next version of the file, if that has no row for it either",
		"nothing needs to be done if the product has a new id; else give it its id back"},
	{VariantsDiffer, Warning, "",
		"the row fills other variant attributes than the first row of its item group; which rows Stripe would refuse " +
			"is not documented", "fill the same attributes (such as color and size) in all rows of an item group"},
	{NotInCatalog, Error, "", "the product catalog has no product of this id",
		"send the product first, or leave the row out"},
	{RefusedByStripe, Error, "", "Stripe refused the row", "see Stripe's message"},
	{DeletionContradicted, Error, "", "one row of this id asks for its deletion (delete), and another does not",
		"keep one of the two rows; until then the product stays as it is"},
	{DeletionRefused, Error, "", "Stripe refused to delete the row: agents may go on selling it",
		"see Stripe's message; the deletion is tried again by itself"},

	{Missing, Error, "title", "{column} has no value, and every row needs one",
		"fill in {column}, for example {sample}"},
	{MissingHere, Error, "availability_date", "{column} has no value, which is needed {condition}",
		"fill in {column}, for example {sample}"},
	{MaybeMissing, Warning, "brand",
		"{column} has no value, which is needed {condition}; the row's category does not tell",
		"fill in {column}, or give the row its category"},
	{AskedFor, Warning, "mpn", "{column} has no value, which the specification asks for {condition}",
		"fill in {column}, for example {sample}"},
	{MustBeBlank, Error, "inventory_quantity", "{column} has a value where it must be blank: {rule}",
		"leave {column} blank, or correct the column that it depends on"},
	{HasNoEffect, Warning, "item_group_title", "{column} has a value, but nothing in the row makes use of it",
		"fill in the column that {column} belongs to, or leave {column} blank"},
	{OnlySpaces, Error, "condition", "{column} contains nothing but spaces", "leave the cell empty"},

	{TooLong, Error, "title", "{column} is longer than the {limit} characters that are allowed",
		"shorten it to {limit} characters"},
	{HasControlCharacter, Error, "id", "{column} contains a control character, such as a tab or a line break",
		"remove it; an id looks like {sample}"},
	{UnusualID, Warning, "id",
		"{column} has characters other than letters, digits and . _ - or does not begin with a letter or digit; " +
			"whether Stripe takes them is not documented", "keep to letters, digits and . _ - as in {sample}"},
	{AllCapitals, Warning, "title", "{column} is written all in capitals",
		"write it as a sentence is written, for example {sample}"},
	{HasMarkup, Warning, "description", "{column} contains HTML, which is shown as it stands", "write plain text"},
	{HasEntity, Warning, "title",
		"{column} contains an HTML entity such as &amp; or &#39;, which is taken as it stands",
		"write the character itself"},
	{HasInvisible, Warning, "title",
		"{column} contains characters that nobody sees: control characters, soft hyphens, spaces of no width or " +
			"changes of direction", "type it anew, or export it without them"},
	{LostCharacter, Warning, "title",
		"{column} contains the character � in place of one that an earlier conversion lost",
		"export the file as UTF-8 from where the text is still right"},
	{DecodedTwice, Warning, "title",
		"{column} has letters that were decoded twice, such as Ã¼ in place of ü",
		"read and write the text as UTF-8 everywhere on its way into the export"},
	{NoValue, Warning, "brand",
		"{column} has what programs and spreadsheets write where there is no value, such as #N/A or null",
		"write the value, for example {sample}, or leave the cell empty"},
	{ShortenedNumber, Warning, "mpn",
		"{column} is a number that a spreadsheet has shortened, such as 4.00638E+12: its last digits are lost",
		"format the column as text before the file is exported"},
	{LostCharacterInID, Error, "id",
		"{column} contains the character � in place of one that was lost: it may be the id of another product",
		"export the file as UTF-8 from where the id is still right"},
	{NotAnID, Error, "id",
		"{column} has what programs and spreadsheets write in place of an id, such as #N/A, null or 4.00638E+12: it " +
			"may be that of any product", "write the id itself, and format the column as text in a spreadsheet"},
	{LookalikeID, Error, "id",
		"{column} is that of another product but for spaces, case, zeros in front, characters that nobody sees, or " +
			"what HTML or a spreadsheet makes of it: it may be the same product",
		"write the id as it was, as in {sample}; if it is a new one, delete the other one first (delete=true)"},
	{MovedID, Error, "id",
		"the row says that it is what Stripe has as another product, or another row says so of this one: ids may " +
			"have moved against the rest of their rows",
		"put every id back beside its own product; if it is meant, leave it: the next version of the file that says " +
			"so is sent"},
	{HasLink, Warning, "description", "{column} contains a link, which Stripe asks to leave out", "remove the link"},
	{NotAllowed, Error, "availability", "{column} has a value other than {allowed}",
		"write exactly one of {allowed}, in lower case and without spaces around it"},
	{Unconfirmed, Warning, "shipping_tax_behavior",
		"{column} has an unusual value; which ones Stripe takes is not documented", "write it as {sample}"},
	{NotURL, Error, "link", "{column} is not a web address that begins with http:// or https://",
		"write the whole address without spaces, for example {sample}"},
	{SeveralURLs, Error, "link", "{column} has more than one web address",
		"keep the one that belongs there; further images belong into additional_image_link, with commas between them"},
	{NotHTTPS, Warning, "link", "{column} begins with http://, and Stripe prefers https://",
		"link to the page by https://"},
	{ImageFormat, Error, "image_link", "{column} leads to a WebP or SVG image; Stripe takes JPEG and PNG",
		"link to a JPEG or PNG image, for example {sample}"},
	{UnusualImageFormat, Warning, "image_link", "{column} seems to lead to something other than JPEG or PNG",
		"link to a JPEG or PNG image, for example {sample}"},
	{NotMeasure, Error, "weight", "{column} is not a number, one space and one of {units}", "write it as {sample}"},
	{MixedUnits, Error, "width", "{column} has another unit than the row's other dimensions",
		"write length, width and height in the same unit"},
	{NotInteger, Error, "inventory_quantity", "{column} is not a whole number of at least 0",
		"write digits only, for example {sample}"},
	{NotNumber, Error, "popularity_score", "{column} is not a number such as {sample}",
		"write digits, with a period before decimals, for example {sample}"},
	{OutOfRange, Error, "return_rate", "{column} is not {range}",
		"write a number that is {range}, for example {sample}"},
	{NotDigits, Error, "gtin", "{column} has characters other than digits",
		"write the number without hyphens and spaces, for example {sample}"},
	{UnusualGTIN, Warning, "gtin",
		"{column} is no GTIN: it needs 8, 12, 13 or 14 digits, the last of which checks the others",
		"copy the number below the barcode; leave {column} blank and fill in mpn if there is none"},
	{NotDate, Error, "availability_date", "{column} is not a date of the calendar in ISO 8601", "write it as {sample}"},
	{NotInterval, Error, "sale_price_effective_date",
		"{column} is not two dates in ISO 8601 with a slash between them{zoned}", "write it as {sample}"},
	{BackwardInterval, Error, "sale_price_effective_date", "{column} ends before it starts",
		"write the earlier date first, as in {sample}"},
	{NotAmount, Error, "price", "{column} is not an amount, one space and a currency",
		"write it as {sample}, with a period before decimals and without thousands separators or currency signs"},
	{NegativeAmount, Error, "price", "{column} contains a negative amount",
		"write an amount of at least 0, for example {sample}"},
	{NoCurrency, Error, "price", "{column} contains an amount without a currency",
		"write the ISO 4217 code behind it, for example {sample}"},
	{UnknownCurrency, Error, "price", "{column} contains a currency that ISO 4217 does not have",
		"write the code in capitals, for example {sample}"},
	{TooManyDecimals, Error, "price", "{column} contains an amount with more decimals than its currency has",
		"write as many decimals as the currency has, and nothing between thousands: 15.00 USD, 1500 JPY, 1.500 KWD"},
	{UnusualDecimals, Warning, "price",
		"{column} contains an amount with fewer decimals than its currency has, or with noughts too many; how Stripe " +
			"reads it is not documented", "write as many decimals as the currency has: 15.00 USD, 1500 JPY, 1.500 KWD"},
	{NotChargeable, Error, "price",
		"{column} contains an amount that Stripe cannot charge: the third decimal of KWD, BHD, JOD, OMR and TND must " +
			"be 0, and of MGA, ISK and UGX there are no parts", "round it: 1.230 KWD, 1500 ISK"},
	{SaleNotLower, Warning, "sale_price", "{column} is not lower than price", "lower it, or leave it blank"},
	{SaleInOtherCurrency, Error, "sale_price", "{column} is in another currency than price",
		"write both in the same currency"},
	{IsFree, Warning, "price", "{column} is 0: the product is sold for nothing",
		"write what it costs; leave sale_price blank if there is no sale"},
	{ShippingInOtherCurrency, Warning, "shipping",
		"{column} has an amount in another currency than price, so it is not offered to who pays in that",
		"write it in the currency of price, as in {sample}"},
	{InOtherCurrency, Warning, "applicable_fees",
		"{column} has an amount in another currency than {counterpart}, and nobody pays in both",
		"write both in the same currency"},
	{NothingOff, Warning, "percent_off", "{column} is 0: the promotion takes nothing off",
		"write what it takes off, or leave the promotion out"},
	{EverythingOff, Warning, "percent_off",
		"{column} may take all off that a buyer would pay: with it, products are sold for nothing",
		"write what it is to take off; for amount_off, ask for a minimum_order_amount that is more"},
	{ExpirationPassed, Warning, "expiration_date",
		"{column} is over, so the product is not shown, and Vitrine approves no sale of it",
		"write a later date, leave {column} blank, or leave the row out"},
	{PeriodOver, Warning, "active_period", "{column} is over, so nothing comes of the row's promotion or sale",
		"write later dates, or leave it out"},
	{NotCountry, Error, "shipping", "{column} contains something other than a country's two letters",
		"write the ISO 3166 code of the country, as in {sample}"},
	{UnknownCountry, Warning, "size_system", "{column} contains a country code that ISO 3166 does not have",
		"write the code in capitals, as in {sample}; the United Kingdom is GB"},
	{CategoryTwice, Error, "google_product_category", "{column} contains both the number and the path of a category",
		"write the number alone, for example {sample}"},
	{UnusualCategory, Warning, "product_category", "{column} is not a category's full path",
		"write all of it, from the general to the special with > between, for example Apparel & Accessories > " +
			"Clothing"},
	{NotTaxCode, Error, "stripe_product_tax_code", "{column} is not a Stripe tax code",
		"write txcd_ and eight digits, for example {sample}"},
	{NotThirdPartyTaxCode, Error, "third_party_tax_code",
		"{column} is not a provider and a code with a colon between; the only provider is anrok",
		"write it as {sample}"},
	{NotPromotionCode, Error, "promotion_code", "{column} has characters other than letters, digits, _ and -",
		"write it as {sample}"},

	{TooManyEntries, Error, "additional_image_link", "{column} has more than {entries} entries",
		"keep the {entries} best"},
	{EmptyEntry, Warning, "additional_image_link", "{column} contains an entry without a value",
		"remove the comma that stands too many; a comma within a web address is written %2C"},
	{OtherSeparator, Error, "shipping", "{column} has something other than commas between its entries",
		"put commas between entries, and double quotes around the cell: \"{sample}\""},
	{EntryParts, Error, "shipping", "{column} has an entry with too many or too few parts: it is a {type}",
		"write it as {sample}; names must contain neither colon nor comma"},
	{EmptyPart, Error, "applicable_fees", "{column} has an entry with an empty part: it is a {type}",
		"write it as {sample}"},
	{NotArea, Error, "shipping",
		"{column} contains an area that is not a region without its country's prefix, ALL, or in the US a postal " +
			"code, a range or prefix of them", "write CA, ALL, 94103, 73114-74547, 94* or 94*-95*, as in {sample}"},
	{NotSpeed, Error, "shipping", "{column} contains a delivery time other than two numbers of days",
		"write the fewest and the most days, such as 3-5, or nothing: {sample}"},
	{NoSuchService, Error, "free_shipping_threshold", "{column} names a service that the row's shipping does not have",
		"write the service exactly as in shipping"},
	{NoSuchType, Error, "related_products",
		"{column} has an entry that does not begin with one of {allowed}, and a colon", "write it as {sample}"},
	{RelatedToItself, Error, "related_products", "{column} names the product itself", "remove the entry"},
	{RelatedTwice, Error, "related_products", "{column} names a product twice", "keep one of the two entries"},
	{CommaInMessage, Warning, "product_warning",
		"{column} contains a message with a comma, which Stripe might take for the end of the entry; that is not " +
			"documented", "write the message without commas"},
}

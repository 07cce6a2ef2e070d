package feed

import (
	"bytes"
	"math"
	"slices"

	"vitrine/internal/feed/lines"
)

// take decides about one row.
func (c *comparison) take(w *work, e *examined) error {
	if e.state == noRow {
		return c.passOver(w, e)
	}
	c.delta.Counts.Source++
	known, superseded, torn, err := c.place(e)
	if err != nil {
		return err
	}
	if c.beginsTable(e, known) {
		c.otherTable = true
		c.delta.Counts.Invalid++
		c.doubt.of(e, OtherHeader)
		return c.keepBack(e, OtherHeader, "", nil)
	}
	remark := c.question(w, e, known)
	if !remark {
		c.trailing.count(e, c.x)
	}
	c.names(w, e, known)
	if superseded && !(remark && c.keptBack(e)) {
		return c.supersede(w, e)
	}
	if c.commented(e, known) {
		c.doubt.in(e, CommentedOut)
		c.resemble(e, known, true)
		return c.keepBack(e, CommentedOut, c.o.Kind.IDColumn(), e.id)
	}
	if err := c.foundIn(w, e); err != nil {
		return err
	}
	if e.state != sound {
		c.delta.Counts.Invalid++
	}
	if c.keptBack(e) {
		c.resemble(e, known, true)
		c.restateKept(e, known)
		c.delta.Counts.KeptBack++
		return nil
	}
	if torn {
		return c.keepBack(e, DeletionContradicted, c.o.Kind.IDColumn(), e.id)
	}
	if c.twins.contradicts(e.id) && (c.o.InCatalog == nil || c.o.InCatalog(e.id)) {
		c.doubt.of(e, DuplicateID)
		return c.keepBack(e, DuplicateID, c.o.Kind.IDColumn(), e.id)
	}
	if c.uncertain(e, known) {
		if err := c.keep(e); err != nil {
			return err
		}
		c.resemble(e, known, true)
		c.restateKept(e, known)
		cause := BesideDoubt
		if c.x.cutID(e) {
			cause = Interrupted
		}
		return c.keepBack(e, cause, c.o.Kind.IDColumn(), e.id)
	}
	if e.lookalike {
		return c.keepBack(e, LookalikeID, c.o.Kind.IDColumn(), e.id)
	}
	if _, moved := c.misplaced[string(e.id)]; moved {
		c.doubt.of(e, MovedID)
		return c.keepBack(e, MovedID, c.o.Kind.IDColumn(), e.id)
	}
	if e.deletes {
		return c.delete(e, known)
	}
	return c.compare(e, known)
}

// commented reports whether a row is one that somebody commented out: its id begins as comments do, Stripe does not
// know it, and most ids of the source are others. Only the end of the source tells that, and then it is read again.
func (c *comparison) commented(e *examined, known int) bool {
	switch {
	case e.state != sound:
		return false
	case known >= 0 || !isComment(e.id):
		c.plain++
		return false
	}
	c.marked++
	return c.comments
}

// passOver takes what is no row.
func (c *comparison) passOver(w *work, e *examined) error {
	for _, p := range w.problems[e.problems:e.after] {
		c.otherTable = c.otherTable && p.cause != HeaderAgain
		return c.found(e, p.cause, "", nil)
	}
	c.delta.Reading.Blank++
	return nil
}

// question notes what a row leaves open about which product it is.
func (c *comparison) question(w *work, e *examined, known int) (remark bool) {
	problems := w.problems[e.problems:e.after]
	shifted := slices.ContainsFunc(problems, problem.otherKind)
	if known < 0 && e.id != nil {
		c.lookThrough(e, problems)
	}
	if c.mayGoOn(e, known) {
		c.remarks.product(true)
		c.doubt.of(e, Interrupted)
		return false
	}
	if len(problems) == 0 {
		c.remarks.product(true)
		return false
	}
	cause := problems[0].cause
	if c.comments && known < 0 && e.state == sound && isComment(e.id) {
		return false // commented says so
	}
	if e.state != sound && c.isRemark(e, known, cause) {
		c.remark(e, cause)
		return true
	}
	c.remarks.product(cause != TooFewFields && (known >= 0 || e.state != invalid || c.telling(e.fields) > 0))
	if known >= 0 && e.state != broken && !e.unended && !shifted {
		return false
	}
	switch {
	case cause == Interrupted:
		c.delta.Reading.Interrupted = e.line
		c.doubt.of(e, cause)
	case cause == BrokenQuotes, cause == NotUTF8, cause == HasNUL, cause == EmptyID, cause == BesideDoubt:
		c.doubt.of(e, cause)
	case e.state == broken:
		c.doubt.in(e, cause)
	case e.unended && c.x.lastCell(problems):
		c.doubt.of(e, Interrupted) // the file may go on, and the row's last value too
	case known < 0 && (bytes.Contains(e.id, replacement) || slices.ContainsFunc(problems, problem.isNoID)):
		c.doubt.of(e, cause)
	case shifted, known < 0 && e.state == invalid:
		c.doubt.in(e, cause) // what it takes for an id may be another value
	case known < 0 && c.x.unusual(problems):
		c.doubt.in(e, cause) // its id may be another one, and something that got into it
	}
	if last := c.x.columns - 1; e.state == broken && len(e.fields) > c.x.columns && (c.x.id == 0 || c.x.id == last) {
		c.doubt.noteGlued(e.fields, c.x.id == 0)
	}
	return false
}

// mayGoOn reports whether a file that seems whole may break off behind its last row: no line end follows, and Stripe
// has the row otherwise.
func (c *comparison) mayGoOn(e *examined, known int) bool {
	return e.unended && e.state == sound && (known < 0 || !c.says(e, c.known.fingerprint(known)))
}

// otherKind reports whether a value is of another kind than its column, as where cells have moved.
func (p problem) otherKind() bool {
	return p.cause == NotURL || p.cause == SeveralURLs || p.cause == NotAmount || p.cause == NotAProduct || p.moved()
}

// isNoID reports whether an id is none, but what stands where a program has no value.
func (p problem) isNoID() bool { return p.cause == NotAnID }

// moved reports whether an address stands where a text belongs, as where cells have moved.
func (p problem) moved() bool {
	return p.cause == HasLink && afterScheme(p.value) != nil
}

// uncertain reports whether a row may be made of two, or its id be that of another one: a row in doubt is beside it, or
// names its id. What Stripe has of a row that did not change shows that it is whole.
func (c *comparison) uncertain(e *examined, known int) bool {
	if !e.beside && !c.otherTable && !c.doubted.names(e.id) && !c.beginsAnother(e) {
		return false
	}
	return e.deletes || known < 0 || !c.says(e, c.known.fingerprint(known))
}

// names notes which products of Stripe's a row has among its values, if the row is not what Stripe has already: cells
// that have moved, or a quote that was lost, put another row's id there. Should none of the rows have that id, its
// product waits. What is right where it stands is not asked: a quantity may look like an id, and variants are often
// grouped under the id of one of them. Nor is, in a row without errors, an id that is unlike those around it: damage
// made one of a word once, and the word stands in many rows.
func (c *comparison) names(w *work, e *examined, known int) {
	switch {
	case c.known.Len() == 0, e.state == broken, e.id == nil:
		return
	case known < 0, e.state == invalid:
	case e.roomy && !c.says(e, c.known.fingerprint(known)):
	default:
		return
	}
	for i, field := range e.fields {
		if i == c.x.id || i == c.x.group || !c.x.texts[i] && !c.x.wrong(w.problems[e.problems:e.after], i) {
			continue
		}
		for cell := range cellsIn(field, c.x.comma) {
			if bytes.Equal(cell, e.id) {
				continue
			}
			if i, is := c.known.Find(cell, c.hint); is && (e.state == invalid || c.known.regular(i)) {
				c.doubt.name(cell, e.line, BesideDoubt)
			}
		}
	}
}

// beginsAnother reports whether a line within a value begins as the row of another product does: with an id that is
// known, or formed like the row's own, and a separator.
func (c *comparison) beginsAnother(e *examined) bool {
	if !e.roomy || c.x.id > 0 || c.known.Len() == 0 {
		return false
	}
	for _, field := range e.fields {
		for end := bytes.IndexAny(field, lineEnds); end >= 0; end = bytes.IndexAny(field, lineEnds) {
			field = field[end+1:]
			id, rest, more := bytes.Cut(field, []byte{c.x.comma})
			if !more || bytes.HasPrefix(rest, []byte(" ")) || bytes.Equal(id, e.id) {
				continue
			}
			if _, is := c.known.Find(id, c.hint); is || resembles(id, e.id) {
				return true
			}
		}
	}
	return false
}

// resembles reports whether a word is formed like an id, as no word is by chance: of several signs, digits among them.
func resembles(word, id []byte) bool {
	return len(id) > 3 && bytes.ContainsAny(id, "0123456789") && alike(word, id)
}

// keep keeps a product that a row names and says nothing certain of.
func (c *comparison) keep(e *examined) error {
	line, _, err := c.slot(e.id)
	if err == nil {
		*line |= unsaid
	}
	return err
}

// keptBack reports whether a row is kept back for what is wrong with it. What Stripe has of it stays. What is no row of
// a product cannot be sent, whoever wants to.
func (c *comparison) keptBack(e *examined) bool {
	return e.state == broken || e.state == invalid && (!c.o.SendInvalid || e.out == nil)
}

// keepBack keeps a row back that is invalid for a reason of its surroundings, whatever is wrong with it besides.
func (c *comparison) keepBack(e *examined, cause Cause, column string, value []byte) error {
	if e.state == sound {
		c.delta.Counts.Invalid++
	}
	c.delta.Counts.KeptBack++
	return c.found(e, cause, column, value)
}

// foundIn tells what the examination found in a row.
func (c *comparison) foundIn(w *work, e *examined) error {
	for _, p := range w.problems[e.problems:e.after] {
		if err := c.found(e, p.cause, p.column, p.value); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) found(e *examined, cause Cause, column string, value []byte) error {
	return c.out.Found(Finding{Line: e.line, ID: e.id, Column: c.delta.Header.Own(column), Value: value, Cause: cause},
		nil)
}

// supersede passes over a row of which a later one has the id. Rows of one id that say different things are in doubt,
// all of them: which one is right, and whose the others are, nobody can say. In a list of changes they are in order.
func (c *comparison) supersede(w *work, e *examined) error {
	c.delta.Counts.Superseded++
	if c.o.Changes && e.state == broken {
		return c.foundIn(w, e)
	}
	if c.o.Changes || !c.keptBack(e) && c.twins.agree(e) {
		return c.found(e, RepeatedRow, c.o.Kind.IDColumn(), e.id)
	}
	c.delta.Counts.Duplicates++
	c.twins.contradict(e.id)
	c.doubt.of(e, DuplicateID)
	return c.found(e, DuplicateID, c.o.Kind.IDColumn(), e.id)
}

// place notes on which line an id stands. known is its number in the manifest, or -1; superseded says that a later row
// has the same id, torn that one of its rows asks for its deletion and another does not.
func (c *comparison) place(e *examined) (known int, superseded, torn bool, err error) {
	if e.line > maxLine {
		return -1, false, false, &lines.SyntaxError{Line: e.line,
			Problem: "the file has more than half a billion lines"}
	}
	if e.id == nil {
		return -1, false, false, nil
	}
	line := uint32(e.line)
	if e.deletes && !c.keptBack(e) && !e.beside {
		line |= asked
	}
	slot, known, err := c.slot(e.id)
	if err != nil || c.second {
		return known, c.second && *slot&^(tornApart|unsaid) != line, c.second && *slot&tornApart != 0, err
	}
	if *slot != 0 {
		err = c.twins.note(e, c.keptBack(e))
		if !c.o.Changes && (*slot^line)&asked != 0 {
			line |= tornApart
		}
		line |= *slot & (tornApart | unsaid)
	}
	*slot = line
	return known, false, false, err
}

// twins remembers of ids that occur more than once what the last of their rows says, and whether another one
// contradicts it.
type twins struct {
	ids          Table
	fingerprints []uint64
	contradicted []bool
}

// unlike is what a row that is kept back says: its like is not looked for.
const unlike = math.MaxUint64

func (t *twins) note(e *examined, keptBack bool) error {
	says := e.fingerprint
	if keptBack {
		says = unlike
	}
	i, err := t.ids.FindOrAdd(e.id)
	if err != nil {
		return err
	}
	if i == len(t.fingerprints) {
		t.fingerprints, t.contradicted = append(t.fingerprints, says), append(t.contradicted, false)
	}
	t.fingerprints[i] = says
	return nil
}

// agree reports whether the last row of an id says just what this one does.
func (t *twins) agree(e *examined) bool {
	i, found := t.ids.Find(e.id, math.MaxInt)
	return found && t.fingerprints[i] == e.fingerprint
}

// contradict notes that a row says something else than the last one of its id.
func (t *twins) contradict(id []byte) {
	if i, found := t.ids.Find(id, math.MaxInt); found {
		t.contradicted[i] = true
	}
}

// contradicts reports whether an earlier row said something else than this one, the last of its id.
func (t *twins) contradicts(id []byte) bool {
	if t.ids.Len() == 0 {
		return false
	}
	i, found := t.ids.Find(id, math.MaxInt)
	return found && t.contradicted[i]
}

// slot is where the line of an id is kept.
func (c *comparison) slot(id []byte) (line *uint32, known int, err error) {
	if i, ok := c.known.Find(id, c.hint); ok {
		c.hint = i + 1
		return &c.knownLines[i], i, nil
	}
	i, err := c.fresh.FindOrAdd(id)
	if err != nil {
		return nil, -1, err
	}
	if i == len(c.freshLines) {
		c.freshLines = append(roomFor(c.freshLines, 1), 0)
	}
	return &c.freshLines[i], -1, nil
}

// compare sends a row if Stripe does not have it as it is.
func (c *comparison) compare(e *examined, known int) error {
	if c.o.InCatalog != nil && !c.o.InCatalog(e.id) {
		return c.notInCatalog(e, known)
	}
	var group *groupSlot
	if e.group != 0 {
		group = c.groups.at(e.group)
		if err := c.compareVariants(e, group); err != nil {
			return err
		}
	}
	before := Entry{}
	if known >= 0 {
		if before = c.known.Entry(known); c.says(e, before.Fingerprint) {
			before.Fingerprint = e.fingerprint
		}
	} else {
		before = c.inProducts(e.id)
	}
	c.comparePrice(&before, e)
	c.meet(e, known, before.Fingerprint)
	c.restate(e, known, before.Fingerprint)
	if !c.o.Full {
		if stands := c.refused(e); stands != nil {
			c.delta.Counts.StillRefused++
			return c.out.Found(Finding{Line: e.line, ID: e.id, Column: c.delta.Header.Own(stands.Column),
				Value: c.value(e, stands.Column), Cause: RefusedByStripe}, stands)
		}
		switch sent, unknown := c.unknownAs(e.id); {
		case unknown && c.o.WaitUnknown && c.says(e, sent):
			c.delta.Counts.Unsettled++
			return nil
		case unknown || c.o.Changes && c.refusal(e.id, Tombstone) != nil: // a deletion that is not wanted any more
		case known >= 0 && before.Fingerprint == e.fingerprint:
			c.delta.Counts.Unchanged++
			return nil
		}
	}
	c.resemble(e, known, false)
	if isFree(e.price) && !isFree(before.Price) {
		c.delta.Prices.Free++
	}
	if c.o.Kind == Promotion && before.Fingerprint != e.fingerprint {
		c.promote(e)
	}
	return c.send(e, group)
}

// keepsFace reports whether a row is of the product that Stripe has under its id.
func (c *comparison) keepsFace(e *examined, known int) bool {
	return e.face != 0 && e.face == c.known.face(known)
}

// notInCatalog keeps a row back that updates nothing. What Stripe had of it went with its product, so the row is new
// once the product is back.
func (c *comparison) notInCatalog(e *examined, known int) error {
	if known >= 0 {
		if err := c.forget(e.id); err != nil {
			return err
		}
	}
	return c.keepBack(e, NotInCatalog, c.o.Kind.IDColumn(), e.id)
}

func (c *comparison) compareVariants(e *examined, group *groupSlot) error {
	if !group.seen {
		group.seen, group.variants = true, e.variants
		return nil
	}
	if group.variants == e.variants {
		return nil
	}
	return c.found(e, VariantsDiffer, "item_group_id", e.fields[c.x.group])
}

// refusal is the refusal of a row as it is; nil if Stripe did not refuse it, or refused another version of it.
func (c *comparison) refusal(id []byte, fingerprint uint64) *Refusal {
	if c.o.Manifest == nil {
		return nil
	}
	if r := c.o.Manifest.Refusal(id); r != nil && r.Fingerprint == fingerprint {
		return r
	}
	return nil
}

// refused is the refusal of a row that says what it said then.
func (c *comparison) refused(e *examined) *Refusal {
	if c.o.Manifest == nil {
		return nil
	}
	if r := c.o.Manifest.Refusal(e.id); r != nil && c.says(e, r.Fingerprint) {
		return r
	}
	return nil
}

// says reports whether a row says what it said when it had this fingerprint.
func (c *comparison) says(e *examined, before uint64) bool {
	return before == e.fingerprint || before != Tombstone && c.former.says(e.fields, before)
}

// unknownAs is the fingerprint that a row had when it was sent without anybody learning what became of it.
func (c *comparison) unknownAs(id []byte) (fingerprint uint64, unknown bool) {
	if c.o.Manifest == nil || c.o.Manifest.Unknown.Len() == 0 {
		return 0, false
	}
	i, unknown := c.o.Manifest.Unknown.Find(id, c.unknownHint)
	if !unknown {
		return 0, false
	}
	c.unknownHint = i + 1
	return c.o.Manifest.Unknown.fingerprint(i), true
}

// value is what the merchant wrote into a column of a row.
func (c *comparison) value(e *examined, column string) []byte {
	fields := e.fields
	if e.written != nil {
		fields = e.written
	}
	if i := c.delta.Header.Index(column); i >= 0 && i < len(fields) {
		return fields[i]
	}
	return nil
}

// send writes a row to a part.
func (c *comparison) send(e *examined, group *groupSlot) error {
	size := len(e.out) + len(c.rowEnd)
	if limit := c.o.MaxPartBytes; limit > 0 && int64(len(c.parts.header)+size) > limit {
		return c.keepBack(e, RowTooLong, "", nil)
	}
	c.delta.Counts.Sent++
	if group != nil && !c.second {
		group.bytes += uint64(size)
	}
	return c.parts.add(e.out, c.rowEnd, group,
		Entry{ID: e.id, Fingerprint: e.fingerprint, Price: e.price, Line: e.line, Verbatim: e.verbatim, Face: e.face})
}

// delete takes a row that asks for its deletion. What Stripe has goes with the rows that vanished; of what it does not
// have, there is nothing to delete, unless nobody knows what it has.
func (c *comparison) delete(e *examined, known int) error {
	c.delta.Counts.Asked++
	switch _, unknown := c.unknownAs(e.id); {
	case known < 0 && c.o.Manifest != nil && c.o.Changes && !unknown:
		return c.found(e, NothingToDelete, c.o.Kind.IDColumn(), e.id)
	case known >= 0 || c.o.Manifest != nil:
		return nil
	}
	return c.tombstone(e.id, e.line)
}

// vanished sends tombstones for what Stripe has, or may have, and the source has no longer. Inventory and prices cannot
// be deleted: they go with their product, and are forgotten then.
func (c *comparison) vanished() error {
	if c.remarks.missRows() {
		c.doubt.anything = true
		if c.remarks.line > 0 {
			c.doubt.count(c.remarks.line, c.remarks.cause)
		}
	}
	if c.doubt.rows > 0 && !c.doubt.anything {
		c.doubt.search(&c.doubt.read, c.fresh.joined()) // something may have got into an id, and made a new one
	}
	if err := c.renamed(); err != nil {
		return err
	}
	for i, line := range c.knownLines {
		if err := c.missed(c.known.id(i), line); err != nil {
			return err
		}
	}
	if c.o.Manifest == nil {
		return nil
	}
	for i := range c.o.Manifest.Unknown.Len() {
		id := c.o.Manifest.Unknown.id(i)
		if _, known := c.known.Find(id, c.hint); known {
			continue
		}
		c.delta.Known++
		var line uint32
		if fresh, present := c.fresh.Find(id, math.MaxInt); present {
			line = c.freshLines[fresh]
		}
		if err := c.missed(id, line); err != nil {
			return err
		}
	}
	return c.forgetRefused()
}

// missed takes an id that Stripe has or may have, unless the source offers it, or does not say: line is where it stands
// last, 0 if nowhere.
func (c *comparison) missed(id []byte, line uint32) error {
	if line != 0 && (line&asked == 0 || line&(tornApart|unsaid) != 0) {
		return nil
	}
	if !c.o.Kind.Deletes() {
		_, known := c.known.Find(id, c.hint)
		if !known || c.o.InCatalog != nil && !c.o.InCatalog(id) {
			return c.forget(id)
		}
		return nil
	}
	refused := c.refusal(id, Tombstone)
	sent, unknown := c.unknownAs(id)
	tried := refused != nil || unknown && sent == Tombstone
	switch {
	case line == 0 && c.o.Changes && !tried:
		return nil
	case line == 0 && (c.doubt.hides(id) || c.doubt.stands(id)):
		c.delta.Counts.Waiting++
		if c.delayed[string(id)] && len(c.delta.Delayed) < mostDelayed {
			c.delta.Delayed = append(c.delta.Delayed, string(id))
		}
		return nil
	case tried && c.o.WaitUnknown && !c.o.Full:
		return c.notDeleted(id, line, refused)
	case line == 0:
		c.delta.Counts.Vanished++
	}
	return c.tombstone(id, int64(line&maxLine))
}

// notDeleted takes a deletion that did not succeed, and is not tried again yet.
func (c *comparison) notDeleted(id []byte, line uint32, refused *Refusal) error {
	c.delta.Counts.NotDeleted++
	if refused == nil {
		return nil
	}
	return c.out.Found(Finding{Line: int64(line & maxLine), ID: id, Column: c.delta.Header.Own(refused.Column),
		Cause: DeletionRefused}, refused)
}

// forgetRefused lets go of refused rows that are no longer in a source that has everything.
func (c *comparison) forgetRefused() error {
	if c.o.Changes {
		return nil
	}
	for _, id := range sortedKeys(c.o.Manifest.refused) {
		if _, known := c.known.Find([]byte(id), math.MaxInt); known {
			continue // its tombstone is the last word
		}
		if _, unknown := c.unknownAs([]byte(id)); unknown {
			continue
		}
		if _, present := c.fresh.Find([]byte(id), math.MaxInt); present || c.doubt.hides([]byte(id)) {
			continue
		}
		if err := c.forget([]byte(id)); err != nil {
			return err
		}
	}
	return nil
}

// forget takes a row out of the manifest though nothing is sent for it.
func (c *comparison) forget(id []byte) error {
	return c.forgotten.Add(Entry{ID: id, Fingerprint: Tombstone})
}

func (c *comparison) tombstone(id []byte, line int64) error {
	c.delta.Counts.Deleted++
	c.row = c.row[:0]
	for n, i := range c.x.sent {
		if n > 0 {
			c.row = append(c.row, c.x.comma)
		}
		switch i {
		case c.x.id:
			c.row = lines.AppendField(c.row, id, c.x.comma)
		case c.x.delete:
			c.row = append(c.row, "true"...)
		}
	}
	if c.x.delete < 0 {
		c.row = append(append(c.row, c.x.comma), "true"...)
	}
	return c.parts.add(c.row, []byte{'\n'}, nil, Entry{ID: id, Fingerprint: Tombstone, Line: line})
}

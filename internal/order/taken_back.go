package order

import (
	"cmp"
	"slices"
)

// Beside lines, lists of what is refused are what the lines leave out, and lists of what is accepted repeat them. If
// they name the same pieces otherwise, nobody knows which of the two holds.

// pieces are what a list names: SKUs, and how many of each.
type pieces map[string]int64

// allOfThem stands where a list names a SKU alone.
const allOfThem = -1

// takenBack is what an answer refuses of the SKUs that its lines accept. Whether that leaves what they accept, only
// the order knows (Decision.Check).
func (a answer) takenBack(accepted []AcceptedLine) ([]AcceptedLine, error) {
	t := takingBack{accepted: quantitiesOf(accepted)}
	if len(accepted) == 0 {
		return nil, nil
	}
	err := t.look(decodedAll(a.Others))
	lines, _ := decoded(a.Lines).([]any)
	for _, line := range lines {
		if err == nil {
			err = t.refuse(refusedOf(line))
		}
	}
	slices.SortFunc(t.refused, func(a, b AcceptedLine) int { return cmp.Compare(a.SKU, b.SKU) })
	return t.refused, err
}

type takingBack struct {
	accepted map[string]int64
	refused  []AcceptedLine
}

// look goes through an answer's members, and those of what it is put into.
func (t *takingBack) look(members map[string]any) error {
	for name, value := range members {
		words := wordsOf(name)
		inner, object := value.(map[string]any)
		var err error
		switch {
		case refuses(words):
			err = t.refuse(piecesOf(value))
		case hasAny(words, yesWords) && !t.repeats(piecesOf(value)):
			err = unfit("its lines, and something else in it that is accepted, name different SKUs")
		case object && isOneOf(name, envelopes):
			err = t.look(inner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *takingBack) refuse(refused pieces) error {
	for sku, quantity := range refused {
		switch {
		case t.accepted[sku] == 0 || quantity == 0:
		case quantity < 0:
			return unfit("its lines accept SKU %.80q, and something else in it refuses it", sku)
		default:
			t.refused = append(t.refused, AcceptedLine{SKU: sku, Quantity: quantity})
		}
	}
	return nil
}

func (t *takingBack) repeats(p pieces) bool {
	for sku, quantity := range p {
		if accepted := t.accepted[sku]; accepted == 0 || quantity >= 0 && quantity != accepted {
			return false
		}
	}
	return len(p) == 0 || len(p) == len(t.accepted)
}

// piecesOf reads ["A"], [{"sku": "A"}], [{"sku": "A", "quantity": 2}] and {"A": 2}; anything else names none.
func piecesOf(value any) pieces {
	p := pieces{}
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			sku, quantity := pieceOf(element)
			if sku == "" {
				return nil
			}
			p[sku] = quantity
		}
	case map[string]any:
		for sku, quantity := range value {
			n, number := quantity.(float64)
			if !number {
				return nil
			}
			p[sku] = int64(n)
		}
	}
	return p
}

func pieceOf(element any) (sku string, quantity int64) {
	if sku, bare := element.(string); bare {
		return sku, allOfThem
	}
	members, _ := element.(map[string]any)
	sku, _ = members["sku"].(string)
	quantity = allOfThem
	for name, value := range members {
		if n, number := value.(float64); number && hasAny(wordsOf(name), quantityWords) {
			quantity = int64(n)
		}
	}
	return sku, quantity
}

// refusedOf is what a line says that is refused of its SKU.
func refusedOf(line any) pieces {
	members, _ := line.(map[string]any)
	sku, _ := members["sku"].(string)
	for name, value := range members {
		n, number := value.(float64)
		if words := wordsOf(name); number && refuses(words) && hasAny(words, quantityWords) {
			return pieces{sku: int64(n)}
		}
	}
	return nil
}

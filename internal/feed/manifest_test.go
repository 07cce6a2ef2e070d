package feed

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
)

func usd(thousandths int64) Amount { return Amount{thousandths, Currency{'U', 'S', 'D'}} }

// tableOf is a table of these entries.
func tableOf(tb testing.TB, entries ...Entry) *Table {
	tb.Helper()
	t := &Table{}
	for _, e := range entries {
		require.NoError(tb, t.Add(e))
	}
	return t
}

func entriesOf(t *Table) (all []Entry) {
	for i := range t.Len() {
		all = append(all, t.Entry(i))
	}
	return all
}

// smallManifest has a row of every shape, and refused ones.
func smallManifest(tb testing.TB) *Manifest {
	tb.Helper()
	m, err := NewManifest(Product).Settle(tableOf(tb,
		Entry{ID: []byte("A"), Fingerprint: 1, Price: usd(0), Verbatim: 3, Face: 4},
		Entry{ID: []byte("refused"), Fingerprint: 7},
		Entry{ID: []byte(strings.Repeat("é", 100)), Fingerprint: math.MaxUint64, Price: usd(999_999_999_999_999),
			Line: 1 << 29},
		Entry{ID: []byte("B"), Fingerprint: 2, Price: Amount{5, Currency{'E', 'U', 'R'}}},
		Entry{ID: []byte("refused, too"), Fingerprint: Tombstone},
		Entry{ID: []byte("unknown"), Fingerprint: 9, Price: usd(7), Verbatim: 5, Face: 6},
		Entry{ID: []byte("unknown deletion"), Fingerprint: Tombstone},
	), time0, func(id []byte) (RowVerdict, bool) {
		if strings.HasPrefix(string(id), "unknown") {
			return RowVerdict{Unknown: true}, true
		}
		return RowVerdict{Column: "price", Reason: strings.Repeat("ü", 300)}, strings.HasPrefix(string(id), "refused")
	})
	require.NoError(tb, err)
	return m
}

func encoded(tb testing.TB, m *Manifest) []byte {
	tb.Helper()
	data, err := m.Encode()
	require.NoError(tb, err)
	return data
}

// sealed is a manifest with a right checksum, whatever is in it.
func sealed(body ...[]byte) []byte {
	data := append([]byte(nil), manifestMagic...)
	for _, part := range body {
		data = append(data, part...)
	}
	return binary.LittleEndian.AppendUint64(data, xxhash.Sum64(data))
}

func headed(header string, rest ...byte) []byte {
	return sealed(appendText(nil, header), rest)
}

func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	otherVersion := encoded(t, NewManifest(Product))
	otherVersion[len(manifestMagic)-1]++
	var currencies []string
	for i := range math.MaxUint8 + 1 {
		currencies = append(currencies, fmt.Sprintf(`"%c%c%c"`, 'A'+i/26/26, 'A'+i/26%26, 'A'+i%26))
	}
	for name, c := range map[string]struct {
		data    []byte
		problem string
	}{
		"nothing":         {nil, "manifest: the file is none, or cut off"},
		"another file":    {[]byte("id,title\nA,Oak table\n"), "manifest: the file is none, or cut off"},
		"another version": {otherVersion, "manifest: it has format 2, this code reads 1"},
		"another feed": {encoded(t, NewManifest(Inventory)),
			`manifest: it is of the feed "inventory", expected "product"`},
		"no header":           {sealed(), "manifest: its header cannot be read"},
		"a header cut off":    {sealed([]byte{200}), "manifest: its header cannot be read"},
		"a header of numbers": {headed("7"), "manifest: its header cannot be read"},
		"a currency": {headed(`{"feed":"product","currencies":["US"]}`),
			"manifest: its currencies cannot be read"},
		"too many currencies": {headed(`{"feed":"product","currencies":[` + strings.Join(currencies, ",") + `]}`),
			"manifest: its currencies cannot be read"},
		"rows below zero": {headed(`{"feed":"product","rows":-1}`), "manifest: its rows cannot be read"},
		"too few rows": {headed(`{"feed":"product","rows":2,"row_bytes":12}`, 1, 'A', 1, 0, 0, 0, 0, 0, 0, 0, 0,
			0), "manifest: its rows cannot be read"},
		"too many rows": {headed(`{"feed":"product","rows":1,"row_bytes":13}`, 1, 'A', 1, 0, 0, 0, 0, 0, 0, 0, 0,
			0, 0), "manifest: its rows cannot be read"},
		"billions of rows": {headed(`{"feed":"product","rows":9000000000000,"row_bytes":0}`),
			"manifest: its rows cannot be read"},
		"bytes below zero": {headed(`{"feed":"product","row_bytes":-1}`), "manifest: its rows cannot be read"},
		"bytes not there":  {headed(`{"feed":"product","row_bytes":1}`), "manifest: its rows cannot be read"},
		"an unknown currency": {headed(`{"feed":"product","rows":1,"row_bytes":13}`, 1, 'A', 1, 0, 0, 0, 0, 0, 0, 0, 1,
			0, 0), "manifest: its rows cannot be read"},
		"a refusal not there": {headed(`{"feed":"product","refused":9000000000000}`),
			"manifest: its refused rows cannot be read"},
		"more behind the end": {headed(`{"feed":"product"}`, 0), "manifest: its end cannot be read"},
		"verbatims not there": {headed(`{"feed":"product","rows":1,"row_bytes":12,"verbatims":true}`, 1, 'A', 1, 0, 0,
			0, 0, 0, 0, 0, 0, 0), "manifest: its end cannot be read"},
		"too many verbatims": {headed(`{"feed":"product","verbatims":true}`, 1, 2, 3, 4, 5, 6, 7, 8),
			"manifest: its end cannot be read"},
		"faces not there": {headed(`{"feed":"product","rows":1,"row_bytes":12,"faces":true}`, 1, 'A', 1, 0, 0, 0, 0, 0,
			0, 0, 0, 0), "manifest: its end cannot be read"},
		"unknown below zero": {headed(`{"feed":"product","unknown":-1}`), "manifest: its unknown rows cannot be read"},
		"unknown not there": {headed(`{"feed":"product","unknown":1,"unknown_bytes":12}`),
			"manifest: its unknown rows cannot be read"},
		"too few unknown": {headed(`{"feed":"product","unknown":2,"unknown_bytes":12}`, 1, 'A', 1, 0, 0, 0, 0, 0, 0, 0,
			0, 0), "manifest: its unknown rows cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseManifest(Product, c.data)
			var refused *ManifestError
			require.ErrorAs(t, err, &refused)
			require.EqualError(t, err, c.problem)
		})
	}
}

// Whatever byte is lost or changed, the manifest is refused: with the checksum as it was, and with a right one it is
// read or refused, but never the end of the worker.
func TestDamagedManifests(t *testing.T) {
	t.Parallel()
	data := encoded(t, smallManifest(t))
	refused := new(ManifestError)
	for i := range data {
		_, err := ParseManifest(Product, data[:i])
		require.ErrorAs(t, err, &refused, "cut at %d", i)
		if i >= len(manifestMagic) && i < len(data)-8 {
			_, err = ParseManifest(Product, sealed(data[len(manifestMagic):i]))
			require.ErrorAs(t, err, &refused, "cut at %d, and sealed", i)
		}
		for bit := range 8 {
			changed := append([]byte(nil), data...)
			changed[i] ^= 1 << bit
			_, err := ParseManifest(Product, changed)
			require.ErrorAs(t, err, &refused, "bit %d of byte %d", bit, i)
			if i >= len(manifestMagic) && i < len(data)-8 {
				requireReadable(t, sealed(changed[len(manifestMagic):len(changed)-8]))
			}
		}
	}
}

// requireReadable reads a manifest, and all that is in it, unless it is refused.
func requireReadable(tb testing.TB, data []byte) {
	tb.Helper()
	m, err := ParseManifest(Product, data)
	if err != nil {
		refused := new(ManifestError)
		require.ErrorAs(tb, err, &refused)
		return
	}
	for i, e := range entriesOf(&m.Rows) {
		found, ok := m.Rows.Find(e.ID, m.Rows.Len()-i)
		require.True(tb, ok)
		require.Equal(tb, e.ID, m.Rows.Entry(found).ID)
	}
	again, err := ParseManifest(Product, encoded(tb, m))
	require.NoError(tb, err)
	require.Equal(tb, entriesOf(&m.Rows), entriesOf(&again.Rows))
	require.Equal(tb, m.Refused(), again.Refused())
}

func TestManifestsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	m := smallManifest(t)
	require.Equal(t, 3, m.Rows.Len())
	require.Equal(t, 2, m.Refused())
	require.Equal(t, &Refusal{Fingerprint: 7, Since: time0, Column: "price", Reason: strings.Repeat("ü", maxReason/2)},
		m.Refusal([]byte("refused")))
	data := encoded(t, m)
	read, err := ParseManifest(Product, data)
	require.NoError(t, err)
	require.Equal(t, entriesOf(&m.Rows), entriesOf(&read.Rows))
	require.Equal(t, m.refused, read.refused)
	require.Equal(t, data, encoded(t, read))
	requireReadable(t, encoded(t, NewManifest(Product)))
}

func TestSettle(t *testing.T) {
	t.Parallel()
	A, B, C := []byte("A"), []byte("B"), []byte("C")
	before := smallManifest(t)
	text := string(encoded(t, before))
	part := tableOf(t,
		Entry{ID: []byte("new"), Fingerprint: 3, Line: 2}, Entry{ID: B, Fingerprint: 20, Price: usd(6)},
		Entry{ID: C, Fingerprint: 4},
		Entry{ID: []byte("refused"), Fingerprint: 7}, Entry{ID: A, Fingerprint: Tombstone},
		Entry{ID: []byte("unheard of"), Fingerprint: Tombstone})
	refusing := func(ids ...string) func(id []byte) (RowVerdict, bool) {
		return func(id []byte) (RowVerdict, bool) {
			return RowVerdict{Column: "title", Reason: "no"}, strings.Contains(" "+strings.Join(ids, " ")+" ",
				" "+string(id)+" ")
		}
	}
	later := time0.Add(time.Hour + time.Millisecond)
	ids := func(m *Manifest) (all []string) {
		for i, e := range entriesOf(&m.Rows) {
			require.Zero(t, e.Line, "the lines are of a file that will be gone")
			all = append(all, fmt.Sprintf("%.3s=%d", e.ID, e.Fingerprint%100))
			found, ok := m.Rows.Find(e.ID, 0)
			require.True(t, ok && found == i)
		}
		return all
	}
	for name, c := range map[string]struct {
		refused []string
		want    []string
		check   func(t *testing.T, m *Manifest)
	}{
		"all taken": {nil, []string{"ééé=15", "B=20", "new=3", "C=4", "ref=7"}, func(t *testing.T, m *Manifest) {
			require.Nil(t, m.Refusal([]byte("refused")))
			require.NotNil(t, m.Refusal([]byte("refused, too")), "nothing was sent of it")
		}},
		"changes refused": {[]string{"A", "B", "refused"}, []string{"A=1", "ééé=15", "B=2", "new=3", "C=4"},
			func(t *testing.T, m *Manifest) {
				require.Equal(t, &Refusal{Fingerprint: 20, Since: time0.Add(time.Hour), Column: "title", Reason: "no"},
					m.Refusal(B))
				require.Equal(t, Tombstone, m.Refusal(A).Fingerprint)
				require.Equal(t, time0, m.Refusal([]byte("refused")).Since, "it did not change")
				require.Equal(t, "no", m.Refusal([]byte("refused")).Reason, "Stripe's latest word")
			}},
		"new rows refused": {[]string{"new", "C", "unheard of"}, []string{"ééé=15", "B=20", "ref=7"},
			func(t *testing.T, m *Manifest) {
				require.NotNil(t, m.Refusal(C))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			once, err := before.Settle(part, later, refusing(c.refused...))
			require.NoError(t, err)
			require.Equal(t, c.want, ids(once))
			c.check(t, once)
			twice, err := once.Settle(part, later.Add(time.Hour), refusing(c.refused...))
			require.NoError(t, err)
			require.Equal(t, encoded(t, once), encoded(t, twice), "twice is once")
			require.Equal(t, text, string(encoded(t, before)), "the manifest before stays as it is")
		})
	}
	t.Run("a refused row that changed", func(t *testing.T) {
		m, err := before.Settle(tableOf(t, Entry{ID: []byte("refused"), Fingerprint: 8}), later, refusing("refused"))
		require.NoError(t, err)
		require.Equal(t, time0.Add(time.Hour), m.Refusal([]byte("refused")).Since)
	})
}

func TestAManifestIsSmall(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	m, ids := NewManifest(Product), 0
	for i := range rows {
		id := fmt.Appendf(nil, "SKU%07d-A", i)
		ids += len(id)
		require.NoError(t,
			m.Rows.Add(Entry{ID: id, Fingerprint: rand.Uint64(), Price: usd(int64(i) * 1000), Line: int64(i)}))
	}
	require.LessOrEqual(t, len(encoded(t, m)), ids+24*rows)
	_, found := m.Rows.Find([]byte("x"), 0)
	require.False(t, found)
	require.LessOrEqual(t, m.Rows.Bytes(), 2*(ids+24*rows), "in memory, with an index")
}

func TestTablesFindEveryID(t *testing.T) {
	t.Parallel()
	const rows = 200_000
	luck := rand.New(rand.NewPCG(3, 4))
	table, number := &Table{}, make(map[string]int, rows)
	for len(number) < rows {
		id := fmt.Appendf(nil, "%x", luck.Uint64()>>luck.IntN(60))
		if _, there := number[string(id)]; there {
			continue
		}
		require.NoError(t, table.Add(Entry{ID: id, Fingerprint: uint64(len(number))}))
		number[string(id)] = len(number)
		if len(number) == 1000 { // from here on, the index grows with the table
			_, found := table.Find([]byte("none"), 0)
			require.False(t, found)
		}
	}
	for id, want := range number {
		for _, hint := range []int{want, want + 1, 0, rows - 1, rows, math.MaxInt} {
			if got, ok := table.Find([]byte(id), hint); !ok || got != want {
				require.Fail(t, "lost", "%s: %d, hint %d", id, got, hint)
			}
		}
		if _, ok := table.Find([]byte(id+"-"), want); ok {
			require.Fail(t, "found", "%s-", id)
		}
	}
	require.Equal(t, uint64(7), table.fingerprint(7))
}

// Ids that rise need no index; ids that rise no longer are found all the same, wherever that begins.
func TestTablesFindIDsThatRiseForAWhile(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		luck := rand.New(rand.NewPCG(seed, 5))
		form := []string{"%d", "SKU%05d", "%x", "A%d-B"}[luck.IntN(4)]
		disorder := luck.IntN(60)
		table, number := &Table{}, map[string]int{}
		for i, n := 0, 0; i < 60; i++ {
			n += 1 + luck.IntN(12)
			if i >= disorder && luck.IntN(3) == 0 {
				n = luck.IntN(n)
			}
			id := fmt.Sprintf(form, n)
			want, known := number[id]
			if !known {
				want = len(number)
				number[id] = want
			}
			got, err := table.FindOrAdd([]byte(id))
			require.NoError(t, err)
			require.Equal(t, want, got, "seed %d: %s", seed, id)
			if luck.IntN(100) == 0 {
				id := fmt.Sprintf("-%d", i)
				number[id] = len(number)
				require.NoError(t, table.Add(Entry{ID: []byte(id)}))
			}
		}
		for id, want := range number {
			got, ok := table.Find([]byte(id), 0)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	}
}

// A list of currencies that is full forgets prices rather than mixing them up.
func TestATableOfEveryCurrency(t *testing.T) {
	t.Parallel()
	table := &Table{}
	for i := range 300 {
		price := Amount{int64(i), Currency{byte('A' + i/26/26), byte('A' + i/26%26), byte('A' + i%26)}}
		require.NoError(t, table.Add(Entry{ID: fmt.Append(nil, i), Price: price}))
		if i >= math.MaxUint8 {
			price = Amount{}
		}
		require.Equal(t, price, table.Entry(i).Price)
	}
	require.NoError(t, table.Add(Entry{ID: []byte("x"), Price: table.Entry(0).Price}))
	require.Equal(t, table.Entry(0).Price, table.Entry(300).Price)
	m := NewManifest(Product)
	m.Rows = *table
	requireReadable(t, encoded(t, m))
}

func FuzzParseManifest(f *testing.F) {
	f.Add(encoded(f, smallManifest(f))[len(manifestMagic):])
	f.Add([]byte(`{"feed":"product","rows":1,"row_bytes":12}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		requireReadable(t, body)
		requireReadable(t, sealed(body))
		if len(body) > 8 {
			requireReadable(t, sealed(body[:len(body)-8]))
		}
	})
}

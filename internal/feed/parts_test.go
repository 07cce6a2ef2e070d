package feed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
)

const groupHeading = "item_group_id,color," + sevenColumns + "\n"

// variant is a row of an item group, or of none. Either is equally long, if ids and groups have one letter.
func variant(group, id string) string {
	if group == "" {
		return ",gray," + item(id, "1")
	}
	return group + ",red," + item(id, "1")
}

// split syncs a source and lists the ids of each part; a tombstone is -id. It checks that no part is above the limit,
// that each has the header, and that each was digested and tabled as it was written.
func split(t *testing.T, source string, o Options) (ids [][]string) {
	t.Helper()
	d, out := compared(t, source, o)
	o.Kind = Product
	lines := strings.SplitAfter(source, "\n")
	for i, part := range d.Parts {
		text := out.parts[i].Bytes()
		require.Equal(t, i+1, part.Number)
		require.LessOrEqual(t, part.Bytes, o.MaxPartBytes)
		require.Equal(t, xxhash.Sum64(text), part.Digest)
		require.Equal(t, strings.TrimSuffix(lines[0], "\n")+",delete", string(text[:bytes.IndexByte(text, '\n')]))
		var of []string
		for n, row := range rowsOfPart(t, text, o) {
			id, line := row.id, part.Table.Entry(n).Line
			if row.deletes {
				require.Zero(t, line)
				id = "-" + id
			} else {
				require.Contains(t, lines[line-1], id, "the line in the source")
			}
			of = append(of, id)
		}
		ids = append(ids, of)
	}
	return ids
}

func TestParts(t *testing.T) {
	t.Parallel()
	size := int64(len(variant("G", "A")) + 1) // the delete column is empty
	room := func(rows float64) int64 { return int64(len(groupHeading)+len(",delete")) + int64(rows*float64(size)) }
	tombstone := float64(len(",,A,,,,,,,true\n")) / float64(size)
	for _, c := range []struct {
		name  string
		rows  []string // group and id
		known bool     // Stripe has X and Y
		limit float64  // in rows
		want  [][]string
	}{
		{name: "not one row", limit: 3},
		{name: "a row at the limit", rows: []string{" A"}, limit: 1, want: [][]string{{"A"}}},
		{name: "rows at the limit", rows: []string{" A", " B"}, limit: 2, want: [][]string{{"A", "B"}}},
		{name: "just too many", rows: []string{" A", " B", " C"}, limit: 2.99, want: [][]string{{"A", "B"}, {"C"}}},
		{name: "many parts", rows: []string{" A", " B", " C", " D", " E"}, limit: 1.5,
			want: [][]string{{"A"}, {"B"}, {"C"}, {"D"}, {"E"}}},
		{name: "scattered groups", rows: []string{"G A", "H B", " C", "G D", "H E", "G F", "H I", " J"}, limit: 4,
			want: [][]string{{"A", "D", "F"}, {"B", "C", "E", "I"}, {"J"}}},
		{name: "a group that begins in a full part", rows: []string{" A", " B", "G C", "G D"}, limit: 3,
			want: [][]string{{"A", "B"}, {"C", "D"}}},
		{name: "a group as large as a part", rows: []string{"G A", "G B", "G C", " D"}, limit: 3,
			want: [][]string{{"A", "B", "C"}, {"D"}}},
		{name: "a group larger than a part", rows: []string{" X", "G A", "G B", "G C", "G D", "H E", "H F"}, limit: 3,
			want: [][]string{{"X", "A", "B"}, {"C", "D"}, {"E", "F"}}},
		{name: "tombstones in the last part", rows: []string{"G A", "G B", "H C"}, known: true, limit: 2 + 2*tombstone,
			want: [][]string{{"A", "B"}, {"C", "-X", "-Y"}}},
		{name: "tombstones that need another part", rows: []string{"G A"}, known: true, limit: 1 + tombstone,
			want: [][]string{{"A", "-X"}, {"-Y"}}},
		{name: "tombstones alone", known: true, limit: 1, want: [][]string{{"-X", "-Y"}}},
		{name: "an id twice", rows: []string{"G A", "G A", " B", "G C"}, limit: 4, want: [][]string{{"A", "B", "C"}}},
		{name: "unchanged rows need no room", rows: []string{" X", " Y", "G A", " B", "G C"}, known: true, limit: 2,
			want: [][]string{{"A", "C"}, {"B"}}},
		{name: "held back rows need no room", rows: []string{"G !A", "G B", " D", "G C"}, limit: 2,
			want: [][]string{{"B", "C"}, {"D"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := groupHeading
			for _, row := range c.rows {
				group, id, _ := strings.Cut(row, " ")
				if invalid, ok := strings.CutPrefix(id, "!"); ok {
					source += group + ",red," + unsound(invalid)
				} else {
					source += variant(group, id)
				}
			}
			o := Options{MaxPartBytes: room(c.limit)}
			if c.known {
				o.Manifest = manifestAfter(t, Options{}, nil, groupHeading+variant("", "X")+variant("", "Y"))
			}
			if got := split(t, source, o); len(c.want) > 0 {
				require.Equal(t, c.want, got)
			} else {
				require.Empty(t, got)
			}
		})
	}
}

// Random catalogs under random limits: every row to send is sent exactly once, byte for byte, and every group that fits
// a part is in one.
func TestPartsOfRandomCatalogs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		luck := rand.New(rand.NewPCG(seed, 0))
		rows, groupOf, bytesOf := []string{}, map[string]string{}, map[string]int64{}
		for i := range 1 + luck.IntN(60) {
			group, id := "", fmt.Sprintf("R%03d", i)
			if luck.IntN(3) > 0 {
				group = fmt.Sprint("G", luck.IntN(8))
			}
			row := group + "," + strings.Repeat("r", luck.IntN(90)) + "," + item(id, "1")
			rows, groupOf[id] = append(rows, row), group
			bytesOf[group] += int64(len(row) + 1)
		}
		header := int64(len(groupHeading) + len(",delete"))
		o := Options{MaxPartBytes: header + 250 + int64(luck.IntN(1500))}
		parts := split(t, groupHeading+strings.Join(rows, ""), o)
		in := map[string]int{}
		var all []string
		for i, ids := range parts {
			for _, id := range ids {
				group := groupOf[id]
				if before, seen := in[group]; seen && group != "" && header+bytesOf[group] <= o.MaxPartBytes {
					require.Equal(t, before, i, "seed %d: group %s", seed, group)
				}
				in[group], all = i, append(all, id)
			}
		}
		slices.Sort(all)
		require.Len(t, all, len(rows), "seed %d", seed)
		require.Len(t, slices.Compact(all), len(rows), "seed %d", seed)
	}
}

// A delivery that is staged again is recognised by its digests.
func TestDigestsAreOfTheContent(t *testing.T) {
	t.Parallel()
	digests := func(source string) (all []uint64) {
		d, _ := compared(t, source, Options{MaxPartBytes: 250})
		for _, part := range d.Parts {
			all = append(all, part.Digest)
		}
		return all
	}
	abc := heading + item("A", "1") + item("B", "1") + item("C", "1")
	require.Len(t, digests(abc), 2)
	require.Equal(t, digests(abc), digests(strings.ReplaceAll(abc, "\n", "\r\n")))
	require.NotEqual(t, digests(abc), digests(strings.Replace(abc, "1.00", "1.01", 1)))
}

func TestManyGroups(t *testing.T) {
	t.Parallel()
	var g groups
	for i := range uint64(10_000) {
		g.at(i<<40 | 1).bytes = i + 1 // alike in their lowest bits
	}
	g.restart()
	for i := range uint64(10_000) {
		require.Equal(t, i+1, g.at(i<<40|1).bytes)
	}
}

package fleet

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

// Condition is where a feed stands, as the dispatcher saw it last.
type Condition string

// The conditions.
const (
	// its state was not read yet: the account or the shard is new, or the snapshot was lost
	Unread  Condition = "unread"
	Settled Condition = "settled" // the version that is listed was dealt with
	Due     Condition = "due"     // a run is to be started
	Syncing Condition = "syncing" // a run was started, or has claimed the feed
	Waiting Condition = "waiting" // there is something to send, and Stripe does not take it yet
	Held    Condition = "held"    // a person has to look
	Failing Condition = "failing" // it could not be sent; the next try has its time
	Missing Condition = "missing" // there is no source
	Parked  Condition = "parked"  // a person paused the account, or it is parked
	Off     Condition = "off"     // schedules start the account's syncs, or its settings cannot be used
)

// Conditions lists them in the order in which people read them.
func Conditions() []Condition {
	return []Condition{Settled, Due, Syncing, Waiting, Held, Failing, Missing, Unread, Parked, Off}
}

// Snapshot is what a shard remembers from one look to the next.
type Snapshot struct {
	Shard Shard `json:"shard"`
	// Rules is a digest of the deployment's rules: other ones change what every account's source is compared under.
	Rules    string    `json:"rules,omitempty"`
	At       time.Time `json:"at"` // of the look
	Accounts []Account `json:"accounts,omitempty"`
	// Reads are what the workers that looked have read of Stripe, by the day.
	Reads map[string]int `json:"reads,omitempty"`
}

// Account is an account that has settings; by id, in order.
type Account struct {
	ID       string           `json:"id"`
	ETag     string           `json:"etag"`               // of its settings
	Settings account.Settings `json:"settings,omitzero"`  // of the fleet's accounts alone
	Unusable string           `json:"unusable,omitempty"` // what is wrong with the settings
	Catalogs []Catalog        `json:"catalogs,omitempty"` // one for each feed of the fleet's accounts

	Standing string `json:"standing,omitempty"` // ETag of the standing; empty: it has none, and is not parked
	Parked   string `json:"parked,omitempty"`   // why nothing is brought to Stripe for it
	Unclear  string `json:"unclear,omitempty"`  // why nobody knows whether it is parked

	unread bool // the standing did, and was not read yet
}

// dispatched reports whether syncs of the account are the dispatcher's to start.
func (a Account) dispatched() bool {
	return a.Settings.InFleet() && a.Unusable == "" && a.Unclear == ""
}

// renew has the states of the account read again: what they are judged under is another now. It is noted in the
// catalogs, as it may be a later look that reads them.
func (a *Account) renew(now time.Time) {
	for i := range a.Catalogs {
		c := &a.Catalogs[i]
		c.Next, c.Turn, c.Asks, c.Starts = now, time.Time{}, 0, 0
	}
}

// parked is why no sync of the account is started; empty: nothing keeps it from that.
func (a Account) parked() (why string, is bool) {
	switch {
	case a.Parked != "":
		return a.Parked, true
	case a.Settings.Paused != nil:
		return a.Settings.Paused.Note, true
	}
	return "", false
}

// Catalog is what was seen of one feed of an account.
type Catalog struct {
	Feed      feed.Kind `json:"feed"`
	Condition Condition `json:"condition"`
	Since     time.Time `json:"since,omitzero"`    // that it is in this condition
	Source    string    `json:"source,omitempty"`  // ETag of the version that was judged; empty: there was none
	Modified  time.Time `json:"modified,omitzero"` // when that version, or a later one of the same bytes, was written
	Looked    time.Time `json:"looked,omitzero"`   // when its state was read
	Next      time.Time `json:"next,omitzero"`     // when it is read again, unless something changes before
	// Changed is when what is not dealt with came up; zero if all is. Lateness counts from it, or from Turn.
	Changed time.Time `json:"changed,omitzero"`
	// Turn is when the account's own interval lets it be sent, if that is longer than Stripe's; zero otherwise.
	Turn time.Time `json:"turn,omitzero"`
	// Ready is since when nothing stands against starting a run; zero unless one is due.
	Ready time.Time `json:"ready,omitzero"`

	Asked  time.Time `json:"asked,omitzero"`   // when a run was last started or joined
	Run    string    `json:"run,omitempty"`    // id of that run
	Asks   int       `json:"asks,omitempty"`   // how often one was for this version
	Starts int       `json:"starts,omitempty"` // how often it was a new run
	// Importing says that the run waits for Stripe: it takes no worker's time.
	Importing bool `json:"importing,omitempty"`

	// of the state: feeds that build on this one are looked at when it moves
	Sequence int64  `json:"sequence,omitempty"`
	Products int64  `json:"products,omitempty"`  // of the product feed, when this one was looked at
	Rows     int64  `json:"rows,omitempty"`      // of the source that was last accepted
	Refused  int64  `json:"refused,omitempty"`   // of them, by Stripe
	KeptBack int64  `json:"kept_back,omitempty"` // of them, by Vitrine
	Note     string `json:"note,omitempty"`      // what people should know
	Code     string `json:"code,omitempty"`      // what goes with it, for counting
}

// setBack corrects what a clock wrote that was ahead: nothing has happened later than now, and what is to come does
// so earlier by as much.
func (s *Snapshot) setBack(now time.Time) {
	by := s.At.Sub(now)
	for _, a := range s.Accounts {
		for i := range a.Catalogs {
			c := &a.Catalogs[i]
			for _, past := range []*time.Time{&c.Since, &c.Looked, &c.Changed, &c.Ready, &c.Asked} {
				if past.After(now) {
					*past = now
				}
			}
			for _, comes := range []*time.Time{&c.Next, &c.Turn} {
				if !comes.IsZero() {
					*comes = comes.Add(-by)
				}
			}
		}
	}
}

// SnapshotFormat is the version of the snapshot that this code writes.
const SnapshotFormat = 1

// maxSnapshot bounds a snapshot after decompression, in bytes: some hundred thousand accounts.
const maxSnapshot = 512 << 20

// envelope is what a snapshot lies in. The digest is of the bytes of the snapshot within it: what S3 or a bug made of
// them must not be taken for what was seen.
type envelope struct {
	Format   int             `json:"format"`
	Digest   string          `json:"digest"`
	Snapshot json.RawMessage `json:"snapshot"`
}

// ErrSnapshot is what a snapshot that is of no use comes with. It is not worth an alarm: the shard is looked at anew.
var ErrSnapshot = errors.New("the snapshot is of no use")

// Encode writes the snapshot as it is kept.
func (s Snapshot) Encode() ([]byte, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	var out bytes.Buffer
	packed, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is a valid one
	e := envelope{SnapshotFormat, hex.EncodeToString(sum[:]), body}
	err = errors.Join(json.NewEncoder(packed).Encode(e), packed.Close())
	return out.Bytes(), err
}

// unpackedSize is how much room to make for what gzip packed, as it says itself at its end: a buffer that grows to it
// would leave several times as much behind, in every look. What was damaged is taken at its word within reason.
func unpackedSize(packed []byte) int {
	const trailer, mostPacked = 4, 1032 // deflate packs no better than that
	if len(packed) < trailer {
		return 0
	}
	says := int64(binary.LittleEndian.Uint32(packed[len(packed)-trailer:]))
	return int(min(says, maxSnapshot, int64(len(packed))*mostPacked))
}

// DecodeSnapshot reads what Encode wrote; the error is ErrSnapshot if it is cut, changed, or of a newer version.
func DecodeSnapshot(packed []byte) (Snapshot, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	body := bytes.NewBuffer(make([]byte, 0, unpackedSize(packed)+bytes.MinRead))
	if _, err := body.ReadFrom(io.LimitReader(unpacked, maxSnapshot)); err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	var e envelope
	if err := json.Unmarshal(body.Bytes(), &e); err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if e.Format != SnapshotFormat {
		err := fmt.Errorf("%w: it has format %d, and this version knows %d", ErrSnapshot, e.Format, SnapshotFormat)
		return Snapshot{}, err
	}
	if sum := sha256.Sum256(e.Snapshot); hex.EncodeToString(sum[:]) != e.Digest {
		return Snapshot{}, fmt.Errorf("%w: its digest is another", ErrSnapshot)
	}
	// Room for all of them at once; the number need not be right.
	s := Snapshot{Accounts: make([]Account, 0, bytes.Count(e.Snapshot, []byte(`{"id":`)))}
	if err := json.Unmarshal(e.Snapshot, &s); err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return s, nil
}

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A loss is what does not come back by itself: the handbook says what is to be done, and its own commands are run.
type loss struct {
	name    string
	heading string // of the handbook's part about it
	lose    func(context.Context) error
	restore func(ctx context.Context, procedure string) error
}

// losses are those that a run has, at its end.
func (r *run) losses(older *bucketCopy) []loss {
	return []loss{
		{"Temporal's database is lost for good", "### Temporal's database is lost", r.loseTemporal, r.rebuildTemporal},
		{"the state bucket is restored from an old copy", "### The state bucket is older than Stripe", nothingToMend,
			func(ctx context.Context, procedure string) error { return r.restoreBucket(ctx, older, procedure) }},
	}
}

// lose loses something while everything else goes on, and does what the handbook says.
func (r *run) lose(ctx context.Context, l loss) (Break, error) {
	r.say("%s", l.name)
	began := time.Now()
	at := r.since()
	if err := l.lose(ctx); err != nil {
		return Break{}, fmt.Errorf("%s: %w", l.name, err)
	}
	handbook, err := os.ReadFile(filepath.Join(r.deployment.repository, "docs", "operations.md"))
	if err != nil {
		return Break{}, err
	}
	procedure, err := procedureIn(string(handbook), l.heading)
	if err != nil {
		return Break{}, err
	}
	r.say("the handbook's commands: %s", strings.TrimLeft(l.heading, "# "))
	restoring, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	if err := l.restore(restoring, procedure); err != nil {
		return Break{}, fmt.Errorf("%s: %w", l.heading, err)
	}
	b := Break{What: l.name, By: "the handbook: " + strings.TrimLeft(l.heading, "# "), At: at,
		For: rounded(time.Since(began))}
	b.Recovered, err = r.probe(ctx)
	r.say("an order took %s then", whole(b.Recovered))
	return b, err
}

// procedureIn is the first block of commands below a heading.
func procedureIn(handbook, heading string) (string, error) {
	_, below, _ := strings.Cut(handbook, heading+"\n")
	text, block, found := strings.Cut(below, "\n```sh\n")
	commands, _, ends := strings.Cut(block, "\n```\n")
	if !found || !ends || strings.Contains(text, "\n#") {
		return "", fmt.Errorf("the handbook has no commands below %q", heading)
	}
	return commands + "\n", nil
}

// commands runs some as a person does who has the list of all accounts at hand, as the handbook supposes.
func (r *run) commands(ctx context.Context, commands string) error {
	list := "account\n"
	for _, s := range r.trade.shops {
		list += s.account + "\n"
	}
	if err := os.WriteFile(filepath.Join(r.deployment.folder, "accounts.csv"), []byte(list), 0o600); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "bash", "-c", commands)
	// What it has started ends with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	command.Dir = r.deployment.folder
	command.Env = append(r.deployment.environment(), "PATH="+filepath.Dir(r.deployment.starter)+":"+os.Getenv("PATH"))
	_, err := output(command)
	return errors.Join(err, ctx.Err())
}

// endedOtherwise passes over commands that ended otherwise than well, as an audit does that finds drift.
func (r *run) endedOtherwise(err error) error {
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		r.say("the last of them ended with %d", ended.ExitCode())
		return nil
	}
	return err
}

// loseTemporal takes PostgreSQL's disk away with all that Temporal knew, and starts both anew.
func (r *run) loseTemporal(ctx context.Context) error {
	d := r.deployment
	if _, err := d.compose(ctx, "rm", "--force", "--stop", "temporal", "postgres", "temporal-schema",
		"temporal-namespace"); err != nil {
		return err
	}
	for i := range d.disks {
		if k := &d.disks[i]; k.service == "postgres" {
			if err := errors.Join(os.RemoveAll(k.data()), os.Mkdir(k.data(), 0o755)); err != nil {
				return err
			}
		}
	}
	starting, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	return mended(starting, d.start) // workers may have given up on Temporal meanwhile, and start again
}

// heldOrders begins the handbook's last command after Temporal's database was lost.
const heldOrders = "starter order list --state held"

// rebuildTemporal makes schedules, and has orders brought back by Stripe's events. The handbook says of its last
// command that it is said again until it finds nothing.
func (r *run) rebuildTemporal(ctx context.Context, procedure string) error {
	r.trade.rebuilt = true
	before, _, found := strings.Cut(procedure, heldOrders)
	if !found {
		return fmt.Errorf("there is no %q in it", heldOrders)
	}
	// A person who is told that a command failed says it again.
	if err := mended(ctx, func(ctx context.Context) error { return r.commands(ctx, "set -e\n"+before) }); err != nil {
		return err
	}
	if err := r.hurry(ctx); err != nil {
		return err
	}
	again, quiet := procedure[len(before):], 0
	for quiet < 3 { // what an event brings back is listed some seconds later
		held := 0
		if err := mended(ctx, func(ctx context.Context) (err error) {
			held, err = r.heldByRestart(ctx)
			return err
		}); err != nil {
			return err
		}
		if quiet++; held > 0 {
			quiet = 0
			r.say("%d orders are held, for they were handed over before", held)
			if err := r.endedOtherwise(r.commands(ctx, again)); err != nil {
				return err
			}
		}
		wait(ctx, 5*time.Second)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// heldByRestart is how many orders wait for the handbook's last command.
func (r *run) heldByRestart(ctx context.Context) (held int, err error) {
	printed, err := r.deployment.Starter(ctx, "", "order", "list", "--state", "held", "--output", "json")
	if err != nil {
		return 0, err
	}
	var listed []struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(printed), &listed); err != nil {
		return 0, fmt.Errorf("starter order list: %w", err)
	}
	for _, o := range listed {
		if o.Reason == "" || strings.HasPrefix(o.Reason, "an earlier run was ended") { // or it has not said why yet
			held++
		}
	}
	return held, nil
}

// restoreNow stands in the handbook where the bucket is restored: the syncs are paused before.
const restoreNow = "# restore it now\n"

// restoreBucket puts a copy in the bucket's place, has Stripe asked what it has of each catalog, and that what differs
// sent, and then everything.
func (r *run) restoreBucket(ctx context.Context, older *bucketCopy, procedure string) error {
	before, after, found := strings.Cut(procedure, restoreNow)
	if !found {
		return fmt.Errorf("there is no %q in it", restoreNow)
	}
	if err := mended(ctx, func(ctx context.Context) error { return r.commands(ctx, before) }); err != nil {
		return err
	}
	r.say("the copy is %s old", time.Since(older.taken).Round(time.Second))
	if err := mended(ctx, older.putBack); err != nil {
		return err
	}
	for _, s := range r.trade.shops {
		s.mu.Lock()
		s.resends += 2
		s.mu.Unlock()
	}
	if err := r.endedOtherwise(r.commands(ctx, after)); err != nil {
		return err
	}
	return r.hurry(ctx) // the accounts were applied anew, and their schedules with them
}

// bucketCopy is what a bucket had once.
type bucketCopy struct {
	store  *s3.Client
	bucket string
	taken  time.Time
	has    map[string][]byte
}

// copyBucket reads all of a bucket.
func copyBucket(ctx context.Context, store *s3.Client, bucket string) (*bucketCopy, error) {
	b := &bucketCopy{store, bucket, time.Now(), map[string][]byte{}}
	keys, err := b.keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		object, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if errors.As(err, new(*types.NoSuchKey)) { // taken away since it was listed
			continue
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(object.Body)
		if err = errors.Join(err, object.Body.Close()); err != nil {
			return nil, err
		}
		b.has[key] = content
	}
	return b, nil
}

// putBack makes the bucket what it was.
func (b *bucketCopy) putBack(ctx context.Context) error {
	keys, err := b.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, was := b.has[key]; was {
			continue
		}
		if _, err := b.store.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key}); err != nil {
			return err
		}
	}
	for key, content := range b.has {
		_, err := b.store.PutObject(ctx,
			&s3.PutObjectInput{Bucket: &b.bucket, Key: &key, Body: bytes.NewReader(content)})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bucketCopy) keys(ctx context.Context) (keys []string, err error) {
	pages := s3.NewListObjectsV2Paginator(b.store, &s3.ListObjectsV2Input{Bucket: &b.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	return keys, nil
}

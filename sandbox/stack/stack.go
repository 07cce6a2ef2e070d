package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/sandbox/mail"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/s3"
	"vitrine/sandbox/temporalserver"
	"vitrine/sandbox/webui"
)

// Options shape a stack. The zero value works.
type Options struct {
	// Ports are the usual ones where zero, or others where those are in use.
	Ports Ports
	// TempDir is where the stack makes its directory; empty means the system's.
	TempDir string
	// Only are the parts to bring up, by the names of Parts; none means all of them.
	Only []string
	// InMemory keeps Temporal's histories in memory instead of in a file.
	InMemory bool
	// Postgres is host:port of a PostgreSQL that keeps Temporal's histories in place of SQLite. It trusts its user
	// "postgres", and has no databases of Temporal's yet.
	Postgres string
	// Namespaces exist in Temporal beside "default".
	Namespaces []string
	// ImportDelay is how long the emulator keeps an import pending before it processes it.
	ImportDelay time.Duration
	// LogLevel of the Temporal server; empty means warn.
	LogLevel string
	// S3Users may use the S3 endpoint beside its one account, each within a policy.
	S3Users []s3.User
	// Ready is told of every service as soon as it takes calls. It may be nil.
	Ready func(Service)
}

// The parts of a stack.
const (
	Temporal = "temporal"
	WebUI    = "web-ui"
	S3       = "s3"
	Stripe   = "stripe"
	Mail     = "mail"
)

// Parts are the names of all parts, in the order of their start.
func Parts() []string { return []string{Temporal, WebUI, S3, Stripe, Mail} }

// Ports are where the services listen. Zero stands for the usual port of a service, or any other if that is in use; a
// port that somebody asked for is taken or refused.
type Ports struct {
	Temporal int // 7233
	WebUI    int // 8233
	S3       int // 7070
	Stripe   int // 12111
	Mail     int // 8025: the page to look at mails
	SMTP     int // 1025
}

var usual = Ports{Temporal: 7233, WebUI: 8233, S3: 7070, Stripe: 12111, Mail: 8025, SMTP: 1025}

// Service is a running part of the stack.
type Service struct {
	part string

	Name    string        `json:"name"`
	Address string        `json:"address"` // a URL, or host:port
	Took    time.Duration `json:"-"`
}

// SourceKey is where the sandbox expects the catalogs in the source bucket.
const SourceKey = "catalogs/{account}/{feed}.csv"

// StripeKey is a key that the emulator accepts and that Stripe never issued.
const StripeKey = "sk_test_sandbox0123456789"

// Stack is running. Stop it to leave nothing behind.
type Stack struct {
	dir      string
	temporal *temporalserver.Server
	webUI    *webui.Server
	s3       *s3.Server
	stripe   *stripe
	mail     *mail.Server
	ready    func(Service)
	services []Service
}

// Start brings everything up. If that fails, nothing keeps running and nothing stays on disk.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := makeDir(o.TempDir)
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir, ready: o.Ready}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// check refuses what cannot come up.
func (o Options) check() error {
	for _, part := range o.Only {
		if !slices.Contains(Parts(), part) {
			return fmt.Errorf("the sandbox has no part %q: expected one of %s", part, strings.Join(Parts(), ", "))
		}
	}
	if slices.Contains(o.Only, WebUI) && !slices.Contains(o.Only, Temporal) {
		return errors.New("the Web UI shows what is in Temporal, which is to come up with it")
	}
	return nil
}

// makeDir returns an absolute path, because the S3 endpoint changes the working directory.
func makeDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "vitrine-sandbox-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the sandbox: %w", err)
	}
	return filepath.Abs(dir)
}

func (s *Stack) start(ctx context.Context, o Options) error {
	steps := map[string]func(context.Context, Options) (Service, error){
		Temporal: s.startTemporal, WebUI: s.startWebUI, S3: s.startS3, Stripe: s.startStripe, Mail: s.startMail,
	}
	for _, part := range Parts() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, part) {
			continue
		}
		begun := time.Now()
		service, err := steps[part](ctx, o)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		service.part, service.Took = part, time.Since(begun)
		s.services = append(s.services, service)
		if s.ready != nil {
			s.ready(service)
		}
	}
	return nil
}

func (s *Stack) startTemporal(ctx context.Context, o Options) (Service, error) {
	port, err := choose(o.Ports.Temporal, usual.Temporal)
	if err != nil {
		return Service{}, err
	}
	options := temporalserver.Options{Port: port, LogFile: s.path("temporal.log"), LogLevel: o.LogLevel,
		Namespaces: o.Namespaces}
	switch {
	case o.Postgres != "":
		options.Postgres = o.Postgres
	case !o.InMemory:
		options.Database = s.path("temporal.db")
	}
	if s.temporal, err = temporalserver.Start(ctx, options); err != nil {
		return Service{}, err
	}
	return Service{Name: "Temporal", Address: s.temporal.Address()}, nil
}

func (s *Stack) startWebUI(ctx context.Context, o Options) (Service, error) {
	port, err := choose(o.Ports.WebUI, usual.WebUI)
	if err != nil {
		return Service{}, err
	}
	if s.webUI, err = webui.Start(ctx, port, s.temporal.Address(), temporalserver.Namespace); err != nil {
		return Service{}, err
	}
	return Service{Name: "Temporal Web UI", Address: s.webUI.URL()}, nil
}

func (s *Stack) startS3(ctx context.Context, o Options) (Service, error) {
	port, err := choose(o.Ports.S3, usual.S3)
	if err != nil {
		return Service{}, err
	}
	dir := s.path("s3")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return Service{}, fmt.Errorf("start the S3 endpoint: %w", err)
	}
	options := s3.Options{Port: port, Dir: dir, LogFile: s.path("s3.log"),
		Buckets: []s3.Bucket{{Name: s3.SourceBucket}, {Name: s3.StateBucket}}, Users: o.S3Users}
	if s.s3, err = s3.Start(ctx, options); err != nil {
		return Service{}, err
	}
	return Service{Name: "S3 (versitygw)", Address: s.s3.URL()}, nil
}

func (s *Stack) startStripe(_ context.Context, o Options) (Service, error) {
	port, err := choose(o.Ports.Stripe, usual.Stripe)
	if err != nil {
		return Service{}, err
	}
	if s.stripe, err = startStripe(port, s.dir, o.ImportDelay); err != nil {
		return Service{}, err
	}
	return Service{Name: "Stripe emulator", Address: s.stripe.url}, nil
}

func (s *Stack) startMail(_ context.Context, o Options) (Service, error) {
	page, err := choose(o.Ports.Mail, usual.Mail)
	if err != nil {
		return Service{}, err
	}
	smtp, err := choose(o.Ports.SMTP, usual.SMTP)
	if err != nil {
		return Service{}, err
	}
	if s.mail, err = mail.Start(mail.Options{PagePort: page, SMTPPort: smtp}); err != nil {
		return Service{}, err
	}
	return Service{Name: "Mail catcher", Address: s.mail.URL()}, nil
}

func choose(wanted, usual int) (int, error) {
	if wanted == 0 {
		return ports.Pick(usual)
	}
	if !ports.Free(wanted) {
		return 0, fmt.Errorf("port %d is in use", wanted)
	}
	return wanted, nil
}

// Stop ends everything and removes the stack's directory. Workers and starters should be gone by then.
func (s *Stack) Stop() error {
	var errs []error
	if s.webUI != nil {
		s.webUI.Stop()
	}
	if s.mail != nil {
		errs = append(errs, s.mail.Stop())
	}
	if s.stripe != nil {
		errs = append(errs, s.stripe.stop())
	}
	if s.s3 != nil {
		errs = append(errs, s.s3.Stop())
	}
	if s.temporal != nil {
		errs = append(errs, s.temporal.Stop())
	}
	if err := os.RemoveAll(s.dir); err != nil {
		errs = append(errs, fmt.Errorf("remove the sandbox's directory: %w", err))
	}
	return errors.Join(errs...)
}

// Dir is the stack's own directory; Stop removes it with all that is in it.
func (s *Stack) Dir() string { return s.dir }

// Services are the parts of the stack, in the order of their start.
func (s *Stack) Services() []Service { return s.services }

// RunURL is the page of a workflow run in the Web UI.
func (s *Stack) RunURL(workflowID, runID string) string {
	return s.webUI.RunURL(temporalserver.Namespace, workflowID, runID)
}

func (s *Stack) path(name string) string { return filepath.Join(s.dir, name) }

// WebUI is the URL of Temporal's Web UI. Like the other addresses it is empty if the part is not up.
func (s *Stack) WebUI() string { return s.addressOf(WebUI) }

// S3 is the URL of the S3 endpoint.
func (s *Stack) S3() string { return s.addressOf(S3) }

// Stripe is the URL of the Stripe emulator, and of its control API.
func (s *Stack) Stripe() string { return s.addressOf(Stripe) }

// Mail is the URL of the page with the mails that were caught, and of its control API.
func (s *Stack) Mail() string { return s.addressOf(Mail) }

func (s *Stack) addressOf(part string) string {
	for _, service := range s.services {
		if service.part == part {
			return service.Address
		}
	}
	return ""
}

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
)

// Deployment is docker-compose.yml as a project of its own, on ports of its own.
type Deployment struct {
	repository string // absolute
	starter    string // the binary, absolute
	project    string
	folder     string // of what is its own: settings, and the disks
	env        map[string]string
	disks      []disk
}

// The ports that a Deployment has of its own: fixed, so that a container that comes back is found where it was.
var published = []string{
	"TEMPORAL_PORT", "TEMPORAL_UI_PORT", "S3_PORT", "WEBHOOK_PORT", "STRIPESIM_PORT", "MAILPIT_PORT",
}

// NewDeployment reads deploy/example.env of a repository and changes what a run needs: imports every interval, so that
// catalogs may change often.
func NewDeployment(repository, interval string) (*Deployment, error) {
	example, err := os.ReadFile(filepath.Join(repository, "deploy", "example.env"))
	if err != nil {
		return nil, err
	}
	d := &Deployment{
		repository: repository, starter: filepath.Join(repository, "bin", "starter"), project: "vitrine-chaos",
		env: assignments(string(example)), disks: slices.Clone(disks),
	}
	free, err := ports.Several(len(published))
	if err != nil {
		return nil, err
	}
	for i, name := range published {
		d.env[name] = strconv.Itoa(free[i])
	}
	d.env["WORKER_PORTS"] = "0"
	d.env["VITRINE_IMPORT_INTERVAL"] = interval
	// Nobody but Vitrine puts products into these catalogs.
	d.env["VITRINE_HEAL"] = "resend_and_delete"
	if d.folder, err = os.MkdirTemp("", "vitrine-chaos-"); err != nil {
		return nil, err
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, d.env[name])
	}
	return d, os.WriteFile(d.envFile(), []byte(lines.String()), 0o600)
}

func (d *Deployment) envFile() string { return filepath.Join(d.folder, "env") }

// disksFile is what the deployment has beside docker-compose.yml: volumes that can be full.
func (d *Deployment) disksFile() string { return filepath.Join(d.folder, "disks.yml") }

// makeDisks makes a file system for each volume.
func (d *Deployment) makeDisks(ctx context.Context) error {
	volumes := map[string]any{}
	for i := range d.disks {
		k := &d.disks[i]
		if err := k.make(ctx, d.folder); err != nil {
			return err
		}
		volumes[k.service] = map[string]any{
			"driver": "local", "driver_opts": map[string]string{"type": "none", "o": "bind", "device": k.data()},
		}
	}
	file, err := json.Marshal(map[string]any{"volumes": volumes}) // JSON is YAML
	if err != nil {
		return err
	}
	return os.WriteFile(d.disksFile(), file, 0o600)
}

// assignments are those of an env file: name to value.
func assignments(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			env[name] = value
		}
	}
	return env
}

// Up starts everything on disks of its own, and waits until every container is healthy. The images are there already.
func (d *Deployment) Up(ctx context.Context) error {
	if err := d.makeDisks(ctx); err != nil {
		return err
	}
	return d.start(ctx)
}

func (d *Deployment) start(ctx context.Context) error {
	_, err := d.compose(ctx, "up", "--detach", "--wait", "--wait-timeout", "300")
	return err
}

// Down takes everything away, data included.
func (d *Deployment) Down(ctx context.Context) error {
	_, err := d.compose(ctx, "down", "--volumes", "--timeout", "5")
	for i := range d.disks {
		if d.disks[i].at != "" {
			err = errors.Join(err, d.disks[i].remove(ctx))
		}
	}
	return err
}

// Close forgets what is the deployment's own.
func (d *Deployment) Close() error { return os.RemoveAll(d.folder) }

// StripeURL is where the emulator answers.
func (d *Deployment) StripeURL() string { return d.at("STRIPESIM_PORT") }

// S3URL is where the S3 gateway answers.
func (d *Deployment) S3URL() string { return d.at("S3_PORT") }

func (d *Deployment) at(port string) string { return "http://127.0.0.1:" + d.env[port] }

// Containers are the ids of those of a service.
func (d *Deployment) Containers(ctx context.Context, service string) ([]string, error) {
	out, err := d.compose(ctx, "ps", "--all", "--quiet", service)
	return strings.Fields(out), err
}

// oneOf is a container of a service: one that chance has, or the first.
func (d *Deployment) oneOf(ctx context.Context, service string, chance *rand.Rand) (string, error) {
	containers, err := d.Containers(ctx, service)
	switch {
	case err != nil:
		return "", err
	case len(containers) == 0:
		return "", fmt.Errorf("%s has no container", service)
	case chance == nil:
		return containers[0], nil
	}
	return containers[chance.IntN(len(containers))], nil
}

// network is the name of that of all containers.
func (d *Deployment) network() string { return d.project + "_default" }

// addresses are those of a service's containers.
func (d *Deployment) addresses(ctx context.Context, service string) ([]string, error) {
	containers, err := d.Containers(ctx, service)
	if err != nil {
		return nil, err
	}
	printed, err := docker(ctx, append([]string{"inspect", "--format",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"}, containers...)...)
	addresses := strings.Fields(printed)
	if err == nil && len(addresses) == 0 {
		err = fmt.Errorf("%s has no address", service)
	}
	return addresses, err
}

// Starter runs the built starter against the deployment and returns what it printed.
func (d *Deployment) Starter(ctx context.Context, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, d.starter, args...)
	command.Stdin = strings.NewReader(stdin)
	command.Env = d.environment()
	return output(command)
}

// environment is how starter, and what else of the handbook's commands asks for it, finds the deployment.
func (d *Deployment) environment() []string {
	return append(child.Isolated(os.Environ()),
		"TEMPORAL_ADDRESS=127.0.0.1:"+d.env["TEMPORAL_PORT"],
		"AWS_ENDPOINT_URL_S3="+d.S3URL(), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+d.env["S3_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY="+d.env["S3_SECRET_KEY"],
		"VITRINE_SOURCE_BUCKET="+d.env["VITRINE_SOURCE_BUCKET"], "VITRINE_STATE_BUCKET="+d.env["VITRINE_STATE_BUCKET"],
		"STRIPE_API_BASE="+d.StripeURL(), "VITRINE_IMPORT_INTERVAL="+d.env["VITRINE_IMPORT_INTERVAL"],
		"VITRINE_HEAL="+d.env["VITRINE_HEAL"],
	)
}

func (d *Deployment) compose(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(d.repository, "tools", "compose"),
		append([]string{"--project-name", d.project, "--env-file", d.envFile(), "--file",
			filepath.Join(d.repository, "docker-compose.yml"), "--file", d.disksFile()}, args...)...)
	return output(command)
}

// docker runs the docker command itself.
func docker(ctx context.Context, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, "docker", args...))
}

// output is what a command printed; an error says which command it was, and the end of what it said.
func output(command *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		said := strings.TrimSpace(stdout.String() + stderr.String())
		return stdout.String(), fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err,
			said[max(0, len(said)-500):])
	}
	return stdout.String(), nil
}

package chaos

import (
	"bytes"
	"context"
	"fmt"
	"maps"
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
	envFile    string
	env        map[string]string
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
		env: assignments(string(example)),
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
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.env)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, d.env[name])
	}
	file, err := os.CreateTemp("", "vitrine-chaos-*.env")
	if err != nil {
		return nil, err
	}
	d.envFile = file.Name()
	if _, err := file.WriteString(lines.String()); err != nil {
		return nil, err
	}
	return d, file.Close()
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

// Up starts everything, and waits until every container is healthy. The images are there already.
func (d *Deployment) Up(ctx context.Context) error {
	_, err := d.compose(ctx, "up", "--detach", "--wait", "--wait-timeout", "300")
	return err
}

// Down takes everything away, data included.
func (d *Deployment) Down(ctx context.Context) error {
	_, err := d.compose(ctx, "down", "--volumes", "--timeout", "5")
	return err
}

// Close forgets the file of the environment.
func (d *Deployment) Close() error { return os.Remove(d.envFile) }

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

// Starter runs the built starter against the deployment and returns what it printed.
func (d *Deployment) Starter(ctx context.Context, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, d.starter, args...)
	command.Stdin = strings.NewReader(stdin)
	command.Env = append(child.Isolated(os.Environ()),
		"TEMPORAL_ADDRESS=127.0.0.1:"+d.env["TEMPORAL_PORT"],
		"AWS_ENDPOINT_URL_S3="+d.S3URL(), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+d.env["S3_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY="+d.env["S3_SECRET_KEY"],
		"VITRINE_SOURCE_BUCKET="+d.env["VITRINE_SOURCE_BUCKET"], "VITRINE_STATE_BUCKET="+d.env["VITRINE_STATE_BUCKET"],
		"STRIPE_API_BASE="+d.StripeURL(), "VITRINE_IMPORT_INTERVAL="+d.env["VITRINE_IMPORT_INTERVAL"],
	)
	return output(command)
}

func (d *Deployment) compose(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(d.repository, "tools", "compose"),
		append([]string{"--project-name", d.project, "--env-file", d.envFile, "--file",
			filepath.Join(d.repository, "docker-compose.yml")}, args...)...)
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
		said := strings.TrimSpace(stderr.String() + stdout.String())
		return stdout.String(), fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err,
			said[max(0, len(said)-500):])
	}
	return stdout.String(), nil
}

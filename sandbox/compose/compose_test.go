package compose_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
)

// load reads docker-compose.yml as compose does, with deploy/example.env and more.
func load(t *testing.T, more map[string]string) *types.Project {
	t.Helper()
	example, err := os.Open("../../deploy/example.env")
	require.NoError(t, err)
	defer example.Close()
	environment, err := dotenv.Parse(example)
	require.NoError(t, err)
	maps.Copy(environment, more)
	var variables []string
	for name, value := range environment {
		variables = append(variables, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"},
		cli.WithEnv(variables), cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true),
		cli.WithInterpolation(true))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

// notPassed are the variables that the file decides about itself, and why.
var notPassed = map[string]string{
	"VITRINE_LISTEN":         "the health checks and the published ports are those of the images",
	"VITRINE_WEBHOOK_LISTEN": "the published port is that of the image",
	"TEMPORAL_API_KEY":       "Temporal runs beside it",
	"TEMPORAL_TLS":           "Temporal runs beside it",
	"TEMPORAL_PROFILE":       "the image has no home",
	"TEMPORAL_CONFIG_FILE":   "the image has no home",
}

// readers says who reads a variable, by the name of the service. starter doctor looks at what worker and server are
// given, and some other commands ask Stripe.
func readers(v config.Variable) map[string]bool {
	return map[string]bool{"worker": v.Worker, "serve": v.Starter || v.Serve,
		"starter": v.Worker || v.Starter || v.Serve, "codec": v.Starter || v.Codec}
}

func TestEveryVariableReachesWhoReadsIt(t *testing.T) {
	project := load(t, nil)
	known := map[string]config.Variable{}
	for _, v := range config.Table() {
		known[v.Name] = v
		for service, reads := range readers(v) {
			_, passed := project.Services[service].Environment[v.Name]
			_, exempt := notPassed[v.Name]
			require.Equal(t, reads && !exempt, passed, "%s and %s", service, v.Name)
		}
	}
	for _, service := range []string{"worker", "serve", "starter", "codec"} {
		for name := range project.Services[service].Environment {
			require.Contains(t, known, name, "%s is given a variable that nobody reads", service)
		}
	}
	for name := range notPassed {
		require.Contains(t, known, name, "it is no variable any more")
	}
}

// A variable of .env arrives as it is; one that is not there leaves the default to the program.
func TestAVariableArrivesAsItWasSet(t *testing.T) {
	fixed := []string{"TEMPORAL_ADDRESS", "VITRINE_LOG_FORMAT", "VITRINE_CODEC_LISTEN"}
	renamed := map[string]string{
		"AWS_ENDPOINT_URL_S3": "S3_ENDPOINT", "AWS_REGION": "S3_REGION", "AWS_ACCESS_KEY_ID": "S3_ACCESS_KEY",
		"AWS_SECRET_ACCESS_KEY": "S3_SECRET_KEY",
	}
	given := map[string]string{}
	for _, v := range config.Table() {
		name := v.Name
		if other, isRenamed := renamed[name]; isRenamed {
			name = other
		}
		given[name] = "value-of-" + v.Name
	}
	project := load(t, given)
	for _, service := range []string{"worker", "serve", "starter", "codec"} {
		for name, value := range project.Services[service].Environment {
			if !slices.Contains(fixed, name) {
				require.Equal(t, "value-of-"+name, *value, service)
			}
		}
	}
}

// The configuration of example.env is one that worker, server and starter take.
func TestTheExampleIsEnough(t *testing.T) {
	project := load(t, map[string]string{"VITRINE_WEBHOOK_SECRETS": "whsec_anything"})
	for service, read := range map[string]func(config.Lookup) (config.Config, error){
		"worker": config.LoadWorker, "serve": config.LoadServe, "starter": config.LoadStarter,
	} {
		environment := project.Services[service].Environment
		_, err := read(func(name string) (string, bool) {
			value, set := environment[name]
			if !set || value == nil {
				return "", false
			}
			return *value, true
		})
		require.NoError(t, err, service)
	}
}

// Compose passes no variable by a pattern: those of merchants come by a file, which need not be there.
func TestMerchantsSecretsComeByAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "merchants.env")
	require.NoError(t, os.WriteFile(file, []byte("MERCHANT_SECRET_SHOP=whsec_b25l whsec_dHdv\n"), 0o600))
	project := load(t, map[string]string{"MERCHANTS_FILE": file})
	for _, service := range []string{"worker", "serve"} {
		require.Equal(t, "whsec_b25l whsec_dHdv", *project.Services[service].Environment["MERCHANT_SECRET_SHOP"],
			service)
	}
	require.NotContains(t, project.Services["starter"].Environment, "MERCHANT_SECRET_SHOP", "it calls no merchant")
	require.NotContains(t, load(t, nil).Services["worker"].Environment, "MERCHANT_SECRET_SHOP")
}

// built are the images that are our own.
func built(project *types.Project) (images []string) {
	for _, service := range project.Services {
		if service.Build != nil {
			images = append(images, service.Image)
		}
	}
	return images
}

// What runs all the time says whether it is well, and is as tied down as it can be.
func TestServicesAreWatchedAndConfined(t *testing.T) {
	project := load(t, nil)
	for name, service := range project.Services {
		if service.Restart == "unless-stopped" {
			require.NotNil(t, service.HealthCheck, name)
			require.NotEmpty(t, service.HealthCheck.Test, name)
		}
		if !slices.Contains(built(project), service.Image) {
			require.Regexp(t, `:[^:]*\d`, service.Image, "%s has to name a version", name)
			continue
		}
		require.True(t, service.Build != nil || service.PullPolicy == types.PullPolicyNever,
			"%s would look for ours in a registry", name)
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", name)
	}
	require.Equal(t, types.ShellCommand{"/usr/local/bin/starter", "serve"}, project.Services["serve"].Entrypoint)
	require.Equal(t, types.HealthCheckTest{"CMD", "/usr/local/bin/starter", "healthcheck"},
		project.Services["serve"].HealthCheck.Test)
	for _, published := range project.Services["worker"].Ports {
		require.Equal(t, "127.0.0.1", published.HostIP, "not for the internet")
	}
}

// What a container prints does not fill the disk.
func TestLogsAreBounded(t *testing.T) {
	for name, service := range load(t, nil).Services {
		require.NotNil(t, service.Logging, name)
		require.Equal(t, "json-file", service.Logging.Driver, name)
		require.Equal(t, types.Options{"max-size": "10m", "max-file": "3"}, service.Logging.Options, name)
	}
}

// Who is killed before it has answered what it was asked answers nobody: VITRINE_SHUTDOWN_TIMEOUT and ten seconds, and
// what the codec drains for (starter/codec.go) and five.
func TestThereIsTimeToStop(t *testing.T) {
	project := load(t, nil)
	for name, seconds := range map[string]time.Duration{"worker": 40, "serve": 40, "codec": 15} {
		grace := project.Services[name].StopGracePeriod
		require.NotNil(t, grace, name)
		require.Equal(t, seconds*time.Second, time.Duration(*grace), name)
	}
}

// A service sees secrets by the variables and files that it is given, and not by the folder of .env and merchants.env.
func TestNobodySeesTheFolderOfSecrets(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for name, service := range load(t, nil).Services {
		for _, mount := range service.Volumes {
			if mount.Type == types.VolumeTypeBind {
				above, err := filepath.Rel(mount.Source, root)
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(above, ".."), "%s sees %s", name, mount.Source)
			}
		}
	}
}

// What a folder of a person's has in it for compose must not end up in an image.
func TestSecretsStayOutOfTheBuild(t *testing.T) {
	ignored, err := os.ReadFile("../../.dockerignore")
	require.NoError(t, err)
	for _, name := range []string{".env", "*.env", "deploy"} {
		require.Contains(t, strings.Split(string(ignored), "\n"), name)
	}
}

// The files that are mounted, and the targets that are built, are there.
func TestWhatTheFileNamesIsThere(t *testing.T) {
	dockerfile, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	for name, service := range load(t, nil).Services {
		if service.Build != nil {
			require.Regexp(t, regexp.MustCompile(`(?m)^FROM \S+ AS `+service.Build.Target+`$`), string(dockerfile),
				name)
		}
		for _, mount := range service.Volumes {
			if mount.Type == types.VolumeTypeBind {
				require.DirExists(t, mount.Source, name)
			}
		}
		for _, argument := range append(slices.Clone(service.Command), service.Entrypoint...) {
			if script, mounted := strings.CutPrefix(argument, "/deploy/"); mounted {
				require.FileExists(t, filepath.Join("../../deploy/temporal", script), name)
			}
		}
	}
}

package stack_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/config"
	"vitrine/internal/simcontrol"
	"vitrine/sandbox/mail"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/s3"
	"vitrine/sandbox/stack"
	"vitrine/workflows"
)

func TestAStackComesUpAndLeavesNothingBehind(t *testing.T) {
	parent := t.TempDir()
	var told []string
	running, err := stack.Start(t.Context(), stack.Options{
		Ports: freePorts(t), TempDir: parent, Namespaces: []string{"second"},
		Ready: func(s stack.Service) { told = append(told, s.Name) },
	})
	require.NoError(t, err)
	require.Equal(t, []string{"Temporal", "Temporal Web UI", "S3 (versitygw)", "Stripe emulator", "Mail catcher"}, told)

	require.Equal(t, http.StatusOK, status(t, running.WebUI()+"/"))
	require.Equal(t, http.StatusOK, status(t, running.Stripe()+"/_sim/stats"))
	require.Equal(t, http.StatusOK, status(t, running.Mail()+"/"))
	for _, bucket := range []string{s3.SourceBucket, s3.StateBucket} {
		_, err := s3.Client(running.S3()).HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String(bucket)})
		require.NoError(t, err)
	}
	for _, namespace := range []string{"default", "second"} {
		requireSearchAttributes(t, address(running), namespace)
	}

	require.NoError(t, running.Stop())
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
	for _, service := range running.Services() {
		require.False(t, answers(service.Address), "%s still listens", service.Name)
	}
}

func TestAStackInMemoryComesUp(t *testing.T) {
	running, err := stack.Start(t.Context(), stack.Options{Ports: freePorts(t), TempDir: t.TempDir(), InMemory: true})
	require.NoError(t, err)
	requireSearchAttributes(t, address(running), "default")
	require.NoError(t, running.Stop())
}

func TestAPartComesUpAlone(t *testing.T) {
	running, err := stack.Start(t.Context(), stack.Options{Ports: freePorts(t), TempDir: t.TempDir(),
		Only: []string{stack.S3}})
	require.NoError(t, err)
	require.Len(t, running.Services(), 1)
	require.Equal(t, running.Services()[0].Address, running.S3())
	require.Empty(t, running.WebUI()+running.Stripe()+running.Mail())
	for _, v := range running.Variables() {
		require.Regexp(t, "^(AWS|VITRINE)_", v.Name)
	}
	require.NoError(t, running.Stop())
	for _, only := range []string{"s4", stack.WebUI} {
		_, err = stack.Start(t.Context(), stack.Options{TempDir: t.TempDir(), Only: []string{only}})
		require.Error(t, err, only)
	}
}

func TestAFailedStartLeavesNothingBehind(t *testing.T) {
	parent := t.TempDir()
	wanted := freePorts(t)
	taken, err := net.Listen("tcp", ports.Address(wanted.SMTP)) // the last one to start
	require.NoError(t, err)
	defer taken.Close()
	_, err = stack.Start(t.Context(), stack.Options{Ports: wanted, TempDir: parent})
	require.ErrorContains(t, err, "in use")
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
	require.True(t, ports.Free(wanted.Temporal))
}

func TestAnInterruptedStartLeavesNothingBehind(t *testing.T) {
	parent := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := stack.Start(ctx,
		stack.Options{Ports: freePorts(t), TempDir: parent, Ready: func(stack.Service) { interrupt() }})
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestTheEnvironmentConfiguresWorkerAndStarter(t *testing.T) {
	running := start(t)
	environ := running.Environ([]string{"PATH=/bin", "STRIPE_API_KEY=sk_live_forgotten", "AWS_PROFILE=production",
		"VITRINE_SOURCE_BUKET=x"})
	lookup := func(name string) (string, bool) {
		for _, entry := range slices.Backward(environ) {
			if value, found := strings.CutPrefix(entry, name+"="); found {
				return value, true
			}
		}
		return "", false
	}
	_, err := config.LoadWorker(lookup)
	require.NoError(t, err)
	_, err = config.LoadStarter(lookup)
	require.NoError(t, err)
	require.Empty(t, config.Unknown(environ))
	require.Contains(t, environ, "PATH=/bin")
	require.NotContains(t, strings.Join(environ, "\n"), "sk_live")
	require.NotContains(t, strings.Join(environ, "\n"), "production")
}

func TestTheEmulatorTakesTheKey(t *testing.T) {
	running := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.Stripe()+"/v1/files/file_none", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+stack.StripeKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	stats, err := simcontrol.Client{BaseURL: running.Stripe()}.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats.Requests)
}

func TestMailIsCaught(t *testing.T) {
	running := start(t)
	variables := running.Variables()
	at := slices.IndexFunc(variables, func(v stack.Variable) bool { return v.Name == "VITRINE_SMTP_URL" })
	server, err := url.Parse(variables[at].Value)
	require.NoError(t, err)
	require.NoError(t,
		smtp.SendMail(server.Host, nil, "shop@example.com", []string{"jenny@example.com"},
			[]byte("Subject: x\r\n\r\n")))
	mails, err := mail.Control{BaseURL: running.Mail()}.Mails(t.Context(), mail.Match{})
	require.NoError(t, err)
	require.Len(t, mails, 1)
}

func start(t *testing.T) *stack.Stack {
	t.Helper()
	running, err := stack.Start(t.Context(), stack.Options{Ports: freePorts(t), TempDir: t.TempDir(), InMemory: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, running.Stop()) })
	return running
}

func freePorts(t *testing.T) stack.Ports {
	t.Helper()
	free, err := ports.Several(6)
	require.NoError(t, err)
	return stack.Ports{Temporal: free[0], WebUI: free[1], S3: free[2], Stripe: free[3], Mail: free[4], SMTP: free[5]}
}

func address(running *stack.Stack) string { return running.Services()[0].Address }

func requireSearchAttributes(t *testing.T, address, namespace string) {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: address, Namespace: namespace})
	require.NoError(t, err)
	defer c.Close()
	listed, err := c.OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	require.NoError(t, err)
	require.Equal(t, map[string]enumspb.IndexedValueType{
		workflows.SearchAccount.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchFeed.GetName():       enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchOrderState.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchAgent.GetName():      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchOutcome.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.SearchRowsFailed.GetName(): enumspb.INDEXED_VALUE_TYPE_INT,
	}, listed.GetCustomAttributes())
}

func status(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	return response.StatusCode
}

func answers(address string) bool {
	if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
		address = parsed.Host
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
	_ = connection.Close()
	return true
}

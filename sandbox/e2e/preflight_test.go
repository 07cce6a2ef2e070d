package e2e

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/s3"
)

// A bucket that does not exist is no fleet without settings: nothing starts in front of it.
func TestABucketThatDoesNotExistIsRefused(t *testing.T) {
	r := enter(t)
	for _, variable := range []string{"VITRINE_STATE_BUCKET", "VITRINE_SOURCE_BUCKET"} {
		w := r.launchWorker(r.bin, variable+"=nobody-made-this")
		select {
		case <-w.Ended():
		case <-time.After(time.Minute):
			require.FailNow(t, "the worker goes on", w.output.String())
		}
		require.Equal(t, 2, w.ExitCode(), w.output.String())
		require.Contains(t, w.output.String(), variable)
		require.Contains(t, w.output.String(), "bucket nobody-made-this does not exist")
	}
	free, err := ports.Several(2)
	require.NoError(t, err)
	output := &safeBuffer{}
	code, err := child.Run(within(t), child.Command{
		Path: filepath.Join(r.bin, "starter"), Args: []string{"serve"}, Dir: t.TempDir(), Stdout: output,
		Stderr: output,
		Env: r.environ("VITRINE_STATE_BUCKET=nobody-made-this", "VITRINE_WEBHOOK_SECRETS="+webhookSecret,
			"VITRINE_LISTEN="+ports.Address(free[0]), "VITRINE_WEBHOOK_LISTEN="+ports.Address(free[1])),
	})
	require.NoError(t, err)
	require.Equal(t, 2, code, output.String())
	require.Contains(t, output.String(), "bucket nobody-made-this does not exist")

	r.settings["VITRINE_STATE_BUCKET"] = "nobody-made-this"
	got := r.starter("accounts", "list")
	require.Equal(t, 1, got.code, got.stdout)
	require.Contains(t, got.stderr, "bucket nobody-made-this does not exist")
}

// While the bucket is gone nobody knows whose order an event is: Stripe is to send it again.
func TestAWebhookWhileTheBucketIsGoneIsSentAgain(t *testing.T) {
	s := &shop{room: enter(t)}
	const bucket = "here-today-gone-tomorrow"
	client := s3.Client(house.ready.S3)
	_, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(bucket)})
	require.NoError(t, err)
	s.settings["VITRINE_STATE_BUCKET"] = bucket
	free, err := ports.Several(2)
	require.NoError(t, err)
	s.address, s.probes = ports.Address(free[0]), ports.Address(free[1])
	s.startServe(false)
	of := func(account, number string) string {
		there := &shop{room: &room{account: account}}
		return bought{
			there, simcontrol.Purchased{
				Order: simcontrol.Order{Session: "cs_test_e2e" + number, PaymentIntent: "pi_e2e" + number},
			},
		}.completed("evt_e2e" + number)
	}
	event := of(s.account, "1")
	status, text := s.hears(event, signed(event, webhookSecret, 0), nil)
	require.Equal(t, http.StatusOK, status, "the account has no settings: %s", text)

	s.await("the bucket being gone, with what the server writes into it", func() bool {
		left, err := client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		require.NoError(t, err)
		for _, object := range left.Contents {
			_, err = client.DeleteObject(t.Context(),
				&awss3.DeleteObjectInput{Bucket: aws.String(bucket), Key: object.Key})
			require.NoError(t, err)
		}
		_, err = client.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: aws.String(bucket)})
		return err == nil
	})
	other := of(s.account+"b", "2")
	status, text = s.hears(other, signed(other, webhookSecret, 0), nil)
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	s.await("the server saying that its bucket is gone", func() bool {
		return ports.Answers(t.Context(), "http://"+s.probes+"/readyz") != nil
	})
}

// Whoever looked at one version decides about that one alone.
func TestApprovingAnotherVersionIsRefused(t *testing.T) {
	r := enter(t)
	r.startWorker()
	r.exportText(header) // no row in it
	run := r.holds()
	held := r.state().Held.Version
	require.Contains(t, r.details(run), "--version "+held)

	got := r.starter("approve", r.account, "--why", "looked", "--by", "ada", "--version", "another")
	require.Equal(t, 1, got.code, got.stdout)
	require.Contains(t, got.stderr, "version "+held+" of the source is held, not another")
	got = r.starter("status", "--held")
	require.Contains(t, got.stdout, held, "an account without settings is shown too")
	got = r.starter("report", r.account)
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stdout, "empty_source")
	got = r.starter("reject", r.account, "--why", "looked", "--by", "ada", "--version", held)
	require.Zero(t, got.code, got.stderr)
}

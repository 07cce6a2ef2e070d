package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

// fakeDeployments are the deployments of a Temporal, by name.
type fakeDeployments struct {
	client.WorkerDeploymentClient
	all    map[string]*fakeDeployment
	refuse error
}

// fakeDeployment is one whose versions drain look by look.
type fakeDeployment struct {
	client.WorkerDeploymentHandle
	of     *fakeDeployments
	info   client.WorkerDeploymentInfo
	writes []any
	looks  []client.WorkerDeploymentVersionDrainageStatus // of the first version, from one look to the next
}

func (f *fakeTemporal) WorkerDeploymentClient() client.WorkerDeploymentClient { return f.deployments }

func (f *fakeDeployments) List(
	context.Context, client.WorkerDeploymentListOptions,
) (client.WorkerDeploymentListIterator, error) {
	list := &fakeDeploymentList{}
	for name := range f.all {
		list.names = append(list.names, name)
	}
	return list, nil
}

type fakeDeploymentList struct{ names []string }

func (l *fakeDeploymentList) HasNext() bool { return len(l.names) > 0 }

func (l *fakeDeploymentList) Next() (*client.WorkerDeploymentListEntry, error) {
	next := &client.WorkerDeploymentListEntry{Name: l.names[0]}
	l.names = l.names[1:]
	return next, nil
}

func (f *fakeDeployments) GetHandle(name string) client.WorkerDeploymentHandle {
	if d, found := f.all[name]; found {
		return d
	}
	return &fakeDeployment{of: f}
}

func (d *fakeDeployment) Describe(
	context.Context, client.WorkerDeploymentDescribeOptions,
) (client.WorkerDeploymentDescribeResponse, error) {
	if d.info.Name == "" {
		return client.WorkerDeploymentDescribeResponse{}, serviceerror.NewNotFound("no deployment")
	}
	if len(d.looks) > 0 {
		d.info.VersionSummaries[0].DrainageStatus, d.looks = d.looks[0], d.looks[1:]
	}
	return client.WorkerDeploymentDescribeResponse{ConflictToken: []byte("seen"), Info: d.info}, nil
}

func (d *fakeDeployment) SetCurrentVersion(
	_ context.Context, o client.WorkerDeploymentSetCurrentVersionOptions,
) (client.WorkerDeploymentSetCurrentVersionResponse, error) {
	d.writes = append(d.writes, o)
	if d.of.refuse == nil {
		d.info.RoutingConfig.CurrentVersion = &worker.WorkerDeploymentVersion{BuildID: o.BuildID}
	}
	return client.WorkerDeploymentSetCurrentVersionResponse{}, d.of.refuse
}

func (d *fakeDeployment) SetRampingVersion(
	_ context.Context, o client.WorkerDeploymentSetRampingVersionOptions,
) (client.WorkerDeploymentSetRampingVersionResponse, error) {
	d.writes = append(d.writes, o)
	routing := &d.info.RoutingConfig
	routing.RampingVersion, routing.RampingVersionPercentage = nil, o.Percentage
	if o.BuildID != "" {
		routing.RampingVersion = &worker.WorkerDeploymentVersion{BuildID: o.BuildID}
	}
	return client.WorkerDeploymentSetRampingVersionResponse{}, d.of.refuse
}

// deployed is a stage with one deployment: v1 is drained, v2 current, v3 new.
func deployed(t *testing.T) (*stage, *fakeDeployment) {
	t.Helper()
	s := newStage(t)
	d := &fakeDeployment{of: s.temporal.deployments, info: client.WorkerDeploymentInfo{
		Name: "vitrine", RoutingConfig: client.WorkerDeploymentRoutingConfig{
			CurrentVersion: &worker.WorkerDeploymentVersion{BuildID: "v2"},
		},
	}}
	for i, build := range []string{"v1", "v2", "v3"} {
		d.info.VersionSummaries = append(d.info.VersionSummaries, client.WorkerDeploymentVersionSummary{
			Version:    worker.WorkerDeploymentVersion{DeploymentName: "vitrine", BuildID: build},
			CreateTime: noon.Add(time.Duration(i) * time.Hour),
		})
	}
	d.info.VersionSummaries[0].DrainageStatus = client.WorkerDeploymentVersionDrainageStatusDrained
	s.temporal.deployments.all = map[string]*fakeDeployment{"vitrine": d}
	return s, d
}

func TestDeploymentListSaysWhatEachVersionGets(t *testing.T) {
	s, d := deployed(t)
	d.info.RoutingConfig.RampingVersion = &worker.WorkerDeploymentVersion{BuildID: "v3"}
	d.info.RoutingConfig.RampingVersionPercentage = 2.5
	s.temporal.underWay = []int64{4}
	require.Equal(t, exitOK, s.run("deployment", "list"), s.stderr.String())
	require.Equal(t, `DEPLOYMENT  VERSION  STANDS          PINNED
vitrine     v3       ramping, 2.5 %       4
vitrine     v2       current              4
vitrine     v1       drained              4
`, s.stdout.String())
	require.Contains(t, s.temporal.queries[2], `TemporalWorkerDeploymentVersion = "vitrine:v1"`)
	require.Equal(t, exitOK, s.run("deployment", "list", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"stands": "ramping"`)
}

func TestDeploymentListOfNone(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("deployment", "list"))
	require.Contains(t, s.stdout.String(), "There is no deployment")
	require.Equal(t, exitOK, s.run("deployment", "list", "-o", "json"))
	require.JSONEq(t, "[]", s.stdout.String())
}

// What cannot be meant changes nothing.
func TestDeploymentRefusesWhatCannotBeMeant(t *testing.T) {
	for line, says := range map[string]string{
		"current":                         "expected one version",
		"current v1 v2":                   "expected one version",
		"current v9":                      "vitrine has no version v9: its workers are v1, v2, v3",
		"current v3 --deployment other":   "there is no deployment other",
		"ramp v3":                         "say how much of what starts with --percent",
		"ramp v3 --percent 101":           "from 0 to 100",
		"ramp v3 --percent -1":            "from 0 to 100",
		"ramp v3 --percent NaN":           "from 0 to 100",
		"ramp v2 --percent 10":            "v2 is the current version",
		"ramp v3 --percent 0":             "there is no ramp to end",
		"drain v2":                        "v2 is current: make another version current first",
		"drain v9":                        "has no version v9",
		"drain v1 --deployment elsewhere": "there is no deployment elsewhere",
	} {
		s, d := deployed(t)
		require.Equal(t, exitUsage, s.run(append([]string{"deployment"}, strings.Fields(line)...)...), line)
		require.Contains(t, s.stderr.String(), says, line)
		require.Empty(t, d.writes, line)
	}
}

func TestDeploymentIsNamedWhereThereAreSeveral(t *testing.T) {
	s, d := deployed(t)
	s.temporal.deployments.all["another"] = &fakeDeployment{of: s.temporal.deployments,
		info: client.WorkerDeploymentInfo{Name: "another"}}
	require.Equal(t, exitUsage, s.run("deployment", "current", "v3"))
	require.Contains(t, s.stderr.String(), "There are another, vitrine: add --deployment")
	require.Empty(t, d.writes)
	require.Equal(t, exitOK, s.run("deployment", "current", "v3", "--deployment", "vitrine"), s.stderr.String())
}

// A version is tried with a share, given all, and taken back.
func TestDeploymentIsRampedMadeCurrentAndTakenBack(t *testing.T) {
	s, d := deployed(t)
	require.Equal(t, exitOK, s.run("deployment", "ramp", "v3", "--percent", "10"), s.stderr.String())
	require.Equal(t, "vitrine  v3: ramping, 10 %\n", s.stdout.String())
	require.Equal(t, exitOK, s.run("deployment", "ramp", "v3", "--percent", "0"), s.stderr.String())
	require.Equal(t, "vitrine  v3: idle\n", s.stdout.String())
	require.Equal(t, exitOK, s.run("deployment", "current", "v3", "-o", "json"), s.stderr.String())
	require.JSONEq(t, `{"deployment": "vitrine", "version": "v3", "stands": "current", "pinned": 0}`, s.stdout.String())
	require.Equal(t, exitOK, s.run("deployment", "current", "v3"), "said again it changes nothing")
	require.Equal(t, exitOK, s.run("deployment", "current", "v2"))
	seen := []byte("seen")
	require.Equal(t, []any{
		client.WorkerDeploymentSetRampingVersionOptions{BuildID: "v3", Percentage: 10, ConflictToken: seen},
		client.WorkerDeploymentSetRampingVersionOptions{ConflictToken: seen},
		client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "v3", ConflictToken: seen},
		client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "v2", ConflictToken: seen},
	}, d.writes)
}

func TestDeploymentAsksBeforeItActs(t *testing.T) {
	s, d := deployed(t)
	s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
	s.stdin = "n\n"
	for _, line := range [][]string{{"ramp", "v3", "--percent", "10"}, {"current", "v3"}} {
		require.Equal(t, exitUsage, s.run(append([]string{"deployment"}, line...)...))
		require.Contains(t, s.stderr.String(), "nothing was changed")
		require.Contains(t, s.stderr.String(), "v2", "what is current is said")
	}
	require.Empty(t, d.writes)
	require.Equal(t, exitOK, s.run("deployment", "current", "v3", "-y"))
	s.stdin = "y\n"
	require.Equal(t, exitOK, s.run("deployment", "current", "v2"))
	require.Len(t, d.writes, 2)
}

// Somebody else changed it meanwhile, or workers are missing: the server refuses, and that is said.
func TestDeploymentSaysWhatTheServerRefuses(t *testing.T) {
	s, _ := deployed(t)
	s.temporal.deployments.refuse = serviceerror.NewFailedPrecondition("conflict token mismatch")
	require.Equal(t, exitFailed, s.run("deployment", "current", "v3"))
	require.Contains(t, s.stderr.String(), "nothing was changed: conflict token mismatch")
}

func TestDeploymentDrainWaitsUntilNothingNeedsTheVersion(t *testing.T) {
	const draining, drained = client.WorkerDeploymentVersionDrainageStatusDraining,
		client.WorkerDeploymentVersionDrainageStatusDrained
	synctest.Test(t, func(t *testing.T) {
		s, d := deployed(t)
		d.looks = []client.WorkerDeploymentVersionDrainageStatus{draining, draining, draining, draining, drained}
		s.temporal.underWay = []int64{2, 1, 0, 0}
		require.Equal(t, exitOK, s.run("deployment", "drain", "v1"), s.stderr.String())
		require.Equal(t, "v1 is drained: its workers may be stopped.\n", s.stdout.String())
		require.Equal(t, `waiting: v1 is draining, with 2 runs under way
waiting: v1 is draining, with 1 run under way
waiting: v1 is draining, with 0 runs under way
`, s.stderr.String())
		require.Empty(t, d.writes)

		d.info.VersionSummaries[0].DrainageStatus = draining
		s.temporal.underWay = []int64{2}
		require.Equal(t, exitFailed, s.run("deployment", "drain", "v1", "--no-wait"))
		require.Contains(t, s.stderr.String(), "v1 is draining, with 2 runs under way: its workers are needed")
		require.Equal(t, exitFailed, s.run("deployment", "drain", "v1", "--timeout", "1m"))
		require.Contains(t, s.stderr.String(), "gave up after 1m0s (--timeout)")

		d.info.VersionSummaries[0].DrainageStatus = drained // and then somebody pinned a run to it
		require.Equal(t, exitFailed, s.run("deployment", "drain", "v1", "--no-wait"))
		s.temporal.underWay = []int64{0}
		require.Equal(t, exitOK, s.run("deployment", "drain", "v3", "-o", "json"))
		require.Contains(t, s.stdout.String(), `"stands": "idle"`)
	})
}

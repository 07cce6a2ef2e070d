package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
)

// startPostgres runs a PostgreSQL with nothing in it until the benchmark ends, as Debian's package sets one up. It runs
// as nobody's superuser, so for root it is run by the package's own user.
func startPostgres(b *testing.B) (address string, p *child.Process) {
	b.Helper()
	bin := postgresBin(b)
	dir, err := os.MkdirTemp("", "vitrine-postgres-")
	require.NoError(b, err)
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	var as []string
	if os.Getuid() == 0 {
		as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}
		output, err := exec.Command("chown", "postgres:postgres", dir).CombinedOutput()
		require.NoError(b, err, "%s", output)
	}
	data := filepath.Join(dir, "data")
	run := func(name string, args ...string) *exec.Cmd {
		all := append(append(as[:len(as):len(as)], filepath.Join(bin, name)), args...)
		c := exec.Command(all[0], all[1:]...)
		c.Dir = dir
		return c
	}
	output, err := run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8").CombinedOutput()
	require.NoError(b, err, "%s", output)
	port, err := ports.Pick(0)
	require.NoError(b, err)
	server := run("postgres", "-D", data, "-h", ports.Host, "-p", strconv.Itoa(port), "-k", dir)
	path, err := exec.LookPath(server.Args[0])
	require.NoError(b, err)
	var log bytes.Buffer // read only once the process has ended
	p, err = child.Start(child.Command{Path: path, Args: server.Args[1:], Dir: dir, Env: os.Environ(), Stdout: &log,
		Stderr: &log})
	require.NoError(b, err)
	b.Cleanup(func() {
		if err := p.Stop(time.Minute); err != nil {
			b.Error(err)
		}
		if b.Failed() {
			b.Log(log.String())
		}
	})
	require.Eventually(b, func() bool {
		return run("pg_isready", "-q", "-h", ports.Host, "-p", strconv.Itoa(port)).Run() == nil
	}, time.Minute, 50*time.Millisecond)
	return ports.Address(port), p
}

// postgresBin is the folder of a PostgreSQL's own programs, of which Debian's package puts none in the path.
func postgresBin(b *testing.B) string {
	b.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(b, err)
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		b.Skip("there is no PostgreSQL here: apt-get install postgresql")
	}
	return filepath.Dir(found[0])
}

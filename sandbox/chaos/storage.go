package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// s3Port is where the gateway listens in its container.
const s3Port = "7070"

// slowDown is how S3 answers when it is too busy.
const slowDown = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><RequestId>CHAOS</RequestId></Error>`

// ofStorage are the ways in which S3 goes wrong for all that use it: nothing of it is there for minutes, it takes
// seconds for each answer, or it is too busy for any.
func ofStorage(d *Deployment) []breakage {
	return []breakage{
		{name: "S3 away for minutes", lasts: 150 * time.Second, begin: func(ctx context.Context) (mending, error) {
			container, err := d.oneOf(ctx, "s3", nil)
			if err != nil {
				return nil, err
			}
			return pause(ctx, container)
		}},
		{name: "S3 slow", lasts: 45 * time.Second, begin: behind(d, slow)},
		{name: "S3 answers 503", lasts: 45 * time.Second, begin: behind(d, busy)},
	}
}

// slow is a door behind which S3 takes seconds for each answer.
func slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait(r.Context(), 3*time.Second)
		next.ServeHTTP(w, r)
	})
}

// busy is one that nothing goes through.
func busy(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			// Who left does not hear it.
			_, _ = w.Write([]byte(slowDown))
		}
	})
}

// behind puts a door before S3: workers and servers, whose connections break, find it where the gateway was.
func behind(d *Deployment, door func(next http.Handler) http.Handler) beginning {
	return func(ctx context.Context) (mending, error) {
		gateway, err := d.gateway(ctx)
		if err != nil {
			return nil, err
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: door(forward(d.S3URL())), ReadHeaderTimeout: time.Minute}
		served := make(chan error, 1)
		go func() {
			defer close(served) // who mends it again is not to wait
			served <- server.Serve(listener)
		}()
		closeDoor := func(context.Context) error {
			err := server.Close()
			if ended, first := <-served; first && !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return err
		}
		redirections, err := redirected(ctx, d, listener.Addr().String())
		if err != nil {
			return nil, errors.Join(err, inOrder(redirections, closeDoor)(context.WithoutCancel(ctx)))
		}
		return inOrder(redirections, closeDoor), nil
	}
}

// forward sends a request on as it was signed: with the host that it was for.
func forward(to string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target, err := url.Parse(to)
			if err != nil {
				panic(fmt.Sprintf("%s: %v", to, err)) // it is made of a port
			}
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// redirected leads what workers and servers send to S3 to another address, new connections; those that are open break.
func redirected(ctx context.Context, d *Deployment, to string) (mends []mending, err error) {
	addresses, err := d.addresses(ctx, "s3")
	if err != nil {
		return nil, err
	}
	var rules [][]string
	for _, address := range addresses {
		s3 := []string{"OUTPUT", "--protocol", "tcp", "--destination", address, "--dport", s3Port}
		rules = append(rules,
			append(append([]string{"--table", "nat"}, s3...), "--jump", "DNAT", "--to-destination", to),
			append(s3, "--jump", "REJECT", "--reject-with", "tcp-reset"))
	}
	for _, service := range []string{"worker", "serve"} {
		containers, err := d.Containers(ctx, service)
		if err != nil {
			return mends, err
		}
		for _, container := range containers {
			process, err := pidOf(ctx, container)
			if err != nil {
				return mends, err
			}
			mend, err := filtered(ctx, process, rules)
			if err != nil {
				return mends, err
			}
			mends = append(mends, mend)
		}
	}
	return mends, nil
}

// inOrder mends one after the other, each of them once.
func inOrder(mends []mending, last mending) mending {
	left := append(append([]mending{}, mends...), last)
	return func(ctx context.Context) error {
		for len(left) > 0 {
			if err := left[0](ctx); err != nil {
				return err
			}
			left = left[1:]
		}
		return nil
	}
}

// gateway is this machine's address in the network of the containers.
func (d *Deployment) gateway(ctx context.Context) (string, error) {
	address, err := docker(ctx, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", d.network())
	return strings.TrimSpace(address), err
}

package webui

import (
	"context"
	"fmt"
	"net/url"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"

	"vitrine/sandbox/ports"
)

// Server is a running Web UI.
type Server struct {
	url    string
	server *uiserver.Server
	ended  chan struct{}
}

// Start serves the Web UI of the Temporal server at temporalAddress and returns once it answers.
func Start(ctx context.Context, port int, temporalAddress, namespace string) (*Server, error) {
	cfg := &config.Config{
		TemporalGRPCAddress: temporalAddress,
		Host:                ports.Host,
		Port:                port,
		EnableUI:            true,
		DefaultNamespace:    namespace,
		DisableNewsFetch:    true, // the sandbox works without the internet
		HideLogs:            true,
		CORS:                config.CORS{CookieInsecure: true}, // plain http on the loopback interface
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("start the Web UI: %w", err)
	}
	s := &Server{
		url:    "http://" + ports.Address(port),
		server: uiserver.NewServer(server_options.WithConfigProvider(cfg)),
		ended:  make(chan struct{}),
	}
	go s.serve()
	if err := s.awaitHealth(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start the Web UI at %s: %w", s.url, err)
	}
	return s, nil
}

func (s *Server) serve() {
	defer close(s.ended)
	_ = s.server.Start() // it returns nil or ends the process: see the library
}

// URL is where a browser finds the Web UI.
func (s *Server) URL() string { return s.url }

// RunURL is the page of one workflow run.
func (s *Server) RunURL(namespace, workflowID, runID string) string {
	return RunURL(s.url, namespace, workflowID, runID)
}

// RunURL is the page of one workflow run in the Web UI at base, where it is told as a timeline.
func RunURL(base, namespace, workflowID, runID string) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s/timeline",
		base, url.PathEscape(namespace), url.PathEscape(workflowID), url.PathEscape(runID))
}

// Stop stops serving.
func (s *Server) Stop() {
	s.server.Stop()
	<-s.ended
}

func (s *Server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := ports.Answers(ctx, s.url+"/healthz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

package mail

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/emersion/go-smtp"

	"vitrine/sandbox/ports"
)

// Options say where a catcher listens; a port of zero is any that is free.
type Options struct {
	SMTPPort int
	PagePort int
}

// Server is a running mail catcher.
type Server struct {
	url      string
	incoming net.Listener // of SMTP
	smtp     *smtp.Server
	http     *http.Server
}

// Start starts a mail catcher, which takes mails and answers as soon as it returns.
func Start(o Options) (*Server, error) {
	incoming, err := net.Listen("tcp", ports.Address(o.SMTPPort))
	if err != nil {
		return nil, fmt.Errorf("start the mail catcher: %w", err)
	}
	page, err := net.Listen("tcp", ports.Address(o.PagePort))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the mail catcher: %w", err), incoming.Close())
	}
	b := &box{}
	s := &Server{
		url: "http://" + page.Addr().String(), incoming: incoming,
		smtp: newSMTP(b), http: &http.Server{Handler: b.routes(), ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = s.smtp.Serve(incoming) }() // both end with Stop, and say nothing but that
	go func() { _ = s.http.Serve(page) }()
	return s, nil
}

// SMTP is the address that mails are sent to, as VITRINE_SMTP_URL wants it.
func (s *Server) SMTP() string { return "smtp://" + s.incoming.Addr().String() + "?tls=none" }

// URL is the address of the page, and of what [Control] drives.
func (s *Server) URL() string { return s.url }

// Stop hangs up on everybody and forgets all mails.
func (s *Server) Stop() error {
	err := errors.Join(s.smtp.Close(), s.http.Close())
	_ = s.incoming.Close() // it is closed, unless Serve had not come to it yet
	return err
}

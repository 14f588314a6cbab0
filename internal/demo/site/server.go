package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Server is one of the demo's HTTP servers.
type Server struct {
	name     string
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	served   sync.WaitGroup
	closing  sync.Once
}

// Listen takes an address, host:port, as ListenNear does; requests wait until Start.
func Listen(name, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	l, err := ListenNear(addr)
	if err != nil {
		return nil, err
	}
	return serverOn(name, l, h, log), nil
}

func serverOn(name string, l net.Listener, h http.Handler, log *slog.Logger) *Server {
	return &Server{name: name, log: log, listener: l, server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
}

// Start answers requests from now on.
func (s *Server) Start() {
	s.served.Go(func() {
		if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.log.Error("a server of the demo has ended", "server", s.name, "error", err)
		}
	})
}

// Addr is the address, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the address without a slash at its end.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Close lets requests under way finish until ctx ends; once is enough.
func (s *Server) Close(ctx context.Context) (err error) {
	s.closing.Do(func() {
		if err = s.server.Shutdown(ctx); err != nil {
			err = errors.Join(err, s.server.Close())
		}
		_ = s.listener.Close() // the server doesn't know of it before Serve has run
		s.served.Wait()
	})
	return err
}

// tries is how many ports after the wanted one are looked at.
const tries = 20

// ListenNear takes the address or, when its port is taken, one of the next, or else any free one.
func ListenNear(addr string) (net.Listener, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("an address of the demo's: %w", err)
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, fmt.Errorf("the demo's address %q: %w", addr, err)
	}
	for n := range tries {
		if l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port+n))); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("no free port for the demo: %w", err)
	}
	return l, nil
}

// addrFile remembers in a receiver's folder where it listened, since those who send to it keep that.
const addrFile = "address"

// ListenAgain listens where the server whose folder this is listened before: a taken port is an error
// then. The first time it takes addr, as ListenNear does.
func ListenAgain(name, dir, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	file := filepath.Join(dir, addrFile)
	kept, err := os.ReadFile(file)
	if err != nil {
		return listenFirst(name, file, addr, h, log)
	}
	l, err := net.Listen("tcp", string(kept))
	if err != nil {
		return nil, fmt.Errorf("%w: the demo's notices go there; stop what listens there, or remove the demo's data to start afresh", err)
	}
	return serverOn(name, l, h, log), nil
}

func listenFirst(name, file, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	s, err := Listen(name, addr, h, log)
	if err != nil {
		return nil, err
	}
	if err := WriteWhole(file, []byte(s.Addr())); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	return s, nil
}

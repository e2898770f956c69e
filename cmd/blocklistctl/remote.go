package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/status"
)

type accessFlags struct {
	CAFile       string `name:"ca-file" placeholder:"FILE" help:"Trust only the certificate authorities in FILE (PEM) for https."`
	User         string `placeholder:"NAME" help:"The user for a server with passwords."`
	PasswordFile string `placeholder:"FILE" help:"Read the password of --user from the first line of FILE, or of standard input if FILE is -."`
}

type remoteFlags struct {
	Server      string `placeholder:"URL" help:"Ask the server with the property status at this URL, instead of reading order files."`
	accessFlags `embed:""`
}

const (
	// requestTimeout limits a request. A server with a million orders needs some seconds.
	requestTimeout = 2 * time.Minute
	// maxBody limits the bytes of an answer.
	maxBody = 1 << 30
)

// A remote is a server with the property status.
type remote struct {
	url            *url.URL
	client         *http.Client
	user, password string
}

// remotes returns the servers with the given URLs.
func (f *accessFlags) remotes(e *env, urls ...string) ([]*remote, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{}}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, misuse("--ca-file: %v", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, misuse("--ca-file: %s has no certificate", f.CAFile)
		}
		transport.TLSClientConfig.RootCAs = roots
	}
	client := &http.Client{Transport: transport, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	password := ""
	switch {
	case f.User == "" && f.PasswordFile != "":
		return nil, misuse("--password-file needs --user NAME")
	case f.User != "" && f.PasswordFile == "":
		return nil, misuse("--user needs --password-file FILE")
	case f.User != "":
		var err error
		if password, err = (&passwordFlags{PasswordFile: f.PasswordFile}).password(e, f.User, false); err != nil {
			return nil, err
		}
	}
	var out []*remote
	for _, s := range urls {
		u, err := url.Parse(s)
		switch {
		case err != nil:
			return nil, misuse("the URL of a server: %v", err)
		case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
			return nil, misuse("the URL of a server must be like http://127.0.0.1:9253 or https://HOST:PORT, got %q", s)
		case u.User != nil:
			return nil, misuse("the URL of a server must not have a password; use --user and --password-file")
		case f.User != "" && u.Scheme == "http" && !isLoopback(u.Hostname()):
			return nil, misuse("%s: the password would cross the network in clear text; use https", s)
		}
		out = append(out, &remote{u, client, f.User, password})
	}
	return out, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// The caller must close the body.
func (r *remote) get(path string, query url.Values) (io.ReadCloser, error) {
	u := r.url.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if r.user != "" {
		req.SetBasicAuth(r.user, r.password)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(err)
	}
	body := struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	defer body.Close()
	var f status.Failure
	switch err := json.NewDecoder(body).Decode(&f); {
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s: the server needs a user and a password; use --user and --password-file", r)
	case err != nil || f.Product != status.Product:
		return nil, fmt.Errorf("%s: is not the status of a server with blocklist: the answer is %q", r, resp.Status)
	}
	return nil, fmt.Errorf("%s: %s", r, f.Error)
}

func (r *remote) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %w; use --ca-file FILE", r, err)
	}
	return fmt.Errorf("%s: the server cannot be reached: %w", r, err)
}

func (r *remote) document(path string, query url.Values, v any) error {
	body, err := r.get(path, query)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("%s: the answer cannot be read: %w", r, err)
	}
	var head struct {
		Product string `json:"product"`
		API     int    `json:"api"`
	}
	switch err := json.Unmarshal(text, &head); {
	case err != nil || head.Product != status.Product:
		return fmt.Errorf("%s: is not the status of a server with blocklist", r)
	case head.API != status.API:
		return fmt.Errorf("%s: the status has version %d, and this blocklistctl reads version %d; use the blocklistctl of the server's release", r, head.API, status.API)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: the answer is not as documented: %w", r, err)
	}
	return nil
}

// The function removes characters that could control a terminal.
func (r *remote) text(path string, query url.Values) (string, error) {
	body, err := r.get(path, query)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return "", fmt.Errorf("%s: the answer cannot be read: %w", r, err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		line, ended := strings.CutSuffix(line, "\n")
		// The form of dig has tabs.
		parts := strings.Split(line, "\t")
		for i := range parts {
			parts[i] = printable.Line(parts[i])
		}
		out.WriteString(strings.Join(parts, "\t"))
		if ended {
			out.WriteByte('\n')
		}
	}
	return out.String(), nil
}

// String returns the URL of the server.
func (r *remote) String() string { return printable.Line(r.url.String()) }

func (f *remoteFlags) only(set map[string]bool) error {
	for _, flag := range sortedKeys(set) {
		if set[flag] {
			return misuse("%s cannot be used with --server", flag)
		}
	}
	return nil
}

func isPath(arg string) bool {
	return !strings.Contains(arg, "://") || filepath.IsAbs(arg)
}

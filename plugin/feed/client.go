package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const (
	maxTickets = 64 << 20
	maxList    = 64 << 20
	maxAnswer  = 1 << 20
)

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// A Fault is a failed request to the platform. The text contains no password and no token.
type Fault struct {
	Path   string
	Why    string
	Status int    // the HTTP status, or 0 without an answer
	Code   string // the platform's code of the error, or empty
	// After is the wait that the platform asks for. 0 means that it asks for none.
	After time.Duration
}

func (f *Fault) Error() string { return f.Path + ": " + f.Why }

// A client sends requests to a platform.
type client struct {
	p              *Platform
	base           *url.URL
	http           *http.Client
	user, password string
	now            func() time.Time

	// The tokens are in memory only.
	access, refresh string
}

type answer struct {
	body []byte
	date time.Time // zero if the answer has no date
}

// Remove the password and the tokens. The result is still untrusted, so messages must print it with
// %q.
func (c *client) text(s string) string {
	for _, secret := range []string{c.password, c.access, c.refresh} {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	return printable.Clip(s, 200)
}

func (c *client) get(ctx context.Context, path, want string, limit int64) (*answer, error) {
	return c.authorized(ctx, http.MethodGet, path, nil, want, limit)
}

func (c *client) post(ctx context.Context, path string, body map[string]string) (*answer, error) {
	return c.authorized(ctx, http.MethodPost, path, body, "application/json", maxAnswer)
}

func (c *client) authorized(ctx context.Context, method, path string, body map[string]string, want string, limit int64) (*answer, error) {
	fresh := c.access == ""
	if fresh {
		if err := c.login(ctx); err != nil {
			return nil, err
		}
	}
	a, err := c.send(ctx, method, path, body, c.access, want, limit)
	if !refusesToken(err) || fresh {
		return a, err
	}
	if err := c.renew(ctx); err != nil {
		return nil, err
	}
	return c.send(ctx, method, path, body, c.access, want, limit)
}

func refusesToken(err error) bool {
	var f *Fault
	return errors.As(err, &f) && f.Status == http.StatusUnauthorized
}

// login gets new tokens with the password.
func (c *client) login(ctx context.Context) error {
	l := c.p.Login
	c.access, c.refresh = "", ""
	a, err := c.send(ctx, http.MethodPost, l.Path, map[string]string{l.User: c.user, l.Password: c.password}, "", "application/json", maxAnswer)
	if err != nil {
		return err
	}
	doc, err := decode(a.body)
	if err != nil {
		return &Fault{Path: l.Path, Why: err.Error()}
	}
	access, _ := field(doc, l.Access).(string)
	if access == "" || !sound(access) {
		return &Fault{Path: l.Path, Why: "the answer has no token"}
	}
	c.access = access
	if l.Refresh != "" {
		c.refresh, _ = field(doc, l.Refresh).(string)
	}
	return nil
}

func (c *client) renew(ctx context.Context) error {
	r := c.p.Refresh
	if r.Path == "" || c.refresh == "" {
		return c.login(ctx)
	}
	a, err := c.send(ctx, http.MethodPost, r.Path, map[string]string{r.Token: c.refresh}, "", "application/json", maxAnswer)
	var f *Fault
	if errors.As(err, &f) && (f.Status == http.StatusUnauthorized || f.Status == http.StatusBadRequest || f.Status == http.StatusForbidden) {
		return c.login(ctx) // the refresh token has expired too
	}
	if err != nil {
		return err
	}
	doc, err := decode(a.body)
	if err != nil {
		return &Fault{Path: r.Path, Why: err.Error()}
	}
	access, _ := field(doc, r.Access).(string)
	if access == "" || !sound(access) {
		return c.login(ctx)
	}
	c.access = access
	return nil
}

func sound(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// send sends one request and reads the answer.
func (c *client) send(ctx context.Context, method, path string, body map[string]string, token, want string, limit int64) (*answer, error) {
	fault := func(format string, args ...any) *Fault {
		return &Fault{Path: path, Why: fmt.Sprintf(format, args...)}
	}
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fault("%v", err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), in)
	if err != nil {
		return nil, fault("%v", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Accept", want)
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("User-Agent", "blocklistctl")
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			return nil, fault("the platform did not answer in time")
		}
		return nil, fault("the platform cannot be reached: %s", printable.Line(c.text(err.Error())))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // an error is an unknown type
	if resp.StatusCode != http.StatusOK {
		return nil, c.refusal(path, resp, kind, data)
	}
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return nil, fault("the platform did not finish its answer in time, after %d bytes", len(data))
	case err != nil:
		return nil, fault("the answer was cut off after %d bytes: %s", len(data), printable.Line(c.text(err.Error())))
	case int64(len(data)) > limit:
		return nil, fault("the answer is larger than %d MiB", limit>>20)
	case kind != want:
		return nil, fault("the answer has the content type %q, not %q", c.text(kind), want)
	}
	out := &answer{body: data}
	out.date, _ = http.ParseTime(resp.Header.Get("Date")) // zero if the header is missing
	if want == "application/json" {
		doc, err := decode(data)
		if err != nil {
			return nil, fault("%v", err)
		}
		if s, _ := field(doc, c.p.Answer.Status).(string); s != c.p.Answer.Success {
			return nil, c.failure(path, resp.StatusCode, doc, data)
		}
	}
	return out, nil
}

func (c *client) refusal(path string, resp *http.Response, kind string, data []byte) *Fault {
	f := &Fault{Path: path, Status: resp.StatusCode, Why: "the answer is " + printable.Line(c.text(resp.Status))}
	if kind == "application/json" {
		if doc, err := decode(data); err == nil {
			f = c.failure(path, resp.StatusCode, doc, data)
		}
	}
	f.After = retryAfter(resp.Header.Get("Retry-After"), c.now())
	return f
}

func (c *client) failure(path string, status int, doc any, data []byte) *Fault {
	if c.p.Answer.Code == "" && c.p.Answer.Message == "" {
		return &Fault{Path: path, Status: status, Why: fmt.Sprintf("the platform reports an error: HTTP status %d, answer %q", status, c.text(string(data)))}
	}
	text := func(path string) (s string) {
		if path != "" { // an empty path is the whole answer
			s, _ = field(doc, path).(string)
		}
		return s
	}
	code, message := text(c.p.Answer.Code), text(c.p.Answer.Message)
	return &Fault{Path: path, Status: status, Code: code,
		Why: fmt.Sprintf("the platform reports an error: HTTP status %d, code %q, message %q", status, c.text(code), c.text(message))}
}

func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// Do not quote the document in the error, because the document may contain a token.
func decode(data []byte) (any, error) {
	var doc any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the JSON document was cut off after %d bytes", len(data))
		}
		return nil, errors.New("the answer is not a JSON document")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer has text after its JSON document")
	}
	return doc, nil
}

func field(doc any, path string) any {
	for path != "" {
		var key string
		key, path, _ = strings.Cut(path, ".")
		m, _ := doc.(map[string]any)
		doc = m[key]
	}
	return doc
}

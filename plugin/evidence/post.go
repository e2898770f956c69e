package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/dns-orders/blocklist/plugin/printable"
)

const maxAnswer = 1 << 20

type reply struct {
	status int
	text   string // the status as text, for example "404 Not Found"
	kind   string // the content type without parameters
	body   []byte
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("a URL like https://HOST/PATH is needed, got %q", printable.Line(redacted(s)))
	}
	return nil
}

// redacted returns a URL without its password.
func redacted(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Redacted()
	}
	return "a text that is no URL" // the text may contain a password
}

// A redirected POST loses its body, so redirects are not followed.
func post(ctx context.Context, client *http.Client, address, kind, accept string, body []byte) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "blocklistctl")
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := own.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			if u.Timeout() {
				return nil, errors.New("no answer in time")
			}
			err = u.Err // the URL may contain a password
		}
		return nil, err
	}
	defer resp.Body.Close()
	r := &reply{status: resp.StatusCode, text: printable.Line(resp.Status)}
	if to := resp.Header.Get("Location"); r.status >= 300 && r.status < 400 && to != "" {
		return nil, fmt.Errorf("the answer is %q with the address %q: use that URL", r.text, printable.Line(redacted(to)))
	}
	r.kind, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if r.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	if len(r.body) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return r, nil
}

func (r *reply) says() string {
	body := r.body[:min(len(r.body), 200)]
	if len(body) == 0 || r.kind != "text/plain" {
		return ""
	}
	return fmt.Sprintf(": %q", printable.Line(string(bytes.TrimSpace(body))))
}

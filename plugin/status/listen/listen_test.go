package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
)

// loopback is the address of the tests.
const loopback = "127.0.0.1:0"

func listenOn(t *testing.T, address, webConfig string) *Use {
	t.Helper()
	u, err := Listen(address, webConfig, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// says returns a handler that answers with a text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func webConfig(t *testing.T) (path string, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "status"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("pass"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		"web.yaml": []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {user: " + string(hash) + "}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	cert, _ := x509.ParseCertificate(der)
	roots.AddCert(cert)
	return filepath.Join(dir, "web.yaml"), roots
}

func ask(c *http.Client, url, password string) string {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err.Error()
	}
	if password != "" {
		r.SetBasicAuth("user", password)
	}
	resp, err := c.Do(r)
	if err != nil {
		return "error: " + err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(body)))
}

func TestUses(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	first := listenOn(t, loopback, "")
	url := "http://" + first.Addr().String()
	want := func(step, text string) {
		t.Helper()
		if got := ask(c, url, ""); got != text {
			t.Errorf("%s: %q, want %q", step, got, text)
		}
	}
	want("before the start", "503 the server is starting")
	first.Serve(says("first"))
	want("the first configuration", "200 first")
	second := listenOn(t, loopback, "")
	want("the second configuration has not started", "200 first")
	second.Close()
	want("the second configuration has failed", "200 first")
	third := listenOn(t, loopback, "")
	third.Serve(says("third"))
	want("the third configuration", "200 third")
	fourth := listenOn(t, loopback, "")
	third.Close() // the first is the newest that has started
	want("the third configuration has failed", "200 first")
	fourth.Serve(says("fourth"))
	first.Close()
	want("the fourth configuration", "200 fourth")
	fourth.Close()
	if got := ask(c, url, ""); !strings.HasPrefix(got, "error: ") {
		t.Errorf("after the last configuration: %s", got)
	}
	if len(ports.open) != 0 {
		t.Errorf("%d ports are open", len(ports.open))
	}
}

func TestWebConfig(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	path, roots := webConfig(t)
	var logged strings.Builder // a wrong request of a client would log the address of the client
	log.SetOutput(&logged)
	defer log.SetOutput(os.Stderr)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	plain := listenOn(t, loopback, "")
	plain.Serve(says("plain"))
	addr := plain.Addr().String()
	secure := listenOn(t, loopback, path)
	if got := ask(c, "http://"+addr, ""); got != "200 plain" {
		t.Errorf("before the second configuration starts: %s", got)
	}
	secure.Serve(says("secure"))
	plain.Close()
	for _, tt := range []struct{ url, password, want string }{
		{"https://" + addr, "pass", "200 secure"},
		{"https://" + addr, "wrong", "401 Unauthorized"},
		{"https://" + addr, "", "401 Unauthorized"},
		{"http://" + addr, "pass", "400 Client sent an HTTP request to an HTTPS server."},
	} {
		if got := ask(c, tt.url, tt.password); got != tt.want {
			t.Errorf("%s with password %q: %q, want %q", tt.url, tt.password, got, tt.want)
		}
	}
	secure.Close()
	if logged.Len() > 0 {
		t.Errorf("the log has %s", logged.String())
	}
}

// TestBadWebConfig checks the errors of a web configuration.
func TestBadWebConfig(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(bad, []byte("basic_auth_user: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		bad:                               "the web configuration " + bad + ": yaml: unmarshal errors:\n  line 1: field basic_auth_user not found in type web.Config",
		filepath.Join(bad, "nosuch.yaml"): "not a directory",
	} {
		if u, err := Listen(loopback, path, nil); err == nil || !strings.Contains(err.Error(), want) || u != nil {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if len(ports.open) != 0 {
		t.Errorf("%d ports are open", len(ports.open))
	}
}

func TestSilentClient(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	u := listenOn(t, loopback, "")
	u.Serve(says("hello"))
	c, err := net.Dial("tcp", u.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := ask(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+u.Addr().String(), ""); got != "200 hello" {
		t.Error(got)
	}
	u.Close() // goleak finds a goroutine that still waits for the client
}

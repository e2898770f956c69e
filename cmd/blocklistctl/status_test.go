package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/plugin/store"
)

type statusServer struct {
	url  string
	file string
	st   *store.Store
}

func startStatus(t *testing.T, text string, shadow bool) *statusServer {
	t.Helper()
	s := &statusServer{file: filepath.Join(t.TempDir(), "orders.yaml")}
	s.write(t, text)
	block := &directive.Block{Addresses: []string{"dns://.:53"}, Config: new(directive.Config)}
	block.Config.Defaults()
	opt := &block.Config.Store
	opt.Patterns, opt.Shadow, opt.Poll, opt.Rules.NoCountry = []string{s.file}, shadow, 10*time.Millisecond, true
	var err error
	if s.st, err = store.Open(*opt, noLog{}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.st.Close)
	web := httptest.NewServer(status.Handler(&status.Node{Version: "v1.2.3", Blocks: []status.Block{
		{Name: "dns://.:53", Zones: []string{"."}, Store: s.st, Hits: hits.New(), Directive: block, Country: func(netip.Addr) order.Country { return "" }},
		{Name: "dns://plain.example.:53", Zones: []string{"plain.example."}},
	}}))
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// write replaces the order file by rename.
func (s *statusServer) write(t *testing.T, text string) {
	t.Helper()
	tmp := s.file + ".tmp"
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// A server waits until a new file is complete. A file with an older time needs no wait.
	old := time.Now().Add(-time.Minute)
	os.Chtimes(tmp, old, old)
	if err := os.Rename(tmp, s.file); err != nil {
		t.Fatal(err)
	}
}

const (
	statusOne = "version: 1\norders:\n- {id: one, authority: {name: A}, references: [7/26], scope: global, targets: [one.example]}\n"
	statusTwo = "version: 1\norders:\n- {id: two, authority: {name: A}, scope: global, targets: [two.example]}\n- {id: secret, disclosure: none, authority: {name: A}, scope: global, targets: [hidden.example]}\n"
)

func plainStatus(out string, servers ...*statusServer) string {
	for i, s := range servers {
		out = strings.ReplaceAll(strings.ReplaceAll(out, s.url, fmt.Sprintf("URL%d", i)), filepath.Dir(s.file), "$DIR")
		out = strings.ReplaceAll(out, s.st.Status().Digest[:12], fmt.Sprintf("DIGEST%d", i))
	}
	out = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(out, "TIME")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(out, " ")
}

func TestStatusCommand(t *testing.T) {
	first, same, other, dark := startStatus(t, statusOne, false), startStatus(t, statusOne, false), startStatus(t, statusTwo, false), startStatus(t, statusOne, true)
	without := "    without the directive, no order is enforced: dns://plain.example.:53\n"
	orders, corefile := filepath.Join(t.TempDir(), "orders.yaml"), filepath.Join(t.TempDir(), "Corefile")
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Minute)
		os.Chtimes(path, old, old)
	}
	put(orders, statusOne)
	put(corefile, ".:53 {\n blocklist "+orders+"\n}\n")
	moved := filepath.Join(t.TempDir(), "Corefile")
	put(moved, ".:53 {\n blocklist "+orders+" {\n  response nodata\n }\n}\n")
	for _, tt := range []struct {
		name    string
		servers []*statusServer
		args    []string
		code    int
		want    string
	}{
		{"one server", []*statusServer{first}, nil, 0, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block not compared\n" + without},
		{"equal servers", []*statusServer{first, same}, nil, 0, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block as the other servers\n" + without +
			"URL1 DIGEST0 TIME 1 block as the other servers\n" + without},
		{"in shadow", []*statusServer{dark}, nil, 0, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 0 blocks not compared\n    in shadow, no order is enforced: dns://.:53\n" + without},
		{"as here", []*statusServer{first}, []string{orders}, 0, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block as here\n" + without},
		{"other files here", []*statusServer{first, other}, []string{orders}, 1, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block as here\n" + without +
			"URL1 DIGEST1 TIME 1 block another set than here\n" + without},
		{"as this Corefile", []*statusServer{first}, []string{"--corefile", corefile}, 0, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block as here\n" + without},
		{"another response in this Corefile", []*statusServer{first}, []string{"--corefile", moved}, 1, "SERVER SET SINCE ENFORCED IN VERDICT\nURL0 DIGEST0 TIME 1 block another set than here\n" + without},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"status"}
			for _, s := range tt.servers {
				args = append(args, s.url)
			}
			code, out, errs := ctl(append(args, tt.args...)...)
			want := strings.ReplaceAll(tt.want, "    ", " ")
			if got := plainStatus(out, tt.servers...); got != want || code != tt.code || errs != "" {
				t.Errorf("exit %d, %s\ngot\n%s\nwant\n%s", code, errs, got, want)
			}
		})
	}
	code, out, _ := ctl("status", first.url, other.url)
	if got := plainStatus(out, first, other); code != 1 || !strings.Contains(got, "block the newest set\n") {
		t.Errorf("two different servers: exit %d\n%s", code, got)
	}
	var doc struct {
		Here    *localSet
		Servers []nodeJSON
	}
	code, out, _ = ctl("--json", "status", first.url, dark.url, orders)
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || len(doc.Servers) != 2 || !doc.Servers[0].Same || doc.Here == nil || !slices.Equal(doc.Servers[1].Shadow, []string{"dns://.:53"}) {
		t.Errorf("exit %d, %v\n%s", code, err, out)
	}
}

// TestStatusOfProblem checks a server that has refused a file.
func TestStatusOfProblem(t *testing.T) {
	s := startStatus(t, statusOne, false)
	s.write(t, "version: 2\norders: []\n")
	for deadline := time.Now().Add(10 * time.Second); s.st.Status().LastOK; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the problem is not noticed")
		}
	}
	code, out, errs := ctl("status", s.url)
	if got := plainStatus(out, s); code != 1 || errs != "" || !strings.Contains(got, "not compared, with problems\n $DIR/orders.yaml:1:10: version: ") {
		t.Errorf("exit %d %s\n%s", code, errs, got)
	}
}

func TestStatusOfState(t *testing.T) {
	s := startStatus(t, statusOne, false)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "current.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := new(directive.Config)
	d.Defaults()
	d.Store.Patterns, d.Store.Rules.NoCountry, d.Store.State = []string{s.file}, true, dir
	st, err := store.Open(d.Store, noLog{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	code, out, errs := ctl("status", s.url)
	if code != exitProblems || !strings.Contains(out, "state directory was new, empty or damaged") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestStatusWait(t *testing.T) {
	waitInterval = time.Millisecond
	t.Cleanup(func() { waitInterval = time.Second })
	s, target := startStatus(t, statusOne, false), startStatus(t, statusTwo, false)
	now, calls := clock(), 0
	tick := func() time.Time { // each call is a second later
		if calls++; calls == 10 {
			s.write(t, statusTwo)
		}
		now = now.Add(time.Second)
		return now
	}
	code, out, errs := ctlAt(tick, "status", s.url, target.file, "--wait", "--timeout", "100h")
	if code != 0 || !strings.Contains(out, "as here") || errs != "" || calls < 10 {
		t.Errorf("exit %d after %d calls\n%s%s", code, calls, out, errs)
	}
	s.write(t, statusOne)
	code, out, errs = ctlAt(tick, "status", startStatus(t, statusOne, false).url, target.file, "--wait", "--timeout", "20s")
	if code != 1 || !strings.Contains(out, "another set than here") || errs != "blocklistctl: not every server has the set of the order files here after 20s\n" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestRemoteErrors(t *testing.T) {
	answer := func(code int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tt := range []struct{ url, want string }{
		{gone.URL, "the server cannot be reached: "},
		{answer(200, "<html>"), "is not the status of a server with blocklist\n"},
		{answer(404, "404 page not found"), `is not the status of a server with blocklist: the answer is "404 Not Found"`},
		{answer(302, ""), `is not the status of a server with blocklist: the answer is "302 Found"`},
		{answer(401, "Unauthorized"), "the server needs a user and a password; use --user and --password-file\n"},
		{answer(200, `{"product":"blocklist","api":2}`), "the status has version 2, and this blocklistctl reads version 1; use the blocklistctl of the server's release\n"},
		{answer(200, `{"product":"other","api":1}`), "is not the status of a server with blocklist\n"},
		{answer(200, `{"product":"blocklist","api":1,"sets":7,"orders":7,"name":7}`), "the answer is not as documented: "},
		{answer(500, `{"product":"blocklist","api":1,"error":"bad \u001b[31m luck"}`), `bad \x1b[31m luck`},
		{secure.URL, "use --ca-file FILE\n"},
	} {
		for _, args := range [][]string{{"--json", "explain", "a.example", "--server", tt.url}, {"list", "--server", tt.url}} {
			code, _, errs := ctl(args...)
			if code != exitProblems || !strings.Contains(errs, "blocklistctl: "+tt.url+": ") || !strings.Contains(errs, tt.want) {
				t.Errorf("%q: exit %d, %q, want %q", args, code, errs, tt.want)
			}
		}
		code, out, errs := ctl("status", tt.url)
		if code != exitProblems || !strings.Contains(out, "no status\n    "+strings.TrimSuffix(tt.want, "\n")) && !strings.Contains(out, strings.TrimSuffix(tt.want, "\n")) || errs != "" {
			t.Errorf("status %s: exit %d, %q %q, want %q", tt.url, code, out, errs, tt.want)
		}
	}
}

func TestRemoteTLS(t *testing.T) {
	plain := startStatus(t, statusOne, false)
	inner, err := url.Parse(plain.url)
	if err != nil {
		t.Fatal(err)
	}
	pages := httputil.NewSingleHostReverseProxy(inner)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "desk" || password != "secret" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(secure.Close)
	t.Chdir(t.TempDir())
	os.WriteFile("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600)
	os.WriteFile("password", []byte("secret\n"), 0o600)
	os.WriteFile("wrong", []byte("guess\n"), 0o600)
	for _, tt := range []struct {
		password string
		code     int
		want     string
	}{{"password", 0, "not compared\n"}, {"wrong", 1, "needs a user and a password"}} {
		if code, out, errs := ctl("status", secure.URL, "--ca-file", "ca.pem", "--user", "desk", "--password-file", tt.password); code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d\n%s%s", tt.password, code, out, errs)
		}
	}
}

func TestRemoteFlags(t *testing.T) {
	s := startStatus(t, statusTwo, false)
	t.Chdir(t.TempDir())
	os.WriteFile("password", []byte("p\n"), 0o600)
	os.WriteFile("empty.pem", nil, 0o600)
	for _, args := range []string{
		"status", "status orders.yaml", "status ftp://a.example", "status http://u:p@a.example", "status http://a.example?x=y", "status %zz://",
		"status http://127.0.0.1:1 --wait", "status http://127.0.0.1:1 --block .:53", "status http://127.0.0.1:1 --corefile missing",
		"status https://127.0.0.1:1 --user u", "status https://127.0.0.1:1 --password-file password", "status http://192.0.2.1:1 --user u --password-file password",
		"status https://127.0.0.1:1 --ca-file missing", "status https://127.0.0.1:1 --ca-file empty.pem",
		"explain a.example orders.yaml --server URL", "explain a.example --server URL --at 2026-01-01", "explain a.example --server URL --sealed", "explain a.example --server URL --corefile C",
		"explain a.example --server URL --do", "explain a.example --server URL --no-edns", "explain a.example --server URL --size 512", "explain a.example --server URL --response nodata",
		"list orders.yaml --server URL", "list --server URL --late", "list --server URL --targets", "list --server URL --sealed", "list --server URL --target a.example", "list --server URL --at 2026-01-01",
		"show one orders.yaml --server URL", "show one --server URL --sealed", "show one --server URL --at 2026-01-01", "show one --server URL --all", "show one --server URL --corefile C",
		"due orders.yaml --server URL", "due --server URL --at 2026-01-01", "due --server URL -o ics", "due --server URL --only late", "due --server URL --sealed", "due --server URL --corefile C",
	} {
		code, _, errs := ctl(strings.Fields(strings.ReplaceAll(args, "URL", s.url))...)
		if code != exitMisuse {
			t.Errorf("%q: exit %d, %s", args, code, errs)
		}
	}
}

// TestListServer checks the output of list --server.
func TestListServer(t *testing.T) {
	s := startStatus(t, statusTwo, false)
	_, out, errs := ctl("list", "--server", s.url)
	lines := strings.Split(plainStatus(out, s), "\n")
	if len(lines) != 4 || lines[0] != "STATE ACTION ID TARGETS HITS SHADOW UNTIL AUTHORITY REFERENCE FILE" || lines[1] != "in_force block two 1 0 0 - A - $DIR/orders.yaml" ||
		!regexp.MustCompile(`^in_force block sealed:[0-9a-f]{12} - 0 0 - - - -$`).MatchString(lines[2]) || errs != "" {
		t.Errorf("%q %s", lines, errs)
	}
	for args, want := range map[string]int{"--state in_force": 2, "--state ended": 0, "--id t*": 1, "--id secret": 0, "--authority a": 1, "--action lift": 0} {
		_, out, errs := ctl(append([]string{"--json", "list", "--server", s.url}, strings.Fields(args)...)...)
		var doc status.Orders
		if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Orders) != want || errs != "" {
			t.Errorf("%s: %d orders, want %d: %v %s", args, len(doc.Orders), want, err, errs)
		}
	}
	if _, out, _ := ctl("list", "--server", s.url, "--state", "ended"); out != "no order matches\n" {
		t.Error(out)
	}
}

// TestExplainServer checks the text of explain --server.
func TestExplainServer(t *testing.T) {
	s := startStatus(t, statusOne, false)
	code, out, errs := ctl("explain", "www.one.example", "--server", s.url)
	if got := plainStatus(out, s); code != 0 || errs != "" || !strings.HasPrefix(got, "www.one.example is blocked for every client at TIME\nserver block: dns://.:53\nby order \"one\" (A; 7/26) at $DIR/orders.yaml:3\ntarget: one.example\n") ||
		!strings.Contains(out, ";www.one.example.\tIN\t A\n") {
		t.Errorf("exit %d %s\n%s", code, errs, out)
	}
	code, _, errs = ctl("explain", "www.plain.example", "--server", s.url)
	if want := "blocklistctl: " + s.url + ": server block dns://plain.example.:53 receives the queries for this name, and has no blocklist directive, so no order is enforced\n"; code != exitProblems || errs != want {
		t.Errorf("exit %d, %q", code, errs)
	}
}

// TestShowServer checks the output of show --server.
func TestShowServer(t *testing.T) {
	s := startStatus(t, statusOne, false)
	const end = "\nThe status of a server has no dates, names and other fields of orders. The order files have them.\n"
	want := "one: a block order of A\n state: in_force\n set: " + s.st.Status().Digest + "\n reference: 7/26\n disclosure: full\n file: $DIR/orders.yaml\n targets: 1\n hits: 0 in the last 24 hours, and 0 in shadow\n" + end
	want = strings.ReplaceAll(want, s.st.Status().Digest[:12], "DIGEST0")
	for _, subject := range []string{"one", "7/26", "/26"} {
		code, out, errs := ctl("show", subject, "--server", s.url)
		if got := plainStatus(out, s); got != want || code != 0 || errs != "" {
			t.Errorf("%s: exit %d %s\ngot\n%s\nwant\n%s", subject, code, errs, got, want)
		}
	}
	s = startStatus(t, statusTwo, false)
	if code, out, errs := ctl("show", "secret", "--server", s.url); code != exitProblems || out != "" || !strings.Contains(errs, `no order has the id, the digest or the first reference "secret"`) {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
	code, out, errs := ctl("show", "sealed:"+ruleset.Digest("secret"), "--server", s.url)
	if code != 0 || errs != "" || !strings.Contains(out, ": a sealed block order\n") || strings.Contains(out, "orders.yaml") || strings.Contains(out, "targets") {
		t.Errorf("exit %d %s\n%s", code, errs, out)
	}
	_, out, _ = ctl("--json", "show", "two", "--server", s.url)
	var doc status.Orders
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Orders) != 1 || doc.Orders[0].ID != "two" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDueServer checks the output of due --server.
func TestDueServer(t *testing.T) {
	soon := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	s := startStatus(t, "version: 1\ndefaults: {scope: global, authority: {name: A}}\norders:\n- {id: later, targets: [l.example], until: "+time.Now().Add(400*time.Hour).UTC().Format(time.RFC3339)+"}\n"+
		"- {id: soon, references: [7/26], targets: [s.example], until: "+soon+"}\n- {id: secret, disclosure: none, targets: [h.example], from: "+soon+"}\n"+
		"- {id: lift, action: lift, issued: 2020-01-01, lifts: [none]}\n", false)
	code, out, errs := ctl("due", "--server", s.url)
	want := "URL0 at TIME, and until TIME.\n" + remoteNote + "\n\nPROBLEMS: 0.\n\nCHANGES: 1. The state of the order may change at this time.\n TIME in_force soon (A; 7/26)\n\nLifts that end nothing: 1.\n"
	if got := plainStatus(out, s); got != want || code != 0 || errs != "" {
		t.Errorf("exit %d %s\ngot\n%s\nwant\n%s", code, errs, got, want)
	}
	_, out, _ = ctl("--json", "due", "--days", "30", "--server", s.url)
	var doc remoteDue
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Changes) != 2 || doc.Useless != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	s.write(t, "version: 1\n")
	deadline := time.Now().Add(20 * time.Second)
	for code != exitProblems && time.Now().Before(deadline) {
		code, out, _ = ctl("due", "--server", s.url)
	}
	if code != exitProblems || !strings.Contains(out, "PROBLEMS: 1. ") || !strings.Contains(out, "orders.yaml: ") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

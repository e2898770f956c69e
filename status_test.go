package blocklist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/miekg/dns"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func statusSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("docs/status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range doc.(map[string]any)["$defs"].(map[string]any) {
		def.(map[string]any)["additionalProperties"] = false
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("status.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("status.schema.json")
}

func statusURL(t *testing.T) string {
	t.Helper()
	loaded.Lock()
	defer loaded.Unlock()
	for _, i := range loaded.All() {
		for _, u := range i.ports {
			return "http://" + u.Addr().String()
		}
	}
	t.Fatal("no instance listens for the status")
	return ""
}

func get(t *testing.T, url string, code int) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != code {
		t.Fatalf("%s: %s, want %d: %v\n%s", url, r.Status, code, err, body)
	}
	return string(body)
}

func getJSON(t *testing.T, schema *jsonschema.Schema, url string, code int, v any) {
	t.Helper()
	body := get(t, url, code)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v\n%s", url, err, body)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%s: %v\n%s", url, err, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatal(err)
	}
}

const statusOrders = `version: 1
serial: 7
timezone: Europe/Rome
expires: 2099-01-01
defaults: {authority: {name: Tribunal, country: IT, kind: court}, scope: global}
orders:
- {id: one, references: [1/2026], from: 2026-01-01, targets: [one.example]}
- {id: twice, targets: [one.example]}
- {id: dark, status: shadow, targets: [dark.example]}
- {id: past, until: 2026-01-01, targets: [past.example]}
- {id: local, scope: {clients: [127.0.0.0/8]}, exempt: [127.0.0.7], targets: [local.example]}
- {id: topsecret, disclosure: none, until: 2077-01-01, targets: [secret.example]}
- {id: stay, action: lift, issued: 2026-02-01, lifts: [twice], targets: [lifted.one.example]}
- {id: secretstay, action: lift, issued: 2026-02-01, lifts: [topsecret], until: 2078-01-01, targets: [www.secret.example]}
`

func TestStatus(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "orders.yaml")
	if err := os.WriteFile(file, []byte(statusOrders), 0o644); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, strings.ReplaceAll(`.:0 {
		bind 127.0.0.1
		blocklist FILE {
			status 127.0.0.1:0
		}
		whoami
	}
	shadow.example:0 {
		bind 127.0.0.1
		blocklist FILE {
			shadow
		}
		whoami
	}
	without.example:0 {
		bind 127.0.0.1
		whoami
	}`, "FILE", file))
	for _, name := range []string{"one.example.", "www.one.example.", "a.secret.example."} {
		s.want(name, dns.RcodeNameError)
	}
	s.want("dark.example.", dns.RcodeSuccess)
	s.want("asked-and-passed.example.", dns.RcodeSuccess)

	schema, url := statusSchema(t), statusURL(t)
	var doc status.Document
	getJSON(t, schema, url+"/status", 200, &doc)
	if len(doc.Sets) != 1 || len(doc.Blocks) != 3 {
		t.Fatalf("%d sets, %d server blocks", len(doc.Sets), len(doc.Blocks))
	}
	set := doc.Sets[0]
	if want := store.All()[0].Status().Digest; set.Digest != want || !set.Ready || !set.LastLoadOK || set.Orders["in_force"] != 4 || set.Lifts["in_force"] != 2 || set.Orders["shadow"] != 1 {
		t.Errorf("%+v, want the digest %s", set, want)
	}
	if f := set.Files[0]; len(set.Files) != 1 || f.Path != file || f.Kind != "orders" || len(f.Digest) != 64 || *f.Serial != 7 || f.Orders != 8 || f.Targets != 6 ||
		f.Expires != "2099-01-01T23:00:00Z" || f.Expired || f.Problem != "" {
		t.Errorf("%+v", set.Files)
	}
	var modes []string
	for _, b := range doc.Blocks {
		hits, shadow := uint64(0), uint64(0)
		for _, h := range b.Hits {
			hits, shadow = hits+h.Hits, shadow+h.Shadow
		}
		modes = append(modes, fmt.Sprintf("%s: %s %.1s %d/%d", b.Name, b.Mode, b.Digest, hits, shadow))
	}
	if d := set.Digest[:1]; !slices.Equal(modes, []string{"dns://.:0 bind 127.0.0.1: enforce " + d + " 3/1", "dns://shadow.example.:0 bind 127.0.0.1: shadow " + d + " 0/0", "dns://without.example.:0 bind 127.0.0.1: none  0/0"}) {
		t.Errorf("%q", modes)
	}

	var list status.Orders
	getJSON(t, schema, url+"/orders", 200, &list)
	byID := map[string]status.Order{}
	for _, o := range list.Orders {
		byID[o.ID] = o
	}
	secret, secretLift := "sealed:"+ruleset.Digest("topsecret"), "sealed:"+ruleset.Digest("secretstay")
	for _, tt := range []struct {
		id, state    string
		hits, shadow uint64
	}{
		{"one", "in_force", 2, 0}, {"twice", "in_force", 0, 0}, {"dark", "shadow", 0, 1}, {"past", "ended", 0, 0}, {"local", "in_force", 0, 0},
		{secret, "in_force", 1, 0}, {"stay", "in_force", 0, 0}, {secretLift, "in_force", 0, 0},
	} {
		o, ok := byID[tt.id]
		if o.State != tt.state || o.Hits != tt.hits || o.Shadow != tt.shadow || o.Set != set.Digest || o.Sealed != strings.HasPrefix(tt.id, "sealed:") {
			t.Errorf("order %s (found: %v): %+v", tt.id, ok, o)
		}
		if o.Sealed && (o.Targets != 0 || o.Authority+o.Reference+o.File+o.Disclosure != "") {
			t.Errorf("the sealed order has more than its digest: %+v", o)
		}
	}
	if len(list.Orders) != 8 {
		t.Errorf("%d orders", len(list.Orders))
	}
	getJSON(t, schema, url+"/orders?state=shadow&state=ended", 200, &list)
	if len(list.Orders) != 2 {
		t.Errorf("%d orders are in shadow or ended", len(list.Orders))
	}

	for _, tt := range []struct{ query, want string }{
		{"name=www.one.example", `blocked true by "one" for every client`},
		{"name=lifted.one.example", `blocked true by "one" for every client`},
		{"name=local.example&client=127.0.0.1", `blocked true by "local" for client 127.0.0.1 of unknown country`},
		{"name=local.example&client=127.0.0.7", `blocked false by "" for client 127.0.0.7 of unknown country`},
		{"name=secret.example", `blocked true by "` + secret + `" for every client`},
		{"name=one.example&server_block=dns://shadow.example.:0+bind+127.0.0.1", `blocked false by "" for any client`},
		{"name=past.example&type=https", `blocked false by "" for any client`},
	} {
		var x status.Explanation
		getJSON(t, schema, url+"/explain?"+tt.query, 200, &x)
		by := ""
		if x.Order != nil {
			by = x.Order.ID
		}
		if got := fmt.Sprintf("blocked %t by %q for %s", x.Blocked, by, x.Client); got != tt.want || x.Set != set.Digest {
			t.Errorf("%s: %s, want %s", tt.query, got, tt.want)
		}
	}
	if text := get(t, url+"/explain?name=one.example&format=text", 200); !strings.HasPrefix(text, "one.example is blocked for every client at ") || !strings.Contains(text, "; 1/2026) at "+file+":7\n") {
		t.Error(text)
	}
	for _, tt := range []struct {
		path string
		code int
		want string
	}{
		{"/explain", 400, "the parameter name is missing"},
		{"/explain?name=a..b", 400, "name "},
		{"/explain?name=a.example&client=nobody", 400, `client must be an IP address, got "nobody"`},
		{"/explain?name=a.example&country=EU", 400, "country must be an ISO 3166-1 alpha-2 code"},
		{"/explain?name=a.example&type=NOSUCH", 400, "type must be a query type"},
		{"/explain?name=a.example&format=xml", 400, "format must be json or text"},
		{"/explain?name=a.example&nmae=b", 400, `there is no parameter "nmae"`},
		{"/explain?name=a.example&server_block=x", 400, `there is no server block "x"`},
		{"/explain?name=a.without.example", 404, "has no blocklist directive"},
		{"/orders?state=hold", 400, "state must be one of"},
	} {
		var e status.Failure
		getJSON(t, schema, url+tt.path, tt.code, &e)
		if !strings.Contains(e.Error, tt.want) {
			t.Errorf("%s: %s", tt.path, e.Error)
		}
	}
	get(t, url+"/nosuch", 404)

	page := get(t, url+"/", 200)
	for _, want := range []string{"in shadow: counted, not enforced", "no blocklist directive", "<code>one</code>", secret, set.Digest} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, path := range []string{"/", "/status", "/orders", "/explain?name=secret.example", "/explain?name=www.secret.example"} {
		body := get(t, url+path, 200)
		for _, hidden := range []string{"topsecret", "secretstay", "asked-and-passed", "2077-", "2078-"} {
			if strings.HasPrefix(hidden, "207") && (path == "/" || path == "/status") {
				continue // the next change of the whole set
			}
			if strings.Contains(body, hidden) {
				t.Errorf("%s has %q:\n%s", path, hidden, body)
			}
		}
		if strings.Contains(strings.ReplaceAll(body, "bind 127.0.0.1", ""), "127.0.0.1") {
			t.Errorf("%s has the address of the client", path)
		}
	}
}

func TestStatusProblem(t *testing.T) {
	s := startServer(t, strings.Replace(oneBlock, "a.yaml", "a.yaml {\n status 127.0.0.1:0\n }", 1))
	s.want("one.example.", dns.RcodeNameError)
	bad := "version: 1\norders:\n- {id: topsecret, disclosure: none, authority: {name: A}, scope: global, targets: [secret..example]}\n"
	if err := os.WriteFile(filepath.Join(s.dir, "new.yaml"), []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, "new.yaml"), filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s.eventually("the problem is not noticed", func() bool { return !store.All()[0].Status().LastOK })
	schema, url := statusSchema(t), statusURL(t)
	var doc status.Document
	getJSON(t, schema, url+"/status", 200, &doc)
	f := doc.Sets[0].Files[0]
	if !strings.Contains(f.Problem, "a.yaml:3") || strings.Contains(f.Problem, "secret") && !strings.Contains(f.Problem, "sealed") || strings.Contains(f.Problem, "topsecret") || doc.Sets[0].LastLoadOK || f.Failures != 1 || f.Orders != 1 {
		t.Errorf("%+v", f)
	}
	s.write("a.yaml", "two.example") // the id of the order is a.yaml
	s.eventually("the change is not noticed", func() bool { return s.ask("two.example.") == dns.RcodeNameError })
	text := "version: 1\norders: []\n"
	if err := os.WriteFile(filepath.Join(s.dir, "new.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, "new.yaml"), filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	s.eventually("the change is not noticed", func() bool { return s.ask("two.example.") == dns.RcodeSuccess })
	var list status.Orders
	getJSON(t, schema, url+"/orders", 200, &list)
	if len(list.Orders) != 1 || list.Orders[0].State != status.Gone || list.Orders[0].ID != "a.yaml" || list.Orders[0].Hits < 2 {
		t.Errorf("%+v", list.Orders)
	}
}

func TestStatusReload(t *testing.T) {
	const reloads = 100
	corefile := strings.Replace(oneBlock, "a.yaml", "a.yaml {\n status 127.0.0.1:0\n }", 1)
	s := startServer(t, corefile)
	url := statusURL(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for n := 0; ; n++ {
				select {
				case <-stop:
					if n == 0 {
						t.Error("there was no request")
					}
					return
				default:
				}
				r, err := c.Get(url + "/status")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != 200 || !strings.Contains(string(body), `"enforce"`) {
					t.Errorf("%s %v", r.Status, err)
					return
				}
			}
		})
	}
	for i := range reloads {
		if err := s.restart(corefile + strings.Repeat("\n", i%2)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if got := statusURL(t); got != url {
		t.Errorf("the address changed from %s to %s", url, got)
	}
}

func TestStatusPortTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addr := other.Addr().String()
	own := strings.Replace(oneBlock, "a.yaml", "a.yaml {\n status 127.0.0.1:0\n }", 1)
	taken := strings.Replace(own, "127.0.0.1:0\n", addr+"\n", 1)
	want := "plugin/blocklist: status " + addr + ": listen tcp " + addr + ": bind: address already in use"

	s := startServer(t, own)
	url := statusURL(t)
	if err := s.restart(taken); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("reload: %v, want %s", err, want)
	}
	get(t, url+"/status", 200)
	s.want("one.example.", dns.RcodeNameError)

	inst, err := caddy.Start(s.input(taken))
	if err == nil || err.Error() != want {
		t.Errorf("start: %v, want %s", err, want)
	}
	if inst != nil && len(inst.Servers()) > 0 {
		t.Error("the server has started")
	}
	if len(loaded.All()) != 1 {
		t.Errorf("%d instances", len(loaded.All()))
	}
}

func TestStatusMoves(t *testing.T) {
	with := func(lines string) string {
		return strings.Replace(oneBlock, "a.yaml", "a.yaml {\n"+lines+"\n }", 1)
	}
	s := startServer(t, with("status 127.0.0.1:0"))
	first := statusURL(t)
	if err := s.restart(with("status 127.0.0.2:0")); err != nil {
		t.Fatal(err)
	}
	second := statusURL(t)
	get(t, second+"/status", 200)
	if answers(first) {
		t.Error("the old address still answers")
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.LocalAddr().String())
	if err := s.restart(strings.Replace(with("shadow\n status 127.0.0.2:0"), ".:0", ".:"+port, 1)); err == nil {
		t.Fatal("the reload did not fail")
	}
	if body := get(t, second+"/status", 200); !strings.Contains(body, `"enforce"`) || strings.Contains(body, `"shadow",`) {
		t.Errorf("after a failed reload: %s", body)
	}
	if err := s.restart(with("ttl 5s")); err != nil {
		t.Fatal(err)
	}
	if answers(second) {
		t.Error("the status answers without the property")
	}
	if err := s.restart(with("status 127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	get(t, statusURL(t)+"/status", 200)
}

// answers reports whether a status answers at a URL.
func answers(url string) bool {
	r, err := http.Get(url + "/status")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return strings.Contains(string(body), "a.yaml")
}

func TestStatusBlocks(t *testing.T) {
	block := func(zone, line string) string {
		return strings.NewReplacer(".:0", zone+":0", "a.yaml", "a.yaml {\n"+line+"\n }").Replace(oneBlock) + "\n"
	}
	s := startServer(t, block(".", "status 127.0.0.1:0")+block("b.example", "status 127.0.0.1:0"))
	get(t, statusURL(t)+"/status", 200)
	err := s.restart(block(".", "status 127.0.0.1:0") + block("b.example", "status 127.0.0.1:0 web.yaml"))
	if want := "Corefile:10: status 127.0.0.1:0: the directive at Corefile:3 uses the same address with another web configuration"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestStatusSince(t *testing.T) {
	s := startServer(t, oneBlock)
	first := store.All()[0].Status()
	if first.Since.IsZero() || time.Since(first.Since) > time.Hour {
		t.Errorf("since %v", first.Since)
	}
	if err := s.restart(strings.Replace(oneBlock, "a.yaml", "a.yaml {\n max_shrink 40%\n }", 1)); err != nil {
		t.Fatal(err)
	}
	if now := store.All()[0].Status(); len(store.All()) != 1 || now.Digest != first.Digest || !now.Since.Equal(first.Since) {
		t.Errorf("after a reload of the Corefile: since %v with digest %.12s, want %v with %.12s", now.Since, now.Digest, first.Since, first.Digest)
	}
	s.write("a.yaml", "two.example")
	s.eventually("the change is not noticed", func() bool { return s.ask("two.example.") == dns.RcodeNameError })
	s.eventually("the time does not change", func() bool {
		now := store.All()[0].Status()
		return now.Digest != first.Digest && now.Since.After(first.Since)
	})
}

// TestStatusMethods checks the methods and the header Host.
func TestStatusMethods(t *testing.T) {
	startServer(t, strings.Replace(oneBlock, "a.yaml", "a.yaml {\n status 127.0.0.1:0\n }", 1))
	url := statusURL(t)
	defer http.DefaultClient.CloseIdleConnections()
	for _, tt := range []struct {
		method, host string
		code         int
	}{
		{"GET", "", 200}, {"HEAD", "", 200}, {"POST", "", 405}, {"DELETE", "", 405},
		{"GET", "localhost:1", 200}, {"GET", "LOCALHOST", 200}, {"GET", "[::1]:9", 200}, {"GET", "evil.example", 403}, {"GET", "127.0.0.1.evil.example:9253", 403},
	} {
		r, err := http.NewRequest(tt.method, url+"/status", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.code || tt.code == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s with host %q: %s, want %d", tt.method, tt.host, resp.Status, tt.code)
		}
	}
	r, _ := http.NewRequest("GET", url+"/status", nil)
	r.Header.Set("X", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a large header: %s", resp.Status)
		}
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

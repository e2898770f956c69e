package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/whoami"
	"github.com/miekg/dns"

	_ "github.com/dns-orders/blocklist"
	"github.com/dns-orders/blocklist/plugin/feed"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/test/coredns"
	"github.com/dns-orders/blocklist/test/platform"
	"github.com/dns-orders/blocklist/test/port"
)

func writeCredentials(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(path, []byte(fmt.Sprintf("user: %s\npassword: %s\n", platform.User, password)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func describedPlatform(t *testing.T) string {
	t.Helper()
	text, _, err := feed.Platforms.Find("it-piracy-shield", "")
	if err == nil {
		text, err = platform.Describe(text)
	}
	path := filepath.Join(t.TempDir(), "it-piracy-shield.yaml")
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFeedServer(t *testing.T) {
	prepareServer()
	p := platform.Start(t, clock)
	dir := t.TempDir()
	out := filepath.Join(dir, "piracy-shield.jsonl")
	protect := filepath.Join(t.TempDir(), "protect.txt")
	if err := os.WriteFile(protect, []byte("bank.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	credentials := writeCredentials(t, platform.Password)
	if code, text, errs := ctl("feed", describedPlatform(t), "--once", "--base", p.Base(), "--out", out, "--credentials", credentials); code != exitOK || !strings.Contains(errs, "written with serial 1") {
		t.Fatalf("exit %d: %s%s", code, text, errs)
	}
	dnsPort, statusPort := port.Free(t), port.Free(t)
	coredns.Start(t, fmt.Sprintf(".:%s {\n bind 127.0.0.1\n blocklist %s/ {\n  home IT\n  protect %s\n  status 127.0.0.1:%s\n }\n whoami\n}\n", dnsPort, dir, protect, statusPort))
	server := "http://127.0.0.1:" + statusPort
	metrics := filepath.Join(t.TempDir(), "feed.prom")
	args := []string{"feed", describedPlatform(t), "--once", "--base", p.Base(), "--out", out, "--credentials", credentials,
		"--status", server, "--protect", protect, "--metrics-file", metrics}

	p.Set(platform.Ticket{ID: "0b51", Created: clock().Add(-time.Minute), FQDN: []string{"Stream.example", "mail.bank.example"}, IPv4: []string{"8.8.8.8"}})
	p.Check(func(value string, processed bool) {
		if processed && !blockedBy(t, dnsPort, "www.stream.example") {
			t.Errorf("%q was acknowledged before the server blocks the name", value)
		}
	})
	await(t, func() (done bool, state string) {
		code, text, errs := ctl(args...)
		return code == exitOK, text + errs
	})
	acks := p.Acks()
	if a := acks["mail.bank.example"]; a.Processed || a.Reason != platform.Protected || a.Count != 1 {
		t.Errorf("the protected name: %+v", a)
	}
	if _, ok := acks["8.8.8.8"]; ok {
		t.Error("the address was acknowledged, although routers may not block the address")
	}
	since, err := time.Parse("2006-01-02T15:04:05-07:00", acks["Stream.example"].InForce)
	if err != nil || since.Before(time.Now().Add(-time.Minute)) || since.After(time.Now()) {
		t.Errorf("the time of the acknowledgement is %q", acks["Stream.example"].InForce)
	}
	if text := content(t, metrics); !strings.Contains(text, `blocklist_feed_items_pending{platform="it-piracy-shield"} 0`) || !strings.Contains(text, `blocklist_feed_items_unprocessed{platform="it-piracy-shield"} 1`) {
		t.Error(text)
	}

	p.Withdraw("0b51", "Stream.example")
	p.Withdraw("0b51", "8.8.8.8")
	if code, text, errs := ctl(args...); code != exitOK || !strings.Contains(errs, `the platform withdrew the item, and its block ends: "stream.example" in order "piracy-shield/0b51"`) {
		t.Fatalf("exit %d: %s%s", code, text, errs)
	}
	await(t, func() (bool, string) {
		return !blockedBy(t, dnsPort, "www.stream.example"), "the name is still blocked"
	})
	if code, text, errs := ctl("list", "--server", server, "--state", "ended"); code != exitOK || !strings.Contains(text, "piracy-shield/0b51") {
		t.Errorf("the server does not show the order as ended: exit %d: %s%s", code, text, errs)
	}
	if text := content(t, out); !strings.Contains(text, `"note":"withdrawn by the platform"`) {
		t.Error(text)
	}
}

func await(t *testing.T, f func() (done bool, state string)) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		done, state := f()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(state)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// blockedBy reports whether a server blocks a name.
func blockedBy(t *testing.T, port, name string) bool {
	t.Helper()
	r, err := dns.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	return r.Rcode == dns.RcodeNameError
}

func TestFeedMisuse(t *testing.T) {
	p := platform.Start(t, clock)
	dir := t.TempDir()
	t.Chdir(dir)
	good := writeCredentials(t, platform.Password)
	open := filepath.Join(dir, "open.yaml")
	if err := os.WriteFile(open, []byte("user: a\npassword: hunter2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("user: a\npasswort: hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"feed", describedPlatform(t), "--once", "--out", "o.jsonl", "--base", p.Base()}
	for _, x := range []struct {
		args string
		code int
		want string
	}{
		{"", exitMisuse, "missing flags: --credentials=FILE"},
		{"--credentials open.yaml", exitMisuse, "all users of the machine can use the file; chmod 600 changes this"},
		{"--credentials broken.yaml", exitMisuse, "must be YAML with the keys user and password, and no other keys"},
		{"--credentials missing.yaml", exitMisuse, "no such file"},
		{"--credentials GOOD --interval 1s", exitMisuse, "--interval must be from 10s to 30m0s"},
		{"--credentials GOOD --timeout 1h", exitMisuse, "--timeout must be from 1s to 10m"},
		{"--credentials GOOD --acknowledge status", exitMisuse, "--acknowledge status needs --status URL"},
		{"--credentials GOOD --acknowledge written --status http://127.0.0.1:1", exitMisuse, "--status is for --acknowledge status"},
		{"--credentials GOOD --status http://127.0.0.1:1 --status-user a", exitMisuse, "--status-user needs --status-password-file FILE"},
		{"--credentials GOOD --client-cert x", exitMisuse, "--client-cert and --client-key need each other"},
		{"--credentials GOOD --metrics-file m.txt", exitMisuse, "must end in .prom"},
		{"--credentials GOOD --platform-ca-file open.yaml", exitMisuse, "has no certificate"},
		{"--credentials GOOD --protect missing.txt", exitProblems, "missing.txt: cannot be read"},
		{"--credentials GOOD --out o.yaml", exitMisuse, "--out must end in .jsonl"},
		{"--credentials GOOD --out no/o.jsonl", exitProblems, "there is no such directory"},
		{"--credentials GOOD --base http://platform.example/api", exitProblems, "the password would cross the network in clear text"},
		{"--credentials GOOD --sign missing.key", exitMisuse, "--key: missing.key"},
	} {
		args := append(append([]string{}, base...), strings.Fields(strings.ReplaceAll(x.args, "GOOD", good))...)
		code, text, errs := ctl(args...)
		if code != x.code || !strings.Contains(errs, x.want) || strings.Contains(text+errs, "hunter2") {
			t.Errorf("%q: exit %d: %s%s", x.args, code, text, errs)
		}
	}
	code, text, errs := ctl(append(base, "--credentials", writeCredentials(t, "s3cret-value"))...)
	if code != exitProblems || !strings.Contains(errs, "Wrong password [secret]") || strings.Contains(text+errs, "s3cret-value") {
		t.Errorf("exit %d: %s%s", code, text, errs)
	}
	if _, err := os.Stat("o.jsonl"); err == nil {
		t.Error("the order file was written")
	}
}

func TestFeedJSON(t *testing.T) {
	p := platform.Start(t, clock)
	p.Set(platform.Ticket{ID: "a", Created: clock(), FQDN: []string{"a.example", "com"}})
	dir := t.TempDir()
	t.Chdir(dir)
	secret, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("desk.key", key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("desk.pub", secret.Public().EncodePublic(), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--json", "feed", describedPlatform(t), "--once", "--out", "o.jsonl", "--base", p.Base(), "--credentials", writeCredentials(t, platform.Password),
		"--acknowledge", "written", "--sign", "desk.key"}
	code, text, errs := ctl(args...)
	var rep struct {
		Added        int
		Acknowledged int
		Refused      []struct{ Value, Why string }
		Written      bool
	}
	if err := json.Unmarshal([]byte(text), &rep); err != nil || code != exitOK || rep.Added != 1 || rep.Acknowledged != 2 || !rep.Written || len(rep.Refused) != 1 {
		t.Fatalf("exit %d: %v: %s%s", code, err, text, errs)
	}
	oneDocument(t, args, []byte(text))
	verify := func() (int, string) {
		code, text, errs := ctl("verify", "o.jsonl", "--key", "desk.pub")
		return code, text + errs
	}
	if code, text := verify(); code != exitOK {
		t.Fatal(text)
	}
	// After the crash, the signature is from a newer version than the file.
	hash := signature.NewHash()
	hash.Write([]byte("newer"))
	wrong, err := secret.Sign("o.jsonl", clock(), hash)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("o.jsonl.minisig", wrong, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _ := verify(); code == exitOK {
		t.Fatal("the wrong signature is accepted")
	}
	if code, text, errs := ctl(args...); code != exitOK || !strings.Contains(errs, "signs the file again") {
		t.Fatalf("exit %d: %s%s", code, text, errs)
	}
	if code, text := verify(); code != exitOK {
		t.Error(text)
	}
}

func TestFeedRedirect(t *testing.T) {
	p := platform.Start(t, clock)
	other := platform.Start(t, clock)
	p.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	t.Chdir(t.TempDir())
	code, _, errs := ctl("feed", describedPlatform(t), "--once", "--out", "o.jsonl", "--base", p.Base(), "--credentials", writeCredentials(t, platform.Password))
	if code != exitProblems || !strings.Contains(errs, "307 Temporary Redirect") || other.Calls("authentication/login") != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestInForceSince(t *testing.T) {
	const digest = "d1"
	set := func(name, since string, files ...status.File) status.Set {
		return status.Set{Digest: name, Since: since, Files: files}
	}
	has, other, list := status.File{Kind: "orders", Digest: digest}, status.File{Kind: "orders", Digest: "d0"}, status.File{Kind: "protect", Digest: digest}
	for name, x := range map[string]struct {
		sets        []status.Set
		modes       map[string]string // the modes of the server blocks, by set
		since, want string
	}{
		"in force":         {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", other, has)}, modes: map[string]string{"s": "enforce"}, since: "2026-05-01T12:00:00Z"},
		"the latest":       {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", has), set("u", "2026-05-01T12:00:09Z", has, other)}, modes: map[string]string{"s": "enforce", "u": "enforce"}, since: "2026-05-01T12:00:09Z"},
		"another version":  {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", other)}, modes: map[string]string{"s": "enforce"}, want: "does not have this version"},
		"a protect list":   {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", list)}, modes: map[string]string{"s": "enforce"}, want: "does not have this version"},
		"shadow":           {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", has)}, modes: map[string]string{"s": "shadow"}, want: "is in shadow"},
		"another block":    {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", has), set("u", "2026-05-01T12:00:00Z", other)}, modes: map[string]string{"u": "enforce"}, want: "no server block enforces"},
		"no time":          {sets: []status.Set{set("s", "", has)}, modes: map[string]string{"s": "enforce"}, want: "does not say since when"},
		"no set at all":    {want: "does not have this version"},
		"shadow in part":   {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", has), set("u", "2026-05-01T12:00:00Z", has)}, modes: map[string]string{"s": "enforce", "u": "shadow"}, want: "is in shadow"},
		"no directive too": {sets: []status.Set{set("s", "2026-05-01T12:00:00Z", has)}, modes: map[string]string{"s": "enforce", "": "none"}, since: "2026-05-01T12:00:00Z"},
	} {
		d := &status.Document{Sets: x.sets}
		for set, mode := range x.modes {
			d.Blocks = append(d.Blocks, status.ServerBlock{Name: set, Mode: mode, Digest: set})
		}
		since, err := inForceSince(d, digest)
		if x.want == "" && (err != nil || since.Format(time.RFC3339) != x.since) || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %s, %v", name, since, err)
		}
	}
}

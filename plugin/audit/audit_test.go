package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/upstream"
)

// records are the zones of the test resolver.
const records = `
com. SOA a.gtld-servers.net. nstld.example. 1 1800 900 604800 900
alive.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
alive.com. NS ns1.host.example.
alive.com. NS ns2.host.example.
alive.com. A 192.0.2.1
alive.com. AAAA 2001:db8::1
www.alias.com. CNAME site.cdn.example.
alias.com. NS ns1.host.example.
alias.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
site.cdn.example. A 192.0.2.2
parked.com. NS ns1.sedoparking.com.
parked.com. NS ns2.sedoparking.com.
parked.com. SOA ns1.sedoparking.com. hostmaster.sedo.example. 1 2 3 4 5
parked.com. A 192.0.2.3
seized.com. NS ns1.FBI.seized.gov.
seized.com. SOA ns1.fbi.seized.gov. hostmaster.seized.gov. 1 2 3 4 5
notparkingsedoparking.com. NS ns1.host.example.
notparkingsedoparking.com. SOA ns.notsedoparking.com. a.host.example. 1 2 3 4 5
notparkingsedoparking.com. A 192.0.2.4
empty.com. NS ns1.host.example.
empty.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
empty.com. MX 10 mail.host.example.
wwwonly.com. NS ns1.host.example.
wwwonly.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
www.wwwonly.com. A 192.0.2.5
six.com. NS ns1.host.example.
six.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
six.com. AAAA 2001:db8::6
zero.com. NS ns1.host.example.
zero.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
zero.com. A 0.0.0.0
redirected.com. NS ns1.host.example.
redirected.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
redirected.com. A 192.0.2.99
! EDE 16 censored.com
! EDE 18 prohibited.com
! SERVFAIL broken.com
! DROP silent.com
! TC big.com
big.com. NS ns1.host.example.
big.com. SOA ns1.host.example. admin.host.example. 1 2 3 4 5
big.com. A 192.0.2.7
`

func target(t testing.TB, text string) Target {
	t.Helper()
	x := Target{Text: text, Match: order.Subtree, Order: "court/1", File: "a.yaml", Line: 3}
	if rest, ok := strings.CutPrefix(text, "*."); ok {
		text, x.Match = rest, order.BelowOnly
	}
	if rest, ok := strings.CutSuffix(text, " (exact)"); ok {
		text, x.Match = rest, order.Exact
	}
	n, err := dname.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	x.Name = n
	return x
}

func options(t testing.TB, records string) (Options, *upstream.Resolver) {
	t.Helper()
	u := upstream.Start(t, records)
	return Options{Resolver: client(t, u.Addr, dnsclient.Options{Timeout: 200 * time.Millisecond, Tries: 2}), Known: Builtin(), Workers: 4}, u
}

func client(t testing.TB, addr string, opt dnsclient.Options) *dnsclient.Client {
	t.Helper()
	c, err := dnsclient.New(addr, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClasses(t *testing.T) {
	opt, _ := options(t, records)
	cases := []struct{ target, class, why string }{
		{"alive.com", "in_use", ""},
		{"www.alias.com", "in_use", ""},
		{"gone.com", "gone", "NXDOMAIN for gone.com"},
		{"www.gone.com (exact)", "gone", "NXDOMAIN for gone.com"},
		{"*.gone.com", "gone", "NXDOMAIN for gone.com"},
		{"parked.com", "parked", "the name server ns1.sedoparking.com is in the table: sedoparking.com"},
		{"any.parked.com", "parked", "the name server ns1.sedoparking.com is in the table: sedoparking.com"},
		{"seized.com", "seized", "the name server ns1.fbi.seized.gov is in the table: seized.gov"},
		{"notparkingsedoparking.com", "in_use", ""},
		{"empty.com", "no_addresses", "the name has no A and no AAAA record"},
		{"none.alive.com", "no_addresses", "the name does not exist, and its domain alive.com exists"},
		{"wwwonly.com", "in_use", "only www below the name has an address"},
		{"wwwonly.com (exact)", "no_addresses", "the name has no A and no AAAA record"},
		{"*.wwwonly.com", "in_use", ""},
		{"six.com", "in_use", ""},
		{"big.com", "in_use", ""},
		{"zero.com", "unknown", "the resolver may block the name: the address 0.0.0.0 can be a block"},
		{"redirected.com", "unknown", "the resolver may block the name: the address 192.0.2.99 is the redirect of an order"},
		{"censored.com", "unknown", "the resolver may block the name: the answer has the extended error 16 (Censored)"},
		{"prohibited.com", "unknown", "NXDOMAIN for prohibited.com without the SOA record of a zone above"},
		{"broken.com", "unknown", "SERVFAIL for broken.com SOA"},
		{"silent.com", "unknown", "no answer in time for silent.com SOA"},
	}
	var targets []Target
	for _, tc := range cases {
		x := target(t, tc.target)
		x.Redirects = []netip.Addr{netip.MustParseAddr("192.0.2.99")}
		targets = append(targets, x)
	}
	r := Run(context.Background(), targets, opt)
	for i, tc := range cases {
		if x := r.Rows[i]; string(x.Class) != tc.class || x.Why != tc.why || x.Target != tc.target {
			t.Errorf("%s: got %s %q, want %s %q", tc.target, x.Class, x.Why, tc.class, tc.why)
		}
	}
	if r.Blocks != 3 || r.Early {
		t.Errorf("%d blocks, early %v", r.Blocks, r.Early)
	}
	if x := r.Rows[1]; x.Alias != "site.cdn.example" || !slices.Equal(x.Addresses, []string{"192.0.2.2"}) || x.Domain != "alias.com" || x.SOA != "ns1.host.example admin.host.example" {
		t.Errorf("%+v", x)
	}
	// A second run writes the same bytes.
	var first, second bytes.Buffer
	r.WriteCSV(&first)
	Run(context.Background(), targets, opt).WriteCSV(&second)
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("got\n%s\nthen\n%s", &first, &second)
	}
}

func TestQueries(t *testing.T) {
	opt, u := options(t, records)
	Run(context.Background(), []Target{target(t, "alive.com"), target(t, "alive.com"), target(t, "six.alive.com (exact)"), target(t, "gone.com"), target(t, "www.gone.com")}, opt)
	want := []string{"alive.com. A", "alive.com. AAAA", "alive.com. NS", "alive.com. SOA", "gone.com. NS", "gone.com. SOA", "six.alive.com. A", "six.alive.com. AAAA"}
	if got := u.Queries(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func before(t *testing.T, records string, targets []Target, asJSON bool) *Before {
	t.Helper()
	opt, _ := options(t, records)
	r := Run(context.Background(), targets, opt)
	var b bytes.Buffer
	if asJSON {
		json.NewEncoder(&b).Encode(map[string]any{"targets": r.Rows})
	} else if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	old, err := ParseBefore(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return old
}

// TestBefore compares two audits, for which the records differ.
func TestBefore(t *testing.T) {
	zone := func(name, ns, soa, address string) string {
		return name + " NS " + ns + "\n" + name + " SOA " + soa + " 1 2 3 4 5\n" + name + " " + address + "\n"
	}
	const ns, soa = "ns.host.example.", "ns.host.example. a.host.example."
	first := zone("same.com.", ns, soa, "A 192.0.2.1") + zone("ns.com.", ns, soa, "A 192.0.2.1") + zone("soa.com.", ns, soa, "A 192.0.2.1") +
		zone("address.com.", ns, soa, "A 192.0.2.1") + zone("pool.com.", ns, soa, "A 192.0.2.1\npool.com. A 192.0.2.2") +
		zone("alias.com.", ns, soa, "MX 1 .") + "www.alias.com. CNAME one.example.\none.example. A 192.0.2.1\ntwo.example. A 192.0.2.1\n" +
		zone("dies.com.", ns, soa, "A 192.0.2.1") + zone("sold.com.", ns, soa, "A 192.0.2.1") + "! SERVFAIL healed.com\n! SERVFAIL sick.com\n"
	second := zone("same.com.", "NS.host.example.", strings.ToUpper(soa), "A 192.0.2.1") + zone("ns.com.", "ns.new.example.", soa, "A 192.0.2.1") +
		zone("soa.com.", ns, "ns.host.example. b.host.example.", "A 192.0.2.1") + zone("address.com.", ns, soa, "A 198.51.100.1") +
		zone("pool.com.", ns, soa, "A 192.0.2.2\npool.com. A 192.0.2.3") + zone("alias.com.", ns, soa, "MX 1 .") +
		"www.alias.com. CNAME two.example.\ntwo.example. A 192.0.2.1\n" + zone("sold.com.", "ns1.bodis.com.", soa, "A 192.0.2.9") +
		zone("reborn.com.", ns, soa, "A 192.0.2.1") + zone("healed.com.", ns, soa, "A 192.0.2.1") + zone("new.com.", ns, soa, "A 192.0.2.1") + "! SERVFAIL sick.com\n"
	cases := []struct{ target, class, changes string }{
		{"same.com", "unchanged", ""},
		{"ns.com", "moved", "name servers: from ns.host.example to ns.new.example"},
		{"soa.com", "moved", "SOA: from ns.host.example a.host.example to ns.host.example b.host.example"},
		{"address.com", "moved", "addresses: from 192.0.2.1 to 198.51.100.1"},
		{"pool.com", "unchanged", ""},
		{"www.alias.com", "moved", "alias: from one.example to two.example"},
		{"dies.com", "gone", "the class was in_use"},
		{"sold.com", "parked", "name servers: from ns.host.example to ns1.bodis.com|addresses: from 192.0.2.1 to 192.0.2.9|the class was in_use"},
		{"reborn.com", "moved", "the domain exists again|the class was gone"},
		{"healed.com", "in_use", ""},
		{"sick.com", "unknown", ""},
	}
	var targets []Target
	for _, tc := range cases {
		targets = append(targets, target(t, tc.target))
	}
	for _, asJSON := range []bool{false, true} {
		old := before(t, first, targets, asJSON)
		opt, _ := options(t, second)
		opt.Before = old
		r := Run(context.Background(), append(targets, target(t, "new.com")), opt)
		for i, tc := range cases {
			if x := r.Rows[i]; string(x.Class) != tc.class || strings.Join(x.Changes, "|") != tc.changes {
				t.Errorf("%s: got %s %q, want %s %q", tc.target, x.Class, x.Changes, tc.class, tc.changes)
			}
		}
		if x := r.Rows[len(cases)]; x.Class != InUse || len(x.Changes) > 0 {
			t.Errorf("a new target: %+v", x)
		}
	}
}

func TestParseBeforeErrors(t *testing.T) {
	head := strings.Join(columns, ",") + "\n"
	for _, tc := range []struct{ text, want string }{
		{"", "is empty"},
		{"\n\n", "is empty"},
		{strings.ReplaceAll(head, ",", ";") + "gone;a.com\n", "record on line 2: wrong number of fields"},
		{"a,b\n1,2\n", "is no CSV output of an audit, because the column class is missing"},
		{head + "gone,a.com\n", "record on line 2: wrong number of fields"},
		{head + "dead,a.com" + strings.Repeat(",", len(columns)-2) + "\n", `the class of the target "a.com" must be a class of an audit, got "dead"`},
		{`{"targets"`, "unexpected end of JSON input"},
		{`{}`, "is no JSON output of an audit, because the field targets is missing"},
		{`{"targets": [{"class": "moved", "target": 7}]}`, "json: cannot unmarshal number into Go struct field Row.targets.target of type string"},
	} {
		if _, err := ParseBefore([]byte(tc.text)); err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestParseKnown(t *testing.T) {
	_, problems := ParseKnown("my.txt", "parked ns a.example # s\n\n# only a comment\nparked a.example # s\nlost ns a.example # s\nseized ns a.example\nseized ns a.example # \n"+
		"seized web a.example # s\nseized ns com # s\nseized ns a..example # s\nseized address 192.0.2.1/24 # s\n")
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	want := []string{
		`my.txt:4: want a class, a kind, a value and a source after #, got "parked a.example"`,
		`my.txt:5: the class must be parked or seized, got "lost"`,
		`my.txt:6: the entry a.example has no source; write the source after #`,
		`my.txt:7: the entry a.example has no source; write the source after #`,
		`my.txt:8: the kind must be ns, alias or address, and not "web", got "a.example"`,
		`my.txt:9: a name needs at least two labels, got "com"`,
		`my.txt:10: has an empty label (two dots in a row, or a leading dot), got "a..example"`,
		`my.txt:11: the address is an address with the length of a network; write 192.0.2.0/24 for the network, or the address alone, got "192.0.2.1/24"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	k, problems := ParseKnown("my.txt", "parked alias park.example # s\nseized address 192.0.2.0/24 # s\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tc := range []struct {
		facts Facts
		want  Class
	}{
		{Facts{Alias: "a.park.example"}, Parked},
		{Facts{Alias: "a.notpark.example"}, ""},
		{Facts{NameServers: []string{"park.example"}}, ""},
		{Facts{Addresses: []string{"198.51.100.1", "192.0.2.7"}}, Seized},
		{Facts{Alias: "park.example", Addresses: []string{"192.0.2.7"}}, Seized},
	} {
		if got, _ := k.find(&tc.facts); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.facts, got, tc.want)
		}
	}
}

func TestBlockingResolver(t *testing.T) {
	var text strings.Builder
	var targets []Target
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		text.WriteString("! EDE 15 " + string(c) + ".com\n")
		targets = append(targets, target(t, string(c)+".com"))
	}
	opt, u := options(t, text.String())
	opt.Workers = 1
	r := Run(context.Background(), targets, opt)
	for _, x := range r.Rows {
		if x.Class != Unknown {
			t.Errorf("%s is %s", x.Target, x.Class)
		}
	}
	if !r.Early || r.Blocks < manyBlocks || len(u.Queries()) > 2*manyBlocks {
		t.Errorf("early %v, %d blocks, %d queries", r.Early, r.Blocks, len(u.Queries()))
	}
}

func TestSilentResolver(t *testing.T) {
	var targets []Target
	for i := range 4 * manySilent {
		targets = append(targets, target(t, fmt.Sprintf("n%d.com", i)))
	}
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	opt := Options{Resolver: client(t, listener.LocalAddr().String(), dnsclient.Options{Timeout: 20 * time.Millisecond}), Known: Builtin(), Workers: 8}
	r := Run(context.Background(), targets, opt)
	if !r.Silent || !r.Early || r.Rows[0].Class != Unknown || r.Rows[len(r.Rows)-1].Why != notAsked {
		t.Errorf("silent %v, early %v, %+v", r.Silent, r.Early, r.Rows[0])
	}
}

func TestRate(t *testing.T) {
	opt, u := options(t, records)
	opt.Resolver = client(t, u.Addr, dnsclient.Options{Timeout: time.Second, Interval: 10 * time.Millisecond})
	begin := time.Now()
	Run(context.Background(), []Target{target(t, "alive.com"), target(t, "six.com"), target(t, "gone.com")}, opt)
	if n, spent := len(u.Queries()), time.Since(begin); n != 10 || spent < time.Duration(n-1)*10*time.Millisecond {
		t.Errorf("%d queries in %s", n, spent)
	}
}

func TestCanceled(t *testing.T) {
	opt, u := options(t, records)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	r := Run(ctx, []Target{target(t, "alive.com")}, opt)
	if len(r.Rows) != 1 || r.Rows[0].Class != Unknown || r.Rows[0].Why != notAsked || !r.Early || r.Silent || len(u.Queries()) > 0 {
		t.Errorf("%+v, %q", r, u.Queries())
	}
}

// TestCSVCells checks that no cell begins like a formula.
func TestCSVCells(t *testing.T) {
	var b bytes.Buffer
	r := Result{Rows: []Row{{Class: Gone, Target: "-a.com", Order: "=cmd|' /C calc'!A0", Authority: "+1", References: []string{"@SUM(1)"}, Why: "x\ny"}}}
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	line := strings.Split(b.String(), "\r\n")[1]
	if want := `gone,'-a.com,"""x\ny""",,'=cmd|' /C calc'!A0,'+1,'@SUM(1),,,,,,,0`; line != want {
		t.Errorf("got %s, want %s", line, want)
	}
	old, err := ParseBefore(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := old.find("-a.com"); !ok {
		t.Error("the target of the row is not found again")
	}
}

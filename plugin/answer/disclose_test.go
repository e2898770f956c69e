package answer

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func TestSentence(t *testing.T) {
	for _, tt := range []struct{ ref, authority, want string }{
		{"914/2719", "NCU", "Blocked by order 914/2719 of NCU"},
		{"", "NCU", "Blocked by order of NCU"},
		{"№ 12-р", "НКЕК", "Blocked by order № 12-р of НКЕК"},
		{"914/2719", "", "Blocked by order 914/2719"},
		{"a <b> & \"c\"", "D", `Blocked by order a <b> & "c" of D`},
		{"two\r\nlines\x00", "  N  C\tU ", "Blocked by order two lines of N C U"},
		{"n°\u00a012", "C", "Blocked by order n° 12 of C"},
		{"\xff\xfe", "N\ufffeC", "Blocked by order \ufffd of N C"},
		{"\x1b]0;title\x07 7", "\u202eC\u2066D\u200bE\ufeff", "Blocked by order ]0;title 7 of C D E"},
		{"7\u2028[ERROR] forged\u2029", "C\u0085D\u200e", "Blocked by order 7 [ERROR] forged of C D"},
		{"می\u200cخواهم", "न्\u200dष", "Blocked by order می\u200cخواهم of न्\u200dष"},
	} {
		v := verdict(order.NXDOMAIN, func(v *ruleset.Verdict, terms *order.Terms) {
			v.Order.Reference, terms.Authority.Name = tt.ref, tt.authority
		})
		e := ede(t, Build(query(t, "example.com.", dns.TypeA, edns), 1232, v, now, config()))
		if e == nil || e.ExtraText != tt.want {
			t.Errorf("%q of %q: got %v, want %q", tt.ref, tt.authority, e, tt.want)
		}
	}
}

func TestStructured(t *testing.T) {
	lumen := []order.FilteringDatabase{{DB: "lumen", ID: "123"}, {DB: "x", ID: "a&b"}}
	for _, tt := range []struct {
		what  string
		cfg   Config
		terms order.Terms
		fdbs  []order.FilteringDatabase
		want  string
	}{
		{"nothing: our sentence", Config{}, order.Terms{}, nil,
			`{"j":"Blocked by order 914/2719 of NCU","l":"en"}`},
		{"nothing: our sentence is in English", Config{Language: "uk"}, order.Terms{Language: "de"}, nil,
			`{"j":"Blocked by order 914/2719 of NCU","l":"en"}`},
		{"database only: our sentence too", Config{}, order.Terms{}, lumen,
			`{"j":"Blocked by order 914/2719 of NCU","l":"en","fdbs":[{"db":"lumen","id":"123"},{"db":"x","id":"a&b"}]}`},
		{"organization only: our sentence too", Config{Organization: "ISP", Language: "uk"}, order.Terms{}, nil,
			`{"j":"Blocked by order 914/2719 of NCU","o":"ISP","l":"en"}`},
		{"contact only", Config{Contact: []string{"mailto:abuse@isp.example"}}, order.Terms{}, nil,
			`{"c":["mailto:abuse@isp.example"]}`},
		{"contact and database", Config{Contact: []string{"tel:+380-44-1"}, Language: "uk"}, order.Terms{}, lumen[:1],
			`{"c":["tel:+380-44-1"],"fdbs":[{"db":"lumen","id":"123"}]}`},
		{"contact and organization", Config{Contact: []string{"tel:+380-44-1"}, Organization: "ISP", Language: "uk"}, order.Terms{}, nil,
			`{"c":["tel:+380-44-1"],"o":"ISP","l":"uk"}`},
		{"organization's language is the order's when it is the order's", Config{Contact: []string{"tel:1"}, Organization: "ISP", Language: "uk"}, order.Terms{Organization: "FAI", Language: "fr"}, nil,
			`{"c":["tel:1"],"o":"FAI","l":"fr"}`},
		{"organization's language is the operator's when it is the operator's", Config{Contact: []string{"tel:1"}, Organization: "ISP", Language: "uk"}, order.Terms{Language: "fr"}, nil,
			`{"c":["tel:1"],"o":"ISP","l":"uk"}`},
		{"justification", Config{}, order.Terms{Justification: "Gambling without a licence."}, nil,
			`{"j":"Gambling without a licence.","l":"en"}`},
		{"justification in the operator's language", Config{Language: "uk"}, order.Terms{Justification: "Без ліцензії."}, nil,
			`{"j":"Без ліцензії.","l":"uk"}`},
		{"justification's own language", Config{Organization: "ISP", Language: "uk"}, order.Terms{Justification: "Sans licence.", Language: "fr"}, nil,
			`{"j":"Sans licence.","o":"ISP","l":"fr"}`},
		{"everything; the order's comes first", Config{Organization: "ISP", Contact: []string{"mailto:isp@example"}, Language: "uk"},
			order.Terms{Organization: "Reg", Contact: []string{"mailto:reg@example", "tel:1"}, Justification: "J", Language: "de-CH"}, lumen[:1],
			`{"c":["mailto:reg@example","tel:1"],"j":"J","o":"Reg","l":"de-CH","fdbs":[{"db":"lumen","id":"123"}]}`},
		{"contacts by mail and telephone only", Config{Contact: []string{"https://isp.example/", "MailTo:a@b", "sips:x", "tel:", "mailto", "TEL:2", "javascript:1", "tel:3\n"}}, order.Terms{}, nil,
			`{"c":["MailTo:a@b","TEL:2","tel:3"]}`},
		{"no usable contact", Config{Contact: []string{"mailto:isp@example"}}, order.Terms{Contact: []string{"https://x.example"}}, nil,
			`{"j":"Blocked by order 914/2719 of NCU","l":"en"}`},
		{"escapes: only what JSON wants", Config{Organization: `<a href="x">&'\</a>`}, order.Terms{Justification: "J"}, nil,
			`{"j":"J","o":"<a href=\"x\">&'\\</a>","l":"en"}`},
		{"lines and controls", Config{}, order.Terms{Justification: " one\n two\r\n\x00three\u0085 \n"}, nil,
			`{"j":"one two three","l":"en"}`},
		{"nothing but blanks", Config{Organization: "\n"}, order.Terms{Justification: " \n\t"}, nil,
			`{"j":"Blocked by order 914/2719 of NCU","l":"en"}`},
		{"not UTF-8, noncharacters", Config{}, order.Terms{Justification: "a\xffb\uffffc\ufdd0d\U0010ffffe"}, nil,
			"{\"j\":\"a\ufffdb c d e\",\"l\":\"en\"}"},
		{"control characters, bidirectional marks and zero-width characters in every text", Config{Organization: "I\u202eSP\ufeff", Contact: []string{"tel:\u200e1"}, Language: "uk\u2028"},
			order.Terms{Justification: "\x1b[2Jone\u2029two\u200b"}, []order.FilteringDatabase{{DB: "lu\u2066men", ID: "\u20691\u009b"}},
			`{"c":["tel: 1"],"j":"[2Jone two","o":"I SP","l":"uk","fdbs":[{"db":"lu men","id":"1"}]}`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			tt.cfg.SDEOption = sdeCode
			v := verdict(order.NXDOMAIN, func(v *ruleset.Verdict, terms *order.Terms) {
				tt.terms.Authority, tt.terms.TTL = terms.Authority, -1
				v.Order.Terms, v.Order.FilteringDatabases = &tt.terms, tt.fdbs
			})
			e := ede(t, Build(query(t, "example.com.", dns.TypeA, signal), 1232, v, now, &tt.cfg))
			if e == nil || e.ExtraText != tt.want {
				t.Fatalf("\n got %v\nwant %s", e, tt.want)
			}
			checkObject(t, e.ExtraText)
		})
	}
}

func checkObject(t testing.TB, s string) {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(s), &o); err != nil || !utf8.ValidString(s) {
		t.Fatalf("not I-JSON: %q: %v", s, err)
	}
	for k, v := range o {
		if !slices.Contains([]string{"c", "j", "o", "l", "fdbs"}, k) {
			t.Errorf("unknown name %q in %s", k, s)
		}
		if v == "" || v == nil {
			t.Errorf("empty %q in %s", k, s)
		}
	}
	if o["c"] == nil && o["j"] == nil && o["fdbs"] == nil {
		t.Errorf("nothing that a client would use: %s", s)
	}
	if prose := o["j"] != nil || o["o"] != nil; prose != (o["l"] != nil) {
		t.Errorf("l must go with j and o, and only then: %s", s)
	}
	if uris, ok := o["c"].([]any); ok {
		for _, u := range uris {
			if l := strings.ToLower(u.(string)); !strings.HasPrefix(l, "mailto:") && !strings.HasPrefix(l, "tel:") {
				t.Errorf("contact %q", u)
			}
		}
	}
}

// TestSignals checks which options ask for structured errors.
func TestSignals(t *testing.T) {
	for _, tt := range []struct {
		what string
		sde  uint16
		opt  []dns.EDNS0
		want bool
	}{
		{"no option", sdeCode, nil, false},
		{"the option", sdeCode, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: sdeCode}}, true},
		{"the option with data", sdeCode, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: sdeCode, Data: []byte("ignored")}}, true},
		{"another option", sdeCode, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: sdeCode + 1}}, false},
		{"the option when off", 0, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: sdeCode}}, false},
		{"option 0 when off", 0, []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 0}}, false},
		{"a code that the library knows", dns.EDNS0PADDING, []dns.EDNS0{&dns.EDNS0_PADDING{}}, true},
		{"older", sdeCode, []dns.EDNS0{&dns.EDNS0_EDE{}}, true},
		{"older when off", 0, []dns.EDNS0{&dns.EDNS0_EDE{}}, true},
		{"older, among others", 0, []dns.EDNS0{&dns.EDNS0_PADDING{}, &dns.EDNS0_EDE{}, &dns.EDNS0_PADDING{}}, true},
		{"EDE with a code", sdeCode, []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 15}}, false},
		{"EDE with text", sdeCode, []dns.EDNS0{&dns.EDNS0_EDE{ExtraText: "x"}}, false},
	} {
		q := query(t, "example.com.", dns.TypeA, func(m *dns.Msg) {
			edns(m)
			m.IsEdns0().Option = tt.opt
		})
		if got := signals(q.IsEdns0(), tt.sde); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.what, got, tt.want)
		}
	}
}

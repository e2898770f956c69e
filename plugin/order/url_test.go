package order

import (
	"strings"
	"testing"
)

func TestURLHost(t *testing.T) {
	for _, tc := range []struct{ url, host, why string }{
		{"https://shop.example/page", "shop.example", ""},
		{"HTTP://Shop.Example./?x", "shop.example", ""},
		{"http://shop.example:8080/#x", "shop.example", ""},
		{"http://user:pw@shop.example/x", "shop.example", ""},
		{"https://münchen.example/x", "xn--mnchen-3ya.example", ""},
		{"https://m%C3%BCnchen.example/x", "xn--mnchen-3ya.example", ""},
		{`https:\\shop.example\x`, "", `must have "//" behind its scheme; write "url: https://shop.example\x"`},
		{`https://shop.example\x`, "shop.example", ""},
		{"ftp://files.example/a.zip", "files.example", ""},
		{"ftp://files.example", "files.example", ""},
		{"rtmp://live.example:1935/tv", "live.example", ""},

		// DNS cannot block these hosts, because they are not names.
		{"http://192.0.2.1/x", "", ""},
		{"http://192.0.2.1:8080/x", "", ""},
		{"http://[2001:db8::1]:8080/x", "", ""},
		{"http://shop..example/x", "", ""},
		{"http://shop..example", "", ""},
		{"http://shop example/x", "", ""},
		{"http://" + strings.Repeat("x", 64) + ".example/", "", ""},
		{"https://%zz.example/x", "", ""},
		{"https://xn--a.example/x y", "xn--a.example", ""},
		{"tg://resolve?domain=x", "", ""},
		{"tg://resolve", "", ""},
		{"magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a", "", ""},
		{"mailto:shop@shop.example", "", ""},
		{"ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/x", "", ""},
		{"acestream://94c2fd8fb9bc8f2fc71a2cbe9d4b866f227a0209", "", ""},

		// For these URLs, the message shows what to write.
		{"https://shop.example", "", `has no path; write "name: shop.example"`},
		{"https://shop.example/", "", `has no path; write "name: shop.example"`},
		{"http://Shop.Example:8080//", "", `has no path; write "name: shop.example"`},
		{"http://192.0.2.1/", "", `has no path; write "address: 192.0.2.1"`},
		{"http://[2001:db8::1]", "", `has no path; write "address: 2001:db8::1"`},
		{"shop.example/page", "", `has no scheme; write "url: https://shop.example/page"`},
		{"shop.example:8080/page", "", `has no scheme; write "url: https://shop.example:8080/page"`},
		{"localhost:8080", "", `has no scheme; write "url: https://localhost:8080"`},
		{"//shop.example/x", "", `has no scheme; write "url: https://shop.example/x"`},
		{"https:/shop.example/x", "", `must have "//" behind its scheme; write "url: https://shop.example/x"`},
		{"https:", "", "has nothing behind its scheme"},
		{"https:///x", "", "has no host"},
		{"https://shop.example/a\nb", "", "has a line break or another control character"},
	} {
		host, why := URLHost(tc.url)
		if got := host.String(); !host.IsZero() && got != tc.host || host.IsZero() && tc.host != "" || why != tc.why {
			t.Errorf("%s: host %q, %q, want %q, %q", tc.url, host, why, tc.host, tc.why)
		}
	}
}

package evidence

import (
	"context"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
)

type token struct {
	Version  int
	Policy   asn1.ObjectIdentifier
	Imprint  messageImprint
	Serial   *big.Int
	Time     time.Time `asn1:"generalized"`
	Nonce    *big.Int  `asn1:"optional"`
	contents asn1.ObjectIdentifier
}

func mustDER(t testing.TB, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func answerTo(t testing.TB, request []byte, now time.Time, change func(*token)) []byte {
	t.Helper()
	var r stampRequest
	if rest, err := asn1.Unmarshal(request, &r); err != nil || len(rest) > 0 || r.Version != 1 || !r.CertReq {
		t.Fatalf("the request is bad: %v, %+v", err, r)
	}
	x := token{Version: 1, Policy: asn1.ObjectIdentifier{1, 2, 3}, Imprint: r.Imprint, Serial: big.NewInt(255), Time: now.UTC().Truncate(time.Second), Nonce: r.Nonce, contents: oidStampInfo}
	if change != nil {
		change(&x)
	}
	info := mustDER(t, struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint messageImprint
		Serial  *big.Int
		Time    time.Time `asn1:"generalized"`
		Nonce   *big.Int  `asn1:"optional"`
	}{x.Version, x.Policy, x.Imprint, x.Serial, x.Time, x.Nonce})
	explicit := func(der []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: der}
	}
	type content struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	signed := mustDER(t, struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content content
	}{3, []pkix.AlgorithmIdentifier{{Algorithm: oidSHA256}}, content{x.contents, explicit(mustDER(t, info))}})
	return mustDER(t, struct {
		Status struct{ Status int }
		Token  content
	}{struct{ Status int }{0}, content{oidSignedData, explicit(signed)}})
}

func TestStamp(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	type status struct {
		Status  int
		Text    []asn1.RawValue
		Failure asn1.BitString
	}
	refusal := mustDER(t, struct{ Status status }{status{2, []asn1.RawValue{{Tag: asn1.TagUTF8String, Bytes: []byte("no \x1b[31m credit")}},
		asn1.BitString{Bytes: []byte{0, 1, 0}, BitLength: 17}}})
	raw := func(b []byte) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Type", "application/timestamp-reply")
			w.Write(b)
		}
	}
	with := func(change func(*token)) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, q []byte) { raw(answerTo(t, q, now, change))(w, q) }
	}
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, []byte)
		want   string
	}{
		{"good", with(nil), ""},
		{"an hour late", with(func(x *token) { x.Time = now.Add(time.Hour) }), "the time stamp says 2026-11-29T13:00:00Z, and the clock here says 2026-11-29T12:00:00Z: one of the clocks is wrong"},
		{"another nonce", with(func(x *token) { x.Nonce = big.NewInt(5) }), "has not the nonce of the request"},
		{"no nonce", with(func(x *token) { x.Nonce = nil }), "has not the nonce of the request"},
		{"other data", with(func(x *token) { x.Imprint.Hash = make([]byte, 32) }), "is for other data"},
		{"another algorithm", with(func(x *token) { x.Imprint.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2} }), "is for other data"},
		{"version 2", with(func(x *token) { x.Version = 2 }), "has version 2"},
		{"no time stamp", with(func(x *token) { x.contents = asn1.ObjectIdentifier{1, 2, 3} }), "the token of the answer is not a time stamp"},
		{"a refusal", raw(refusal), `the authority did not grant the stamp: status 2, unaccepted policy, "\"no \\x1b[31m credit\""`},
		{"no DER", raw([]byte("hello")), "is not the DER of a TimeStampResp"},
		{"empty", raw(nil), "is not the DER of a TimeStampResp"},
		{"granted without a token", raw(mustDER(t, struct{ Status struct{ Status int } }{})), "the answer has no signed token"},
		{"too long", raw(make([]byte, maxAnswer+1)), "the answer has more than 1048576 bytes"},
		{"a web page", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<html>")
		}, `has the content type "text/html", and not application/timestamp-reply`},
		{"an error", func(w http.ResponseWriter, _ []byte) { http.Error(w, "no \x1b credit", http.StatusPaymentRequired) }, `the answer is "402 Payment Required": "\"no \\x1b credit\""`},
		{"a redirect", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", "https://me:secret@tsa.example/x")
			w.WriteHeader(302)
		}, `the answer is "302 Found" with the address "https://me:xxxxx@tsa.example/x": use that URL`},
		{"a closed connection", func(w http.ResponseWriter, _ []byte) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := makeJournal(t)
			c, err := Newest(dir, mustKey(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			requests := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				body, _ := io.ReadAll(r.Body)
				if r.Header.Get("Content-Type") != "application/timestamp-query" || r.Method != http.MethodPost {
					t.Errorf("request %s %v", r.Method, r.Header)
				}
				tc.answer(w, body)
			}))
			defer s.Close()
			opt := StampOptions{URL: strings.Replace(s.URL, "//", "//me:secret@", 1), Client: s.Client(), Now: func() time.Time { return now }}
			got, added, err := AddStamp(context.Background(), dir, mustKey(t, dir), c, opt)
			_, missing := os.Stat(journal.StampPath(dir, c.Size))
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") || added || missing == nil {
					t.Errorf("%v, %v, %v", err, added, missing)
				}
				return
			}
			if err != nil || !added || !got.Time.Equal(now) || got.Size != c.Size || got.Serial != "ff" || got.Policy != "1.2.3" || missing != nil {
				t.Fatalf("%+v, %v, %v", got, added, err)
			}
			if again, added, err := AddStamp(context.Background(), dir, mustKey(t, dir), c, opt); err != nil || added || *again != *got || requests != 1 {
				t.Errorf("%+v, %v, %v, %d requests", again, added, err, requests)
			}
			out, faults := CheckOutsiders(dir, mustKey(t, dir), nil, nil)
			if len(faults) > 0 || len(out.Stamps) != 1 || out.Stamps[0] != *got {
				t.Errorf("%+v, %q", out, faults)
			}
			// The stamp of another checkpoint.
			grow(t, dir, 3)
			c, _ = Newest(dir, mustKey(t, dir))
			b, _ := os.ReadFile(journal.StampPath(dir, got.Size))
			os.WriteFile(journal.StampPath(dir, c.Size), b, 0o600)
			os.WriteFile(journal.StampPath(dir, 5), b, 0o600)
			_, faults = CheckOutsiders(dir, mustKey(t, dir), nil, nil)
			if len(faults) != 2 || !strings.HasPrefix(faults[0], "checkpoints/5.tsr: the checkpoint of the stamp is missing") || !strings.Contains(faults[1], "is for other data") {
				t.Errorf("faults %q", faults)
			}
		})
	}
}

func TestStampTimeout(t *testing.T) {
	dir := makeJournal(t)
	c, err := Newest(dir, mustKey(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer s.Close()
	defer close(end)
	closed := httptest.NewServer(nil)
	closed.Close()
	for address, want := range map[string]string{
		s.URL:                       "no answer in time",
		closed.URL:                  "connection refused",
		"ftp://tsa.example/":        "a URL like https://HOST/PATH is needed",
		"https://u:secret@":         "a URL like https://HOST/PATH is needed",
		"https://u:secret@[::1/%zz": "a URL like https://HOST/PATH is needed",
	} {
		_, _, err := AddStamp(context.Background(), dir, mustKey(t, dir), c, StampOptions{URL: address, Client: &http.Client{Timeout: 50 * time.Millisecond}, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestStampVerify(t *testing.T) {
	dir := makeJournal(t)
	c, err := Newest(dir, mustKey(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(answerTo(t, body, now, nil))
	}))
	defer s.Close()
	refused := errors.New("refused")
	_, _, err = AddStamp(context.Background(), dir, mustKey(t, dir), c, StampOptions{URL: s.URL, Client: s.Client(), Now: func() time.Time { return now },
		Verify: func(answer, data []byte) error {
			if string(data) != string(c.Text) {
				t.Errorf("data %q", data)
			}
			return refused
		}})
	if _, missing := os.Stat(journal.StampPath(dir, c.Size)); !errors.Is(err, refused) || missing == nil {
		t.Errorf("%v, %v", err, missing)
	}
}

// FuzzStamp parses random answers.
func FuzzStamp(f *testing.F) {
	data := []byte("data")
	q, nonce, err := newStampRequest(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answerTo(f, q, time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), nil))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := parseStamp(answer, data, nonce)
		sum := sha256.Sum256(data)
		if err == nil && !strings.Contains(string(answer), string(sum[:])) {
			t.Errorf("accepted: %+v", s)
		}
	})
}

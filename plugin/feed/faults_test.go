package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/platform"
)

func refuse(status int, page string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		w.Write([]byte(page))
		return true
	}
}

func on(end string, f func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, end) && f(w, r)
	}
}

// say returns a fault with a body.
func say(kind, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", kind)
		w.Write([]byte(body))
		return true
	}
}

const tickets = "ticket/get/all"

func TestFaults(t *testing.T) {
	good := []platform.Ticket{ticketOf("a", time.Hour, "a.example", "b.example"), ticketOf("b", time.Minute, "c.example")}
	one := `{"ticket_id":"z","status":"in-test-take","fqdn":["z.example"],"metadata":{"created_at":"2026-05-01T18:00:00+02:00"}}`
	list := func(tickets string) string { return `{"status":"success","data":[` + tickets + `]}` }
	for name, x := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		set   []platform.Ticket
		want  string
	}{
		"500": {fault: on(tickets, refuse(500, "<html>oops")), want: "ticket/get/all: the answer is 500 Internal Server Error"},
		"redirect": {fault: on(tickets, func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
			return true
		}), want: "the answer is 302 Found"},
		"html":         {fault: on(tickets, say("text/html", "<html>login</html>")), want: `the answer has the content type "text/html", not "application/json"`},
		"html as json": {fault: on(tickets, say("application/json", "<html>login</html>")), want: "the answer is not a JSON document"},
		"no type": {fault: on(tickets, func(w http.ResponseWriter, r *http.Request) bool {
			w.Header()["Content-Type"] = nil
			w.Write([]byte("{}"))
			return true
		}), want: `content type ""`},
		"cut cleanly": {fault: on(tickets, say("application/json", list(one)[:60])), want: "the JSON document was cut off after 60 bytes"},
		"cut by the network": {fault: on(tickets, func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(list(one)))
			return true
		}), want: "the answer was cut off after"},
		"two documents":       {fault: on(tickets, say("application/json", list(one)+"{}")), want: "has text after its JSON document"},
		"error with 200":      {fault: on(tickets, say("application/json", `{"status":"no","fault":{"number":"1000","words":"Generic\u001b[31m error."}}`)), want: `code "1000", message "Generic\x1b[31m error."`},
		"no list":             {fault: on(tickets, say("application/json", `{"status":"success"}`)), want: "has no list of tickets"},
		"null list":           {fault: on(tickets, say("application/json", `{"status":"success","data":null}`)), want: "has no list of tickets"},
		"no id":               {fault: on(tickets, say("application/json", list(`{"status":"in-test-take"}`))), want: `ticket 1: the field "ticket_id" must be a text`},
		"no date":             {fault: on(tickets, say("application/json", list(`{"ticket_id":"z","status":"in-test-take"}`))), want: `the field "metadata.created_at" must be a time, got ""`},
		"twice":               {fault: on(tickets, say("application/json", list(one+","+one))), want: `two tickets have the id "z"`},
		"numbers":             {fault: on(tickets, say("application/json", list(strings.Replace(one, `"z.example"`, "7", 1)))), want: `the field "fqdn" must be a list of texts`},
		"not in the list":     {fault: on(tickets, say("application/json", list(one))), want: `ticket "z" has the item "z.example", and the list of all items does not have the item`},
		"wrong checksum":      {fault: on("fqdn/get/all/txt/checksum", say("text/plain", strings.Repeat("0", 64))), want: "fqdn/get/all/txt: the list has the SHA-256 digest"},
		"no checksum":         {fault: on("fqdn/get/all/txt/checksum", say("text/plain", "soon")), want: `the answer is no SHA-256 digest: "soon"`},
		"checksum withheld":   {fault: on("fqdn/get/all/txt/checksum", func(w http.ResponseWriter, r *http.Request) bool { platform.Fail(w, 400, "5000", "x"); return true }), want: "the list has items, and the platform gives no checksum"},
		"list cut off":        {fault: on("fqdn/get/all/txt", say("text/plain", "a.example\nb.exa")), want: "may be cut off, old or newer"},
		"list as html":        {fault: on("fqdn/get/all/txt", say("text/html", "a.example")), want: `content type "text/html", not "text/plain"`},
		"everything vanished": {set: []platform.Ticket{}, want: "the newest ticket of the answer is from"},
		"an old state":        {set: good[:1], want: `and the order "piracy-shield/b" is from 2026-05-01T18:29:00Z; the answer may be an old one`},
		"a replay": {fault: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Date", begin.Add(-time.Minute).Format(http.TimeFormat))
			return false
		}, want: "an answer of the platform is from 2026-05-01T18:29:00Z, and an answer from 2026-05-01T18:30:00Z is already known; the answer is a replay"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, good...)
			r.opt.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r.round()
			state := stateBytes(t, r)
			r.clock.Add(11 * time.Minute)
			r.open()
			r.p.Fault(x.fault)
			if x.set != nil {
				r.p.Set(x.set...)
			}
			err := r.fails()
			if !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %q, want %q", err, x.want)
			}
			if got := stateBytes(t, r); !bytes.Equal(got, state) {
				t.Errorf("the state changed:\n%s", got)
			}
			r.p.Fault(nil)
			r.p.Set(append(good, ticketOf("c", 0, "d.example"))...)
			if rep := r.round(); rep.NewOrders != 1 || len(rep.Ended)+len(rep.Back) > 0 {
				t.Errorf("the next round: %+v", rep)
			}
		})
	}
}

func stateBytes(t *testing.T, r *rig) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(stateDir(r.opt.Out), stateName))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSlow(t *testing.T) {
	for _, begun := range []bool{false, true} {
		r := newRig(t, ticketOf("a", 0, "a.example"))
		r.round()
		r.clock.Add(time.Minute)
		r.opt.HTTP = &http.Client{Timeout: 200 * time.Millisecond}
		r.open()
		r.p.Fault(on(tickets, func(w http.ResponseWriter, req *http.Request) bool {
			if begun {
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"status":`))
				w.(http.Flusher).Flush()
			}
			<-req.Context().Done()
			return true
		}))
		err := r.fails()
		if want := "in time"; !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestTooMany(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example"))
	for value, want := range map[string]time.Duration{"300": 5 * time.Minute, begin.Add(7 * time.Minute).Format(http.TimeFormat): 7 * time.Minute, "soon": 0, "-5": 0, "999999999999": 0} {
		r.p.Fault(func(w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Retry-After", value)
			platform.Fail(w, 429, "1005", "Too many requests.")
			return true
		})
		var f *Fault
		if err := r.fails(); !errors.As(err, &f) || f.Status != 429 || f.After != want || f.Code != "1005" {
			t.Errorf("%q: %+v", value, err)
		}
	}
}

// TestTokens checks expired tokens and wrong credentials.
func TestTokens(t *testing.T) {
	r := newRig(t, ticketOf("a", 0, "a.example"))
	r.round()
	for _, all := range []bool{false, true} {
		r.p.Expire(all)
		r.p.Set(ticketOf("a", 0, "a.example"), ticketOf(fmt.Sprint("t", all), 0, fmt.Sprint("t", all, ".example")))
		if rep := r.round(); rep.NewOrders != 1 {
			t.Errorf("%v: %+v", all, rep)
		}
	}
	if logins, renewals := r.p.Calls("authentication/login"), r.p.Calls("authentication/refresh"); logins != 2 || renewals != 2 {
		t.Errorf("%d logins, %d renewals", logins, renewals)
	}
	r.p.Fault(on("checksum", func(w http.ResponseWriter, req *http.Request) bool {
		platform.Fail(w, 401, "1014", "change the password; your token is "+req.Header.Get("Authorization"))
		return true
	}))
	before := r.p.Calls("fqdn/get/all/txt/checksum")
	err := r.fails()
	if !strings.Contains(err.Error(), `code "1014"`) || strings.Contains(err.Error(), "access-") {
		t.Errorf("%v", err)
	}
	if n := r.p.Calls("fqdn/get/all/txt/checksum") - before; n != 2 {
		t.Errorf("%d requests", n)
	}
	r.p.Fault(nil)
	r.opt.Password = "wrong secret"
	r.open()
	err = r.fails()
	if !strings.Contains(err.Error(), `message "Wrong password [secret]"`) || strings.Contains(err.Error(), "wrong secret") {
		t.Errorf("%v", err)
	}
}

func TestUnknownStatus(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example"), ticketOf("b", time.Minute, "b.example"))
	r.round()
	r.clock.Add(time.Minute)
	frozen := ticketOf("a", time.Minute, "a.example", "new.example")
	frozen.Status = "frozen\x1b[1m"
	creating := ticketOf("c", 0, "c.example")
	creating.Status = platform.StatusWait
	r.p.Set(frozen, ticketOf("b", time.Minute, "b.example"), creating)
	rep := r.round()
	if rep.Written || len(rep.Problems) != 1 || rep.Problems[0] != `ticket "a": tickets.statuses of the platform has no status "frozen\x1b[1m"; its order stays as it is` {
		t.Errorf("%+v", rep)
	}
}

func TestDrop(t *testing.T) {
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	r := newRig(t, ticketOf("a", time.Minute, names...))
	r.round()
	r.p.Set(ticketOf("a", time.Minute, names[31:]...))
	err := r.fails()
	if want := "the answer would end the blocks of 31 of 300 items in force, more than 10 %"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}
	r.opt.DropOK = 30
	r.open()
	r.fails()
	r.opt.DropOK = 31
	r.open()
	if rep := r.round(); len(rep.Ended) != 31 {
		t.Errorf("%d items ended", len(rep.Ended))
	}
	// A few items may always end.
	r.opt.DropOK = -1
	r.open()
	r.p.Set(ticketOf("a", time.Minute, names[51:]...))
	if rep := r.round(); len(rep.Ended) != 20 {
		t.Errorf("%d items ended", len(rep.Ended))
	}
}

func TestUnclear(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example", "b.example"), ticketOf("b", 0, "c.example"))
	r.round()
	var whole bytes.Buffer
	r.p.Fault(on(tickets, func(w http.ResponseWriter, req *http.Request) bool {
		doc := map[string]any{"status": "success", "data": []any{map[string]any{"ticket_id": "a", "status": platform.StatusTake, "fqdn": []string{"a.example"},
			"metadata": map[string]string{"created_at": begin.Add(-time.Minute).Format(time.RFC3339)}}}}
		json.NewEncoder(&whole).Encode(doc)
		w.Header().Set("Content-Type", "application/json")
		w.Write(whole.Bytes())
		return true
	}))
	r.open()
	if rep := r.round(); rep.Unclear != 2 || len(rep.Ended) != 0 || rep.Written {
		t.Errorf("%+v", rep)
	}
}

func TestGone(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example"))
	r.round()
	first := r.bytes()
	r.p.Set(ticketOf("a", time.Minute, "a.example", "b.example"))
	r.round()
	if err := os.WriteFile(r.opt.Out, first, 0o644); err != nil {
		t.Fatal(err)
	}
	if rep := r.round(); rep.Serial != 3 {
		t.Errorf("serial %d after a restore; a server refuses a serial below 3", rep.Serial)
	}
	if err := os.Remove(r.opt.Out); err != nil {
		t.Fatal(err)
	}
	if err := r.fails(); !strings.Contains(err.Error(), "is gone, and had the serial 3") {
		t.Error(err)
	}
	if err := os.WriteFile(r.opt.Out, []byte("version: 1\norders: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.fails(); !strings.Contains(err.Error(), `does not come from the platform "it-piracy-shield"`) {
		t.Error(err)
	}
	if err := os.WriteFile(r.opt.Out, []byte("version: 1\nserial: x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.fails()
}

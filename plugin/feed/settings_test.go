package feed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/test/platform"
)

func unfilled(t *testing.T) *Platform {
	t.Helper()
	p, err := Load("it-piracy-shield", "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNoStatuses(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example"))
	r.opt.Platform, r.opt.Acknowledge = unfilled(t), Written
	rep := r.round()
	want := `ticket "a": tickets.statuses of the platform has no status "in-test-take"; the ticket was not taken, and has no order`
	if rep.NewOrders != 0 || len(rep.Problems) != 1 || rep.Problems[0] != want || len(r.p.Acks()) != 0 {
		t.Errorf("%+v, %v", rep, r.p.Acks())
	}
}

func TestNoReason(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example", "www.bank.example", "x y"))
	r.opt.Platform, r.opt.Acknowledge = described(t), Written
	r.opt.Platform.Unprocessed.Protected = ""
	r.opt.Guard = protects(t, "bank.example\n")
	rep := r.round()
	want := "refused items that were not acknowledged, because the description of the platform has no unprocessed.protected: 1"
	if rep.Acknowledged != 2 || rep.Pending != 1 || len(rep.Problems) != 1 || rep.Problems[0] != want {
		t.Errorf("%+v", rep)
	}
	if _, ok := r.p.Acks()["www.bank.example"]; ok || r.p.Acks()["x y"].Reason != platform.Invalid {
		t.Errorf("%v", r.p.Acks())
	}
	r.opt.Platform.Unprocessed.Reason, r.opt.Platform.Unprocessed.Invalid = "", "" // a platform without reasons
	r.open()
	r.p.Fault(on("unprocessed", say("application/json", `{"status":"success"}`)))
	if rep := r.round(); rep.Acknowledged != 1 || rep.Pending != 0 || len(rep.Problems) != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestBareRequests(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example"))
	p := described(t)
	p.Processed.Time = ""
	r.opt.Platform, r.opt.Acknowledge = p, Written
	var got map[string]string
	r.p.Fault(on("/processed", func(w http.ResponseWriter, req *http.Request) bool {
		json.NewDecoder(req.Body).Decode(&got)
		return say("application/json", `{"status":"success"}`)(w, req)
	}))
	if rep := r.round(); rep.Acknowledged != 1 || fmt.Sprint(got) != "map[value:a.example]" {
		t.Errorf("%+v, sent %v", rep, got)
	}
}

func TestNoErrorFields(t *testing.T) {
	r := newRig(t)
	r.opt.Platform = unfilled(t)
	r.opt.Password = "wrong secret"
	err := r.fails().Error()
	if !strings.Contains(err, `HTTP status 400, answer "{`) || !strings.Contains(err, "Wrong password [secret]") || strings.Contains(err, "wrong secret") {
		t.Error(err)
	}
}

func TestOpaqueChecksums(t *testing.T) {
	r := newRig(t, ticketOf("a", time.Minute, "a.example"))
	r.opt.Platform = described(t)
	for k, l := range r.opt.Platform.Lists {
		l.Digest = ""
		r.opt.Platform.Lists[k] = l
	}
	sum := "Version 7"
	r.p.Fault(on("fqdn/get/all/txt/checksum", func(w http.ResponseWriter, req *http.Request) bool {
		return say("text/plain", sum)(w, req)
	}))
	if rep := r.round(); rep.NewOrders != 1 {
		t.Errorf("%+v", rep)
	}
	r.p.Set(ticketOf("a", time.Minute, "a.example", "b.example"))
	if rep := r.round(); !rep.Unchanged {
		t.Errorf("the same checksum: %+v", rep)
	}
	sum = "Version 8"
	if rep := r.round(); rep.Unchanged || rep.Added != 1 {
		t.Errorf("another checksum: %+v", rep)
	}
	for _, sum = range []string{"", strings.Repeat("x", 300)} {
		if err := r.fails(); !strings.Contains(err.Error(), "the checksum must have 1 to 256 bytes") {
			t.Error(err)
		}
	}
}

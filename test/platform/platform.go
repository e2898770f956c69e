// Package platform has a test server that imitates Piracy Shield (docs/blocklistctl-feed.md).
//
// Error codes and some other values are not public, so this package invents these values.
package platform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// These are the credentials that the server accepts.
const (
	User     = "desk@isp.example"
	Password = "correct horse battery"
)

// These values of the server are inventions.
const (
	StatusTake = "in-test-take"
	StatusWait = "in-test-wait"
	Protected  = "IN-TEST-PROTECTED"
	Invalid    = "IN-TEST-INVALID"
	Late       = "in-test-late" // the code of a final error
)

// Describe adds the invented values of the server to the YAML description of a platform.
func Describe(description []byte) ([]byte, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(description, &doc); err != nil {
		return nil, err
	}
	in := func(keys ...string) map[string]any {
		m := doc
		for _, k := range keys {
			m = m[k].(map[string]any)
		}
		return m
	}
	maps.Copy(in("answer"), map[string]any{"code": "fault.number", "message": "fault.words"})
	in("tickets")["statuses"] = map[string]any{StatusTake: "take", StatusWait: "wait"}
	for _, kind := range []string{"names", "ipv4", "ipv6"} {
		in("lists", kind)["digest"] = "sha256"
	}
	in("processed")["time"] = "in_force"
	maps.Copy(in("unprocessed"), map[string]any{"protected": Protected, "invalid": Invalid})
	doc["final"] = map[string]any{Late: "the time for acknowledgements is over"}
	return yaml.Marshal(doc)
}

// A Ticket is a ticket of the server.
type Ticket struct {
	ID      string
	Created time.Time
	Status  string // empty means StatusTake
	FQDN    []string
	IPv4    []string
	IPv6    []string
}

// An Ack is an acknowledgement that the server took.
type Ack struct {
	Processed bool
	Reason    string
	InForce   string
	Count     int
}

// A Server imitates the platform. Its methods are safe for concurrent use.
type Server struct {
	*httptest.Server
	// Now is the clock of the server.
	Now func() time.Time
	// NoDate leaves the header Date out.
	NoDate bool

	mu      sync.Mutex
	tickets []Ticket
	created map[string]time.Time // the time of each item; nil after a change of the tickets
	acks    map[string]Ack
	calls   map[string]int
	access  string
	refresh string
	tokens  int
	fault   func(w http.ResponseWriter, r *http.Request) bool
	check   func(value string, processed bool)
}

// Start starts a Server and stops the Server at the end of the test.
func Start(t testing.TB, now func() time.Time) *Server {
	s := &Server{Now: now, acks: map[string]Ack{}, calls: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// Base returns the URL for the client.
func (s *Server) Base() string { return s.URL + "/api" }

// Set sets the tickets.
func (s *Server) Set(tickets ...Ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets, s.created = tickets, nil
}

// Withdraw removes an item from a ticket.
func (s *Server) Withdraw(id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created = nil
	for i := range s.tickets {
		if t := &s.tickets[i]; t.ID == id {
			is := func(v string) bool { return v == value }
			t.FQDN = slices.DeleteFunc(slices.Clone(t.FQDN), is)
			t.IPv4 = slices.DeleteFunc(slices.Clone(t.IPv4), is)
			t.IPv6 = slices.DeleteFunc(slices.Clone(t.IPv6), is)
		}
	}
}

// Fault sets a function that the server calls for each request. The function returns true if it has
// answered the request itself.
func (s *Server) Fault(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Check sets a function that the server calls for each acknowledgement.
func (s *Server) Check(f func(value string, processed bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check = f
}

// Acks returns the acknowledgements by value.
func (s *Server) Acks() map[string]Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Ack{}
	for k, v := range s.acks {
		out[k] = v
	}
	return out
}

// Calls returns the number of requests for a path.
func (s *Server) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// Expire makes the access token invalid. If the argument is true, the refresh token becomes invalid
// too.
func (s *Server) Expire(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = ""
	if all {
		s.refresh = ""
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault := s.fault
	s.calls[strings.TrimPrefix(r.URL.Path, "/api/v1/")]++
	s.mu.Unlock()
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	if s.NoDate {
		w.Header()["Date"] = nil
	}
	if fault != nil && fault(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve(w, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	var body map[string]string
	if r.Method == http.MethodPost {
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			Fail(w, 400, "in-test-json", "The request has no JSON document.")
			return
		}
	}
	switch path {
	case "authentication/login":
		if body["email"] != User || body["password"] != Password {
			// A careless platform could repeat the password.
			Fail(w, 400, "in-test-password", "Wrong password "+body["password"])
			return
		}
		s.tokens++
		s.access, s.refresh = "access-"+strconv.Itoa(s.tokens), "refresh-"+strconv.Itoa(s.tokens)
		succeed(w, map[string]string{"access_token": s.access, "refresh_token": s.refresh})
		return
	case "authentication/refresh":
		if s.refresh == "" || body["refresh_token"] != s.refresh {
			Fail(w, 401, "in-test-token", "The token is not valid.")
			return
		}
		s.tokens++
		s.access = "access-" + strconv.Itoa(s.tokens)
		succeed(w, map[string]string{"access_token": s.access})
		return
	}
	if s.access == "" || r.Header.Get("Authorization") != "Bearer "+s.access {
		Fail(w, 401, "in-test-token", "The token is not valid.")
		return
	}
	switch path {
	case "ticket/get/all":
		succeed(w, s.list())
	case "ticket/item/set/processed", "ticket/item/set/unprocessed":
		s.acknowledge(w, body, path == "ticket/item/set/processed")
	default:
		kind, rest, _ := strings.Cut(path, "/")
		text := strings.Join(s.values(kind), "\n")
		switch {
		case rest == "get/all/txt":
			w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
			w.Write([]byte(text))
		case rest == "get/all/txt/checksum" && text == "":
			Fail(w, 404, "in-test-empty", "No items.")
		case rest == "get/all/txt/checksum":
			sum := sha256.Sum256([]byte(text))
			w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
			w.Write([]byte(hex.EncodeToString(sum[:])))
		default:
			Fail(w, 404, "in-test-path", "No such path.")
		}
	}
}

// list returns the tickets with items.
func (s *Server) list() []any {
	out := []any{}
	for _, t := range s.tickets {
		if len(t.FQDN)+len(t.IPv4)+len(t.IPv6) == 0 {
			continue
		}
		status := t.Status
		if status == "" {
			status = StatusTake
		}
		out = append(out, map[string]any{"ticket_id": t.ID, "status": status,
			"fqdn": some(t.FQDN), "ipv4": some(t.IPv4), "ipv6": some(t.IPv6), "metadata": map[string]string{"created_at": t.Created.Format("2006-01-02T15:04:05.000000-07:00")}})
	}
	return out
}

func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Server) values(kind string) (out []string) {
	for _, t := range s.tickets {
		for _, v := range map[string][]string{"fqdn": t.FQDN, "ipv4": t.IPv4, "ipv6": t.IPv6}[kind] {
			if !slices.Contains(out[max(0, len(out)-10):], v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// acknowledge takes an acknowledgement of an item.
func (s *Server) acknowledge(w http.ResponseWriter, body map[string]string, processed bool) {
	value := body["value"]
	if s.created == nil {
		s.created = map[string]time.Time{}
		for _, t := range s.tickets {
			for _, v := range slices.Concat(t.FQDN, t.IPv4, t.IPv6) {
				s.created[v] = t.Created
			}
		}
	}
	created, known := s.created[value]
	switch {
	case !known:
		Fail(w, 400, "in-test-unknown", "No ticket has the item.")
		return
	case s.Now().Sub(created) > 48*time.Hour:
		Fail(w, 400, Late, "Too late.")
		return
	case !processed && !slices.Contains([]string{Protected, Invalid}, body["reason"]):
		Fail(w, 400, "in-test-reason", "The reason is unknown.")
		return
	}
	if s.check != nil {
		s.check(value, processed)
	}
	s.acks[value] = Ack{processed, body["reason"], body["in_force"], s.acks[value].Count + 1}
	succeed(w, nil)
}

// Fail answers a request with an error in the format of the platform.
func Fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": "in-test-fault", "fault": map[string]string{"number": code, "words": message}})
}

func succeed(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	out := map[string]any{"status": "success"}
	if data != nil {
		out["data"] = data
	}
	json.NewEncoder(w).Encode(out)
}

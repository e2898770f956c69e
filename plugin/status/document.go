package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dns-orders/blocklist/plugin/hits"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/dns-orders/blocklist/plugin/store"
)

// A Failure is the JSON document for a failed request.
type Failure struct {
	Product string `json:"product"`
	API     int    `json:"api"`
	Error   string `json:"error"`
}

// A Document is the JSON document at the path /status.
type Document struct {
	Product string        `json:"product"`
	API     int           `json:"api"`
	Version string        `json:"version"`
	At      string        `json:"at"`
	Sets    []Set         `json:"sets"`
	Blocks  []ServerBlock `json:"server_blocks"`
	// Alarms has a sentence for each fault of a state directory or journal.
	Alarms []string `json:"alarms"`
}

// A Set is a set of orders in force. Server blocks with equal sets share a Set.
type Set struct {
	Digest string `json:"digest"`
	Since  string `json:"since"`
	// Several stores can have the same set. LastLoad and LastLook come from the first of these
	// stores. LastLoadOK and Ready must be true for all of these stores.
	LastLoad     string         `json:"last_load"`
	LastLoadOK   bool           `json:"last_load_ok"`
	LastLook     string         `json:"last_look,omitempty"`
	Ready        bool           `json:"ready"`
	NextChange   string         `json:"next_change,omitempty"`
	Orders       map[string]int `json:"orders"`
	Lifts        map[string]int `json:"lifts"`
	Targets      map[string]int `json:"targets"`
	UselessLifts int            `json:"lifts_reaching_nothing"`
	Files        []File         `json:"files"`
}

// A File describes one order file or one configured path.
type File struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	Digest   string `json:"digest,omitempty"`
	Serial   *int64 `json:"serial,omitempty"`
	Orders   int    `json:"orders"`
	Targets  int    `json:"targets"`
	Expires  string `json:"expires,omitempty"`
	Expired  bool   `json:"expired"`
	Signed   string `json:"signed,omitempty"`
	Failures int    `json:"failures"`
	Problem  string `json:"problem,omitempty"`
}

// A ServerBlock is one server block.
type ServerBlock struct {
	Name string `json:"name"`
	// Mode is enforce, shadow or none. In the mode none, Digest is empty.
	Mode   string `json:"mode"`
	Digest string `json:"digest,omitempty"`
	Hits   []Hour `json:"hits"`
}

// An Hour has the hits in one hour.
type Hour struct {
	Start  string `json:"start"`
	Hits   uint64 `json:"hits"`
	Shadow uint64 `json:"shadow_hits"`
}

// status writes the document at the path /status.
func (h *handler) status(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, h.document())
}

// document returns the document at the path /status.
func (n *Node) document() *Document {
	now := n.moment()
	out := &Document{Product: Product, API: API, Version: n.Version, At: text(now), Sets: []Set{}, Blocks: []ServerBlock{}, Alarms: alarms()}
	for _, s := range n.sets() {
		out.Sets = append(out.Sets, s.json())
	}
	for i := range n.Blocks {
		b := &n.Blocks[i]
		x := ServerBlock{Name: b.Name, Mode: b.mode(), Hits: hours(b.Hits.Rows(order.Time(now.Unix())))}
		if b.Store != nil {
			x.Digest = b.Store.Status().Digest
		}
		out.Blocks = append(out.Blocks, x)
	}
	return out
}

func alarms() []string {
	out := []string{}
	for _, st := range store.States() {
		if st.Err != nil {
			out = append(out, fmt.Sprintf("the newest versions have not been stored in the state directory since %s: %v", text(st.FailingSince), st.Err))
		}
		if !st.Unaccepted.IsZero() {
			out = append(out, fmt.Sprintf("the state directory was new, empty or damaged at %s, so orders may be missing; blocklistctl state accept ends this alarm", text(st.Unaccepted)))
		}
		if st.WrongSnapshots > 0 {
			out = append(out, fmt.Sprintf("%d snapshots in the state directory were wrong at the start; the stored files are in force", st.WrongSnapshots))
		}
	}
	for _, st := range store.Journals() {
		if st.Err != nil {
			out = append(out, fmt.Sprintf("the journal has not been written since %s: %v", text(st.FailingSince), st.Err))
		}
	}
	slices.Sort(out)
	return out
}

func hours(rows []hits.Row) []Hour {
	sums := map[order.Time]*Hour{}
	var starts []order.Time
	for _, r := range rows {
		for _, hour := range r.Hours {
			x := sums[hour.Start]
			if x == nil {
				x = &Hour{Start: hour.Start.String()}
				sums[hour.Start], starts = x, append(starts, hour.Start)
			}
			x.Hits, x.Shadow = x.Hits+uint64(hour.Hits), x.Shadow+uint64(hour.Shadow)
		}
	}
	slices.Sort(starts)
	out := []Hour{}
	for _, t := range starts {
		out = append(out, *sums[t])
	}
	return out
}

type inForce struct {
	*ruleset.Set
	digest string
	stores []*store.Store
	states []store.Status
	blocks []*Block
}

// sets returns the sets of the server blocks.
func (n *Node) sets() (out []*inForce) {
	of, seen := map[string]*inForce{}, map[*store.Store]*inForce{}
	for i := range n.Blocks {
		b := &n.Blocks[i]
		if b.Store == nil {
			continue
		}
		if s := seen[b.Store]; s != nil {
			s.blocks = append(s.blocks, b)
			continue
		}
		st := b.Store.Status()
		s := of[st.Digest]
		if s == nil {
			s = &inForce{Set: st.Set(), digest: st.Digest}
			of[st.Digest] = s
			out = append(out, s)
		}
		seen[b.Store] = s
		s.stores, s.states, s.blocks = append(s.stores, b.Store), append(s.states, st), append(s.blocks, b)
	}
	return out
}

func (s *inForce) json() Set {
	now := order.Time(s.stores[0].Now().Unix())
	counts := s.Counts(now)
	st := s.states[0]
	out := Set{Digest: s.digest, Since: text(st.Since), LastLoad: text(st.LastLoad), LastLook: text(st.LastLook), LastLoadOK: true, Ready: true,
		Orders: states(counts.Orders), Lifts: states(counts.Lifts), Targets: states(counts.Targets), UselessLifts: st.UselessLifts, Files: []File{}}
	if t := s.NextChange(now); t != ruleset.Forever {
		out.NextChange = t.String()
	}
	listed := map[string]bool{}
	for i, store := range s.stores {
		out.LastLoadOK, out.Ready = out.LastLoadOK && s.states[i].LastOK, out.Ready && store.Ready()
		if s.states[i].Since.Before(st.Since) {
			out.Since = text(s.states[i].Since)
		}
		for _, f := range s.states[i].Files {
			x := file(store, f, now)
			if key := x.Path + "\x00" + x.Problem; !listed[key] {
				listed[key] = true
				out.Files = append(out.Files, x)
			}
		}
	}
	return out
}

func file(s *store.Store, f store.FileStatus, now order.Time) File {
	x := File{Path: f.Path, Kind: string(f.Kind), Digest: f.Digest, Expired: f.Stale(now), Signed: text(f.Signed), Failures: f.Failures, Problem: s.Problem(f)}
	x.Orders, x.Targets = f.Count()
	if f.Serial >= 0 {
		x.Serial = &f.Serial
	}
	if f.Expires != order.NoTime {
		x.Expires = f.Expires.String()
	}
	return x
}

func states(n [ruleset.NumStates]int) map[string]int {
	out := map[string]int{}
	for i := range ruleset.NumStates {
		out[i.String()] = n[i]
	}
	return out
}

func text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// writeJSON writes a document with a status code.
func writeJSON(w http.ResponseWriter, code int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client has gone
	return nil
}

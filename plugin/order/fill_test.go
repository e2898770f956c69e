package order

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestFillingIn(t *testing.T) {
	f := loadGood(t, "good/filling.yaml")
	order := map[string]*Order{}
	for _, o := range f.Orders {
		order[o.ID] = o
	}
	for _, tt := range []struct {
		id, category, subject, references, exempt string
		force                                     string
	}{
		{"nothing-own", "authority", "defaults", "A1 A2", "192.0.2.1/32 192.0.2.2/32", "one.example=authority"},
		{"all-own", "own", "own", "O1", "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32", "one.example=own"},
		{"null", "authority", "defaults", "A1 A2", "192.0.2.1/32 192.0.2.2/32", "one.example=authority"},
		{"own-authority", "defaults", "defaults", "D1", "192.0.2.1/32", "two.example=defaults"},
		{"null-in-authority", "defaults", "defaults", "D1", "192.0.2.1/32", "two.example=defaults"},
		{"handle-from-defaults", "other", "defaults", "D1", "192.0.2.1/32", "two.example=defaults"},
		{"empty-exempt", "authority", "defaults", "A1 A2", "192.0.2.1/32 192.0.2.2/32", "one.example=authority"},
		{"nothing-own-again", "authority", "defaults", "A1 A2", "192.0.2.1/32 192.0.2.2/32", "one.example=authority"},
	} {
		o := order[tt.id]
		if o == nil {
			t.Errorf("no order %q", tt.id)
			continue
		}
		var exempt, force []string
		for _, e := range o.Exempt {
			exempt = append(exempt, e.Clients[0].String())
		}
		for _, x := range o.Force {
			force = append(force, x.Target+"="+x.Reason)
		}
		got := []string{o.Category, o.Subject, strings.Join(o.References, " "), strings.Join(exempt, " "), strings.Join(force, " ")}
		want := []string{tt.category, tt.subject, tt.references, tt.exempt, tt.force}
		if !slices.Equal(got, want) {
			t.Errorf("order %q: %q, want %q", tt.id, got, want)
		}
	}
	if order["nothing-own"].Terms != order["nothing-own-again"].Terms {
		t.Error("orders without fields of their own do not share Terms")
	}
	if order["all-own"].Terms == order["nothing-own"].Terms {
		t.Error("an order with fields of its own shares its authority's Terms")
	}
	// A lift inherits only the authority.
	want := New()
	want.ID, want.Action, want.Authority, want.Issued = "lift", Lift, Authority{Name: "A"}, order["lift"].Issued
	want.Targets, want.Index = order["lift"].Targets, order["lift"].Index
	sameOrders(t, "lift", []*Order{order["lift"]}, []*Order{want})
}

func TestFilled(t *testing.T) {
	never := []string{"id", "action", "lifts", "windows", "targets", "stated_count", "target_count", "targets_from"}
	notOnLift := []string{"exempt", "force", "response", "ttl", "justification", "language", "organization", "contact", "filtering_databases"}
	for _, f := range fields {
		if (f.use&filled == 0) != slices.Contains(never, f.key) {
			t.Errorf("%s: filled in is %v", f.key, f.use&filled != 0)
		}
		if (f.use&onLift == 0) != slices.Contains(notOnLift, f.key) {
			t.Errorf("%s: on a lift is %v", f.key, f.use&onLift != 0)
		}
		if _, inTerms := reflect.TypeFor[Terms]().FieldByNameFunc(func(s string) bool {
			return strings.EqualFold(s, strings.ReplaceAll(f.key, "_", ""))
		}); inTerms != (f.use&term != 0) {
			t.Errorf("%s: term is %v", f.key, f.use&term != 0)
		}
	}
}

func TestForceOfDefaults(t *testing.T) {
	_, problems := parseString(t, `version: 1
defaults: {force: {other.example: because}}
orders: [{id: a, authority: {name: X}, scope: global, targets: [one.example]}]
`)
	if len(problems) > 0 {
		t.Error(problems)
	}
}

package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
)

// TestHeadFlags checks that import has a flag for each field of an order. The first variable
// contains the exceptions.
func TestHeadFlags(t *testing.T) {
	left := []string{"windows", "exempt", "stated_count", "target_count", "targets", "targets_from", "except", "force", "justification", "language",
		"organization", "contact", "filtering_databases", "document"}
	var schema struct {
		Defs struct {
			Order struct{ Properties map[string]any }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(order.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	var got []string
	for key := range flagNames {
		key, _, _ = strings.Cut(key, ".")
		if key != "timezone" && !slices.Contains(got, key) {
			got = append(got, key)
		}
		if key != "timezone" && schema.Defs.Order.Properties[key] == nil {
			t.Errorf("%s: order files do not have this key", key)
		}
	}
	for key := range schema.Defs.Order.Properties {
		if slices.Contains(got, key) == slices.Contains(left, key) {
			t.Errorf("%s: a flag for this key: %t", key, slices.Contains(got, key))
		}
	}
	_, help, _ := ctl("import", "domains", "--help")
	var f headFlags
	v := reflect.ValueOf(&f).Elem()
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("key")
		if !strings.Contains(help, flagNames[key]+"=") {
			t.Errorf("%s: import has no flag %s", key, flagNames[key])
		}
		if v.Field(i).Kind() == reflect.String {
			v.Field(i).SetString("x" + key)
		} else {
			v.Field(i).Set(reflect.ValueOf([]string{"x" + key}))
		}
	}
	f.Response = "nodata"
	fields := f.head().Fields
	for key := range flagNames {
		want := any("x" + key)
		switch key {
		case "timezone":
			want = nil
		case "response":
			want = "nodata"
		case "lifts", "references", "scope.countries", "scope.clients":
			want = []string{"x" + key}
		}
		if !reflect.DeepEqual(fields[key], want) {
			t.Errorf("%s: got %v, want %v", key, fields[key], want)
		}
	}
}

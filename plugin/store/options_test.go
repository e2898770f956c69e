package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

func changeEach(t *testing.T, v reflect.Value, path string, text func() string) {
	before := text()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Guard" {
				changeEach(t, v.Field(i), path+"."+name, text)
			}
		}
		return
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(uint64(order.Redirect))
	default:
		t.Fatalf("%s: the test does not set a %s", path, v.Kind())
	}
	if text() == before {
		t.Errorf("%s does not change the text", path)
	}
}

func TestKeyHasEveryOption(t *testing.T) {
	opt := &Options{}
	changeEach(t, reflect.ValueOf(opt).Elem(), "Options", func() string { return opt.key() })
}

func TestKeyIsEqual(t *testing.T) {
	var keys []string
	for range 2 {
		opt := Options{Patterns: []string{"a b"}}
		redirectTo("192.0.2.1", "2001:db8::1")(&opt)
		translate("2001:db8:64::/96")(&opt)
		keys = append(keys, opt.key())
	}
	if keys[0] != keys[1] {
		t.Errorf("%s\n%s", keys[0], keys[1])
	}
	if split := (Options{Patterns: []string{"a", "b"}}).key(); split == (Options{Patterns: []string{"a b"}}).key() {
		t.Error("two paths have the key of one path with a blank")
	}
}

func TestRulesTextHasEveryOption(t *testing.T) {
	opt := &ruleset.Options{}
	changeEach(t, reflect.ValueOf(opt).Elem(), "Options", func() string { return rulesText(*opt) })
}

func TestResponseTextHasEveryKind(t *testing.T) {
	kinds := constants(t, "../order/order.go", "ResponseKind")
	words := map[string]string{}
	for i, name := range kinds {
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("%s: %v", name, v)
				}
			}()
			word := responseText(order.ResponseKind(i))
			if _, ok := order.ParseResponseKind(word); !ok {
				t.Errorf("%s: %q is no word for a response", name, word)
			}
			if other := words[word]; other != "" && other != "ResponseUnset" {
				t.Errorf("%s has the word of %s", name, other)
			}
			words[word] = name
		}()
	}
	if len(kinds) < 5 {
		t.Errorf("found only the kinds %v", kinds)
	}
}

func constants(t *testing.T, file, typ string) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		if id, ok := g.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); !ok || id.Name != typ {
			continue
		}
		for _, s := range g.Specs {
			for _, n := range s.(*ast.ValueSpec).Names {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

package order

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	enums := map[string]func(v uint8) (word string, parsed uint8, ok bool){
		"Action":        wordsOf(actionWords),
		"Status":        wordsOf(statusWords),
		"AuthorityKind": wordsOf(authorityKindWords),
		"Disclosure":    wordsOf(disclosureWords),
		"ResponseKind":  wordsOf(responseWords),
		"Match":         wordsOf(matchWords),
		"EnforcedBy":    wordsOf(enforcedByWords),
	}
	constants := constantsOf(t, "order.go")
	if names := constants["TargetKind"]; len(names) == 0 {
		t.Fatal("order.go has no constants of TargetKind; constantsOf is wrong")
	}
	delete(constants, "TargetKind") // a TargetKind has no word
	for enum, names := range constants {
		check, ok := enums[enum]
		if !ok {
			t.Errorf("%s has no words in words.go", enum)
			continue
		}
		seen := map[string]bool{}
		for v, name := range names {
			word, parsed, ok := check(uint8(v))
			switch {
			case strings.Contains(name, "Un") && word == "": // ResponseUnset and KindUnstated have no word
			case word == "" || strings.Contains(word, "("):
				t.Errorf("%s has no word", name)
			case seen[word]:
				t.Errorf("%s has the word %q of another constant", name, word)
			case !ok || parsed != uint8(v):
				t.Errorf("the word %q of %s is parsed to %d, %t", word, name, parsed, ok)
			}
			seen[word] = true
		}
		if word, _, _ := check(uint8(len(names))); word != fmt.Sprintf("order.%s(%d)", enum, len(names)) {
			t.Errorf("%s has %d constants, but the word %q for the value after them", enum, len(names), word)
		}
	}
	if len(constants) != len(enums) {
		t.Errorf("order.go has %d enums, this test %d", len(constants), len(enums))
	}
}

func wordsOf[T ~uint8](w words[T]) func(uint8) (string, uint8, bool) {
	return func(v uint8) (string, uint8, bool) {
		word := w.of(T(v))
		parsed, ok := w.parse(word)
		return word, uint8(parsed), ok
	}
}

func constantsOf(t *testing.T, file string) map[string][]string {
	tree, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, d := range tree.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		enum := ""
		for _, s := range group.Specs {
			spec := s.(*ast.ValueSpec)
			if id, ok := spec.Type.(*ast.Ident); ok {
				enum = id.Name
			}
			out[enum] = append(out[enum], spec.Names[0].Name)
		}
	}
	return out
}

func TestResponseForms(t *testing.T) {
	if got, want := ResponseForms("redirect"), "nxdomain, nodata, refused or redirect"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseRedirect(t *testing.T) {
	for s, want := range map[string]bool{
		"192.0.2.1": true, "2001:db8::1": true, "::": true,
		"": false, "a.example": false, "fe80::1%eth0": false, "::ffff:192.0.2.1": false, "224.0.0.1": false, "ff02::1": false, "192.0.2.0/24": false,
	} {
		if _, ok := ParseRedirect(s); ok != want {
			t.Errorf("%q: got %t, want %t", s, ok, want)
		}
	}
}

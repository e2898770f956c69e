package order

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuickLine(t *testing.T) {
	const head = `{"version":1,"timezone":"Europe/Rome"`
	const begin = `{"id":"a","authority":{"name":"Суд","country":"RU","kind":"court"},"references":["7/1","7/2"],"issued":"2026-05-01","scope":{"countries":["RU"]},"targets":[`
	many := make([]string, 24)
	for i := range many {
		many[i] = fmt.Sprintf(`"n%d.example"`, i)
	}
	list := strings.Join(many, ",") + "]"
	for line, quick := range map[string]bool{
		begin + `"a.example"]}`: true,
		begin + `"a.example","*.b.example",{"name":"c.example","match":"exact"},{"url":"https://d.example/é"},{"address":"192.0.2.1"}]}`: true,
		begin + `{"name":"a.example","until":"2026-05-01"},{"url":"https://d.example/1","from":"2026-05-01","until":"2026-05-01"}]}`:     true,
		begin + `{"name":"a.example"},{"name":"*.a.example"},{"name":"A.example","match":"exact"}]}`:                                     true,
		begin + `{"url":"magnet:?xt=1"},{"url":"magnet:?xt=2"}],"response":"nxdomain","ttl":"30s","contact":["mailto:a@a.example"]}`:     true,
		begin + `"a.example"],"disclosure":"none"}`:             true,
		begin + `"a.example"],"report_to":"a","report_to":"a"}`: false,
		begin + list + `}`: true,
		strings.Replace(begin, `"targets"`, `"target_count":24,"targets"`, 1) + list + `}`:                                                                      true,
		strings.Replace(begin, `"targets"`, `"target_count":23,"targets"`, 1) + list + `}`:                                                                      false,
		strings.Replace(begin, `"targets"`, `"target_count":024,"targets"`, 1) + list + `}`:                                                                     false,
		strings.Replace(begin, `"targets"`, `"status":"active","targets"`, 1) + list + `}`:                                                                      false,
		strings.Replace(begin, `"issued"`, `"subject":"S","note":"N","claimant":"C","issued"`, 1) + list + `}`:                                                  true,
		strings.Replace(begin, `"scope"`, `"served":"2026-05-01T10:00","from":"2026-05-02","until":"2026-05-02","review":"2026-06-01","scope"`, 1) + list + `}`: true,
		strings.Replace(begin, `"scope"`, `"from":"2026-05-02","until":"2026-05-01","scope"`, 1) + list + `}`:                                                   false,
		strings.Replace(begin, `"scope"`, `"served":"2026-05-01T10:00","deadline":"30m","scope"`, 1) + list + `}`:                                               false,
		strings.Replace(begin, `"issued":"2026-05-01",`, `"issued":null,`, 1) + list + `}`:                                                                      false,
		strings.Replace(begin, `"7/2"`, `""`, 1) + list + `}`:                                                                                                   false,
		strings.Replace(begin, `"7/2"`, `" "`, 1) + list + `}`:                                                                                                  false,
		strings.Replace(begin, `"7/2"`, `7`, 1) + list + `}`:                                                                                                    false,
		strings.Replace(begin, `"7/2"`, `"\u0037"`, 1) + list + `}`:                                                                                             false,
		strings.Replace(begin, `{"name":"Суд","country":"RU","kind":"court"}`, `"court"`, 1) + list + `}`:                                                       false,
		strings.Replace(begin, `"scope":{"countries":["RU"]},`, ``, 1) + list + `}`:                                                                             false,
		strings.Replace(begin, `{"countries":["RU"]}`, `"global"`, 1) + list + `}`:                                                                              true,
		strings.Replace(begin, `{"countries":["RU"]}`, `{"countries": ["RU"]}`, 1) + list + `}`:                                                                 true,
		strings.Replace(begin, `"scope":`, `"scope": `, 1) + list + `}`:                                                                                         true,
		`{"issued":"2026-05-01",` + begin[1:strings.Index(begin, `"issued"`)] + begin[strings.Index(begin, `"scope"`):] + list + `}`:                            false,
		`{"action":"lift",` + begin[1:] + list + `}`:                                                                                                            false,
		begin + `]}`:                                                              false,
		begin + `"a.example",]}`:                                                  false,
		begin + `"a.example"]} `:                                                  false,
		begin + `"a.example"],}`:                                                  false,
		begin + `"a.example"],"except":["b.a.example"]}`:                          false,
		begin + `"a.example"],"targets":["b.example"]}`:                           false,
		begin + `"ä.example"]}`:                                                   false,
		begin + `"a.example."]}`:                                                  false,
		begin + `"a.1"]}`:                                                         false,
		begin + `"a b"]}`:                                                         false,
		begin + `{"name":"*.a.example","match":"exact"}]}`:                        false,
		begin + `{"name":"a.example","match":"below"}]}`:                          false,
		begin + `{"name":"a.example","match":"subtree"}]}`:                        false,
		begin + `{"name":"a.example","name":"a.example"}]}`:                       false,
		begin + `{"name":"a.example","until":"2026-05-01","match":"exact"}]}`:     false,
		begin + `{"name":"a.example","note":"N"}]}`:                               false,
		begin + `{"url":"https://d.example/1","match":"exact"}]}`:                 false,
		begin + `{"url":"https://d.example/1","whole_host":true}]}`:               false,
		begin + `{"url":"https://d.example/"}]}`:                                  false,
		begin + `{"url":"d"}]}`:                                                   false,
		begin + `{"address":"192.0.2.1/24"}]}`:                                    false,
		begin + `{"address":"192.0.2.1","enforced_by":"dns"}]}`:                   false,
		begin + `{"name":"a.example","from":"2026-05-02","until":"2026-05-01"}]}`: false,
		begin + `{}]}`: false,
	} {
		second := strings.Replace(line, `{"id":"a"`, `{"id":"b"`, 1)
		third := strings.Replace(line, `{"id":"a"`, `{"id":"c"`, 1)
		checkAhead(t, head+`,"count":4}`+"\n"+line+"\n"+second+"\n"+third+"\n"+line+"\n")
		p := &parser{decoder: decoder{loc: time.UTC}, out: &File{}, ids: newIDTable(), sides: distinct[string]{}}
		if err := p.parse(".jsonl", strings.NewReader(head+`,"count":2}`+"\n"+line+"\n"+second+"\n")); err != nil {
			t.Fatal(err)
		}
		if got := p.quickOrder([]byte(third), 4); got != quick {
			t.Errorf("decoded without nodes: %v, want %v: %s", got, quick, line)
		}
	}
	text := head + `,"count":4}` + "\n"
	for i, targets := range []string{`"a.example"`, `"a.example"`, `"a.example","a.example"`, `{"url":"magnet:?xt=1"},` + list[:len(list)-1] + `,{"url":"magnet:?xt=1"},"n3.example"`} {
		text += fmt.Sprintf(`{"id":"%d"`, i) + begin[len(`{"id":"a"`):] + targets + "]}\n"
	}
	checkAhead(t, text) // the short way warns of equal targets too
	for _, head := range []string{`{"version":1,"count":3,"defaults":{"note":"N"}}`, `{"version":1,"count":3,"nope":1}`, `{"version":1,"count":3,"authorities":{"x":{"authority":{"name":"X"}}}}`} {
		text = head + "\n"
		for _, id := range []string{"a", "b", "c"} {
			text += strings.Replace(begin, `"a"`, `"`+id+`"`, 1) + list + "}\n"
		}
		checkAhead(t, text)
	}
}

func checkQuick(t *testing.T, data []byte) {
	head, lines, _ := bytes.Cut(data, []byte("\n"))
	text := slices.Clone(head)
	for _, id := range []string{"", "second/", "third/"} {
		text = append(append(text, '\n'), bytes.ReplaceAll(bytes.TrimSuffix(lines, []byte("\n")), []byte(`{"id":"`), []byte(`{"id":"`+id))...)
	}
	opt := Options{OpenSide: side("side.example\n")}
	got, problems := Parse("a.jsonl", bytes.NewReader(text), opt)
	opt.Ahead = true
	want, found := Parse("a.jsonl", bytes.NewReader(text), opt)
	if !reflect.DeepEqual(problems, found) {
		t.Fatalf("%s\nhas the problems\n%v\nand with the full parser\n%v", text, problems, found)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\ngives other orders than with the full parser", text)
	}
}

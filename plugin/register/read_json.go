package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

func (r *run) readJSON(text string) error {
	e := r.entryColumns()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var keys []string
	if p := strings.Trim(r.p.Record, "/"); p != "" {
		keys = strings.Split(p, "/")
	}
	found, err := r.enter(dec, keys, e)
	if err != nil {
		return fmt.Errorf("is not JSON, or the file is cut off: %w", err)
	}
	if !found {
		return fmt.Errorf("has no array %s", r.p.Record)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has text after the JSON document")
	}
	return e.check(r)
}

func (r *run) enter(dec *json.Decoder, keys []string, e *entryCells) (found bool, err error) {
	t, err := dec.Token()
	if err != nil {
		return false, err
	}
	switch {
	case len(keys) == 0 && t == json.Delim('['):
		for n := 1; dec.More(); n++ {
			var v any
			if err := dec.Decode(&v); err != nil {
				return false, err
			}
			e.reset()
			e.value("", v)
			if err := e.emit(r, n, r.row); err != nil {
				return false, err
			}
		}
		_, err = dec.Token()
		return true, err
	case len(keys) > 0 && t == json.Delim('{'):
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return false, err
			}
			if key == keys[0] {
				in, err := r.enter(dec, keys[1:], e)
				if err != nil {
					return false, err
				}
				found = found || in
				continue
			}
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				return false, err
			}
		}
		_, err = dec.Token()
		return found, err
	}
	return false, fmt.Errorf("the path %s does not lead to an array", r.p.Record)
}

func (e *entryCells) value(at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			e.value(strings.TrimPrefix(at+"/"+key, "/"), x)
		}
	case []any:
		for _, x := range v {
			e.value(at, x)
		}
	case nil:
		e.see(at)
	default:
		if at == "" {
			at = "."
		}
		e.add(at, fmt.Sprint(v))
	}
}

func (e *entryCells) see(parts string) {
	for i := range e.paths {
		if e.paths[i].parts == parts {
			e.seen[i] = true
		}
	}
}

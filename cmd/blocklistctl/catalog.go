package main

import (
	"errors"
	"fmt"

	"github.com/dns-orders/blocklist/plugin/catalog"
	"github.com/dns-orders/blocklist/plugin/printable"
)

func listDescriptions(e *env, c *catalog.Catalog, dir string, load func(name string) (row any, title, seen string, err error)) error {
	names, err := c.Names(dir)
	if err != nil {
		return err
	}
	rows, lines := []any{}, ""
	for _, name := range names {
		row, title, seen, err := load(name)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		lines += printable.Line(fmt.Sprintf("%-16s %s; tested with: %s", name, title, seen)) + "\n"
	}
	if e.json {
		return e.writeJSON(map[string]any{c.Kind + "s": rows})
	}
	_, err = fmt.Fprint(e.stdout, lines)
	return err
}

// showDescription prints the text of a description.
func showDescription(e *env, c *catalog.Catalog, name, dir string) error {
	data, place, err := c.Find(name, dir)
	if err != nil {
		return err
	}
	if e.json {
		return e.writeJSON(map[string]string{c.Kind: name, "place": place, "content": string(data)})
	}
	_, err = e.stdout.Write(data)
	return err
}

func checkDescriptions(e *env, c *catalog.Catalog, files []string, dir string, parse func(name string, data []byte) error) error {
	problems := []string{}
	add := func(file string, line int, text string) {
		at := file
		if line > 0 {
			at = fmt.Sprintf("%s:%d", file, line)
		}
		problems = append(problems, printable.Line(at+": "+text))
	}
	for _, file := range files {
		data, place, err := c.Find(file, dir)
		if err == nil {
			if place != catalog.BuiltIn {
				file = place
			}
			err = parse(catalog.NameOf(file), data)
		}
		var list catalog.Problems
		switch {
		case errors.As(err, &list):
			for _, p := range list {
				line := p.Line
				p.Line = 0
				add(file, line, p.Error())
			}
		case err != nil:
			add(file, 0, err.Error())
		}
	}
	if e.json {
		if err := e.writeJSON(map[string]any{c.Kind + "s": len(files), "problems": problems}); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			fmt.Fprintln(e.stdout, p)
		}
		fmt.Fprintf(e.stderr, "%s, %s\n", count(len(files), c.Kind), count(len(problems), "problem"))
	}
	if len(problems) > 0 {
		return errProblems
	}
	return nil
}

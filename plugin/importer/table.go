package importer

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// An unexpected column in a table may mean that a name is not blocked.
type table struct {
	dated, undated int    // the first line with a date and the first line without a date; 0 means none
	number         string // the number in the row before
	rows           int
	heads          int // the last line that may be a row of column headings
}

type kind int

const (
	blankCell kind = iota
	numberCell
	dateCell
	nameCell
	textCell
)

var (
	number = regexp.MustCompile(`^\d{1,7}$`)
	date   = regexp.MustCompile(`^(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2}))\.?(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$`)
	year   = regexp.MustCompile(`^(?:19|20)\d\d\.?$`)
	clock  = regexp.MustCompile(`^\d{1,2}:\d{2}(?::\d{2})?$`)
)

var headings = map[string]bool{"": true, "#": true, "n": true, "n.": true, "n°": true, "no": true, "no.": true, "nr": true,
	"nr.": true, "num": true, "number": true, "№": true, "№ п/п": true, "№ з/п": true, "lp": true, "lp.": true, "numero": true,
	"domain": true, "domains": true, "domain name": true, "domain names": true, "domainname": true, "name": true, "names": true, "fqdn": true, "host": true, "hostname": true,
	"site": true, "sites": true, "website": true, "url": true, "dominio": true, "domini": true, "nome a dominio": true, "nomi a dominio": true, "sito": true, "siti": true,
	"domaine": true, "nom de domaine": true, "domene": true, "domeny": true, "domena": true, "doména": true, "домен": true, "домени": true, "домены": true, "сайт": true,
	"date": true, "data": true, "datum": true, "fecha": true, "дата": true}

// These parts of words mean "no longer blocked". The list is incomplete.
var lifting = strings.Fields(`remov delet lifted lifting revok revoc unblock delist withdraw cancelled canceled cancellat
	expir inactive allow whitelist exempt except permit passthr suspend
	rimoss annull sospes eccezion ausnahm ausgesetzt sblocc dissequestr supprim débloqu debloqu mainlevée levée retrait
	lösch aufgehoben aufheb entsperr freigegeb widerruf
	eliminad levantad levantamiento desbloque retirad
	wykreśl wykresl usunięt odblok zruš výmaz vymaz
	легальн анульов перевірк розблок скасов виключ исключ разблок снят отмен удал`)

var notBlocked = regexp.MustCompile(`(?i)(?:^|[^\pL])(?:not|no longer|non|nicht|pas|plus|no|nie|ne|не|больше не)[^\pL].*(?:block|blocc|gesperrt|sperren|bloqu|blok|блок)`)

// separator reports whether r separates columns.
func separator(r rune) bool { return r == '\t' || r == ';' || r == ',' || r == '|' }

func cells(s string) []string {
	var cells []string
	start := 0
	for i, r := range s {
		if separator(r) {
			cells = append(cells, strip(s[start:i]))
			start = i + 1
		}
	}
	cells = append(cells, strip(s[start:]))
	for len(cells) > 0 && strings.Trim(cells[len(cells)-1], quotes) == "" {
		cells = cells[:len(cells)-1]
	}
	for len(cells) > 0 && cells[0] == "" { // the row begins with a separator
		cells = cells[1:]
	}
	return cells
}

// kindOf returns the kind of a cell.
func kindOf(cell string) kind {
	cell = strip(strings.Trim(cell, quotes))
	switch {
	case cell == "":
		return blankCell
	case number.MatchString(strings.TrimRight(cell, ".)")):
		return numberCell
	case date.MatchString(cell):
		return dateCell
	}
	for _, w := range strings.Fields(cell) {
		if isAddress(w) || namelike(w) {
			return nameCell
		}
	}
	return textCell
}

func (t *table) line(at int, l *line) (why string, shown int) {
	if w := liftingWord(l.text); w != "" {
		return fmt.Sprintf("a list in which some names are not blocked (%q)", w), at
	}
	s := cutText(ending(WithoutBelow(refanged(marker(strip(body(l.text)))))))
	row := cells(s)
	dates, names, texts, numbers := 0, 0, 0, ""
	for i, c := range row {
		switch k := kindOf(c); {
		case k == dateCell:
			dates++
		case k == nameCell:
			names++
		case k == numberCell && names == 0 && i == 0:
			numbers = c
		case k != blankCell:
			texts++
		}
	}
	switch {
	case len(row) > 1 && names == 0 && texts > 0 && dates == 0:
		return t.heading(at, l, row), at
	case len(row) <= 1 || names == 0:
		return t.words(at, s), at
	case texts > 0 && dates == 0 && numbers == "" && strings.Contains(s, "/") && !strings.ContainsAny(s, "\t| "):
		return "", 0 // the line is a URL with separators in its path
	case texts > 0:
		return otherColumns, at
	case t.heads > 0 && t.rows == 0:
		return otherColumns, t.heads
	case dates > 1:
		return twoDates, at
	}
	return t.row(at, numbers, dates), at
}

const (
	otherColumns = "a table with other columns than number, name and date"
	twoDates     = "a table with two dates in one row (one date may be the day of a removal)"
)

func (t *table) words(at int, s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	numbers := ""
	if len(words) > 1 && number.MatchString(words[0]) && namelike(words[1]) {
		numbers = words[0]
		words = words[1:]
	}
	if !namelike(words[0]) {
		return ""
	}
	if len(words) == 2 && number.MatchString(words[1]) {
		return otherColumns
	}
	dates, years := 0, 0
	for _, w := range words[1:] {
		switch w = strings.Trim(w, "()[],;"); {
		case date.MatchString(w):
			dates++
		case year.MatchString(w):
			years++
		}
	}
	if dates+years > 1 {
		return twoDates
	}
	return t.row(at, numbers, dates)
}

func (t *table) row(at int, numbers string, dates int) string {
	t.rows++
	if dates > 0 && t.dated == 0 {
		t.dated = at
	}
	if dates == 0 && t.undated == 0 {
		t.undated = at
	}
	if t.dated > 0 && t.undated > 0 {
		return fmt.Sprintf("a table in which some names have a date (line %d) and others have no date (line %d)", t.dated, t.undated)
	}
	was := t.number
	if t.number = numbers; numbers != "" && (numbers == was || strings.Trim(numbers, "0") == "") {
		return fmt.Sprintf("a table with a number before the name that does not count the rows (%s)", numbers)
	}
	return ""
}

func (t *table) heading(at int, l *line, row []string) string {
	for _, c := range row {
		if headings[strings.ToLower(strip(strings.Trim(c, quotes)))] {
			continue
		}
		if t.rows == 0 && strings.ContainsAny(l.text, "\t;|") {
			return otherColumns
		}
		t.heads = at
		return ""
	}
	l.mark().passed = "a row of headings"
	return ""
}

func liftingWord(s string) string {
	for _, w := range strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || separator(r) || strings.ContainsRune("()[]{}:\"'!", r)
	}) {
		if w = strings.TrimRight(w, "."); strings.ContainsAny(w, "./") {
			continue // the word is a name or a URL
		}
		lower := strings.ToLower(w)
		for _, part := range lifting {
			if strings.Contains(lower, part) {
				return w
			}
		}
	}
	if m := notBlocked.FindString(s); m != "" && !strings.ContainsAny(m, "./") {
		return strings.TrimSpace(m)
	}
	return ""
}

func cutText(s string) string {
	head, text := parenthesis(s)
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || separator(r) }) {
		if date.MatchString(w) {
			head += " " + w
		}
	}
	return head
}

func (c *cleaner) columns(words []string) []string {
	if len(words) < 2 {
		return words
	}
	if number.MatchString(strings.TrimRight(words[0], ".)")) && (namelike(words[1]) || isAddress(words[1])) {
		c.did("removed the number before the name")
		words = words[1:]
	}
	out, dates := words[:0:0], 0
	for i, w := range words {
		switch bare := strings.Trim(w, quotes+"[]"); {
		case date.MatchString(bare):
			dates++
		case clock.MatchString(bare) && i > 0 && dates > 0:
		case !namelike(w) && !isAddress(w):
			return words // other words may change the meaning of the date
		default:
			out = append(out, w)
		}
	}
	if dates != 1 || len(out) == 0 {
		return words
	}
	c.did("removed the date next to the name")
	return out
}

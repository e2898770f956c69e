package importer

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

var (
	// U+F0B7 and U+F0A7 are the bullets of Word.
	markers    = regexp.MustCompile(`^(?:(?:\d{1,7}[.:]|[A-Za-z][.)]|[ivxlcIVXLC]{1,7}[.)]|[-–—•·▪▫◦‣⁃∙●○■□➢►*+>]|[\x{f0b7}\x{f0a7}]|o\t)[\s\x{a0}]+|(?:\(\d{1,7}\)|\d{1,7}\)|\[\d{1,7}\]|\([A-Za-z]\)|[•·▪▫◦‣⁃∙●○■□➢►\x{f0b7}\x{f0a7}])[\s\x{a0}]*)`)
	numberWord = regexp.MustCompile(`^(?:(?i:n|nr|no|num)\.?[°º]?|№)[\s\p{Zs}]*\d{1,7}[\s\p{Zs}]*[:.)–—-]?[\s\p{Zs}]+`)
	// Some documents alter dots and schemes to avoid links, for example "[.]" and "hxxp".
	fangedDot    = regexp.MustCompile(`(?i)[ \t]*[\[({][ \t]*(?:\.|dot|punto|point|punkt)[ \t]*[\])}][ \t]*`)
	fangedColon  = regexp.MustCompile(`(?i)^([a-z]{3,5})(?:\[:\]//|\[://\])`)
	fangedScheme = regexp.MustCompile(`(?i)\bh(?:xx|\*\*)p(s?)(\[?:|[/\\]{2})`)
	lastWord     = regexp.MustCompile(`^(.*[^\s,;])(?:[,;]\s*|\s+)(?i:and|or|and/or|e|ed|o|et|ou|und|oder|y|en|i|oraz|a|и|й|і|та|ve)[\s,;:.]*$`)
)

func marker(s string) string {
	for range 2 { // at most two, as in "- 1. example.com"
		cut := cmp.Or(markers.FindString(s), numberWord.FindString(s))
		if cut == "" || cut == s {
			break
		}
		s = s[len(cut):]
	}
	return s
}

func refanged(s string) string {
	s = fangedDot.ReplaceAllString(s, ".")
	s = fangedScheme.ReplaceAllString(s, "http$1$2")
	return fangedColon.ReplaceAllString(s, "$1://")
}

func ending(s string) string {
	if m := lastWord.FindStringSubmatch(s); m != nil {
		words := strings.Fields(m[1])
		if w := words[len(words)-1]; namelike(w) || isAddress(w) {
			return m[1]
		}
	}
	return s
}

const pageNumbers = `page|pag\.?|pagina|página|seite|strona|strana|str\.?|стр\.?|страница|сторінка|стор\.?|sivu|side|sida|oldal|pg\.?|p\.)\s*\d{1,5}(?:\s*(?:/|of|di|de|von|van|z|ze|sur|от|из|з|av|af)\s*\d{1,5})?`

var (
	pageWord   = regexp.MustCompile(`^(?i)[-–—=*\s]*(?:` + pageNumbers + `[-–—=*\s]*$`)
	pageTail   = regexp.MustCompile(`(?i)[-–—=*|,;(\s]+(?:` + pageNumbers + `[-–—=*)\s]*$`)
	caseNumber = regexp.MustCompile(`(\d\s*)/(\s*\d)`)
	pageOf     = regexp.MustCompile(`^(?i)[-–—\s]*(\d{1,5})\s*(?:/|of|di|de|von|van|z|ze|sur|из|з|av|af)\s*(\d{1,5})[-–—\s]*$`)
	pageDash   = regexp.MustCompile(`^[-–—]\s*\d{1,5}\s*[-–—]$`)
	loneNumber = regexp.MustCompile(`^(?:\d{1,7}[.)]|\(\d{1,7}\))$`)
	ruled      = regexp.MustCompile(`^(?:[-–—=_~*.·+\s]{2,}|[-–—•·▪◦‣●○■□])$`)
	digits     = regexp.MustCompile(`\d+`)
)

func pageLines(lines []line) {
	times := map[string]int{}
	header := func(l *line) string {
		text := caseNumber.ReplaceAllString(pageTail.ReplaceAllString(l.text, ""), "$1$2")
		if !strings.ContainsAny(l.text, " \t") || !headerText(text) {
			return ""
		}
		return digits.ReplaceAllString(l.text, "0")
	}
	for i := range lines {
		l := &lines[i]
		if !l.hasText() || simple(l.text) {
			continue
		}
		switch {
		case pageNumber(l.text), number.MatchString(l.text) && (formFeed(lines, i) || formFeed(lines, i+1)):
			l.mark().passed = "a page number"
		case loneNumber.MatchString(l.text):
			l.mark().passed = "a number alone on its line"
		case belowAlone.MatchString(l.text):
			l.mark().passed = "words about the names below: an order always covers these names"
		case ruled.MatchString(l.text):
			l.mark().passed = "a ruled line or a bullet without text"
		default:
			if h := header(l); h != "" {
				times[h]++
			}
		}
	}
	for i := range lines {
		if l := &lines[i]; l.hasText() && !simple(l.text) {
			if h := header(l); h != "" && times[h] > 1 {
				l.mark().passed = "a page header that the list repeats"
			}
		}
	}
}

// formFeed reports whether line i begins a page.
func formFeed(lines []line, i int) bool {
	return i < len(lines) && strings.HasPrefix(lines[i].raw, "\f")
}

func pageNumber(s string) bool {
	if m := pageOf.FindStringSubmatch(s); m != nil {
		page, _ := strconv.Atoi(m[1])
		of, _ := strconv.Atoi(m[2])
		return page <= of
	}
	return pageWord.MatchString(s) || pageDash.MatchString(s)
}

func headerText(s string) bool {
	if liftingWord(s) != "" || strings.ContainsAny(s, "/@*") {
		return false
	}
	for _, w := range strings.Fields(refanged(s)) {
		w = strings.TrimRight(w, ".,;:")
		if strings.Contains(w, ".") && !date.MatchString(w) || opensWith(w) || breaksOff(w) {
			return false
		}
	}
	return true
}

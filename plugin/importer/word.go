package importer

import "strings"

// wordBytes contains the characters that need no special treatment in names and URLs. A colon is
// not in the table, because a colon may begin a second URL.
var wordBytes = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/?=&%~+*") {
		t[c] = true
	}
	return t
}()

// oneWord reports whether a line is only one name or one URL, without text or punctuation around
// the name. The cleaner can then skip its slow steps.
func oneWord(s string) bool {
	rest := s[len(plainScheme(s)):]
	if rest == "" {
		return false
	}
	for i := range len(rest) {
		// Two slashes may end an altered scheme, for example hxxp//.
		if c := rest[i]; !wordBytes[c] || i > 0 && c == '/' && rest[i-1] == '/' {
			return false
		}
	}
	return true
}

// plainWord reports whether a word has no quotes, brackets, footnotes or invisible characters, and does
// not end in several dots.
func plainWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; !wordBytes[c] && c != ':' || i > 0 && c == '.' && s[i-1] == '.' {
			return false
		}
	}
	return true
}

// plainScheme returns the scheme of an ordinary URL, or "".
func plainScheme(s string) string {
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok && !strings.HasPrefix(rest, "/") {
			return scheme
		}
	}
	return ""
}

// schemeOf returns the scheme at the start of a text. The result is the same as that of the regular
// expression schemes, but most calls do not need the expression.
func schemeOf(s string) string {
	if known := plainScheme(s); known != "" {
		return known
	}
	i := strings.IndexAny(s, `:/\`)
	if i < 0 || s[i] != ':' && !strings.EqualFold(s[:i], "http") && !strings.EqualFold(s[:i], "https") && !strings.EqualFold(s[:i], "ftp") {
		return ""
	}
	return schemes.FindString(s)
}

func cutScheme(s string) string { return s[len(schemeOf(s)):] }

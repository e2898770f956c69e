package importer

import "strings"

var wordBytes = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/?=&%~+*") {
		t[c] = true
	}
	return t
}()

func oneWord(s string) bool {
	rest := s[len(plainScheme(s)):]
	if rest == "" {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; !wordBytes[c] || i > 0 && c == '/' && rest[i-1] == '/' {
			return false
		}
	}
	return true
}

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

// schemeOf is a fast form of schemes.FindString. Both must return the same scheme.
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

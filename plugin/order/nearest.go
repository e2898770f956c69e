package order

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// Nearest returns the candidate that is most similar to a misspelled word. The result may be empty.
// Digits must be equal, because they may be the number of a case.
func Nearest(word string, candidates iter.Seq[string]) string {
	best, found := 1+min(3, utf8.RuneCountInString(word)/3), ""
	a, numbers := []rune(strings.ToLower(word)), digitsOf(word)
	for c := range candidates {
		if digitsOf(c) != numbers {
			continue
		}
		if d := distance(a, []rune(strings.ToLower(c)), best); d < best {
			best, found = d, c
		}
	}
	return found
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// This is the optimal string alignment distance. The result is exact only below the limit.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, last, row = last, row, before
		row[0] = i + 1
		least := row[0]
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}

func didYouMean(word string, candidates iter.Seq[string]) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

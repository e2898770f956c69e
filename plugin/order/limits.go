package order

import (
	"fmt"
)

// The limits of order files and lists. A file beyond a limit is refused with an error that
// names the limit. The limits keep a bad file from using up the memory of a server that
// answers queries: a document takes at most a small multiple of its size, whatever it
// contains.
const (
	// maxDocument is the largest size in bytes of a YAML or JSON document and of a line of
	// JSON Lines. The whole text is in memory while the orders are read.
	maxDocument = 64 << 20
	// maxText is the largest size in bytes of a YAML document without its long lists of plain
	// names. The YAML library copies a scalar several times.
	maxText = 32 << 20
	// maxValues is the largest number of keys, values and list entries of a document or a
	// line, without the long lists of plain names. Each takes some 250 bytes of memory.
	maxValues = 700_000
	// maxStream is the largest size in bytes of JSON Lines and of a side list. Only a part of
	// them is in memory at a time.
	maxStream = 4 << 30
	// maxOrders is the largest number of orders in a file.
	maxOrders = 4_000_000
	// maxNoOrders is the largest number of entries of `orders` that are not mappings.
	maxNoOrders = 1000
	// maxDepth is the deepest nesting of JSON. The schema needs six levels.
	maxDepth = 64
	// MaxProblems is the largest number of problems that are listed, because a file of a
	// million bad lines has one mistake. Reading ends there.
	MaxProblems = 10_000
	maxProblems = MaxProblems
	// MaxLine is the largest size in bytes of a line of a side list or a protect list. The
	// longest name has 253 bytes.
	MaxLine = 4096
	// maxDeep is the largest number of labels beyond the fourth of each name, for all names of
	// a file and its side lists together. One more is allowed for each name. The limit is
	// needed because each label may be a node of the index, and a name of a hundred labels
	// takes no more text than ten names.
	maxDeep = 100_000
	// maxIntervals is the largest number of windows of a file's targets. The windows of an
	// order count once for each target that has attributes of its own.
	maxIntervals = 1_000_000
	// maxRedirect is the largest number of addresses of a redirect, which all go into an
	// answer.
	maxRedirect = 1000
	// MaxProtect is the largest size in bytes of a protect list.
	MaxProtect = 64 << 20
	// MaxProtected is the largest number of entries of a protect list.
	MaxProtected = 1_000_000
)

// limits is the table of limits in docs/order-format.md.
var limits = []struct {
	what string
	most int64
	unit string
}{
	{"a YAML or JSON file, or one line of JSON Lines", maxDocument >> 20, "MiB"},
	{"a YAML file without its long lists of plain names", maxText >> 20, "MiB"},
	{"keys, values and list entries of a YAML or JSON file or of one line of JSON Lines, without its long lists of plain names", maxValues, ""},
	{"a JSON Lines file or a side list", maxStream >> 30, "GiB"},
	{"orders in a file", maxOrders, ""},
	{"entries of `orders` in a JSON file that are no orders", maxNoOrders, ""},
	{"levels of nesting in JSON", maxDepth, ""},
	{"problems that are listed; reading ends there", maxProblems, ""},
	{"a line of a side list or a protect list", MaxLine, "octets"},
	{"labels beyond the fourth of each name, for all names of a file and its side lists together; one more is allowed for each name", maxDeep, ""},
	{"`windows` in a file, those of an order counted once for each of its targets that has attributes", maxIntervals, ""},
	{"addresses of a `redirect`", maxRedirect, ""},
	{"a protect list", MaxProtect >> 20, "MiB"},
	{"entries of a protect list", MaxProtected, ""},
}

// MaxBytes returns the largest size in bytes of the order file, or of the side list, at a
// path. A larger file is refused and need not be read.
func MaxBytes(path string, side bool) int64 {
	if side || Ext(path) == ".jsonl" {
		return maxStream
	}
	return maxDocument
}

// A LabelCount counts the labels of names that go into an index.
type LabelCount int

// Add counts the labels of a name, and reports whether the names so far have too many labels.
func (c *LabelCount) Add(labels int) bool {
	*c += LabelCount(max(labels-4, 0) - 1)
	return *c > maxDeep
}

// TooManyLabels is the message to report when LabelCount.Add returns true.
var TooManyLabels = fmt.Sprintf("the names up to here have more than %d labels beyond the fourth of each name; one more is allowed for each name", maxDeep)

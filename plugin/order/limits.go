package order

import (
	"fmt"
)

// These are the limits of order files and of lists of names. A file beyond a limit is refused,
// and the error contains the limit. The limits protect the memory of a server that answers
// queries: a document takes at most a small multiple of its size, whatever the document
// contains.
const (
	// maxDocument is the largest size in bytes of a YAML or JSON document, and of one line of
	// JSON Lines. The whole document or line is in memory while the orders are read.
	maxDocument = 64 << 20
	// maxText is the largest size in bytes of a YAML document. Long lists of plain names do
	// not count. The limit is needed because the YAML library copies each scalar several
	// times.
	maxText = 32 << 20
	// maxValues is the largest number of keys, values and list entries in a document or in a
	// line of JSON Lines. Each takes some 250 bytes of memory. Long lists of plain names do
	// not count.
	maxValues = 700_000
	// maxStream is the largest size in bytes of a JSON Lines file or of a side list (a list of
	// names in a file of its own). Only a part of the file is in memory at any time.
	maxStream = 4 << 30
	// maxOrders is the largest number of orders in a file.
	maxOrders = 4_000_000
	// maxNoOrders is the largest number of entries of `orders` that are not mappings.
	maxNoOrders = 1000
	// maxDepth is the deepest allowed nesting of JSON. A valid order file has at most six
	// levels.
	maxDepth = 64
	// MaxProblems is the largest number of problems that are reported for a file. Parsing ends
	// at this number, because a million bad lines usually have one common cause.
	MaxProblems = 10_000
	maxProblems = MaxProblems
	// MaxLine is the largest size in bytes of one line in a side list or a protect list (files
	// with one name on each line). The longest name has 253 bytes.
	MaxLine = 4096
	// maxDeep is the largest total number of labels in a file and its side lists (lists of
	// names in files of their own). The first four labels of each name do not count, and each
	// name raises the limit by one. The limit protects the memory, because each label may be a
	// node of the index: one name of a hundred labels is no longer than ten common names, but
	// can need a hundred nodes.
	maxDeep = 100_000
	// maxIntervals is the largest number of windows (intervals in which a target is in force)
	// in a file. The windows of an order count once for each target that has attributes of its
	// own.
	maxIntervals = 1_000_000
	// maxRedirect is the largest number of addresses in a redirect. The limit is needed
	// because an answer contains all these addresses.
	maxRedirect = 1000
	// MaxProtect is the largest size in bytes of a protect list (a list of names and networks
	// that the operator does not want to block by mistake).
	MaxProtect = 64 << 20
	// MaxProtected is the largest number of entries in a protect list (a list of names and
	// networks that the operator does not want to block by mistake).
	MaxProtected = 1_000_000
)

// limits is the table of limits that docs/order-format.md must contain.
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

// MaxBytes returns the largest allowed size in bytes of the file at path. If side is true, the
// file is a side list, and otherwise an order file. A larger file is refused, so it need not
// be read.
func MaxBytes(path string, side bool) int64 {
	if side || Ext(path) == ".jsonl" {
		return maxStream
	}
	return maxDocument
}

// A LabelCount counts the labels of names that are added to an index.
type LabelCount int

// Add counts the labels of one more name. It reports whether the names up to now have too many
// labels.
func (c *LabelCount) Add(labels int) bool {
	*c += LabelCount(max(labels-4, 0) - 1)
	return *c > maxDeep
}

// TooManyLabels is the error message for the case that LabelCount.Add returns true.
var TooManyLabels = fmt.Sprintf("the names up to here have more than %d labels beyond the fourth of each name; one more is allowed for each name", maxDeep)

package order

import (
	"fmt"
)

// The limits of what this program reads. A file beyond a limit is refused with an error
// that names the limit. The limits keep a bad file from taking the memory of a server that
// answers queries: a document takes a small multiple of its size, whatever is in it.
const (
	// maxDocument bounds a YAML or JSON document and a line of JSON Lines in octets. The
	// text is in memory as a whole while the orders are read.
	maxDocument = 64 << 20
	// maxText bounds the octets of a YAML document without the long lists of plain names.
	// The YAML library copies a scalar several times.
	maxText = 32 << 20
	// maxValues bounds the keys, values and list entries of a document or a line, without
	// the long lists of plain names. Each one takes some 250 octets in memory.
	maxValues = 700_000
	// maxStream bounds the octets of JSON Lines and of a side list, of which only a part is
	// in memory at a time.
	maxStream = 4 << 30
	// maxOrders bounds the orders of a file.
	maxOrders = 4_000_000
	// maxNoOrders bounds the entries of orders that are no mappings.
	maxNoOrders = 1000
	// maxDepth bounds the nesting of JSON. The schema needs six levels.
	maxDepth = 64
	// MaxProblems bounds the problems that are listed: a file of a million bad lines is one
	// mistake. Reading ends there.
	MaxProblems = 10_000
	maxProblems = MaxProblems
	// MaxLine bounds the octets of a line of a side list or a protect list. The longest name
	// has 253 octets.
	MaxLine = 4096
	// maxDeep bounds the labels beyond the fourth of each name, for all names of a file and
	// its side lists together. One more is allowed for each name. Each label may be a node
	// of the index, while a name of a hundred labels takes no more text than ten names do.
	maxDeep = 100_000
	// maxIntervals bounds the windows of a file's targets. The windows of an order count once
	// for each target that has attributes of its own.
	maxIntervals = 1_000_000
	// maxRedirect bounds the addresses of a redirect, which all go into an answer.
	maxRedirect = 1000
	// MaxProtect bounds the octets of a protect list.
	MaxProtect = 64 << 20
	// MaxProtected bounds the entries of a protect list.
	MaxProtected = 1_000_000
)

// limits is the table of the limits in docs/order-format.md.
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

// MaxBytes returns the largest size of the order file at a path, or of the side list at
// the path, in octets. A larger file is refused and need not be read.
func MaxBytes(path string, side bool) int64 {
	if side || Ext(path) == ".jsonl" {
		return maxStream
	}
	return maxDocument
}

// LabelCount counts the labels of names that go into an index.
type LabelCount int

// Add counts the labels of a name and reports whether the names have too many by now.
func (c *LabelCount) Add(labels int) bool {
	*c += LabelCount(max(labels-4, 0) - 1)
	return *c > maxDeep
}

// TooManyLabels is what is wrong when LabelCount.Add returns true.
var TooManyLabels = fmt.Sprintf("the names up to here have more than %d labels beyond the fourth of each name; one more is allowed for each name", maxDeep)

package order

import (
	"fmt"
)

// Sizes are in bytes. The limits protect the memory of a DNS server.
const (
	maxDocument = 64 << 20
	maxText     = 32 << 20
	// MaxValues is the maximum number of keys, values and list entries in a document. Each takes
	// some 250 bytes of memory. Long lists of plain names do not count.
	MaxValues   = 700_000
	maxStream   = 4 << 30
	maxOrders   = 4_000_000
	maxNoOrders = 1000
	maxDepth    = 64
	// MaxProblems is the maximum number of reported problems for a file.
	MaxProblems = 10_000
	maxProblems = MaxProblems
	// MaxLine is the maximum size in bytes of a line in a side list or a protect list.
	MaxLine = 4096
	maxDeep = 100_000
	// maxIntervals limits the windows in a file, see countIntervals.
	maxIntervals = 1_000_000
	maxRedirect  = 1000
	// MaxProtect is the maximum size in bytes of a protect list.
	MaxProtect = 64 << 20
	// MaxProtected is the maximum number of entries in a protect list.
	MaxProtected = 1_000_000
)

var limits = []struct {
	what string
	most int64
	unit string
}{
	{"a YAML or JSON file, or one line of JSON Lines", maxDocument >> 20, "MiB"},
	{"a YAML file without its long lists of plain names", maxText >> 20, "MiB"},
	{"keys, values and list entries of a YAML file, a JSON file or a line of JSON Lines. Long lists of plain names do not count.", MaxValues, ""},
	{"a JSON Lines file, a plain list or a side list", maxStream >> 30, "GiB"},
	{"orders in a file", maxOrders, ""},
	{"wrong entries in the list `orders` of a JSON file, for example numbers", maxNoOrders, ""},
	{"levels of nesting in JSON", maxDepth, ""},
	{"problems of a file in the error message. The server does not read the rest of the file.", maxProblems, ""},
	{"a line of a plain list, a side list or a protect list", MaxLine, "octets"},
	{"labels after the fourth label of each name, summed over a file and its side lists. Each name raises this limit by one.", maxDeep, ""},
	{"`windows` in a file. The windows of an order count once for each target with keys such as `note`.", maxIntervals, ""},
	{"addresses of a `redirect`", maxRedirect, ""},
	{"a protect list", MaxProtect >> 20, "MiB"},
	{"entries of a protect list", MaxProtected, ""},
}

// MaxBytes returns the maximum size of a file in bytes. The second parameter is true for a side
// list.
func MaxBytes(path string, side bool) int64 {
	if ext := Ext(path); side || ext == ".jsonl" || ext == ListExtension {
		return maxStream
	}
	return maxDocument
}

// A LabelCount counts the labels of the names in an index.
type LabelCount int

// Add counts the labels of a name. It returns true if there are too many labels.
func (c *LabelCount) Add(labels int) bool {
	*c += LabelCount(max(labels-4, 0) - 1)
	return *c > maxDeep
}

// TooManyLabels is the error message for names with too many labels. See LabelCount.
var TooManyLabels = fmt.Sprintf("the names up to here have more than %d labels beyond the fourth of each name; one more is allowed for each name", maxDeep)

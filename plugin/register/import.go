package register

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/importer"
	"github.com/dns-orders/blocklist/plugin/order"
)

// Options contains the options of an import.
type Options struct {
	// Path is the path of the output. Its extension selects the format.
	Path string
	// Previous is the previous output. It is nil for the first import.
	Previous []byte
	// ReadPrevious reads the previous output if Previous is nil. It is called when the text of the
	// register is no longer in memory. It may be nil, and it returns nil for the first import.
	ReadPrevious func() ([]byte, error)
	AsOf         order.Time
	// Now is the present time. Import refuses a later AsOf.
	Now order.Time
	// Served is the time when the operator received new orders. It may be order.NoTime.
	Served order.Time
	// Given contains the column values from the operator.
	Given map[string]string
	// SHA256 is the expected digest of the file in hex. It may be empty.
	SHA256 string
	Fixes  []Fix
	// SkipRefused is the number of refused rows that the operator confirms. DropOK is the number of
	// ended targets. RowsOK is the number of all rows. Each number must be exact. A negative number
	// confirms nothing.
	SkipRefused, DropOK, RowsOK int
	// Vanished is the action for targets that are no longer in the file: lift, keep or refuse. If
	// Vanished is empty, the preset decides.
	Vanished    string
	AllowSuffix bool
	// Progress receives a text about each step. Progress may be nil.
	Progress func(step string)
}

// A Result is the report on an import.
type Result struct {
	Content Text // the new output, or nil if nothing is to be written
	Serial  int64
	AsOf    order.Time

	Rows, Orders, Targets, InForce int
	NewOrders, Added, Repeated     int
	Refused                        []Refused
	Warnings                       []Refused
	Left                           map[string]int // the rows that are no orders, by reason
	Fixed                          []Used
	Unused                         []Fix    // corrections that no row needed
	Ended                          []Change // targets in force that end
	Back                           []Change // targets that are in force again
	Kept                           []Change // targets that stay although their row vanished
	Vanished                       []Change // targets whose row vanished, which the import refuses
	Problems                       []string // the reasons why nothing is to be written
	Sealed                         bool     // the output has a sealed order
}

// A Text is the text of a file in pieces. A large file in one piece would need its memory twice.
type Text [][]byte

// Bytes returns the text in one piece.
func (t Text) Bytes() []byte { return bytes.Join(t, nil) }

// Reader returns a reader of the text.
func (t Text) Reader() io.Reader { return &textReader{pieces: t} }

type textReader struct {
	pieces Text
	piece  []byte // the rest of the current piece
}

// Read implements io.Reader.
func (r *textReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.piece) == 0 {
			if len(r.pieces) == 0 {
				break
			}
			r.piece, r.pieces = r.pieces[0], r.pieces[1:]
		}
		size := copy(p[n:], r.piece)
		n, r.piece = n+size, r.piece[size:]
	}
	if n == 0 && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// A run is the state of one import.
type run struct {
	p        *Preset
	opt      *Options
	out      *Result
	clean    importer.Options
	progress func(string)

	// These fields describe the file.
	file         map[string]string // the columns with one value for the whole file
	skipped      int               // the number of lines above the text that a reader gets
	above, rows  int
	first        []string // the first row of a table
	layout       *Layout
	width        int
	index        map[string]int // the columns of the layout, as indexes of vals
	names        []string
	cells        []int // the index of each column in a row of the file
	tests        []test
	matchBy      map[string]string
	targetBy     map[string][]string
	capture      *regexp.Regexp
	matchAt      int
	targetAt     int
	captureAt    int
	removedAt    int
	issuedAt     int
	unknowns     map[string]int
	fixes        map[[2]string]Fix
	dates        map[string]date
	excepts      []dname.Name
	groups       blocks[group]
	small        blocks[smallEntry]
	byKey, byID  groupIndex
	byColumns    []string         // the columns of the preset's key "by"
	plans        map[string]*plan // by the values of byColumns
	terms        map[[2]*order.Terms]*order.Terms
	asOf         order.Time
	needAsOf     bool
	inForce      int // the previous targets in force
	vanished     string
	missing      []missing // the previous targets in force whose rows are not in their order
	previousFile *order.File
	canExcept    bool // the register can have exceptions

	// These fields have the merged orders.
	merged int
	lines  *lineOutput    // nil if the orders must stay in memory
	kept   []*order.Order // the orders that are not in lines
	values int            // see the function "values"
	large  *order.Order   // the first order with too many values
	spare  *order.Order   // reused memory
	room   []order.Target // reused memory for targets
	given  []entry        // the entries of the current order
	// These fields describe the current row.
	vals       []string
	captured   map[string]string
	issued     order.Time
	issuedText string
	found      []order.Target
	ahead      *cleaned // the clean name, if it is known
	key        []byte
	choice     []byte // the values of byColumns
	used       []byte // the values of the columns of a plan
	last       *group
	lastCell   string     // a cell with decisions
	lastFound  [][]string // the decisions of lastCell
}

func (r *run) problem(format string, args ...any) {
	r.out.Problems = append(r.out.Problems, fmt.Sprintf(format, args...))
}

// Import converts a register into an order file. It also merges the previous output. It returns an
// error if the file or an option is unusable. A result with problems has no output.
func Import(p *Preset, data []byte, opt Options) (*Result, error) {
	r := &run{p: p, opt: &opt, out: &Result{Left: map[string]int{}, AsOf: order.NoTime}, clean: p.clean(opt.AllowSuffix), progress: opt.Progress,
		file: map[string]string{}, unknowns: map[string]int{}, fixes: map[[2]string]Fix{}, dates: map[string]date{},
		byKey: newGroupIndex(), byID: newGroupIndex(), plans: map[string]*plan{}, terms: map[[2]*order.Terms]*order.Terms{}, captured: map[string]string{},
		byColumns: sortedKeys(p.By), vanished: p.Vanished}
	if opt.Vanished != "" {
		r.vanished = opt.Vanished
	}
	for c, v := range opt.Given {
		r.file[c] = v
	}
	for _, f := range opt.Fixes {
		r.fixes[[2]string{f.Column, tidy(f.Is)}] = f
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	if opt.SHA256 != "" && !strings.EqualFold(opt.SHA256, digest) {
		return nil, fmt.Errorf("has the SHA-256 digest %s, not %s", digest, strings.ToLower(opt.SHA256))
	}
	if err := r.read(data); err != nil {
		return nil, err
	}
	// Read the previous output last, when the memory of the register text is free.
	clear(r.vals)
	clear(r.captured)
	r.lastFound, r.found = nil, nil
	if err := r.merge(); err != nil {
		return nil, err
	}
	r.guard()
	if why := r.tooLarge(); why != "" {
		r.problem("%s", why)
	}
	if len(r.out.Problems) > 0 {
		return r.out, nil
	}
	return r.out, r.write(digest)
}

// step reports the current step.
func (r *run) step(format string, args ...any) {
	if r.progress != nil {
		r.progress(fmt.Sprintf(format, args...))
	}
}

// merge reads the previous output, and merges it with the groups.
func (r *run) merge() (err error) {
	r.byKey, r.last = groupIndex{}, nil
	r.canExcept = r.hasExcepts()
	r.previousFile = &order.File{Serial: -1, Expires: order.NoTime}
	asOf := r.setAsOf()
	if r.opt.Previous == nil && r.opt.ReadPrevious != nil {
		if r.opt.Previous, err = r.opt.ReadPrevious(); err != nil {
			return err
		}
	}
	switch {
	case r.opt.Previous != nil:
		r.step("reading the previous output")
		if err := r.readPrevious(asOf == nil); err != nil {
			return fmt.Errorf("the previous output: %w", err)
		}
	case order.Ext(r.opt.Path) == ".jsonl":
		if r.lines, err = newLineOutput(r.p.Timezone, nil); err != nil {
			return err
		}
	}
	if asOf != nil {
		return asOf
	}
	if s := r.previousFile.Source; s != nil && s.AsOf != order.NoTime && r.asOf != order.NoTime && r.asOf < s.AsOf {
		return fmt.Errorf("the file is of %s, which is earlier than the previous output, which is of %s", r.asOf, s.AsOf)
	}
	r.step("merging")
	r.mergeNew()
	r.vanish()
	r.groups, r.small, r.byID, r.spare, r.room, r.given, r.missing = blocks[group]{}, blocks[smallEntry]{}, groupIndex{}, nil, nil, nil, nil
	r.takeKept()
	return nil
}

// readPrevious parses the previous output. If "merge" is true, it merges the orders.
func (r *run) readPrevious(merge bool) error {
	opt, stream := order.Options{}, order.Ext(r.opt.Path) == ".jsonl"
	if stream {
		opt.Head = func(f *order.File) {
			if f.Timezone == r.p.Timezone {
				r.lines, _ = newLineOutput(f.Timezone, r.opt.Previous)
			}
		}
		opt.Emit = func(o *order.Order) {
			if merge {
				r.mergePrevious(o)
			}
		}
	}
	file, problems := order.Parse(r.opt.Path, bytes.NewReader(r.opt.Previous), opt)
	if bad := problems.Errors(); len(bad) > 0 {
		return bad
	}
	if file.Source == nil || file.Source.Register != r.p.Name {
		was := "no register"
		if file.Source != nil {
			was = fmt.Sprintf("the register %q", file.Source.Register)
		}
		return fmt.Errorf("comes from %s, not from the register %q; give another file to --out", was, r.p.Name)
	}
	r.previousFile = file
	if merge {
		for _, o := range file.Orders {
			r.mergePrevious(o)
		}
	}
	return nil
}

// setAsOf sets the time of the file's content. The function merge then refuses a time before the
// time of the previous output. Otherwise an old file could end new orders.
func (r *run) setAsOf() error {
	r.asOf = r.opt.AsOf
	if text := r.file["as_of"]; text != "" {
		forms := r.p.AsOf.Dates
		if len(forms) == 0 {
			forms = r.p.Dates
		}
		t := order.NoTime
		for _, form := range forms {
			if x, err := time.ParseInLocation(form, text, r.p.loc); err == nil {
				t = order.FromTime(x)
				break
			}
		}
		switch {
		case t == order.NoTime:
			return fmt.Errorf("the time of the file, %q, is not of the form %s", clip(text), strings.Join(forms, " or "))
		case r.asOf != order.NoTime && r.asOf != t:
			return fmt.Errorf("the file is of %s, and --as-of is %s", t, r.asOf)
		}
		r.asOf = t
	}
	r.out.AsOf = r.asOf
	if r.asOf == order.NoTime {
		return nil
	}
	if r.asOf > r.opt.Now {
		return fmt.Errorf("the file is of %s, which is later than the present time %s", r.asOf, r.opt.Now)
	}
	return nil
}

// next returns an order for the next merge.
func (r *run) next() *order.Order {
	if r.spare == nil {
		r.spare, r.room = new(order.Order), nil
	}
	return r.spare
}

// add takes a merged order. The parameter "line" is the order's line in the previous output, or 0. If
// "open" is true, the order is not final yet.
func (r *run) add(o *order.Order, line int, open bool) {
	if r.lines == nil || open {
		r.kept, r.spare = append(r.kept, o), nil
		return
	}
	r.count(o)
	r.lines.add(o, line)
	r.room = o.Targets[:0]
}

// takeKept takes the orders that are final now.
func (r *run) takeKept() {
	slices.SortStableFunc(r.kept, compareOrders)
	for _, o := range r.kept {
		r.count(o)
		if r.lines != nil {
			r.lines.add(o, 0)
		}
	}
	r.out.Rows = r.rows
	for _, f := range r.opt.Fixes {
		used := false
		for _, u := range r.out.Fixed {
			used = used || u.Fix == f
		}
		if !used {
			r.out.Unused = append(r.out.Unused, f)
		}
	}
}

func compareOrders(a, b *order.Order) int {
	return cmp.Or(cmp.Compare(a.Issued, b.Issued), cmp.Compare(a.ID, b.ID))
}

// count counts a merged order and its targets.
func (r *run) count(o *order.Order) {
	r.out.Orders++
	r.out.Targets += len(o.Targets)
	r.out.Sealed = r.out.Sealed || o.Disclosure.Sealed()
	n := values(o)
	if r.values += n; n > order.MaxValues && (r.large == nil || compareOrders(o, r.large) < 0) {
		large := *o
		r.large = &large
	}
	if o.Until != order.NoTime && r.asOf != order.NoTime && o.Until <= r.asOf {
		return
	}
	for i := range o.Targets {
		if r.open(&o.Targets[i]) {
			r.out.InForce++
		}
	}
}

func (r *run) guard() {
	for key, n := range r.unknowns {
		if column, value, _ := strings.Cut(key, "\x00"); n > 1 {
			r.problem("%s have the value %q in the column %s", count(n, "row"), clip(value), column)
		}
	}
	if n := len(r.out.Refused); n != max(r.opt.SkipRefused, 0) {
		switch {
		case n == 0:
			r.problem("no row was refused, and --skip-refused confirms %d; nothing is written; leave out --skip-refused", r.opt.SkipRefused)
		case r.opt.SkipRefused > 0:
			r.problem("%s refused, not %d as --skip-refused confirms; nothing is written", count(n, "row"), r.opt.SkipRefused)
		default:
			r.problem("%s refused; nothing is written; --fix FILE corrects rows, and --skip-refused %d leaves these rows out", count(n, "row"), n)
		}
	}
	if n := len(r.out.Vanished); n > 0 {
		r.problem("the file no longer has the rows of %s in force; nothing is written; --vanished lift ends the blocks, and --vanished keep keeps the blocks", count(n, "target"))
	}
	if r.needAsOf {
		r.problem("the import ends or renews blocks, and the file does not say its time; give --as-of, the time of the file's content")
	}
	if len(r.opt.Previous) == 0 {
		if r.rows < r.p.Guards.MinRows && r.opt.RowsOK != r.rows {
			r.problem("has %s, and the preset expects at least %d; nothing is written; --rows-ok %d confirms the number", count(r.rows, "row"), r.p.Guards.MinRows, r.rows)
		}
		if r.out.Orders == 0 {
			r.problem("no row is an order; nothing is written")
		}
	}
	drop := 0
	for _, c := range r.out.Ended {
		if c.Why != "moved" {
			drop++
		}
	}
	if float64(drop)*100 > r.p.maxDrop*float64(r.inForce) && r.opt.DropOK != drop {
		r.problem("ends the blocks of %d of %s in force, more than %g %%; nothing is written; --drop-ok %d confirms the number", drop, count(r.inForce, "target"), r.p.maxDrop, drop)
	}
}

func (r *run) write(digest string) error {
	was := r.previousFile
	h := order.Header{Serial: was.Serial, ShrinkOK: was.ShrinkOK, Timezone: was.Timezone, Source: was.Source, Expires: was.Expires}
	if r.opt.Previous == nil {
		h.Timezone = r.p.Timezone
	}
	out, err := r.encode(h)
	if err != nil {
		return err
	}
	if r.opt.Previous != nil {
		same, err := out.is(r.opt.Previous, h)
		if err != nil || same {
			r.out.Serial = was.Serial
			return err
		}
	}
	if h.Timezone != r.p.Timezone { // the dates in the orders are in the time zone of the header
		h.Timezone = r.p.Timezone
		if out, err = r.encode(h); err != nil {
			return err
		}
	}
	r.out.Serial = max(was.Serial, 0) + 1
	h.Serial, h.ShrinkOK = r.out.Serial, -1
	h.Source = &order.Source{Register: r.p.Name, AsOf: r.asOf, SHA256: digest}
	r.step("checking the output")
	r.out.Content, err = out.text(h)
	return err
}

func (r *run) encode(h order.Header) (*output, error) {
	if r.lines == nil {
		return encode(r.opt.Path, h, r.kept, r.step)
	}
	lines := r.lines
	r.lines, r.kept = nil, nil
	return lines.output(r.opt.Path, r.out.Targets), nil
}

package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
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
	// AsOf is the time of the file's content. It is order.NoTime if the file contains this time.
	AsOf order.Time
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
	Content []byte // the new output, or nil if nothing is to be written
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
	groups       map[string]*group
	ids          map[string]bool
	templates    map[string]*order.Order
	asOf         order.Time
	needAsOf     bool
	inForce      int // the previous targets in force
	vanished     string
	missing      []missing // the previous targets in force whose rows are not in their order
	previousFile *order.File

	// These fields describe the current row.
	vals       []string
	captured   map[string]string
	issued     order.Time
	issuedText string
	found      []order.Target
	key        []byte
	last       *group
	lastKey    string
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
		groups: map[string]*group{}, ids: map[string]bool{}, templates: map[string]*order.Order{}, captured: map[string]string{},
		vanished: p.Vanished}
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
	r.step("reading the previous output")
	if err := r.readPrevious(); err != nil {
		return nil, fmt.Errorf("the previous output: %w", err)
	}
	if err := r.setAsOf(); err != nil {
		return nil, err
	}
	r.step("merging")
	previous := r.previousFile.Orders
	orders := r.merge(previous)
	r.groups, r.last = nil, nil
	r.count(orders)
	r.guard()
	if why := tooLarge(order.Ext(opt.Path), orders); why != "" {
		r.problem("%s", why)
	}
	if len(r.out.Problems) > 0 {
		return r.out, nil
	}
	return r.out, r.write(orders, digest)
}

// step reports the current step.
func (r *run) step(format string, args ...any) {
	if r.progress != nil {
		r.progress(fmt.Sprintf(format, args...))
	}
}

func (r *run) readPrevious() error {
	r.previousFile = &order.File{Serial: -1, Expires: order.NoTime}
	if r.opt.Previous == nil {
		return nil
	}
	file, problems := order.Parse(r.opt.Path, bytes.NewReader(r.opt.Previous), order.Options{})
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
	return nil
}

// The file must not be older than the previous output, because an old file could end new orders.
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
	if s := r.previousFile.Source; s != nil && s.AsOf != order.NoTime && r.asOf < s.AsOf {
		return fmt.Errorf("the file is of %s, which is earlier than the previous output, which is of %s", r.asOf, s.AsOf)
	}
	return nil
}

// count counts the orders and targets of the output.
func (r *run) count(orders []*order.Order) {
	r.out.Rows, r.out.Orders = r.rows, len(orders)
	for _, o := range orders {
		r.out.Targets += len(o.Targets)
		r.out.Sealed = r.out.Sealed || o.Disclosure.Sealed()
		if o.Until != order.NoTime && r.asOf != order.NoTime && o.Until <= r.asOf {
			continue
		}
		for i := range o.Targets {
			if r.open(&o.Targets[i]) {
				r.out.InForce++
			}
		}
	}
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

func (r *run) write(orders []*order.Order, digest string) error {
	was := r.previousFile
	h := order.Header{Serial: was.Serial, ShrinkOK: was.ShrinkOK, Timezone: was.Timezone, Source: was.Source, Expires: was.Expires}
	if r.opt.Previous == nil {
		h.Timezone = r.p.Timezone
	}
	out, err := encode(r.opt.Path, h, orders, r.step)
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
		if out, err = encode(r.opt.Path, h, orders, r.step); err != nil {
			return err
		}
	}
	r.out.Serial = max(was.Serial, 0) + 1
	h.Serial, h.ShrinkOK = r.out.Serial, -1
	h.Source = &order.Source{Register: r.p.Name, AsOf: r.asOf, SHA256: digest}
	r.step("checking the output")
	r.out.Content, err = out.bytes(h)
	return err
}

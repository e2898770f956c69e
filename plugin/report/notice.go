package report

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/journal"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
)

// A Notice tells an authority how the provider carried out an order (Article 9(1) of Regulation
// (EU) 2022/2065).
type Notice struct {
	Order   string `json:"order"`
	To      string `json:"to"` // as in the field report_to
	Subject string `json:"subject"`
	Body    string `json:"body"` // lines end with a line feed
}

// NoticeOptions are the settings of NewNotice.
type NoticeOptions struct {
	Options
	Provider string // the name of the operator, or ""
}

// NewNotice writes the letter about an order. The letter shows the targets even if the order is
// sealed. The second result lists errors in the journals.
func NewNotice(d *Data, id string, opt NoticeOptions) (n *Notice, faults []string, err error) {
	r, x, err := one(d, id, opt.Options)
	if err != nil {
		return nil, nil, err
	}
	f := x.f
	if f == nil {
		return nil, nil, fmt.Errorf("the fields of the order %q are unknown: no present file has the order, and the journals have not kept the version", id)
	}
	n = &Notice{Order: id, To: printable.Clean(f.ReportTo), Subject: printable.Clean("Effect given to order " + cmp.Or(strings.Join(f.References, ", "), id))}
	if x.InForce == 0 {
		n.Subject = printable.Clean("Order " + cmp.Or(strings.Join(f.References, ", "), id) + ": effect")
	}
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(strings.TrimRight(printable.Clean(fmt.Sprintf(format, args...)), " ") + "\n")
	}
	line("To: %s", f.Authority.Name)
	line("Order: %s", cmp.Or(strings.Join(f.References, ", "), id))
	date := r.dates(x)
	for _, p := range [][2]string{{"Legal basis", f.Basis}, {"Issued", date.issued}, {"Served", date.served}, {"Our reference", id}} {
		if p[1] != "" {
			line("%s: %s", p[0], forPeople(p[1]))
		}
	}
	b.WriteString("\n")
	if f.Authority.Country.InEU() {
		line("We inform you, under Article 9(1) of Regulation (EU) 2022/2065, if and when effect was given to your order.")
	} else {
		line("We inform you if and when effect was given to your order.")
	}
	b.WriteString("\n")
	for _, s := range r.letter(x) {
		line("%s", s)
	}
	if s := f.scopeText(); s != "" {
		line("%s", s)
	}
	b.WriteString("\n")
	f.writeTargets(line, x.heldTargets())
	line("Times are in the time zone %s. The times of the effect are from the journals of our servers.", d.Zone)
	if opt.Provider != "" {
		b.WriteString("\n")
		line("%s", opt.Provider)
	}
	n.Body = b.String()
	return n, r.Faults, nil
}

// letter returns the sentences about the effect.
func (r *Report) letter(x *Row) (out []string) {
	what := "The order"
	if x.lift {
		what = "The decision to end blocks"
	}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case x.Known == 0:
		say("It is not known whether effect was given: no journal of a server covers the time of the order.")
	case x.InForce == 0:
		say("No effect was given on our %s.", count(x.Known, "server"))
		if x.State != unknownState {
			say("The state of the order is: %s.", strings.ReplaceAll(x.State, "_", " "))
		}
	case x.AtLatest:
		say("%s came into force on %s at %s at the latest.", what, x.servers(), r.time(x.last))
	case x.first.Equal(x.last):
		say("%s came into force on %s at %s.", what, x.servers(), r.time(x.last))
	default:
		say("%s came into force on %s: on the first at %s, and on the last at %s.", what, x.servers(), r.time(x.first), r.time(x.last))
	}
	if !x.corrected.IsZero() {
		say("The order was changed on our servers after that, the last time at %s. A name that a change added was not in force before the change.", r.time(x.corrected))
	}
	if x.InForce > 0 {
		r.stateSentence(x, say)
	}
	if n := len(r.Silent); n == 1 {
		say("The state of 1 more server is not known, because its journal is not available.")
	} else if n > 1 {
		say("The state of %d more servers is not known, because their journals are not available.", n)
	}
	return out
}

// stateSentence says in which state the order is now.
func (r *Report) stateSentence(x *Row, say func(string, ...any)) {
	asOf := r.time(x.asOf)
	now := 0
	for _, y := range x.Nodes {
		if y.State == string(journal.InForce) {
			now++
		}
	}
	switch {
	case now > 0 && now == x.Known:
		say("As of %s, the order is still in force there.", asOf)
	case now > 0:
		say("As of %s, the order is in force on %d of %s.", asOf, now, count(x.Known, "server"))
	case x.State == string(stopped):
		say("As of %s, the order is not in force, because the servers do not run.", asOf)
	default:
		s := fmt.Sprintf("As of %s, the order is not in force any more. Its state is: %s", asOf, x.State)
		if x.By != "" {
			s += ", by " + x.By
		}
		if !x.ended.IsZero() {
			s += ", since " + r.time(x.ended)
		}
		say("%s.", s)
	}
}

func (x *Row) servers() string {
	switch {
	case x.InForce < x.Known:
		return fmt.Sprintf("%d of %s", x.InForce, count(x.Known, "server"))
	case x.Known == 1:
		return "our server"
	}
	return fmt.Sprintf("all of our %d servers", x.Known)
}

func (f *fields) scopeText() string {
	switch s := f.Scope; {
	case s == nil:
		return ""
	case s.Global:
		return "Scope: all users of the service."
	case len(s.Countries) > 0 && len(s.Clients) > 0:
		return "Scope: users in " + strings.Join(s.CountryTexts(), ", ") + ", and users of listed networks."
	case len(s.Countries) > 0:
		return "Scope: users in " + strings.Join(s.CountryTexts(), ", ") + "."
	}
	return "Scope: users of listed networks."
}

func (x *Row) heldTargets() map[string]string {
	out := map[string]string{}
	for _, h := range x.Held {
		out[h.Target] = h.Why
	}
	return out
}

func (f *fields) writeTargets(line func(string, ...any), held map[string]string) {
	var dns, other, back []string
	add := func(text string) {
		if why, ok := held[strings.TrimSuffix(text, " (exact)")]; ok {
			back = append(back, fmt.Sprintf("%s (%s)", text, why))
			return
		}
		dns = append(dns, text)
	}
	for i := range f.Targets {
		t := &f.Targets[i]
		if t.Kind == order.TargetURL || t.Kind == order.TargetAddress && t.Attr.EnforcedBy != order.ByDNS {
			other = append(other, t.String())
			continue
		}
		add(t.String())
	}
	if f.Side != nil {
		for n := range f.Side.Names.All() {
			add(n.String())
		}
	}
	for _, g := range []struct {
		title string
		list  []string
	}{{"Names of the order", dns}, {"Recorded, and not enforceable in the DNS", other}, {"Not in force, because a check of our servers holds them back", back}} {
		if len(g.list) == 0 {
			continue
		}
		line("%s (%d):", g.title, len(g.list))
		for _, s := range g.list {
			line("- %s", s)
		}
		line("")
	}
}

// MailOptions are the settings of Mail.
type MailOptions struct {
	From string // the sender, as in RFC 5322
	To   string // the recipient, or "" for the field report_to
	Now  time.Time
}

// Mail writes the letter as a message (RFC 5322). Texts of an order file cannot inject headers.
func (n *Notice) Mail(w io.Writer, opt MailOptions) error {
	from, err := mail.ParseAddress(opt.From)
	if err != nil {
		return fmt.Errorf("--from is no mail address, got %q", opt.From)
	}
	to, what := opt.To, "--to"
	if to == "" {
		to, what = strings.TrimPrefix(n.To, "mailto:"), "report_to"
	}
	if to == "" {
		return fmt.Errorf("the order %q has no report_to: give the address with --to", n.Order)
	}
	list, err := mail.ParseAddressList(to)
	if err != nil {
		return fmt.Errorf("%s of the order %q is no mail address, got %q: give the address with --to", what, n.Order, to)
	}
	var recipients []string
	for _, a := range append(list, from) {
		if strings.ContainsFunc(a.Address, func(r rune) bool { return r > '~' || r < '!' }) {
			return fmt.Errorf("the mail address %q has other characters than ASCII; write the domain in the form xn--", a.Address)
		}
		recipients = append(recipients, a.String())
	}
	recipients = recipients[:len(list)]
	_, host, _ := strings.Cut(from.Address[strings.LastIndexByte(from.Address, '@'):], "@")
	sum := sha256.Sum256([]byte(n.Order + "\n" + opt.Now.UTC().String() + "\n" + n.Body))
	headers := [][2]string{
		{"From", from.String()},
		{"To", strings.Join(recipients, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", n.Subject)},
		{"Date", opt.Now.Format("Mon, 02 Jan 2006 15:04:05 -0700")},
		{"Message-ID", fmt.Sprintf("<%x@%s>", sum[:16], host)},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{"Content-Language", "en"},
	}
	var b strings.Builder
	for _, h := range headers {
		text := fold(h[0]+": ", h[1])
		if strings.ContainsAny(strings.ReplaceAll(text, "\r\n ", ""), "\r\n\x00") {
			return fmt.Errorf("the header %s has a line break", h[0])
		}
		b.WriteString(text + "\r\n")
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	if _, err := io.WriteString(q, strings.ReplaceAll(n.Body, "\n", "\r\n")); err != nil {
		return err
	}
	if err := q.Close(); err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func fold(name, text string) string {
	const most = 78
	out, used := name, len(name)
	text = strings.ReplaceAll(text, "\r\n ", " ")
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0 && used+len(word) > most:
			out, used = strings.TrimRight(name, " ")+"\r\n ", 1
		case i == 0:
		case used+1+len(word) > most:
			out, used = out+"\r\n", 0
			fallthrough
		default:
			out, used = out+" ", used+1
		}
		out, used = out+word, used+len(word)
	}
	return out
}

// Text returns the letter with its subject and recipient.
func (n *Notice) Text() string {
	s := "Subject: " + n.Subject + "\n\n" + n.Body
	if n.To != "" {
		s = "Recipient: " + n.To + "\n" + s
	}
	return s
}

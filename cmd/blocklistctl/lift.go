package main

import (
	"cmp"
	"strings"

	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
)

// liftCmd is blocklistctl lift.
type liftCmd struct {
	Lifts            []string `arg:"" optional:"" name:"order" help:"The ids of the orders that the lift ends."`
	Name             []string `placeholder:"NAME" help:"Lift the orders only for this name and all names below it. May be given several times."`
	Authority        string   `placeholder:"NAME" help:"The name of the authority that decided the lift, or of the party that releases the names."`
	AuthorityCountry string   `placeholder:"CC" help:"The country of the authority. The default is the country in an order that is lifted, if that order has the same authority."`
	AuthorityKind    string   `placeholder:"KIND" help:"The kind of the authority: court, regulator, law or operator. With party, the file gets no kind. The default is as for the country."`
	Reference        []string `sep:"none" placeholder:"TEXT" help:"The number of the case or decision. May be given several times."`
	Issued           string   `placeholder:"TIME" help:"When the authority decided. Without --from, the lift begins then."`
	From             string   `placeholder:"TIME" help:"Start of the lift. The default without --issued is now."`
	Until            string   `placeholder:"TIME" help:"End of the lift. Then the names are blocked again."`
	Note             string   `placeholder:"TEXT" help:"A note."`
	ID               string   `name:"id" placeholder:"ID" help:"The id of the lift. The default is the id of the first order with /lift at its end."`
	editFlags        `embed:""`
}

// Help returns the description and the example for --help.
func (*liftCmd) Help() string {
	return `Adds a lift to the file of the first order: an order that ends other orders, for all their targets or for some names. The file keeps its comments and all other bytes. Prints the change of the text and the names that are freed. Without --yes, nothing is written.

Example:

  blocklistctl lift milan/2026-17 --name mirror.example --authority "Tribunale di Milano" --reference 31/2026 --issued 2026-05-01 --corefile /etc/coredns/Corefile --dry-run`
}

// Run adds the lift.
func (c *liftCmd) Run(e *env) error {
	unnumbered := len(c.Reference) == 0 && c.asking(e) // a number is not required, but asked for
	x, ask, err := c.start(e, without(len(c.Lifts) == 0, "ORDER"), without(c.Authority == "", "--authority NAME"), without(unnumbered, "--reference TEXT"))
	if err != nil {
		return err
	}
	if ask {
		if err := c.ask(x); err != nil {
			return err
		}
	}
	country, kind := c.AuthorityCountry, c.AuthorityKind
	for _, id := range c.Lifts {
		o, err := x.find(id)
		if err != nil {
			return err
		}
		if o.Lifting() {
			return misuse("%q is a lift, and a lift cannot be lifted; to end the lift, set its until in the file", id)
		}
		if sameName(o.Authority.Name, c.Authority) {
			country = cmp.Or(country, string(o.Authority.Country))
			kind = cmp.Or(kind, authorityKind(o.Authority.Kind))
		}
	}
	if kind == kindParty {
		kind = "" // an order file has no word for a party
	}
	return x.addLift(c.Lifts, map[string]any{
		"id": cmp.Or(c.ID, x.freeID(c.Lifts[0], "lift")), "targets": c.Name,
		"authority.name": c.Authority, "authority.country": country, "authority.kind": kind,
		"references": c.Reference, "note": c.Note, "issued": c.Issued, "from": c.From, "until": c.Until,
	})
}

func (c *liftCmd) ask(x *editing) error {
	a := x.asks
	if len(c.Lifts) == 0 {
		var id string
		x.askOrder(&id, "Which order shall end, or end for a time?", x.blocks)
		c.Lifts = []string{id}
	}
	if a.err != nil {
		return a.err
	}
	o, err := x.find(c.Lifts[0])
	if err != nil {
		return err
	}
	if err := x.open(c.Lifts[0]); err != nil {
		return err
	}
	a.askText(&c.Authority, question{text: "Who decided that? (the name of the court, of the authority, or of the party that releases the names)", offer: o.Authority.Name, flag: "--authority",
		help: "For a settlement, write the authority that withdrew the order. If the plaintiff releases a name without a decision, write the plaintiff. A stay or an appeal may come from another court."})
	if a.err == nil {
		c.Authority = a.likeKnown(c.Authority, latest(x.before.all()))
	}
	if !sameName(o.Authority.Name, c.Authority) {
		if c.AuthorityKind == "" {
			c.AuthorityKind = a.askKind(choice{kindParty, "a party, for example the plaintiff that releases a name"})
		}
		if c.AuthorityCountry == "" && c.AuthorityKind != kindParty {
			a.askCountry(&c.AuthorityCountry, "In which country is this authority?", string(o.Authority.Country))
		}
	}
	if len(c.Reference) == 0 {
		text := "What is the number of this decision? (an empty line if it has no number)"
		if c.AuthorityKind == kindParty {
			text = "What is the number of the letter, or of the case? (an empty line if there is no number)"
		}
		a.ask(question{text: text, flag: "--reference", optional: true, none: means(noNumber), take: func(answer string) string {
			c.Reference = []string{answer}
			return ""
		}})
	}
	if len(c.Name) == 0 {
		c.askFreed(a, o)
	}
	x.askTime(&c.Issued, "issued", question{text: "When was it decided? (a date; an empty line if the paper has no date)", optional: true, none: means(noDate)}, x.past)
	// The names were blocked until now, so do not offer the date of the decision.
	x.askTime(&c.From, "from", question{text: "From when are the names free?", offer: "now",
		help: "Until the lift is in force, the server blocks the names. With an earlier date, the file says that the names were free before."}, nil)
	if c.From == c.Issued {
		c.From = "" // a lift begins at its date of decision
	}
	begin, decision := start{"start of the lift", cmp.Or(c.From, c.Issued)}, start{"decision", c.Issued}
	starts := []start{begin, decision}
	if from, err := order.ParseTime(c.From, zoneOf(x.file)); err == nil && from == x.now && c.Issued != "" {
		starts = []start{decision, begin} // the decision knows no later time at which a person wrote the lift
	}
	x.askTime(&c.Until, "until", question{text: "Until when? (a date, a time or a duration such as 30 days, for a stay; an empty line: for ever)", optional: true, none: means(noEnd),
		help: "After this time the names are blocked again, without a further change. A date includes this whole day."}, func(t order.Time) string {
		if from, err := order.ParseTime(cmp.Or(c.From, c.Issued), zoneOf(x.file)); err == nil && t < from {
			return "it must be after the start of the lift"
		}
		return ""
	}, starts...)
	a.askText(&c.Note, question{text: "A note for the file? (for example settlement; an empty line: no note)", optional: true, none: means(noNote), flag: "--note"})
	return a.err
}

// askFreed asks for the names that the lift frees.
func (c *liftCmd) askFreed(a *asker, o *order.Order) {
	q := question{text: "Which names are free again? (names with blanks between them, or the word all)", flag: "--name",
		help: "The order stays in force for its other names.", take: func(answer string) string {
			if isWord(allWords, answer) {
				if n := o.NumTargets(); n > 1 {
					a.say("All %d names are free again.", n)
				}
				return ""
			}
			for _, word := range listWords(answer) {
				name, err := queryHost("the name", word)
				if err == nil && !concerns(o, name) {
					err = misuse("the order %q does not block this name, got %q", o.ID, word)
				}
				if err != nil {
					c.Name = nil
					return err.Error()
				}
				c.Name = append(c.Name, name.String())
			}
			return ""
		}}
	if o.NumTargets() == 1 {
		q.offer = "all"
	}
	a.ask(q)
}

func (x *editing) addLift(lifts []string, fields map[string]any) error {
	if err := x.open(lifts[0]); err != nil {
		return err
	}
	if fields["issued"] == "" && fields["from"] == "" {
		fields["from"] = x.now.String()
	}
	fields["action"], fields["lifts"] = "lift", lifts
	o, err := x.newOrder(fields)
	if err != nil {
		return err
	}
	if x.before.byID()[o.ID] != nil {
		return misuse("--id: another order has this id, got %q", o.ID)
	}
	if err := x.text.AddOrder(o); err != nil {
		return err
	}
	x.verb, x.id = "add lift", o.ID
	at := x.effectOf(o)
	if at > max(cmp.Or(o.From, o.Issued), x.now) {
		x.e.say("note: %s not begun yet. The effect is shown for the beginning.", map[bool]string{true: "the order has", false: "the orders have"}[len(o.Lifts) == 1])
	}
	return x.finish(at)
}

func (x *editing) effectOf(lift *order.Order) order.Time {
	at := max(cmp.Or(lift.From, lift.Issued), x.now)
	begin := ruleset.Forever
	states := x.before.states(at)
	for _, id := range lift.Lifts {
		switch st := states[id]; {
		case st.State == ruleset.InForce:
			return at
		case st.State == ruleset.Pending:
			begin = min(begin, st.Until)
		}
	}
	if begin == ruleset.Forever || lift.Until != order.NoTime && begin > lift.Until {
		return at
	}
	return begin
}

const kindParty = "party"

func sameName(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

func authorityKind(k order.AuthorityKind) string {
	if k == order.KindUnstated {
		return ""
	}
	return k.String()
}

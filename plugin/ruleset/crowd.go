package ruleset

import (
	"cmp"
	"slices"

	"github.com/dns-orders/blocklist/plugin/coop"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/gaissmai/bart"
)

// crowdFrom is the number of rules from which a name has a crowd. It is a variable so that
// tests can have crowds with few rules.
var crowdFrom = 16

// A crowd is an index of the rules at one name or network that has very many rules, so that a
// query does not have to check each rule. An example is a name that a hundred authorities have
// ordered, or that the same authority orders again every season.
type crowd struct {
	// ends are the indexes at which the rules of each kind end.
	ends [blockBelow + 1]int
	// byID are the lifts that name the orders they reach, by the ids of these orders. others
	// are the other lifts, latest decision time first.
	byID   map[string][]uint32
	others map[authority]*line
	groups []*group
}

// A group contains the blocks of a crowd that have the same values of shadow and forced. The
// lines of the group sort the blocks by their clients. A block for several countries and
// networks is in several lines.
type group struct {
	shadow    bool
	forced    bool // the orders of these blocks force a target, maybe this target
	everyone  line
	networks  *bart.Table[*line]
	countries map[order.Country]*line
	// asking contains all blocks that are for some countries. A verdict becomes CountryDependent
	// when it meets one of these blocks, even a block that is not for the client.
	asking line
}

// crowd returns the crowd of the rules that start at ref, nil if there are few rules.
func (p *Part) crowd(ref uint32) *crowd {
	if !p.rules[ref].crowd {
		return nil
	}
	return p.crowds[ref]
}

// gather makes the crowd of the rules that start at ref, if there are many rules. The set s
// must know the part's lifts of whole orders.
func (p *Part) gather(ref uint32, list []rule, s *Set) {
	c := p.newCrowd(list, s)
	if c == nil {
		return
	}
	if p.crowds == nil {
		p.crowds = map[uint32]*crowd{}
	}
	p.crowds[ref] = c
	p.rules[ref].crowd = true
}

// newCrowd returns the crowd of a list of rules, nil if there are few rules.
func (p *Part) newCrowd(list []rule, s *Set) *crowd {
	if len(list) < crowdFrom {
		return nil
	}
	c := &crowd{}
	for i := range list {
		for k := list[i].kind; k <= blockBelow; k++ {
			c.ends[k] = i + 1
		}
	}
	c.addLifts(p, list)
	alone := path{hits: []hit{{p, list, 1, nil, c}}}
	c.groups = s.groups(&alone, &alone.hits[0], 1)
	return c
}

func (c *crowd) addLifts(p *Part, list []rule) {
	c.byID, c.others = map[string][]uint32{}, map[authority]*line{}
	for i := c.ends[except]; i < c.ends[liftBelow]; i++ {
		e := p.entries.at(list[i].entry)
		for _, id := range e.lifts {
			c.byID[id] = append(c.byID[id], uint32(i))
		}
		if len(e.lifts) == 0 {
			l := lineOf(c.others, e.authority())
			l.at = append(l.at, uint32(i))
		}
	}
	for _, l := range c.others {
		slices.SortStableFunc(l.at, func(x, y uint32) int {
			return cmp.Compare(p.entries.at(list[y].entry).place, p.entries.at(list[x].entry).place)
		})
		for _, i := range l.at {
			l.gone.until = append(l.gone.until, p.over(list[i].sched))
		}
		l.freeze()
	}
}

// groups sorts the blocks of a hit into groups. The hit is on the path to a name with the
// given number of labels. The groups are valid for that name and all names below it.
func (s *Set) groups(p *path, h *hit, labels int) (all []*group) {
	for i := h.crowd.ends[liftBelow]; i < len(h.rules); i++ {
		coop.Tick(i)
		r, e := &h.rules[i], h.by(i)
		gone := s.goneFrom(p, h, r, labels)
		if gone == order.NoTime {
			continue
		}
		at := slices.IndexFunc(all, func(g *group) bool { return g.shadow == r.shadow && g.forced == (e.force != nil) })
		if at < 0 {
			at = len(all)
			all = append(all, &group{shadow: r.shadow, forced: e.force != nil})
		}
		all[at].add(e, uint32(i), gone)
	}
	for _, g := range all {
		g.freeze()
	}
	return all
}

func lineOf[K comparable](m map[K]*line, k K) *line {
	if m[k] == nil {
		m[k] = &line{}
	}
	return m[k]
}

func (g *group) add(e *entry, i uint32, gone order.Time) {
	s := e.scope
	if s == nil {
		g.everyone.add(i, gone, e.exempt)
		return
	}
	if s.clients.Size() > maxNets {
		// Very many orders may share a scope with very many networks, so these orders are
		// added to everyone. This is correct, because a verdict checks the scope of each order
		// that it meets.
		g.everyone.add(i, gone, e.exempt)
		if s.hasCountries() {
			g.asking.add(i, gone, nil)
		}
		return
	}
	for x := range s.clients.All() {
		if g.networks == nil {
			g.networks = new(bart.Table[*line])
		}
		l, ok := g.networks.Get(x)
		if !ok {
			l = &line{}
			g.networks.Insert(x, l)
		}
		l.add(i, gone, e.exempt)
	}
	for _, cc := range s.countries {
		if g.countries == nil {
			g.countries = map[order.Country]*line{}
		}
		lineOf(g.countries, cc).add(i, gone, e.exempt)
	}
	if s.hasCountries() {
		g.asking.add(i, gone, nil)
	}
}

func (g *group) freeze() {
	g.everyone.freeze()
	g.asking.freeze()
	for _, l := range g.countries {
		l.freeze()
	}
	if g.networks == nil {
		return
	}
	for x, l := range g.networks.All() {
		l.freeze()
		for up, larger := range g.networks.Supernets(x) {
			if up != x {
				l.up = larger
				break
			}
		}
	}
}

// next returns the index of the first block, from rule k on, that is still in effect and that
// is for the client of the query or makes the verdict CountryDependent. It returns best if that
// index is smaller.
func (g *group) next(j *judgement, held bool, k, best int) int {
	if g.shadow && !j.shadow || held && !g.forced {
		return best
	}
	c := j.c.Addr
	if !j.scoped {
		best = g.asking.next(k, c, j.now, best)
	}
	best = g.everyone.next(k, c, j.now, best)
	if g.networks != nil && c.IsValid() {
		for l, _ := g.networks.Lookup(c); l != nil; l = l.up {
			best = l.next(k, c, j.now, best)
		}
	}
	if cc := j.c.Country; len(g.countries) > 0 && cc != "" {
		best = g.countries[cc].next(k, c, j.now, best)
		if cc.InEU() {
			best = g.countries[order.EU].next(k, c, j.now, best)
		}
	}
	return best
}

// skip returns the index of the next rule, from rule k on, that can change the verdict for the
// client.
func (h *hit) skip(j *judgement, k int) int {
	if h.crowd == nil || k >= len(h.rules) {
		return k // kept small to be inlined: nearly all names have few rules
	}
	return h.next(j, k)
}

func (h *hit) next(j *judgement, k int) int {
	best := len(h.rules)
	for _, g := range h.crowd.groups {
		best = g.next(j, h.held != nil, k, best)
	}
	return best
}

// last returns the index of the last rule of the same kind as rule k. Without a crowd it
// returns k.
func (h *hit) last(k int) int {
	if h.crowd == nil {
		return k
	}
	return h.crowd.ends[h.rules[k].kind] - 1
}

// of returns the rules of a kind that belong to the order e. Without a crowd it returns all
// rules of the hit.
func (h *hit) of(e *entry, k kind) []rule {
	if h.crowd == nil {
		return h.rules
	}
	from := 0
	if k > 0 {
		from = h.crowd.ends[k-1]
	}
	all := h.rules[from:h.crowd.ends[k]]
	at, _ := slices.BinarySearchFunc(all, e, func(r rule, e *entry) int { return precedence(h.part.entries.at(r.entry), e) })
	end := at
	for end < len(all) && h.part.entries.at(all[end].entry) == e {
		end++
	}
	return all[at:end]
}

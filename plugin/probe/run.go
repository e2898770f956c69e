package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/dnsclient"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/ruleset"
	"github.com/miekg/dns"
)

// A Result is the result of one question.
type Result struct {
	Question
	At       time.Time
	Expected string   // "pass", or the response that the orders prescribe
	Rcode    string   // empty without an answer
	EDE      []uint16 // the extended errors of the answer
	Outcome  Outcome
	Why      string // empty if the answer is right
}

// RunOptions are the settings of Run.
type RunOptions struct {
	Set    *ruleset.Set
	Client ruleset.Client
	Rules  Rules
	Query  func(q *Question) *dns.Msg // makes the query
	Now    func() time.Time
	// Run waits for a value from this channel before each question.
	Tick <-chan time.Time
	// Run calls this function after each question. It may be nil.
	Done func(asked int)
}

const (
	inFlight   = 4
	maxSilence = 10
)

// ErrSilent means that the server does not answer.
var ErrSilent = errors.New("the server did not answer 10 questions in a row; the probe was stopped")

// Run asks the questions and returns one result for each. After an error, the other results have
// the outcome NotAsked.
func Run(ctx context.Context, server dnsclient.Exchanger, questions []Question, opt RunOptions) ([]Result, error) {
	results := make([]Result, len(questions))
	for i, q := range questions {
		results[i] = Result{Question: q, Outcome: NotAsked, Why: "the probe was stopped before"}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := make(chan int)
	var group sync.WaitGroup
	var mu sync.Mutex
	silence, asked := 0, 0
	for range min(inFlight, len(questions)) {
		group.Go(func() {
			for i := range work {
				r := ask(ctx, server, questions[i], &opt)
				mu.Lock()
				results[i] = r
				if asked++; opt.Done != nil {
					opt.Done(asked)
				}
				if silence++; r.Outcome != NoAnswer {
					silence = 0
				}
				if silence >= maxSilence {
					stop(ErrSilent)
				}
				mu.Unlock()
			}
		})
	}
	for i := range questions {
		select {
		case <-opt.Tick:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	group.Wait()
	if !opt.Rules.Exact {
		doubtRefusals(results)
	}
	return results, context.Cause(ctx)
}

// The server may refuse all queries of this machine. So all results are unclear if each answer is
// REFUSED without an extended error.
func doubtRefusals(results []Result) {
	for _, r := range results {
		if r.Rcode != dns.RcodeToString[dns.RcodeRefused] || len(r.EDE) > 0 {
			return
		}
	}
	for i := range results {
		results[i].Outcome, results[i].Why = Unclear, "the server refused all questions, so it may refuse all queries of this machine"
	}
}

func ask(ctx context.Context, server dnsclient.Exchanger, q Question, opt *RunOptions) Result {
	r := Result{Question: q, At: opt.Now()}
	before := opt.decide(&q, r.At)
	r.Expected = Expected(before, q.Type)
	query := opt.Query(&q)
	m, err := server.Exchange(ctx, query)
	if err != nil && ctx.Err() != nil {
		r.Outcome, r.Why = NotAsked, "the probe was stopped before the answer"
		return r
	}
	if err != nil {
		r.Outcome, r.Why = NoAnswer, err.Error()
		return r
	}
	r.Rcode, r.EDE = rcodeText(m.Rcode), answer.ErrorCodes(m)
	now := opt.Now()
	if after := opt.decide(&q, now); after.Order != before.Order || Expected(after, q.Type) != r.Expected {
		r.Outcome, r.Why = Unclear, "an order began or ended during the question"
		return r
	}
	r.Outcome, r.Why = Judge(query, m, before, now, &opt.Rules)
	return r
}

func (opt *RunOptions) decide(q *Question, at time.Time) ruleset.Verdict {
	var name ruleset.QName
	name.SetName(q.Name)
	return opt.Set.Decide(&name, ruleset.Query{Client: opt.Client, Now: order.Time(at.Unix())})
}

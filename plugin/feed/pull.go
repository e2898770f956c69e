package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

type pulled struct {
	tickets   []ticket
	sums      map[Kind]string
	listed    map[string]bool
	date      time.Time // the newest header Date
	oldest    time.Time // the oldest header Date
	at        time.Time // when the tickets were requested
	unchanged bool
}

func (f *Feed) pull(ctx context.Context, known *pulled) (*pulled, error) {
	p := f.opt.Platform
	x := &pulled{sums: map[Kind]string{}, at: f.opt.Clock.Now()}
	if err := f.checksums(ctx, x.sums, x); err != nil {
		return nil, err
	}
	if known != nil && len(x.sums) > 0 && len(x.sums) == len(p.Lists) && maps.Equal(known.sums, x.sums) {
		x.tickets, x.listed, x.at, x.unchanged = known.tickets, known.listed, known.at, true
		return x, nil
	}
	a, err := f.client.get(ctx, p.Tickets.Path, "application/json", maxTickets)
	if err != nil {
		return nil, err
	}
	x.dated(a)
	if x.tickets, err = p.parseTickets(a.body); err != nil {
		return nil, &Fault{Path: p.Tickets.Path, Why: err.Error()}
	}
	if len(p.Lists) > 0 {
		if err := f.lists(ctx, x); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// dated notes the date of an answer.
func (x *pulled) dated(a *answer) {
	if a.date.IsZero() {
		return
	}
	if a.date.After(x.date) {
		x.date = a.date
	}
	if x.oldest.IsZero() || a.date.Before(x.oldest) {
		x.oldest = a.date
	}
}

// If a list is empty, the platform may refuse the request for the checksum with 400 or 404.
func (f *Feed) checksums(ctx context.Context, sums map[Kind]string, x *pulled) error {
	for _, k := range kinds {
		l := f.opt.Platform.Lists[k]
		if l.Checksum == "" {
			continue
		}
		a, err := f.client.get(ctx, l.Checksum, "text/plain", maxAnswer)
		var fault *Fault
		if errors.As(err, &fault) && (fault.Status == http.StatusBadRequest || fault.Status == http.StatusNotFound) {
			sums[k] = noChecksum // lists compares this with the list
			continue
		}
		if err != nil {
			return err
		}
		x.dated(a)
		sum := strings.TrimSpace(string(a.body))
		if l.Digest == sha256Digest {
			sum = strings.ToLower(sum)
			if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
				return &Fault{Path: l.Checksum, Why: fmt.Sprintf("the answer is no SHA-256 digest: %q", f.client.text(sum))}
			}
		}
		if sum == "" || len(sum) > maxSum {
			return &Fault{Path: l.Checksum, Why: fmt.Sprintf("the checksum must have 1 to %d bytes, and has %d", maxSum, len(sum))}
		}
		sums[k] = "sum " + sum
	}
	return nil
}

// Real checksums begin with "sum ", so they differ from this value.
const noChecksum = "none"

const maxSum = 256

func (f *Feed) lists(ctx context.Context, x *pulled) error {
	p := f.opt.Platform
	x.listed = map[string]bool{}
	raws := map[string]bool{}
	for _, k := range kinds {
		l := p.Lists[k]
		if l.Path == "" {
			continue
		}
		a, err := f.client.get(ctx, l.Path, "text/plain", maxList)
		if err != nil {
			return err
		}
		x.dated(a)
		switch want := x.sums[k]; {
		case l.Checksum == "", want != noChecksum && l.Digest == "":
		case want == noChecksum:
			if len(a.body) > 0 {
				return &Fault{Path: l.Path, Why: "the list has items, and the platform gives no checksum"}
			}
		default:
			want = strings.TrimPrefix(want, "sum ")
			if sum := sha256.Sum256(a.body); hex.EncodeToString(sum[:]) != want {
				return &Fault{Path: l.Path, Why: fmt.Sprintf("the list has the SHA-256 digest %x, and the platform gives the checksum %s; the list may be cut off, old or newer than the checksum", sum, want)}
			}
		}
		for line := range strings.Lines(string(a.body)) {
			raw := strings.TrimSpace(line)
			if raw == "" {
				continue
			}
			raws[string(k)+raw] = true
			if it := p.clean(k, raw); it.why == "" {
				x.listed[keyOf(&it.target)] = true
			}
		}
	}
	for i := range x.tickets {
		t := &x.tickets[i]
		for _, it := range t.items {
			if p.Lists[it.kind].Path != "" && t.ready && !raws[string(it.kind)+strings.TrimSpace(it.raw)] {
				return &Fault{Path: p.Tickets.Path, Why: fmt.Sprintf("ticket %q has the item %q, and the list of all items does not have the item; one of the answers may be old",
					p.show(t.id), p.show(clip(it.raw)))}
			}
		}
	}
	return nil
}

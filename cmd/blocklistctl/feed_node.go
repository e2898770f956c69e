package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/status"
	"github.com/dns-orders/blocklist/plugin/store"
)

// nodeTimeout limits a request, because a slow server must not delay new tickets.
const nodeTimeout = 15 * time.Second

// A feedNode is a server. The feed asks the server for the orders in force.
type feedNode struct {
	*remote
	block string
}

// Since implements feed.Node.
func (n *feedNode) Since(ctx context.Context, digest string) (since time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return since, err
	}
	var d status.Document
	if err := n.document("status", nil, &d); err != nil {
		return since, n.bare(err)
	}
	return inForceSince(&d, digest)
}

func inForceSince(d *status.Document, digest string) (since time.Time, err error) {
	has, enforced := false, false
	for _, s := range d.Sets {
		inSet := false
		for _, f := range s.Files {
			inSet = inSet || f.Kind == string(store.OrderFile) && f.Digest == digest
		}
		if !inSet {
			continue
		}
		has = true
		for _, b := range d.Blocks {
			switch {
			case b.Digest != s.Digest:
			case b.Mode == "shadow":
				return since, fmt.Errorf("the server block %s is in shadow, and blocks no name", b.Name)
			case b.Mode == "enforce":
				enforced = true
				t, err := time.Parse(time.RFC3339, s.Since)
				if err != nil {
					return since, errors.New("the status does not say since when the orders are in force")
				}
				if t.After(since) {
					since = t
				}
			}
		}
	}
	switch {
	case !has:
		return since, errors.New("does not have this version of the order file in force")
	case !enforced:
		return since, errors.New("has the order file, and no server block enforces the file")
	}
	return since, nil
}

// Blocks implements feed.Node.
func (n *feedNode) Blocks(ctx context.Context, name dname.Name, country order.Country) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	q := url.Values{"name": {name.String()}, "type": {"A"}, "country": {string(country)}}
	if n.block != "" {
		q.Set("server_block", n.block)
	}
	var x status.Explanation
	if err := n.document("explain", q, &x); err != nil {
		return false, n.bare(err)
	}
	return x.Explanation != nil && x.Blocked && !x.Passes, nil
}

func (n *feedNode) bare(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), n.String()+": "))
}

package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dns-orders/blocklist/plugin/dname"
	"github.com/dns-orders/blocklist/plugin/durable"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/test/crash"
	"github.com/dns-orders/blocklist/test/platform"
)

func TestMain(m *testing.M) {
	crash.Main(map[string]crash.Task{"rounds": crashRounds})
	os.Exit(m.Run())
}

type diskNode struct{ out string }

func (n diskNode) String() string { return "node" }

func (n diskNode) Since(_ context.Context, digest string) (time.Time, error) {
	data, err := os.ReadFile(n.out)
	if err != nil {
		return time.Time{}, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest {
		return time.Time{}, errors.New("has another version")
	}
	return begin, nil
}

func (n diskNode) Blocks(context.Context, dname.Name, order.Country) (bool, error) { return true, nil }

type crashing func()

func (c crashing) RoundTrip(r *http.Request) (*http.Response, error) {
	c()
	resp, err := http.DefaultTransport.RoundTrip(r)
	c()
	return resp, err
}

// crashOptions returns the options of the child, without crashes.
func crashOptions(base, out string) (Options, error) {
	p, err := describe(nil)
	return Options{Platform: p, Base: base, User: platform.User, Password: platform.Password, HTTP: &http.Client{}, Out: out,
		Acknowledge: ByStatus, Nodes: []Node{diskNode{out}}, Addresses: true, DropOK: -1, Clock: newTicker(), Random: func() float64 { return 0 }, Mode: 0o644}, err
}

func crashRounds(p *crash.Points, args []string) error {
	opt, err := crashOptions(args[0], args[1])
	if err != nil {
		return err
	}
	opt.HTTP.Transport = crashing(p.Pass)
	opt.FS.Hook = func(s durable.Step, run func() error) error {
		// Skip fsync to save time. The kernel keeps written data after SIGKILL.
		if s == durable.Sync || s == durable.SyncDir {
			run = func() error { return nil }
		}
		return p.Around(run)
	}
	return rounds(opt)
}

func rounds(opt Options) error {
	for range 3 {
		f, err := Open(opt)
		if err != nil {
			return err
		}
		_, err = f.Round(context.Background())
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		opt.Clock.(*ticker).Add(time.Minute)
	}
	return nil
}

// After a crash, the file must contain each ticket exactly once. No item may be acknowledged before
// the file contains its block.
func TestCrashes(t *testing.T) {
	set := []platform.Ticket{
		{ID: "a", Created: begin, FQDN: []string{"one.example", "error.example", "com"}, IPv4: []string{"203.0.113.7"}},
		{ID: "b", Created: begin.Add(time.Second), FQDN: []string{"two.example", "-bad"}},
	}
	for point := 1; ; point++ {
		out := filepath.Join(t.TempDir(), "orders.yaml")
		p := platform.Start(t, func() time.Time { return begin })
		p.Set(set...)
		p.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			// Before the second round, the platform withdraws an item.
			if strings.HasSuffix(r.URL.Path, "fqdn/get/all/txt/checksum") && p.Calls("fqdn/get/all/txt/checksum") == 2 {
				p.Withdraw("a", "error.example")
			}
			return false
		})
		p.Check(func(value string, processed bool) {
			if why := wronglyAcknowledged(out, value, processed); why != "" {
				t.Errorf("point %d: %q: %s", point, value, why)
			}
		})
		_, killed := crash.Run(t, point, "rounds", p.Base(), out)
		opt, err := crashOptions(p.Base(), out)
		if err == nil {
			err = rounds(opt)
		}
		if err != nil {
			t.Fatalf("point %d: after the crash: %v", point, err)
		}
		_, all := parseOrders(t, out)
		var got []string
		for id, o := range all {
			for i := range o.Targets {
				x := &o.Targets[i]
				got = append(got, fmt.Sprint(id, " ", x.String(), " ended ", endOf(x) != order.NoTime, " reported ", isReported(o, x)))
			}
		}
		slices.Sort(got)
		want := []string{
			"piracy-shield/a 203.0.113.7 ended false reported true", "piracy-shield/a error.example ended true reported true",
			"piracy-shield/a one.example ended false reported true", "piracy-shield/b two.example ended false reported true",
		}
		if len(got) == 3 { // the item was withdrawn before the first file was written
			want = slices.Delete(want, 1, 2)
		}
		if !slices.Equal(got, want) {
			t.Errorf("point %d:\n%s", point, strings.Join(got, "\n"))
		}
		acks := p.Acks()
		for value, processed := range map[string]bool{"one.example": true, "two.example": true, "203.0.113.7": true, "com": false, "-bad": false} {
			if a, ok := acks[value]; !ok || a.Processed != processed || a.Count > 2 {
				t.Errorf("point %d: %q: acknowledged %v: %+v", point, value, ok, a)
			}
		}
		left, err := filepath.Glob(filepath.Join(stateDir(out), ".durable-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("point %d: temporary files %q, %v", point, left, err)
		}
		p.Close()
		if !killed {
			t.Logf("killed at %d points", point-1)
			if point < 100 {
				t.Errorf("killed at %d points only", point-1)
			}
			return
		}
	}
}

// wronglyAcknowledged returns why an acknowledgement is wrong, or "".
func wronglyAcknowledged(out, value string, processed bool) string {
	data, err := os.ReadFile(out)
	if err != nil {
		return err.Error()
	}
	file, problems := order.Parse(out, bytes.NewReader(data), order.Options{})
	if len(problems) > 0 {
		return problems.Error()
	}
	for _, o := range file.Orders {
		for i := range o.Targets {
			if x := &o.Targets[i]; x.Pattern() == value && endOf(x) == order.NoTime {
				if processed {
					return ""
				}
				return "is in force and was acknowledged as unprocessed"
			}
		}
	}
	if processed {
		return "is not in force and was acknowledged as processed"
	}
	return ""
}

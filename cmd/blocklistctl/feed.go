package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dns-orders/blocklist/plugin/feed"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/printable"
	"github.com/dns-orders/blocklist/plugin/signature"
	"github.com/dns-orders/blocklist/plugin/source"
)

// feedCmd is the command "blocklistctl feed".
type feedCmd struct {
	Platform    string `arg:"" help:"The platform: a name, or the path of a file with the description of a platform."`
	Out         string `short:"o" required:"" placeholder:"ORDERS" help:"The order file to write, in JSON Lines: its name ends in .jsonl. The file belongs to the feed."`
	Credentials string `required:"" placeholder:"FILE" help:"A YAML file with the keys user and password."`
	Platforms   string `type:"existingdir" placeholder:"DIR" help:"A directory with descriptions of platforms. They replace built-in descriptions of the same name."`
	Base        string `placeholder:"URL" help:"The URL of the platform, in place of the URL in the description."`

	Status               []string      `placeholder:"URL" sep:"none" help:"A server with the property status. May be given several times. A name is acknowledged when all servers block the name."`
	Nodes                accessFlags   `embed:"" prefix:"status-"`
	Block                string        `name:"server-block" placeholder:"NAME" help:"The server block that decides about the names, for servers with several server blocks."`
	Acknowledge          string        `enum:",status,written,none" default:"" placeholder:"HOW" help:"When an item is acknowledged as processed: status, written or none. The default is status with --status, and none otherwise."`
	AcknowledgeAddresses bool          `help:"Acknowledge an address as processed when the order file is written. Use the flag only if your routers block the addresses of the file."`
	Protect              []string      `placeholder:"FILE" sep:"none" help:"A protect list, as in the Corefile. May be given several times."`
	Once                 bool          `help:"Do one round and exit. The default is to go on until SIGTERM."`
	Interval             time.Duration `default:"2m" help:"The time between two rounds, from 10s to 30m."`
	Timeout              time.Duration `default:"1m" help:"The longest time of a request to the platform."`
	DropOK               int           `name:"drop-ok" default:"-1" placeholder:"N" help:"Accept that the round ends the blocks of exactly N items. Needs --once."`
	PlatformCA           string        `name:"platform-ca-file" placeholder:"FILE" help:"Trust only the certificate authorities in FILE (PEM) for the platform."`
	ClientCert           string        `placeholder:"FILE" help:"The client certificate for the platform (PEM)."`
	ClientKey            string        `placeholder:"FILE" help:"The key of the client certificate (PEM)."`
	MetricsFile          string        `placeholder:"FILE" help:"Write metrics to FILE after each round, for the textfile collector of node_exporter. The name of FILE must end in .prom."`
	Sign                 string        `placeholder:"KEY" help:"Sign each new version with this secret key."`
	passwordFlags        `embed:""`
}

// Help returns the description and the example for --help.
func (*feedCmd) Help() string {
	return `A platform sends tickets with names and addresses that must be blocked in a short time, for example Piracy Shield. The feed pulls the tickets and writes one order for each ticket. When the platform withdraws an item, its block ends, and the order file keeps the end. The feed acknowledges each item to the platform as processed, or as unprocessed with a reason.

An answer that is cut off, old or wrong is refused, and the order file stays as it is. The directory .ORDERS.feed beside the order file has the state of the feed.

Example:

  blocklistctl feed /etc/blocklist/it-piracy-shield.yaml --out orders/piracy-shield.jsonl --credentials piracy-shield.cred --status http://127.0.0.1:9253`
}

// The shortest and the longest time between two rounds.
const minInterval, maxInterval = 10 * time.Second, 30 * time.Minute

// Run pulls tickets.
func (c *feedCmd) Run(e *env) error {
	if err := c.check(e); err != nil {
		return err
	}
	p, err := feed.Load(c.Platform, c.Platforms)
	if err != nil {
		return err
	}
	opt := feed.Options{Platform: p, Base: c.Base, Out: c.Out, Acknowledge: feed.Meaning(c.Acknowledge), Addresses: c.AcknowledgeAddresses,
		DropOK: c.DropOK, Clock: feedClock{e}, Random: rand.Float64, FS: files, Mode: 0o644}
	if p.Sealed() {
		opt.Mode = modeSealed
	}
	if !c.Once {
		opt.Limit = c.Interval // new tickets must not wait until all items are acknowledged
	}
	if opt.User, opt.Password, err = readCredentials(c.Credentials); err != nil {
		return err
	}
	if opt.HTTP, err = c.http(); err != nil {
		return err
	}
	if opt.Nodes, err = c.nodes(e); err != nil {
		return err
	}
	guard, problems := readGuard(c.Protect)
	if bad := problems.Errors(); len(bad) > 0 {
		return bad // without its protect lists, the feed could block too much
	}
	opt.Guard = guard
	w := &feedWriter{c: c, e: e, mode: opt.Mode}
	if opt.Write = w.write; c.Sign != "" {
		key := &signCmd{Key: c.Sign, passwordFlags: c.passwordFlags}
		if w.secret, err = key.secretKey(e); err != nil {
			return err
		}
	}
	f, err := feed.Open(opt)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.repair(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Once {
		return c.once(ctx, e, f)
	}
	e.say("%s: pulls tickets of %s every %s", c.Out, p.Title, c.Interval)
	f.Run(ctx, c.Interval, func(rep *feed.Report, err error, wait time.Duration) {
		c.say(e, rep, err)
		if err != nil {
			e.say("%v", err)
			e.say("the next round is in %s", wait.Round(time.Second))
		}
		if err := c.metrics(f, rep); err != nil {
			e.say("--metrics-file: %v", err)
		}
	})
	e.say("stopped")
	return nil
}

// check checks the flags.
func (c *feedCmd) check(e *env) error {
	switch {
	case order.Ext(c.Out) != ".jsonl":
		return misuse("--out must end in .jsonl, because a feed grows and the other formats have a limit on their number of values, got %q", c.Out)
	case c.Interval < minInterval || c.Interval > maxInterval:
		return misuse("--interval must be from %s to %s, got %s", minInterval, maxInterval, c.Interval)
	case c.Timeout < time.Second || c.Timeout > 10*time.Minute:
		return misuse("--timeout must be from 1s to 10m, got %s", c.Timeout)
	case (c.ClientCert == "") != (c.ClientKey == ""):
		return misuse("--client-cert and --client-key need each other")
	case c.DropOK >= 0 && !c.Once:
		return misuse("--drop-ok needs --once, because the number is for one round")
	case e.json && !c.Once:
		return misuse("--json needs --once")
	case c.MetricsFile != "" && filepath.Ext(c.MetricsFile) != ".prom":
		return misuse("--metrics-file must end in .prom, because node_exporter reads only such files, got %q", c.MetricsFile)
	case c.Acknowledge == string(feed.ByStatus) && len(c.Status) == 0:
		return misuse("--acknowledge status needs --status URL")
	case len(c.Status) > 0 && c.Acknowledge != "" && c.Acknowledge != string(feed.ByStatus):
		return misuse("--status is for --acknowledge status, got --acknowledge %s", c.Acknowledge)
	case c.Sign == "" && c.PasswordFile != "":
		return misuse("--password-file needs --sign KEY")
	}
	if c.Acknowledge == "" {
		c.Acknowledge = string(feed.Never)
		if len(c.Status) > 0 {
			c.Acknowledge = string(feed.ByStatus)
		}
	}
	return checkFolder(c.Out)
}

type feedClock struct{ e *env }

func (c feedClock) Now() time.Time { return c.e.now() }

func (c feedClock) After(d time.Duration) (<-chan time.Time, func()) {
	return source.WallClock.After(d)
}

// readCredentials reads the user and password of the platform. It refuses a file that all users can
// use.
func readCredentials(path string) (user, password string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", misuse("--credentials: %v", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", "", misuse("--credentials: %s: all users of the machine can use the file; chmod 600 changes this", path)
	}
	data, err := readSmall(path)
	if err != nil {
		return "", "", misuse("--credentials: %s: %v", path, err)
	}
	var x struct {
		User     string `yaml:"user"`
		Password string `yaml:"password"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&x); err != nil || x.User == "" || x.Password == "" {
		return "", "", misuse("--credentials: %s: must be YAML with the keys user and password, and no other keys", path)
	}
	return x.User, x.Password, nil
}

// The client follows no redirect, because another host could get the token.
func (c *feedCmd) http() (*http.Client, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, IdleConnTimeout: time.Minute}
	if c.PlatformCA != "" {
		pem, err := readSmall(c.PlatformCA)
		if err != nil {
			return nil, misuse("--platform-ca-file: %s: %v", c.PlatformCA, err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, misuse("--platform-ca-file: %s has no certificate", c.PlatformCA)
		}
		t.TLSClientConfig.RootCAs = roots
	}
	if c.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
		if err != nil {
			return nil, misuse("--client-cert: %v", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: t, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// once does one round.
func (c *feedCmd) once(ctx context.Context, e *env, f *feed.Feed) error {
	rep, err := f.Round(ctx)
	if bad := c.metrics(f, rep); bad != nil {
		err = errors.Join(err, fmt.Errorf("--metrics-file: %w", bad))
	}
	if e.json && err == nil {
		if err := e.writeJSON(rep); err != nil {
			return err
		}
	}
	c.say(e, rep, err)
	if err == nil && len(rep.Problems) > 0 {
		return errProblems
	}
	return err
}

// metrics writes the file of --metrics-file.
func (c *feedCmd) metrics(f *feed.Feed, rep *feed.Report) error {
	if c.MetricsFile == "" {
		return nil
	}
	return writeFile(c.MetricsFile, f.Metrics(rep), 0o644)
}

func (c *feedCmd) say(e *env, rep *feed.Report, err error) {
	line := func(format string, args ...any) {
		fmt.Fprintln(e.stderr, printable.Line(c.Out+": "+fmt.Sprintf(format, args...)))
	}
	for _, list := range []struct {
		what    string
		changes []feed.Change
	}{{"the platform withdrew the item, and its block ends", rep.Ended}, {"the item is back, and its block begins again", rep.Back}} {
		for i, x := range list.changes {
			if i == maxListed {
				line("%s: and %s more", list.what, count(len(list.changes)-i, "item"))
				break
			}
			line("%s: %q in order %q", list.what, x.Target, x.Order)
		}
	}
	for i, r := range rep.Refused {
		if i == maxListed {
			line("not processed: and %s more", count(len(rep.Refused)-i, "item"))
			break
		}
		line("not processed: %q of ticket %q: %s", r.Value, r.Ticket, r.Why)
	}
	for i, p := range rep.Problems {
		if i == maxListed {
			line("and %s more", count(len(rep.Problems)-i, "problem"))
			break
		}
		line("%s", p)
	}
	if news := rep.Written || rep.Acknowledged > 0 || len(rep.Refused) > 0; c.Once && err == nil || news {
		line("%s with %s%s", count(rep.Tickets, "ticket"), count(rep.Items, "item"), someOf("; ", number{"new orders: %d", rep.NewOrders},
			number{"new items: %d", rep.Added}, number{"withdrawn: %d", len(rep.Ended)}, number{"back: %d", len(rep.Back)},
			number{"not processed: %d", rep.Unprocessed}, number{"acknowledged: %d", rep.Acknowledged}, number{"waiting: %d", rep.Pending},
			number{"not to be acknowledged: %d", rep.Unasked}))
	}
	if rep.Written {
		line("written with serial %d", rep.Serial)
	}
}

type feedWriter struct {
	c      *feedCmd
	e      *env
	mode   fs.FileMode
	secret signature.SecretKey
}

// write writes a new version of the order file.
func (w *feedWriter) write(path string, data []byte, serial int64) error {
	if w.c.Sign == "" {
		return writeFile(path, data, w.mode)
	}
	return w.signed(path, data, serial)
}

func (w *feedWriter) signed(path string, data []byte, serial int64) (err error) {
	slot, err := slotOf(path, w.secret.Public())
	if err != nil {
		return err
	}
	b := &signed{file: path, from: path, serial: serial, hash: signature.NewHash()}
	if b.content, err = stage(path, w.mode); err != nil {
		return err
	}
	defer b.discard()
	// A Hash never returns an error.
	_, _ = b.hash.Write(data)
	if _, err := b.content.Write(data); err != nil {
		return err
	}
	if b.signature, err = w.secret.Sign(filepath.Base(path), w.e.now().UTC().Truncate(time.Second), b.hash); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = install([]*signed{b}, slot)
	return err
}

// After a crash between the two renames, the signature is newer than the order file. The function
// then signs the order file again.
func (w *feedWriter) repair() error {
	if w.c.Sign == "" {
		return nil
	}
	path := w.c.Out
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	in, err := openFile(path, order.MaxBytes(path, false))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	data, err := io.ReadAll(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	policy := signature.Policy{Keys: []signature.Key{w.secret.Public()}, Need: 1}
	check := policy.Check(path, readSignature)
	if _, err := check.Write(data); err != nil {
		return err
	}
	if check.Result().OK() {
		return nil
	}
	w.e.say("%s: has no good signature of the key %s; signs the file again", path, w.secret.Public().ID())
	return w.signed(path, data, -1)
}

// nodes returns the servers of --status.
func (c *feedCmd) nodes(e *env) (out []feed.Node, err error) {
	servers, err := c.Nodes.remotes(e, c.Status...)
	if err != nil {
		flags := strings.NewReplacer("--ca-file", "--status-ca-file", "--user", "--status-user", "--password-file", "--status-password-file")
		return nil, misuse("%s", flags.Replace(err.Error()))
	}
	for _, s := range servers {
		s.client.Timeout = nodeTimeout
		out = append(out, &feedNode{s, c.Block})
	}
	return out, nil
}

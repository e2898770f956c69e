package directive

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	"github.com/dns-orders/blocklist/plugin/order"
	"github.com/dns-orders/blocklist/plugin/signature"
)

func readVerify(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	need := 1
	if n, err := strconv.ParseUint(args[0], 10, 16); err == nil {
		need, args = int(n), args[1:]
		if len(args) == 0 {
			return c.Errf("verify %d needs at least one public key after the number; write the path of a key file with this name as ./%d", n, n)
		}
	}
	var keys []signature.Key
	for _, s := range args {
		k, err := PublicKey(s, cfg.Root)
		if err != nil {
			return c.Errf("verify: %v", err)
		}
		keys = append(keys, k)
	}
	policy, err := signature.NewPolicy(need, keys)
	if err != nil {
		return c.Errf("verify: %v", err)
	}
	cfg.Store.Verify, cfg.Store.Demands.Signed = policy, true
	return nil
}

// Without state, a restart would forget the serials and accept an old signed file. The order files
// must have different base names, because a signature contains only the base name.
func checkVerify(c *caddyfile.Dispenser, cfg *Config) error {
	if !cfg.Store.Verify.Demanded() {
		return nil
	}
	if cfg.Store.State == "" {
		return c.Err("verify requires state, because a restart without a state directory forgets the serials of the order files; add: state DIR")
	}
	seen := map[string]string{}
	for _, path := range cfg.Store.Patterns {
		if !slices.Contains(order.Extensions, order.Ext(path)) || strings.ContainsAny(path, "*?[") {
			continue
		}
		name := filepath.Base(path)
		if other, ok := seen[name]; ok && other != path {
			return c.Errf("verify: the order files %s and %s have the same base name, so their signatures are interchangeable; rename one of them and sign it again", other, path)
		}
		seen[name] = path
	}
	return nil
}

// readRequire parses the property require.
func readRequire(c *caddyfile.Dispenser, cfg *Config, args []string) error {
	s, err := one(c, "require", args)
	if err != nil {
		return err
	}
	if s != "approval" {
		return c.Errf("require must be approval, got '%s'", s)
	}
	cfg.Store.Demands.Approved = true
	return nil
}

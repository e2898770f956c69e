package blocklist

import (
	"github.com/coredns/caddy"
	"github.com/dns-orders/blocklist/plugin/answer"
	"github.com/dns-orders/blocklist/plugin/directive"
	"github.com/dns-orders/blocklist/plugin/store"
	"github.com/gaissmai/bart"
)

// A config contains the settings of one blocklist directive.
type config struct {
	store      store.Options
	answer     answer.Config
	places     directive.Places
	answersOff bool
	ecsFrom    bart.Lite
	shadow     bool
	status     directive.Status
	resinfo    *directive.Resinfo
	// directive has all settings, for the status.
	directive *directive.Config
}

func parse(c *caddy.Controller, root string, cfg *config) error {
	d := directive.Config{Places: &cfg.places, ECSFrom: &cfg.ecsFrom}
	if err := directive.Parse(&c.Dispenser, root, &d); err != nil {
		return err
	}
	cfg.store, cfg.answer, cfg.answersOff, cfg.shadow = d.Store, d.Answer, d.AnswersOff, d.Store.Shadow
	cfg.status, cfg.resinfo, cfg.directive = d.Status, d.Resinfo, &d
	return nil
}

package main

import (
	"github.com/dns-orders/blocklist/plugin/feed"
)

// platformCmd is the command "blocklistctl platform".
type platformCmd struct {
	List   platformListCmd   `cmd:"" help:"List the platforms of the feed."`
	Show   platformShowCmd   `cmd:"" help:"Print the description of a platform."`
	Check  platformCheckCmd  `cmd:"" help:"List the errors of descriptions of platforms."`
	Schema platformSchemaCmd `cmd:"" help:"Print the JSON Schema of descriptions of platforms."`
}

type platformListCmd struct {
	Platforms string `type:"existingdir" placeholder:"DIR" help:"A directory with further descriptions."`
}

type platformJSON struct {
	Platform string `json:"platform"`
	Title    string `json:"title"`
	Base     string `json:"base"`
	Seen     string `json:"seen"`
}

// Help returns the description and the example for --help.
func (*platformListCmd) Help() string {
	return `The last column says with which real platform the description was tested.

Example:

  blocklistctl platform list`
}

// Run lists the platforms.
func (c *platformListCmd) Run(e *env) error {
	return listDescriptions(e, feed.Platforms, c.Platforms, func(name string) (row any, title, seen string, err error) {
		p, err := feed.Load(name, c.Platforms)
		if err != nil {
			return nil, "", "", err
		}
		return platformJSON{name, p.Title, p.Base, p.Seen}, p.Title, p.Seen, nil
	})
}

type platformShowCmd struct {
	Platform  string `arg:"" help:"The name of the platform."`
	Platforms string `type:"existingdir" placeholder:"DIR" help:"A directory with descriptions."`
}

// Help returns the description and the example for --help.
func (*platformShowCmd) Help() string {
	return `A copy of the output is the start of the description for your platform. The manual of the platform has the missing settings.

Example:

  blocklistctl platform show it-piracy-shield > platforms/it-piracy-shield.yaml`
}

// Run prints the text of a description.
func (c *platformShowCmd) Run(e *env) error {
	return showDescription(e, feed.Platforms, c.Platform, c.Platforms)
}

type platformCheckCmd struct {
	Files     []string `arg:"" help:"The descriptions: names, or paths of files."`
	Platforms string   `type:"existingdir" placeholder:"DIR" help:"A directory with descriptions."`
}

// Help returns the description and the example for --help.
func (*platformCheckCmd) Help() string {
	return `The exit code is 1 if a description has an error.

Example:

  blocklistctl platform check platforms/it-piracy-shield.yaml`
}

func (c *platformCheckCmd) Run(e *env) error {
	return checkDescriptions(e, feed.Platforms, c.Files, c.Platforms, func(name string, data []byte) error {
		_, err := feed.Parse(name, data)
		return err
	})
}

type platformSchemaCmd struct{}

// Help returns the description and the example for --help.
func (*platformSchemaCmd) Help() string {
	return `Editors use the schema to complete and check descriptions.

Example:

  blocklistctl platform schema > platform.schema.json`
}

// Run prints the JSON Schema of descriptions.
func (*platformSchemaCmd) Run(e *env) error {
	_, err := e.stdout.Write(feed.Schema)
	return err
}

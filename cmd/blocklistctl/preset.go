package main

import (
	"github.com/dns-orders/blocklist/plugin/register"
)

// presetCmd is the command "blocklistctl preset".
type presetCmd struct {
	List   presetListCmd   `cmd:"" help:"List the presets of registers."`
	Show   presetShowCmd   `cmd:"" help:"Print a preset."`
	Check  presetCheckCmd  `cmd:"" help:"List the errors of presets."`
	Schema presetSchemaCmd `cmd:"" help:"Print the JSON Schema of presets."`
}

type presetListCmd struct {
	Presets string `type:"existingdir" placeholder:"DIR" help:"A directory with further presets."`
}

type presetJSON struct {
	Preset string `json:"preset"`
	Title  string `json:"title"`
	Format string `json:"format"`
	Seen   string `json:"seen"`
}

// Help returns the description and the example for --help.
func (*presetListCmd) Help() string {
	return `The last column says with which files of the register the preset was tested.

Example:

  blocklistctl preset list`
}

// Run lists the presets.
func (c *presetListCmd) Run(e *env) error {
	return listDescriptions(e, register.Presets, c.Presets, func(name string) (row any, title, seen string, err error) {
		p, err := register.Load(name, c.Presets)
		if err != nil {
			return nil, "", "", err
		}
		return presetJSON{name, p.Title, p.Format, p.Seen}, p.Title, p.Seen, nil
	})
}

type presetShowCmd struct {
	Preset  string `arg:"" help:"The name of the preset."`
	Presets string `type:"existingdir" placeholder:"DIR" help:"A directory with presets."`
}

// Help returns the description and the example for --help.
func (*presetShowCmd) Help() string {
	return `A copy of the output is a start for a preset of your own.

Example:

  blocklistctl preset show cz-mfcr > presets/my-register.yaml`
}

// Run prints the text of a preset.
func (c *presetShowCmd) Run(e *env) error {
	return showDescription(e, register.Presets, c.Preset, c.Presets)
}

type presetCheckCmd struct {
	Files   []string `arg:"" help:"The presets: names, or paths of files."`
	Presets string   `type:"existingdir" placeholder:"DIR" help:"A directory with presets."`
}

// Help returns the description and the example for --help.
func (*presetCheckCmd) Help() string {
	return `The exit code is 1 if a preset has an error.

Example:

  blocklistctl preset check presets/my-register.yaml`
}

func (c *presetCheckCmd) Run(e *env) error {
	return checkDescriptions(e, register.Presets, c.Files, c.Presets, func(name string, data []byte) error {
		_, err := register.Parse(name, data)
		return err
	})
}

type presetSchemaCmd struct{}

// Help returns the description and the example for --help.
func (*presetSchemaCmd) Help() string {
	return `Editors use the schema to complete and check presets.

Example:

  blocklistctl preset schema > preset.schema.json`
}

// Run prints the JSON Schema of presets.
func (*presetSchemaCmd) Run(e *env) error {
	_, err := e.stdout.Write(register.Schema)
	return err
}

package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

type versionFlag bool

// BeforeReset prints the version. Kong calls it before the check of the other arguments.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	fmt.Fprintln(app.Stdout, "blocklistctl "+buildText(info))
	app.Exit(exitOK)
	return nil
}

func buildText(info *debug.BuildInfo) string {
	text := cmp.Or(info.Main.Version, "of unknown version")
	if commit := setting(info, "vcs.revision"); commit != "" {
		text += ", commit " + commit
		if setting(info, "vcs.modified") == "true" {
			text += " with changes"
		}
	}
	if info.GoVersion != "" {
		text += ", built with " + info.GoVersion
	}
	return text
}

// setting returns a setting of the build, or "".
func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

package main

import (
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func (p *program) version() *cli.Command {
	form := newFormat()
	return &cli.Command{
		Name:        "version",
		Usage:       "say which stackc this is",
		ArgsUsage:   " ",
		Description: "example:\n  stackc version --output json",
		Flags:       []cli.Flag{form.flag()},
		Action: func(ctx *cli.Context) error {
			if err := noArguments(ctx); err != nil {
				return err
			}
			v := buildVersion()
			if form.isJSON() {
				return p.json(v)
			}
			return p.printf("stackc %s (%s, %s)\n", v.Version, v.Go, v.Platform)
		},
	}
}

// versionInfo is the JSON form of the version.
type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version is set by the linker: -X main.version=v1.2.3.
var version string

// buildVersion is what the linker was told or else the module's version as the go
// command recorded it: a tag, or a pseudo-version with the commit.
func buildVersion() versionInfo {
	v := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		v.Version = info.Main.Version
	}
	return v
}

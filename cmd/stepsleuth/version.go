package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			system := runtime.GOOS + "/" + runtime.GOARCH
			if o.format == formatJSON {
				return printIndented(c.OutOrStdout(), map[string]string{"version": version(), "go": runtime.Version(), "system": system})
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "stepsleuth %s %s %s\n", version(), runtime.Version(), system)
			return err
		},
	}
}

// stamp is the version of a release, which the linker fills in (make release).
var stamp string

// version is what the build knows of itself: the release, a tag, or the commit.
func version() string {
	if stamp != "" {
		return stamp
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v
}

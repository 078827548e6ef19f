// Conform runs recorded cases through the engine and writes what comes out, one
// file a case, for the recordings' comparer.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stepsleuth/stepsleuth/conformance"
)

func main() {
	cases := flag.String("cases", "", "folder with index.json (default: shared/conformance beside the repository)")
	out := flag.String("out", "", "folder to write results to")
	mode := flag.String("mode", "direct", "direct: functions behave as the case says; replay: tasks answer as recorded")
	verbose := flag.Bool("v", false, "say why a case has no result")
	doc := flag.String("doc", "", "write the conformance document to this file instead")
	flag.Parse()
	if *doc != "" {
		if err := document(*cases, *doc); err != nil {
			fmt.Fprintln(os.Stderr, "conform:", err)
			os.Exit(2)
		}
		return
	}
	if err := run(*cases, *out, conformance.Mode(*mode), *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(2)
	}
}

func run(dir, out string, mode conformance.Mode, verbose bool) error {
	if dir == "" {
		dir = conformance.Find(".")
	}
	if out == "" || dir == "" {
		return fmt.Errorf("-cases and -out are needed")
	}
	if mode != conformance.Direct && mode != conformance.Replay {
		return fmt.Errorf("unknown mode %q: it is direct or replay", mode)
	}
	cases, err := conformance.Load(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, c := range cases {
		result, err := conformance.Run(context.Background(), c, mode)
		if err != nil && verbose {
			fmt.Fprintf(os.Stderr, "%s: %v\n", c.Slug, err)
		}
		switch {
		case result != nil:
		case err == nil:
			continue // nothing is asked for
		default:
			if result, err = json.Marshal(map[string]string{"notRun": err.Error()}); err != nil {
				return err
			}
		}
		if err := write(out, c.Slug, result); err != nil {
			return err
		}
	}
	return nil
}

func write(out, slug string, result []byte) error {
	file := slug + ".json"
	if !filepath.IsLocal(file) {
		return fmt.Errorf("a case's slug is no file name: %q", slug)
	}
	file = filepath.Join(out, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, result, 0o644)
}

func document(dir, file string) error {
	if dir == "" {
		dir = conformance.Find(".")
	}
	if dir == "" {
		return fmt.Errorf("-cases is needed: there is no shared/conformance beside the repository")
	}
	cases, err := conformance.Load(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(conformance.Document(context.Background(), cases)), 0o644)
}

// Gendocs writes docs/rules.md, the reference of the built-in rules, from the
// rules and their examples:
//
//	go run ./diagnose/rules/internal/gendocs
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/stepsleuth/stepsleuth/diagnose/rules/internal/example"
)

func main() {
	root, err := root()
	if err != nil {
		log.Fatal(err)
	}
	page, err := example.Page(filepath.Join(root, "diagnose", "rules", "testdata"))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "rules.md"), page, 0o644); err != nil {
		log.Fatal(err)
	}
}

// root walks up to the folder of go.mod.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			err = fmt.Errorf("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

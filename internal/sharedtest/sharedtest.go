// Package sharedtest finds the recorded cases that lie beside the repository, for
// the tests that measure with them. It is imported by tests alone.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of that name among the recorded cases ("conformance",
// "corpus"). Where it is absent the test is skipped with a message, and fails
// where CI=true, so that no build is green without having measured.
func Dir(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(root(t), "..", "shared", name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("the recorded cases are not at %s, and CI=true wants them measured", dir)
	}
	t.Skipf("SKIPPED: the recorded cases are not at %s, so nothing was measured", dir)
	return ""
}

// root walks up to the folder of go.mod.
func root(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

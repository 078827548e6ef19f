package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stepsleuth/stepsleuth/deploy"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
)

// newTerraform is a folder that holds the embedded files, with Terraform in the module.
func newTerraform(t *testing.T) *clienttest.Terraform {
	t.Helper()
	clienttest.Slow(t)
	root := t.TempDir()
	if err := os.CopyFS(root, deploy.Files()); err != nil {
		t.Fatal(err)
	}
	return clienttest.NewTerraform(t, filepath.Join(root, "terraform"))
}

func newMoto(t *testing.T) *clienttest.Moto {
	t.Helper()
	clienttest.Slow(t)
	return clienttest.NewMoto(t)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

package clienttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Terraform runs in a folder with a configuration.
type Terraform struct {
	Dir string
	Env []string // besides the test's own

	path, rc string
}

// NewTerraform finds Terraform and the AWS provider, which must lie unpacked below a
// plugin folder: STEPSLEUTH_TF_PLUGINS, or one below /opt.
func NewTerraform(t testing.TB, dir string) *Terraform {
	t.Helper()
	path := Tool(t, "terraform", "get it from https://developer.hashicorp.com/terraform/install")
	mirror := os.Getenv("STEPSLEUTH_TF_PLUGINS")
	if found, _ := filepath.Glob("/opt/*/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*"); mirror == "" && len(found) > 0 {
		mirror, _, _ = strings.Cut(found[0], "/registry.terraform.io/")
	}
	if mirror == "" {
		absent(t, "no unpacked AWS provider for Terraform; make one with `terraform providers mirror` and name its folder in STEPSLEUTH_TF_PLUGINS")
	}
	tf := &Terraform{Dir: dir, path: path, rc: filepath.Join(t.TempDir(), "rc")}
	rc := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if err := os.WriteFile(tf.rc, []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	return tf
}

// terraformTakes is the most that one of its commands may.
const terraformTakes = 8 * time.Minute

// Run runs a command of Terraform's and returns what it said.
func (tf *Terraform) Run(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), terraformTakes)
	defer cancel()
	cmd := command(ctx, tf.path, append(args, "-no-color")...)
	cmd.Dir = tf.Dir
	cmd.Env = append(append(os.Environ(), "TF_CLI_CONFIG_FILE="+tf.rc, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1"), tf.Env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := run(cmd)
	t.Logf("terraform %s: %.1f s", strings.Join(args, " "), time.Since(began).Seconds())
	return out.String(), err
}

// OK is Run for a command that has to succeed.
func (tf *Terraform) OK(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tf.Run(t, args...)
	if err != nil {
		t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

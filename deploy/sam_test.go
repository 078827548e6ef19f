package deploy_test

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func TestTemplateIsClean(t *testing.T) {
	slowClients(t)
	path, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("SKIPPED: no cfn-lint on this machine, so the SAM template was not checked")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, "sam/template.yaml").CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

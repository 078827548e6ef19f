package archtest_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Newer clients of aws-sdk-go-v2 describe their whole service in package variables,
// which every start of a program pays for: ten milliseconds for the clients that we
// link. Those that do not are pinned; docs/adr/0004 says why.
func TestNoClientDescribesItsServiceAtStart(t *testing.T) {
	wanted := []string{"signin", "sso", "ssooidc"} // small, and the SDK's own configuration wants them
	out, err := exec.Command("go", "list", "-deps", "../../cmd/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		name, ok := strings.CutPrefix(pkg, "github.com/aws/aws-sdk-go-v2/service/")
		name, described := strings.CutSuffix(name, "/schemas")
		if ok && described && !slices.Contains(wanted, name) {
			t.Errorf("%s is linked: its variables are made at every start; take the last version of that client without it", pkg)
		}
	}
}

package diagnose_test

import (
	"strings"
	"testing"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// A sentence puts on one line what the evidence has on several, and without the escapes
// of JSON: there nothing but the evidence tells that it is secret.
func TestSecretsOfSeveralLinesAreKnownOnOne(t *testing.T) {
	const first, second = "wJalrXUtnFEMI/K7MDEN", "GbPxRfiCYzZ9qLm3Vt8s"
	for name, text := range map[string]string{
		"secret access key": "AWS_SECRET_ACCESS_KEY=" + first + "\n" + second + "\nAWS_REGION=eu-west-1",
		"in JSON":           `{"errorMessage":"AWS_SECRET_ACCESS_KEY=` + first + `\n` + second + `\nAWS_REGION=eu-west-1"}`,
		"in JSON in JSON":   `{"Cause":"{\"errorMessage\":\"AWS_SECRET_ACCESS_KEY=` + first + `\\n` + second + `\\nAWS_REGION=eu-west-1\"}"}`,
		"name":              `{"errorMessage":"recipient: Luc\u00eda Fern\u00e1ndez\ncity: Zaragoza"}`,
	} {
		k := diagnose.NewConcealer(&diagnose.Case{Evidence: []diagnose.Evidence{{ID: "E1", Text: text}}}, &redact.Redactor{})
		for _, said := range []string{first + " " + second, "recipient: Lucía Fernández city: Zaragoza"} {
			if name == "name" != strings.Contains(said, "Lucía") {
				continue
			}
			got := k.Text("It said: " + said + " AWS_REGION=eu-west-1").String()
			for _, secret := range []string{first, second, "Fernández"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s: %s", name, got)
				}
			}
			if !strings.HasPrefix(got, "It said: ") || !strings.HasSuffix(got, " AWS_REGION=eu-west-1") {
				t.Errorf("%s: more is gone than the secret: %s", name, got)
			}
		}
	}
}

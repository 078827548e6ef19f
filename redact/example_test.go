package redact_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/stepsleuth/stepsleuth/redact"
)

func ExampleRedactor_Text() {
	r := redact.Redactor{Key: []byte("sixteen bytes or more")}
	text := r.Text(`charge failed for {"email":"ana@example.com","card":"4242 4242 4242 4242"}`)
	fmt.Println(text)
	fmt.Println(text.Receipt().Count, "values concealed")
	// Output:
	// charge failed for {"email":"<EMAIL_hq35d3>","card":"<CARD_qmubuc>"}
	// 2 values concealed
}

func ExampleFormat() {
	var r redact.Redactor
	state := r.Text("ChargeCard")
	fmt.Println(redact.Format("%s failed after %d attempts: %s", state, 3, "a plain string"))
	// Output: ChargeCard failed after 3 attempts: [concealed]
}

func ExampleRedactor_Stream() {
	r := redact.Redactor{
		Key:      []byte("sixteen bytes or more"),
		Patterns: []redact.Pattern{{Kind: "LOYALTY", Expr: `LOY-\d+`}},
		Allow:    []string{`.*@example\.org`},
	}
	log := "ana@example.com joined, LOY-4711\nhelp@example.org answered\n"
	if err := r.Stream(os.Stdout, strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// <EMAIL_hq35d3> joined, <LOYALTY_p6c65p>
	// help@example.org answered
}

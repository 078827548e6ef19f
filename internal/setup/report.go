package setup

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report is what was found, in the order in which it was looked at.
type Report struct {
	Function, Region string
	Checks           []Check
}

// Well reports whether everything was looked at and is well.
func (r Report) Well() bool { return len(r.Checks) > 0 && r.count(OK) == len(r.Checks) }

func (r Report) count(s Status) int {
	n := 0
	for _, c := range r.Checks {
		if c.Status == s {
			n++
		}
	}
	return n
}

// JSON writes the report as one JSON document.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Schema   string  `json:"schema"`
		Function string  `json:"function"`
		Region   string  `json:"region"`
		Well     bool    `json:"well"`
		Checks   []Check `json:"checks"`
	}{"stepsleuth/setup/v1", r.Function, r.Region, r.Well(), r.Checks})
}

// Text writes the report for people: a line for each check, what mends it below.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	words := map[Status]string{OK: "ok  ", Mend: "MEND", Unknown: "?   "}
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%s  %-13s %s\n", words[c.Status], c.Name, c.Says)
		for _, m := range c.Mend {
			for line := range strings.Lines(m.String()) {
				fmt.Fprintf(&b, "        %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	fmt.Fprintf(&b, "\n%d ok", r.count(OK))
	if n := r.count(Mend); n > 0 {
		fmt.Fprintf(&b, ", %d to mend", n)
	}
	if n := r.count(Unknown); n > 0 {
		fmt.Fprintf(&b, ", %d could not be looked at", n)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// visit is one case at the doctor's.
type visit struct {
	doctor    *Doctor
	c         *Case
	findings  []Finding
	broken    []string // rules that panicked
	diagnosis *Diagnosis
}

// judge asks the rules. A rule that panics says nothing, and is named.
func (v *visit) judge() {
	v.broken = nil
	guarded := make([]*Rule, 0, len(v.doctor.Rules))
	for _, r := range v.doctor.Rules {
		guarded = append(guarded, &Rule{Name: r.Name, Doc: r.Doc, Check: v.guard(r)})
	}
	v.findings = Judge(v.c, guarded)
}

func (v *visit) guard(r *Rule) func(*Case) []Finding {
	return func(c *Case) (found []Finding) {
		defer func() {
			if p := recover(); p != nil {
				found = nil
				v.broken = append(v.broken, fmt.Sprintf("rule %s: it broke down on this case; please report it", r.Name))
			}
		}()
		return r.Check(c)
	}
}

// collect asks the collectors, all at once, and reports whether there is more
// evidence. Its order is that of the collectors.
func (v *visit) collect(ctx context.Context) bool {
	type result struct {
		evidence []Evidence
		err      error
	}
	results := make([]result, len(v.doctor.Collectors))
	var wg sync.WaitGroup
	for i, collector := range v.doctor.Collectors {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					results[i] = result{err: fmt.Errorf("a collector of evidence broke down: %v", p)}
				}
			}()
			r := &results[i]
			seen := *v.c
			r.evidence, r.err = collector.Collect(ctx, &seen)
		})
	}
	wg.Wait()
	before := len(v.c.Evidence)
	for _, r := range results {
		for _, e := range r.evidence {
			v.add(e)
		}
		if r.err != nil {
			v.diagnosis.Missing = append(v.diagnosis.Missing, r.err.Error())
		}
	}
	return len(v.c.Evidence) > before
}

// add gives evidence an id of its own where it has none or one that is taken.
func (v *visit) add(e Evidence) {
	if e.ID == "" || slices.ContainsFunc(v.c.Evidence, func(other Evidence) bool { return other.ID == e.ID }) {
		e.ID = freeID(v.c.Evidence, e.Source)
	}
	v.c.Evidence = append(v.c.Evidence, e)
}

// letters begin the ids of evidence of each source.
var letters = map[Source]string{
	FromHistory: "E", FromDefinition: "D", FromInput: "I", FromLog: "L", FromConfig: "C", FromPolicy: "P",
}

func freeID(all []Evidence, source Source) string {
	letter := cmp.Or(letters[source], "X")
	for n := 1; ; n++ {
		id := fmt.Sprintf("%s%d", letter, n)
		if source == FromHistory { // "E7" is event 7
			id = fmt.Sprintf("EX%d", n)
		}
		if !slices.ContainsFunc(all, func(e Evidence) bool { return e.ID == id }) {
			return id
		}
	}
}

// maxRemedies is how many ways to mend it are offered.
const maxRemedies = 6

// conclude takes category and root cause from the leading finding.
func (v *visit) conclude() {
	d := v.diagnosis
	d.Findings = v.findings
	for _, f := range v.findings {
		d.Prevention = append(d.Prevention, f.Prevention...)
		d.Docs = append(d.Docs, f.Docs...)
		for _, r := range f.Remedies {
			same := func(other Remedy) bool { return other.Title == r.Title }
			if len(d.Remedies) < maxRemedies && !slices.ContainsFunc(d.Remedies, same) {
				d.Remedies = append(d.Remedies, r)
			}
		}
	}
	d.Prevention, d.Docs = once(d.Prevention), once(d.Docs)
	if lead := v.lead(); lead != nil {
		d.Category, d.Also, d.RootCause, d.Explanation = lead.Category, lead.Also, lead.RootCause, lead.Explanation
		d.Retryable = cmp.Or(lead.Retryable, Depends)
		d.RootCause = cmp.Or(d.RootCause, lead.Title)
		return
	}
	if v.c.Subject() != nil {
		d.Category, d.Retryable = Other, Depends
		d.Missing = append(d.Missing, "no rule recognises this failure")
	}
}

// lead is the finding that names the cause; nil where no rule found it.
func (v *visit) lead() *Finding {
	if len(v.findings) == 0 || v.findings[0].Contributing {
		return nil
	}
	return &v.findings[0]
}

// once drops repeats and empty texts.
func once(texts []string) []string {
	var out []string
	for _, s := range texts {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// ranks order remedies by what trying them showed; the others keep their places between.
var ranks = map[VerificationStatus]int{Verified: -2, Partial: -1, Refuted: 1}

// try runs the recorded failure again with each remedy that edits the definition.
func (v *visit) try(ctx context.Context) {
	if v.doctor.Try == nil {
		return
	}
	v.diagnosis.Remedies = slices.Clone(v.diagnosis.Remedies)
	for i := range v.diagnosis.Remedies {
		r := &v.diagnosis.Remedies[i]
		if len(r.Edits) == 0 || r.Verification.Status != "" {
			continue
		}
		if ctx.Err() != nil {
			r.Verification = Verification{Unverifiable, "there was no time left to run it again"}
			continue
		}
		r.Verification = v.tryOne(ctx, *r)
	}
	slices.SortStableFunc(v.diagnosis.Remedies, func(a, b Remedy) int { return rank(a) - rank(b) })
}

// rank is a remedy's place by what trying it showed; a workaround's is the last.
func rank(r Remedy) int {
	if r.Workaround {
		return ranks[Refuted]
	}
	return ranks[r.Verification.Status]
}

func (v *visit) tryOne(ctx context.Context, r Remedy) (verification Verification) {
	defer func() {
		if recover() != nil {
			verification = Verification{Unverifiable, "the replay broke down; please report it"}
		}
	}()
	verification = v.doctor.Try(ctx, v.c, r)
	switch {
	case verification.Status == "":
		verification = Verification{Unverifiable, "the replay gave no result"}
	case verification.Status == Verified && r.Workaround:
		verification = Verification{Partial, verification.How + "; that hides the failure and does not mend what led to it"}
	}
	return verification
}

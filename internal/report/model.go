package report

import (
	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/redact"
)

// model tells what a model was asked and what became of its answer.
func (b *builder) model() *Model {
	use := b.d.Model
	if use == nil {
		return nil
	}
	m := &Model{
		ID:           b.opt(use.Answer.ModelID),
		InputTokens:  use.Answer.InputTokens,
		OutputTokens: use.Answer.OutputTokens,
		CostUSD:      use.Answer.CostUSD,
		CostKnown:    use.Answer.CostUSD > 0 || use.Answer.InputTokens+use.Answer.OutputTokens == 0,
		LatencyMs:    use.Answer.Latency.Milliseconds(),
		Cached:       use.Cached,
		Passes:       use.Passes,
		Claims:       []Claim{},
		Cut:          b.texts(use.Cut),
		Leads:        use.Leads && use.Opinion != nil,
	}
	if e := use.Err; e != nil {
		m.Error = &ModelError{Kind: b.text(e.Kind), Reason: b.text(e.Reason), Mend: b.text(e.Mend)}
	}
	for _, c := range b.d.Claims {
		b.count(m, c)
	}
	return m
}

// count adds a claim; one that was dropped is counted, and its text goes nowhere.
func (b *builder) count(m *Model, c diagnose.Claim) {
	switch c.Standing {
	case diagnose.Kept:
		m.Kept++
	case diagnose.Demoted:
		m.Demoted++
	default:
		m.Dropped++
		return
	}
	cites := []redact.Text{}
	for _, cite := range c.Cites {
		cites = append(cites, b.text(cite.Evidence))
	}
	m.Claims = append(m.Claims, Claim{
		Text:     b.r.Stored(c.Text),
		Standing: b.text(string(c.Standing)),
		Cites:    cites,
		Reason:   b.text(c.Reason),
	})
}

// addOpinion adds what checking left of a model's answer, after the rules' own.
func (b *builder) addOpinion(doc *Document) {
	use := b.d.Model
	if use == nil || use.Opinion == nil {
		return
	}
	said := use.Opinion
	if use.Leads {
		doc.RootCause, doc.Explanation = said.RootCause, said.Explanation
	}
	for _, c := range doc.Model.Claims {
		if c.Standing.String() == string(diagnose.Demoted) {
			doc.Findings = append(doc.Findings, b.hypothesis(c.Text, said.Category, c.Cites))
		}
	}
	if said.Contradicts != "" {
		doc.Findings = append(doc.Findings, b.hypothesis(redact.Format("it disagrees and says %s: %s",
			b.text(string(said.Category)), said.RootCause), said.Category, nil))
	}
	for _, a := range said.Remedies {
		steps := a.Steps
		if steps == nil {
			steps = []redact.Text{}
		}
		doc.Remediation = append(doc.Remediation, Remedy{Title: a.Title, Steps: steps, ByModel: true})
	}
	doc.Prevention = append(doc.Prevention, said.Prevention...)
}

func (b *builder) hypothesis(title redact.Text, c diagnose.Category, cites []redact.Text) Finding {
	if cites == nil {
		cites = []redact.Text{}
	}
	return Finding{
		Rule: redact.Static("model"), Title: title, Category: b.opt(string(c)),
		Confidence: b.text(string(diagnose.Hypothesis)), Cites: cites,
	}
}

package diagnose

import (
	"slices"
	"sync"
)

// Judge asks every rule and puts what they say in order: findings that name the
// cause before those that only contribute; the surer first; of equally sure ones
// the category that stands earlier in the vocabulary. What says nothing beyond a
// surer finding is left out. The first finding's Also has the categories of the
// others that are as sure. It is pure.
func Judge(c *Case, rules []*Rule) []Finding {
	own := *c
	own.shared = &shared{}
	c = &own
	var found []Finding
	for _, rule := range rules {
		for _, f := range rule.Check(c) {
			f.Rule = rule.Name
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, precedence)
	found = withoutEchoes(found)
	if len(found) > 0 && !found[0].Contributing {
		found[0].Also = alsoOf(found)
	}
	return found
}

// shared is what the rules of one Judge have worked out in common.
type shared struct {
	mu   sync.Mutex
	made map[any]any
}

// Once returns what makes makes of the case. While Judge asks its rules it is made
// once for each key, which has a type of the caller's own, as a context's key; what
// is made is then shared, also by rules that are asked at the same time, and make
// must not call Once itself. Outside of Judge it is made at every call, as the case may
// have changed.
func (c *Case) Once(key any, make func() any) any {
	if c.shared == nil {
		return make()
	}
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	if v, ok := c.shared.made[key]; ok {
		return v
	}
	v := make()
	if c.shared.made == nil {
		c.shared.made = map[any]any{}
	}
	c.shared.made[key] = v
	return v
}

func precedence(a, b Finding) int {
	if a.Contributing != b.Contributing {
		if b.Contributing {
			return -1
		}
		return 1
	}
	if d := slices.Index(confidences, a.Confidence) - slices.Index(confidences, b.Confidence); d != 0 {
		return d
	}
	return slices.Index(Categories(), a.Category) - slices.Index(Categories(), b.Category)
}

var confidences = []Confidence{Certain, Likely, Hypothesis}

// withoutEchoes drops findings whose category a surer (or equally sure, earlier)
// one has already, and the admission of knowing nothing where something is known.
func withoutEchoes(found []Finding) []Finding {
	seen := map[Category]bool{}
	kept := found[:0]
	for i, f := range found {
		if f.Contributing {
			kept = append(kept, f)
			continue
		}
		if seen[f.Category] || i > 0 && f.Category == Other && f.Confidence == Hypothesis {
			continue
		}
		seen[f.Category] = true
		kept = append(kept, f)
	}
	return kept
}

func alsoOf(found []Finding) []Category {
	first := found[0]
	also := slices.Clone(first.Also)
	for _, f := range found[1:] {
		if !f.Contributing && f.Confidence == first.Confidence {
			also = append(also, f.Category)
		}
	}
	var once []Category
	for _, c := range also {
		if c != first.Category && !slices.Contains(once, c) {
			once = append(once, c)
		}
	}
	return once
}

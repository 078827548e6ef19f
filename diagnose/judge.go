package diagnose

import "slices"

// Judge asks every rule and puts what they say in order: findings that name the
// cause before those that only contribute; the surer first; of equally sure ones
// the category that stands earlier in the vocabulary. What says nothing beyond a
// surer finding is left out. The first finding's Also has the categories of the
// others that are as sure. It is pure.
func Judge(c *Case, rules []*Rule) []Finding {
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

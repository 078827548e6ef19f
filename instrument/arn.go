package instrument

import "strings"

// arnParts splits at colons, but for those inside placeholders: ${AWS::Region}.
func arnParts(arn string) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(arn) {
		switch {
		case strings.HasPrefix(arn[i:], "${"):
			depth++
		case arn[i] == '}' && depth > 0:
			depth--
		case arn[i] == ':' && depth == 0:
			parts = append(parts, arn[from:i])
			from = i + 1
		}
	}
	return append(parts, arn[from:])
}

// partitionOf finds out from the ARNs at hand for which AWS partition a definition is:
// it may be a placeholder, as in "arn:${AWS::Partition}:states:::sns:publish".
func partitionOf(text string, arns ...string) string {
	for _, quoted := range strings.SplitAfter(text, `"`) {
		if strings.HasPrefix(quoted, "arn:") {
			arns = append(arns, quoted)
		}
	}
	for _, arn := range arns {
		if parts := arnParts(arn); parts[0] == "arn" && len(parts) > 5 && parts[1] != "aws" && parts[1] != "" {
			return parts[1]
		}
	}
	return "aws"
}

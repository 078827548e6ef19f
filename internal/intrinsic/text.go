package intrinsic

import (
	"strings"

	"github.com/stepsleuth/stepsleuth/internal/jsonpath"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// format fills the {} of its first argument in order. Texts go in as they are, all
// else as Java's toString writes it: a recorded object came out as {Id=…, Name=…}.
func format(c *Call, _ Env, args []value.Value) (value.Value, string) {
	template, ok := args[0].AsString()
	if !ok {
		return value.Value{}, "the first argument must be a string, not " + aKind(args[0])
	}
	escapes := `{}`
	if c.args[0].Kind == Literal {
		template, escapes = c.args[0].template, `{}'\`
	}
	var b strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(escapes, template[i+1]) >= 0:
			i++
			b.WriteByte(template[i])
		case c == '{' && !strings.HasPrefix(template[i:], "{}"):
			return value.Value{}, `matching '}' not found for '{': write \{ for a brace that is meant as text`
		case c == '{':
			if next == len(args) {
				return value.Value{}, "there are more {} than arguments to put into them"
			}
			b.WriteString(jsonpath.JavaText(args[next]))
			next++
			i++
		default:
			b.WriteByte(c)
		}
	}
	if next < len(args) {
		return value.Value{}, "there are fewer {} than arguments to put into them"
	}
	return value.String(b.String()), ""
}

// stringSplit splits at every character of the second argument. Parts that would
// be empty are left out.
func stringSplit(_ *Call, _ Env, args []value.Value) (value.Value, string) {
	s, ok1 := args[0].AsString()
	delimiters, ok2 := args[1].AsString()
	if !ok1 || !ok2 {
		return value.Value{}, "both arguments must be strings, not " + aKind(args[0]) + " and " + aKind(args[1])
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	return value.Strings(parts...), ""
}

func uuid(_ *Call, env Env, _ []value.Value) (value.Value, string) {
	return value.String(env.UUID()), ""
}

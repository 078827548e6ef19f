package asl

// pathKind says what a field takes.
type pathKind uint8

const (
	anyPath       pathKind = 1 << iota
	referencePath          // one place: no wildcards, slices, filters or functions
	orNull
)

// pathField reads a field that is a path.
func (d *decoder) pathField(n *node, name string, kind pathKind) *Path {
	v := n.get(name)
	switch {
	case v == nil:
		return nil
	case v.isNull() && kind&orNull != 0:
		return &Path{Null: true, Span: v.span}
	case !d.wants(v, "string"):
		return nil
	}
	return d.path(v, kind, v)
}

func (d *decoder) path(v *node, kind pathKind, field *node) *Path {
	return &Path{Text: v.text, Span: v.span}
}

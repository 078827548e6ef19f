package value

// What a language engine carries along while it computes, and JSON has no word
// for: foreign things where a value stands, marks on the handle of an array, and
// which of two equal nodes is which.

// Opaque returns a Value that holds x, which must be a pointer or another
// comparable type of the caller's. It is of KindOpaque and is written as null.
func Opaque(x any) Value { return Value{p: x} }

// Opaque returns what Opaque wrapped, nil for any other Value.
func (v Value) Opaque() any {
	if v.Kind() == KindOpaque {
		return v.p
	}
	return nil
}

// Marked returns v with marks, where v is an array; other values have none.
// Marks belong to this handle of the array: they are not compared, not written,
// and not seen by other holders of the same array.
func (v Value) Marked(marks uint64) Value {
	if _, ok := v.p.(*array); ok {
		v.n = marks
	}
	return v
}

// Marks returns the marks of an array, 0 for anything else.
func (v Value) Marks() uint64 {
	if _, ok := v.p.(*array); ok {
		return v.n
	}
	return 0
}

// Node returns a comparable key that is the same for two Values exactly when they
// share one array or one object; nil for anything else.
func (v Value) Node() any {
	switch v.p.(type) {
	case *array, *object:
		return v.p
	}
	return nil
}

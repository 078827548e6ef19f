package asl

// Edit replaces the bytes of Span in a definition's original text by New. An
// empty Span inserts, an empty New deletes.
type Edit struct {
	Span Span
	New  string
}

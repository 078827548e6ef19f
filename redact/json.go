package redact

// JSON conceals the secrets of a JSON document.
func (r *Redactor) JSON(doc []byte) Text { return r.Text(string(doc)) }

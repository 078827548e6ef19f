package redact

import "io"

// Stream copies src to dst with its secrets concealed.
func (r *Redactor) Stream(dst io.Writer, src io.Reader) error {
	in, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	t, err := r.redact(string(in), false)
	if err != nil {
		return err
	}
	_, err = io.WriteString(dst, t.s)
	return err
}

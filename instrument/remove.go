package instrument

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepsleuth/stepsleuth/asl"
)

// Remove takes away what Add added, and leaves what the user changed since. A
// definition that is not instrumented comes back as it is.
func Remove(name string, text []byte) (*Result, error) {
	m, err := asl.ParseTemplate(name, text)
	if err != nil {
		return nil, err
	}
	if !isInstrumented(m) {
		return &Result{Text: string(text)}, nil
	}
	doc, err := asl.OpenDocument(m.Source().Text)
	if err != nil {
		return nil, err
	}
	r := remover{machine: m, doc: doc}
	return r.run()
}

// isInstrumented tells whether a state of the top level is one of ours.
func isInstrumented(m *asl.Machine) bool {
	for _, s := range m.States {
		if ours(s) {
			return true
		}
	}
	return false
}

func ours(s *asl.State) bool {
	return s != nil && (s.Comment == mark || strings.HasPrefix(s.Comment, instead))
}

type remover struct {
	machine *asl.Machine
	doc     *asl.Document
	edits   []asl.Edit
	result  Result
}

func (r *remover) run() (*Result, error) {
	for _, s := range r.machine.States {
		pointer := "/States/" + escapePointer(s.Name)
		var err error
		if ours(s) {
			err = r.remove(pointer)
		} else {
			err = r.restore(s, pointer)
		}
		if err != nil {
			return nil, err
		}
	}
	text, err := asl.Apply(r.machine.Source().Text, r.edits)
	r.result.Text = text
	return &r.result, err
}

func (r *remover) remove(pointer string) error {
	edit, err := r.doc.Remove(pointer)
	r.edits = append(r.edits, edit)
	return err
}

// restore takes our catcher from a state of the user's, and makes an end an end again.
func (r *remover) restore(s *asl.State, pointer string) error {
	if err := r.uncatch(s, pointer); err != nil {
		return err
	}
	next := r.machine.State(s.Next)
	if !ours(next) {
		return nil
	}
	r.result.Ends = append(r.result.Ends, s.Name)
	if strings.HasPrefix(next.Name, nameFromSucceed) {
		return r.succeedAgain(pointer)
	}
	val, key, err := r.doc.Find(pointer + "/Next")
	r.edits = append(r.edits, asl.Edit{Span: key, New: `"End"`}, asl.Edit{Span: val, New: "true"})
	return err
}

func (r *remover) succeedAgain(pointer string) error {
	val, _, err := r.doc.Find(pointer + "/Type")
	if err != nil {
		return err
	}
	r.edits = append(r.edits, asl.Edit{Span: val, New: `"Succeed"`})
	return r.remove(pointer + "/Next")
}

// uncatch removes our catcher, and leads the user's own to his handlers again.
func (r *remover) uncatch(s *asl.State, pointer string) error {
	var added []string
	items := r.items(pointer + "/Catch")
	for _, c := range s.Catch {
		sent := r.machine.State(c.Next)
		switch {
		case !ours(sent):
		case ours(r.machine.State(sent.Next)):
			added = append(added, pointer+"/Catch/"+strconv.Itoa(slices.Index(items, c.Span)))
		default:
			r.leadBack(c, sent)
		}
	}
	if len(added) == 0 {
		return nil
	}
	r.result.Caught = append(r.result.Caught, s.Name)
	if len(added) == len(items) {
		return r.emptyAgain(s, pointer+"/Catch")
	}
	for _, catcher := range added {
		if err := r.remove(catcher); err != nil {
			return err
		}
	}
	return nil
}

// emptyAgain takes away a list in which there is nobody's catcher but ours, or leaves it
// as empty as it was.
func (r *remover) emptyAgain(s *asl.State, pointer string) error {
	written, wasEmpty := strings.CutPrefix(r.machine.State(s.Catch[0].Next).Comment, instead)
	if !wasEmpty || strings.Join(strings.Fields(written), "") != "[]" {
		return r.remove(pointer)
	}
	val, _, err := r.doc.Find(pointer)
	r.edits = append(r.edits, asl.Edit{Span: val, New: written})
	return err
}

// items are the places of an array's items.
func (r *remover) items(array string) []asl.Span {
	var all []asl.Span
	for {
		span, _, err := r.doc.Find(array + "/" + strconv.Itoa(len(all)))
		if err != nil {
			return all
		}
		all = append(all, span)
	}
}

// leadBack has a catcher lead where a state of ours goes on, and in the same words.
func (r *remover) leadBack(c *asl.Catcher, sent *asl.State) {
	written := sent.Fields["Next"]
	r.edits = append(r.edits, asl.Edit{Span: c.Fields["Next"], New: r.machine.Source().Text[written.Start:written.End]})
}

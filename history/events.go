package history

import "sync"

// extra is a member of a JSON object that this package does not know.
type extra struct{ name, text string }

// log holds the events, or how to make them when they are first read.
type log struct {
	once   sync.Once
	render func() []Event
	events []Event
}

// Events returns the events, oldest first. The slice is shared and must not be changed.
func (x *Execution) Events() []Event {
	x.log.once.Do(func() {
		if x.log.render != nil {
			x.log.events = x.log.render()
		}
	})
	return x.log.events
}

// SetEvents gives the execution its events, oldest first. It must come before the first call of Events.
func (x *Execution) SetEvents(events []Event) { x.log.events = events }

// DeferEvents has render make the events when Events is first called.
func (x *Execution) DeferEvents(render func() []Event) { x.log.render = render }

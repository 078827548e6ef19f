package lambdart

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxAnswer is how much a function may answer: 6 MB and a little, as Lambda has it.
const maxAnswer = 6<<20 + 100

// event is what a runtime is given.
type event struct {
	id      string
	header  http.Header
	payload []byte
}

// answer is what a runtime gives back for an event, or says of its init.
type answer struct {
	payload   []byte
	failed    bool
	errorType string // Lambda-Runtime-Function-Error-Type, where it says so
	tooLarge  bool   // and payload is not there
}

// runtimeAPI is the Lambda Runtime API (2018-06-01) of one environment. It gives
// away one event at a time; the runtime asks for the next one when it is done.
type runtimeAPI struct {
	asked    chan struct{} // the runtime waits for an event
	events   chan event
	answers  chan answer
	initFail chan answer

	mu      sync.Mutex
	current string // id of the event that is not answered yet
}

func newRuntimeAPI() *runtimeAPI {
	return &runtimeAPI{
		asked: make(chan struct{}, 1), events: make(chan event, 1),
		answers: make(chan answer, 1), initFail: make(chan answer, 1),
	}
}

func (a *runtimeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	return mux
}

// give hands an event to the runtime, which has asked for it.
func (a *runtimeAPI) give(e event) {
	a.mu.Lock()
	a.current = e.id
	select {
	case <-a.asked: // it had asked twice
	default:
	}
	a.mu.Unlock()
	a.events <- e
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	if !a.ask() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from Running to Ready is not allowed: the event is not answered")
		return
	}
	select {
	case e := <-a.events:
		for name, values := range e.header {
			w.Header()[name] = values
		}
		_, _ = w.Write(e.payload)
	case <-r.Context().Done():
	}
}

// ask notes that the runtime waits, unless it has an event to answer.
func (a *runtimeAPI) ask() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != "" {
		return false
	}
	select {
	case a.asked <- struct{}{}:
	default: // it asks again, after a broken connection
	}
	return true
}

func (a *runtimeAPI) respond(w http.ResponseWriter, r *http.Request) {
	got, err := readAnswer(w, r, strings.HasSuffix(r.URL.Path, "/error"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	if !a.accept(r.PathValue("id"), got) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	if got.tooLarge {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxAnswer))
		return
	}
	accepted(w)
}

// accept takes the answer to the current event, once.
func (a *runtimeAPI) accept(id string, got answer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id == "" || id != a.current {
		return false
	}
	a.current = ""
	a.answers <- got
	return true
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	got, err := readAnswer(w, r, true)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	select {
	case a.initFail <- got:
		accepted(w)
	default:
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the init has failed already")
	}
}

func readAnswer(w http.ResponseWriter, r *http.Request, failed bool) (answer, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer+1))
	got := answer{payload: body, failed: failed, errorType: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	if len(body) > maxAnswer {
		return answer{failed: true, tooLarge: true}, nil
	}
	return got, err
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorPayload(kind, message))
}

package lambdart

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/stepsleuth/stepsleuth/engine"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Handler serves Lambda's Invoke API (2015-03-31) over the host's functions. It runs
// code and asks nobody who they are: serve it on a loopback address. Calls that a
// web page of another origin makes are refused.
func (h *Host) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuseCall(w, http.StatusNotFound, "ResourceNotFoundException", "only POST /2015-03-31/functions/NAME/invocations is served here")
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		refuseCall(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", tooLong(max(r.ContentLength, maxEvent+1)))
		return
	case err != nil:
		return // the caller is gone
	}
	call := engine.LambdaCall{
		Function: r.PathValue("name"), Payload: body,
		LogTail: r.Header.Get("X-Amz-Log-Type") == "Tail",
		Event:   r.Header.Get("X-Amz-Invocation-Type") == "Event",
		Task:    &engine.Task{ID: newID()},
	}
	w.Header().Set("X-Amzn-Requestid", call.Task.ID)
	h.serveCall(w, r, call)
}

func (h *Host) serveCall(w http.ResponseWriter, r *http.Request, call engine.LambdaCall) {
	if r.Header.Get("X-Amz-Invocation-Type") == "DryRun" {
		h.dryRun(w, call)
		return
	}
	reply, err := h.Invoke(r.Context(), call)
	if err != nil {
		h.refuse(w, call, err)
		return
	}
	w.Header().Set("X-Amz-Executed-Version", latest)
	if call.Event {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Remapped-Content-Length", "0")
	if reply.Failed {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	if reply.Log != "" {
		w.Header().Set("X-Amz-Log-Result", reply.Log)
	}
	_, _ = w.Write(reply.Payload)
}

func (h *Host) dryRun(w http.ResponseWriter, call engine.LambdaCall) {
	if _, err := h.pool(functionName(call.Function)); err != nil {
		h.refuse(w, call, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refusedAs finds message, status and code in a refusal's cause.
var refusedAs = lazyregexp.New(`(?s)^(.*) \(Service: AWSLambda; Status Code: (\d+); Error Code: (\w+);`)

// refuse answers a call that gave an error, as Lambda does.
func (h *Host) refuse(w http.ResponseWriter, call engine.LambdaCall, err error) {
	var refused *engine.TaskError
	switch {
	case errors.Is(err, engine.ErrNoFunction):
		refuseCall(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+h.target(call).arn)
		return
	case errors.As(err, &refused) && refused.Cause != nil:
		if m := refusedAs.FindStringSubmatch(*refused.Cause); m != nil {
			status, _ := strconv.Atoi(m[2])
			refuseCall(w, status, m[3], m[1])
			return
		}
	}
	refuseCall(w, http.StatusInternalServerError, "ServiceException", err.Error())
}

func refuseCall(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_, _ = w.Write(value.Object(
		value.Member{Key: "Type", Value: value.String("User")},
		value.Member{Key: "Message", Value: value.String(message)},
	).AppendJSON(nil))
}

package llmtest

import (
	"fmt"
	"net/http"
)

// Page answers with a web page, as sign-ins, proxies and wrong addresses do.
func Page(status int) Line {
	return Line{Does: Handles, Raw: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprint(w, "<!doctype html><title>Hello</title>")
	}}
}

// Redirect leads to another host, where no key must go.
func Redirect() Line {
	return Line{Does: Handles, Raw: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusPermanentRedirect)
	}}
}

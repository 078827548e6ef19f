// A custom runtime with bad manners: it says what the Runtime API makes of them.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

var base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"

func post(path, body string) string {
	resp, err := http.Post(base+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	return status(resp)
}

func status(resp *http.Response) string {
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(body)))
}

func main() {
	for {
		resp, err := http.Get(base + "invocation/next")
		if err != nil {
			return
		}
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		fmt.Println("next:", resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Lambda-Runtime-Invoked-Function-Arn"))
		event, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		again, err := http.Get(base + "invocation/next")
		if err != nil {
			return
		}
		fmt.Println("next again:", status(again))
		fmt.Println("another id:", post("invocation/other/response", "1"))
		fmt.Println("answer:", post("invocation/"+id+"/response", string(event)))
		fmt.Println("answer again:", post("invocation/"+id+"/response", "2"))
		fmt.Println("error after it:", post("invocation/"+id+"/error", "{}"))
	}
}

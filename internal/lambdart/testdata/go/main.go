// A function that does as its event says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do      string          `json:"do"`
	Value   json.RawMessage `json:"value"`
	Seconds float64         `json:"seconds"`
	MB      int             `json:"mb"`
}

// CardDeclined is an error with a class of its own.
type CardDeclined struct{ Card string }

func (e *CardDeclined) Error() string { return "card " + e.Card + " was declined" }

var calls int

func handle(ctx context.Context, e event) (any, error) {
	calls++
	lc, _ := lambdacontext.FromContext(ctx)
	switch e.Do {
	case "echo":
		return e.Value, nil
	case "context":
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"pid": os.Getpid(), "calls": calls, "id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "name": lambdacontext.FunctionName,
			"memory": lambdacontext.MemoryLimitInMB, "left": time.Until(deadline).Seconds(), "region": os.Getenv("AWS_REGION"),
			"tz": os.Getenv("TZ"), "mine": os.Getenv("MINE"), "root": os.Getenv("LAMBDA_TASK_ROOT"), "home": os.Getenv("HOME"),
		}, nil
	case "error":
		return nil, errors.New("no luck")
	case "custom":
		return nil, &CardDeclined{"1234"}
	case "panic":
		panic("at the disco")
	case "exit":
		fmt.Println("last words")
		os.Exit(3)
	case "sleep":
		fmt.Println("going to sleep")
		time.Sleep(time.Duration(e.Seconds * float64(time.Second)))
		return "rested", nil
	case "hog":
		hog := make([]byte, e.MB<<20)
		for i := range hog {
			hog[i] = byte(i)
		}
		time.Sleep(5 * time.Second)
		return hog[len(hog)/2], nil
	case "big":
		return strings.Repeat("x", e.MB<<20), nil
	case "chatter":
		for i := range e.MB << 10 {
			fmt.Printf("%d %s\n", i, strings.Repeat(".", 1000))
		}
		return "said it all", nil
	case "one line":
		fmt.Print(strings.Repeat("-", e.MB<<20))
		return "no end", nil
	case "log":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print("no end")
		return nil, nil
	}
	return nil, fmt.Errorf("do what? %q", e.Do)
}

func main() {
	fmt.Println("starting")
	lambda.Start(handle)
}

package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/stepsleuth/stepsleuth/internal/value"
)

// Notification is what a Task publishes through SNS.
type Notification struct {
	TopicARN, TargetARN, PhoneNumber string
	Subject                          string
	Message                          string // text, or the JSON of a message that is no text
	Parameters                       []byte // all of the task's parameters, in JSON
	Task                             *Task
}

// Publisher delivers notifications and returns the message's id; "" for one made
// up. It is called concurrently. A *TaskError fails the task; any other error ends
// the execution.
type Publisher func(ctx context.Context, n Notification) (id string, err error)

// SNSHandler is a TaskHandler for arn:aws:states:::sns:publish, also with
// .waitForTaskToken.
type SNSHandler struct{ Publish Publisher }

// CheckParameters refuses a notification without a message, or with an address or a
// subject that is no text.
func (h SNSHandler) CheckParameters(t *Task) error {
	if _, ok := t.input.Get("Message"); !ok {
		return t.RefuseParameters("The field 'Message' is required but was missing")
	}
	return t.checkOptional("TopicArn", "TargetArn", "PhoneNumber", "Subject")
}

// HandleTask publishes the notification.
func (h SNSHandler) HandleTask(ctx context.Context, t *Task) (Result, error) {
	message, _ := t.input.Get("Message")
	id, err := h.Publish(ctx, Notification{
		TopicARN:    t.TextParameter("TopicArn"),
		TargetARN:   t.TextParameter("TargetArn"),
		PhoneNumber: t.TextParameter("PhoneNumber"),
		Subject:     t.TextParameter("Subject"),
		Message:     jsonpathText(message),
		Parameters:  t.Input(),
		Task:        t,
	})
	if err != nil {
		return Result{}, err
	}
	if id == "" {
		id = t.ID
	}
	return Result{value: t.answer("text/xml", 294, value.Member{Key: "MessageId", Value: value.String(id)})}, nil
}

// answer is the result of an optimized integration: its members, and what the
// call's HTTP answer looked like.
func (t *Task) answer(contentType string, length int, members ...value.Member) value.Value {
	var b value.Builder
	for _, m := range members {
		b.Set(m.Key, m.Value)
	}
	b.Set("SdkHttpMetadata", httpMetadata([]header{
		{"x-amzn-RequestId", t.ID},
		{"connection", "keep-alive"},
		{"Content-Length", strconv.Itoa(length)},
		{"Date", t.Now().UTC().Format(time.RFC1123)},
		{"Content-Type", contentType},
	}, 200))
	b.Set("SdkResponseMetadata", value.Object(value.Member{Key: "RequestId", Value: value.String(t.ID)}))
	return b.Object()
}

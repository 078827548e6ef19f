//go:build unix

package proof_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stepsleuth/stepsleuth/internal/clienttest"
)

// mailbox is a queue that is subscribed to the topic: what it gets, people get by mail.
type mailbox struct {
	queue  *sqs.Client
	topic  *sns.Client
	url    *string
	member *string // the subscription

	mu  sync.Mutex
	got []mail
}

// mail is a notification, and raw how it came.
type mail struct {
	Subject, Message string
	raw              string
}

func newMailbox(t *testing.T, moto *clienttest.Moto) *mailbox {
	t.Helper()
	m := &mailbox{queue: sqs.NewFromConfig(moto.Config()), topic: sns.NewFromConfig(moto.Config())}
	made, err := m.queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("people")})
	if err != nil {
		t.Fatal(err)
	}
	m.url = made.QueueUrl
	known, err := m.queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: m.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		t.Fatal(err)
	}
	subscribed, err := m.topic.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(topic), Protocol: aws.String("sqs"), Endpoint: aws.String(known.Attributes["QueueArn"]),
	})
	if err != nil {
		t.Fatal(err)
	}
	m.member = subscribed.SubscriptionArn
	return m
}

// about are the mails that came so far and say the word.
func (m *mailbox) about(t *testing.T, word string) []mail {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.collect(t)
	var out []mail
	for _, got := range m.got {
		if strings.Contains(got.raw, word) {
			out = append(out, got)
		}
	}
	return out
}

// collect takes what is in the queue: moto has what was published there at once.
func (m *mailbox) collect(t *testing.T) {
	t.Helper()
	for {
		out, err := m.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: m.url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		for _, message := range out.Messages {
			got := mail{raw: aws.ToString(message.Body)}
			if err := json.Unmarshal([]byte(got.raw), &got); err != nil {
				t.Fatal(err)
			}
			m.got = append(m.got, got)
			if _, err := m.queue.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: m.url, ReceiptHandle: message.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// close unsubscribes, as the queue is none of the pattern's.
func (m *mailbox) close(t *testing.T) {
	t.Helper()
	if _, err := m.topic.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: m.member}); err != nil {
		t.Error(err)
	}
	if _, err := m.queue.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: m.url}); err != nil {
		t.Error(err)
	}
}

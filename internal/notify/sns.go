package notify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Publisher is the part of the SNS client that is needed.
type Publisher interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// SNS publishes to a topic, whose subscribers get the text by mail or otherwise.
type SNS struct {
	Client   Publisher
	TopicARN string
}

// maxSNSMessage is the size of a message that a topic takes, in bytes.
const maxSNSMessage = 256 * 1024

// Notify publishes the message and returns SNS's id for it.
func (s SNS) Notify(ctx context.Context, m Message) (string, error) {
	text := m.Text.String()
	if len(text) > maxSNSMessage {
		return "", fmt.Errorf("publish to %s: the message has %d bytes, SNS takes %d", s.TopicARN, len(text), maxSNSMessage)
	}
	out, err := s.Client.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(s.TopicARN),
		Subject:  aws.String(asciiSubject(m.Subject.String())),
		Message:  aws.String(text),
	})
	if err != nil {
		return "", fault("publish to "+s.TopicARN, err.Error(), err)
	}
	return aws.ToString(out.MessageId), nil
}

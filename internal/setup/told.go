package setup

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// topic looks whether anybody hears of anything.
func (x *examination) topic(ctx context.Context) {
	arn := x.settings.environment[envTopic]
	if arn == "" {
		x.mend("topic", "the function is given no topic, so nobody is told", "set "+envTopic+" of "+x.name+" to the ARN of an SNS topic")
		return
	}
	x.need("tell people", "sns:Publish", arn)
	out, err := x.Topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	switch {
	case absent(err):
		x.mend("topic", "there is no topic "+arn, "aws sns create-topic --name "+resourceOf(arn))
		return
	case err != nil:
		x.cannot("topic", "sns:GetTopicAttributes", arn, err)
	default:
		how := "not encrypted"
		if key := out.Attributes["KmsMasterKeyId"]; key != "" {
			how = "encrypted with " + key
			x.topicKey = x.keyARN(key)
			x.needs = append(x.needs, x.useOfTopicKey()...)
		}
		x.ok("topic", "%s, %s", resourceOf(arn), how)
	}
	x.subscriptions(ctx, arn)
}

// keyARN is the ARN of a key of one's own, which whoever publishes has to be allowed to
// use; "" for AWS's own, which needs no permission, and for an alias, behind which the
// key is not known.
func (x *examination) keyARN(key string) string {
	switch {
	case strings.Contains(key, "alias/"):
		return ""
	case strings.HasPrefix(key, "arn:"):
		return key
	}
	return x.arn("kms", "key/"+key)
}

// useOfTopicKey are the permissions that publishing to an encrypted topic needs.
func (x *examination) useOfTopicKey() []need {
	if x.topicKey == "" {
		return nil
	}
	return []need{{what: "use the topic's key", action: "kms:GenerateDataKey", resource: x.topicKey}, {what: "use the topic's key", action: "kms:Decrypt", resource: x.topicKey}}
}

func (x *examination) subscriptions(ctx context.Context, topic string) {
	confirmed, pending := 0, 0
	for token := (*string)(nil); ; {
		out, err := x.Topics.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic, NextToken: token})
		if err != nil {
			x.cannot("subscription", "sns:ListSubscriptionsByTopic", topic, err)
			return
		}
		for _, s := range out.Subscriptions {
			switch aws.ToString(s.SubscriptionArn) {
			case "PendingConfirmation":
				pending++
			case "Deleted", "":
			default:
				confirmed++
			}
		}
		if token = out.NextToken; aws.ToString(token) == "" {
			break
		}
	}
	subscribe := fmt.Sprintf("aws sns subscribe --topic-arn %s --protocol email --notification-endpoint YOU@EXAMPLE.COM", topic)
	switch {
	case confirmed > 0 && pending > 0:
		x.ok("subscription", "%d confirmed; %d more will hear nothing until the link in their mail is followed", confirmed, pending)
	case confirmed > 0:
		x.ok("subscription", "%d confirmed", confirmed)
	case pending > 0:
		x.mend("subscription", fmt.Sprintf("none of %d is confirmed, so nobody hears anything: follow the link in the mail from AWS Notifications, or have it sent again", pending), subscribe)
	default:
		x.mend("subscription", "nobody is subscribed to the topic", subscribe, "then follow the link in the mail from AWS Notifications")
	}
}

// table looks whether it can be remembered what was told already.
func (x *examination) table(ctx context.Context) {
	name := x.settings.environment[envTable]
	if name == "" {
		x.mend("table", "the function is given no table, so every repeat is told of again", "set "+envTable+" of "+x.name+" to the name of a DynamoDB table", x.createTable(x.name))
		return
	}
	arn := x.arn("dynamodb", "table/"+name)
	for _, action := range []string{"GetItem", "PutItem", "DeleteItem", "ConditionCheckItem", "Query"} {
		x.need("remember what was told", "dynamodb:"+action, arn)
	}
	out, err := x.Tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	switch {
	case absent(err):
		x.mend("table", "there is no table "+name, x.createTable(name))
		return
	case err != nil:
		x.cannot("table", "dynamodb:DescribeTable", arn, err)
		return
	case out.Table.TableStatus != dynamodbtypes.TableStatusActive && out.Table.TableStatus != dynamodbtypes.TableStatusUpdating:
		x.mend("table", fmt.Sprintf("%s is %s", name, out.Table.TableStatus), "aws dynamodb wait table-exists --table-name "+name)
		return
	case !hasKeys(out.Table.KeySchema):
		x.mend("table", name+" has other keys than pk and sk; give the function a table of its own", x.createTable(x.name+"-incidents"))
		return
	}
	x.expiry(ctx, name, arn)
}

func hasKeys(schema []dynamodbtypes.KeySchemaElement) bool {
	return len(schema) == 2 && aws.ToString(schema[0].AttributeName) == "pk" && aws.ToString(schema[1].AttributeName) == "sk"
}

func (x *examination) expiry(ctx context.Context, name, arn string) {
	out, err := x.Tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		x.cannot("table", "dynamodb:DescribeTimeToLive", arn, err)
		return
	}
	d := out.TimeToLiveDescription
	if d == nil || d.TimeToLiveStatus != dynamodbtypes.TimeToLiveStatusEnabled && d.TimeToLiveStatus != dynamodbtypes.TimeToLiveStatusEnabling || aws.ToString(d.AttributeName) != "expires" {
		x.mend("table", name+" keeps everything for ever", fmt.Sprintf("aws dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=expires", name))
		return
	}
	x.ok("table", "%s, rows expire", name)
}

func (x *examination) createTable(name string) string {
	return "aws dynamodb create-table --table-name " + name + " --billing-mode PAY_PER_REQUEST" +
		" --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE"
}

// log looks whether the function's own log is there, and not kept for ever.
func (x *examination) log(ctx context.Context) {
	name := x.settings.logGroup
	arn := x.arn("logs", "log-group:"+name+":*")
	x.need("keep its own log", "logs:CreateLogStream", arn)
	x.need("keep its own log", "logs:PutLogEvents", arn)
	out, err := x.Logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	if err != nil {
		x.cannot("log", "logs:DescribeLogGroups", "*", err)
		return
	}
	retain := fmt.Sprintf("aws logs put-retention-policy --log-group-name %s --retention-in-days 30", name)
	for _, g := range out.LogGroups {
		if aws.ToString(g.LogGroupName) != name {
			continue
		}
		if g.RetentionInDays == nil {
			x.mend("log", name+" is kept for ever", retain)
			return
		}
		x.ok("log", "%s, kept for %d days", name, *g.RetentionInDays)
		return
	}
	x.mend("log", "there is no log group "+name+", and the role may not make one", "aws logs create-log-group --log-group-name "+name, retain)
}

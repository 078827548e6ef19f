package bedrock

import (
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// form is how a model is told the schema of its answer. Not every model takes each.
type form int32

// The forms, best first. A model that refuses one is asked in the next.
const (
	bySchema form = iota // outputConfig.textFormat
	byTool               // a tool that it has to call
	byOffer              // a tool that it may call
	byText               // words in the prompt
)

// toolName is the tool whose input is the answer.
const toolName = "report_diagnosis"

func (f form) apply(in *bedrockruntime.ConverseInput, schema []byte) {
	if len(schema) == 0 {
		return
	}
	switch f {
	case bySchema:
		in.OutputConfig = &types.OutputConfig{TextFormat: &types.OutputFormat{
			Type: types.OutputFormatTypeJsonSchema,
			Structure: &types.OutputFormatStructureMemberJsonSchema{Value: types.JsonSchemaDefinition{
				Name: aws.String("diagnosis"), Schema: aws.String(string(schema)),
			}},
		}}
	case byTool:
		in.ToolConfig = tool(schema, &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String(toolName)}})
	case byOffer:
		in.ToolConfig = tool(schema, &types.ToolChoiceMemberAuto{})
		say(in, "Give your answer by calling the tool "+toolName+" once; if you cannot, answer with its input as one JSON object and nothing else.")
	case byText:
		say(in, "Answer with one JSON object and nothing else, by this JSON Schema:\n"+string(schema))
	}
}

func tool(schema []byte, choice types.ToolChoice) *types.ToolConfiguration {
	var v any
	if json.Unmarshal(schema, &v) != nil {
		v = map[string]any{"type": "object"}
	}
	spec := types.ToolSpecification{
		Name: aws.String(toolName), Description: aws.String("Takes the finished diagnosis."),
		InputSchema: &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(v)},
	}
	return &types.ToolConfiguration{Tools: []types.Tool{&types.ToolMemberToolSpec{Value: spec}}, ToolChoice: choice}
}

// say adds a system text after the others.
func say(in *bedrockruntime.ConverseInput, text string) {
	in.System = append(in.System, &types.SystemContentBlockMemberText{Value: text})
}

var (
	refusesSchema = lazyregexp.New(`(?i)output_?config|text_?format|output_?format|structured output|json_?schema|response_?format|\bschema\b`)
	refusesChoice = lazyregexp.New(`(?i)tool_?choice|forces? tool use`)
	refusesTools  = lazyregexp.New(`(?i)tool_?config|tool use|\btools?\b`)
)

// after returns the form to try after a refusal: the same where the form was not the reason.
func (f form) after(err error) form {
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" {
		return f
	}
	text := messageOf(err)
	switch {
	case f == bySchema && refusesSchema.MatchString(text):
		return byTool
	case f == byTool && refusesChoice.MatchString(text):
		return byOffer
	case (f == byTool || f == byOffer) && refusesTools.MatchString(text):
		return byText
	}
	return f
}

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
	"github.com/stepsleuth/stepsleuth/internal/llm"
)

// form is how a model is told the schema of its answer.
type form llm.Form

func (f form) apply(in *bedrockruntime.ConverseInput, schema []byte) {
	if len(schema) == 0 {
		return
	}
	switch llm.Form(f) {
	case llm.BySchema:
		in.OutputConfig = &types.OutputConfig{TextFormat: &types.OutputFormat{
			Type: types.OutputFormatTypeJsonSchema,
			Structure: &types.OutputFormatStructureMemberJsonSchema{Value: types.JsonSchemaDefinition{
				Name: aws.String("diagnosis"), Schema: aws.String(string(schema)),
			}},
		}}
	case llm.ByTool:
		in.ToolConfig = tool(schema, &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String(llm.Tool)}})
	case llm.ByOffer:
		in.ToolConfig = tool(schema, &types.ToolChoiceMemberAuto{})
	}
	if words := llm.Form(f).Words(schema); words != "" {
		in.System = append(in.System, &types.SystemContentBlockMemberText{Value: words})
	}
}

func tool(schema []byte, choice types.ToolChoice) *types.ToolConfiguration {
	var v any
	if json.Unmarshal(schema, &v) != nil {
		v = map[string]any{"type": "object"}
	}
	spec := types.ToolSpecification{
		Name: aws.String(llm.Tool), Description: aws.String(llm.ToolDescription),
		InputSchema: &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(v)},
	}
	return &types.ToolConfiguration{Tools: []types.Tool{&types.ToolMemberToolSpec{Value: spec}}, ToolChoice: choice}
}

// after returns the form to try after a refusal: the same where the form was not the reason.
func (f form) after(err error) form {
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" {
		return f
	}
	return form(llm.Form(f).After(messageOf(err)))
}

var refusesCache = lazyregexp.New(`(?i)cache_?point|prompt caching`)

// withoutCache reports that the model does not keep prompts.
func withoutCache(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && (refused.ErrorCode() == "ValidationException" || refused.ErrorCode() == "AccessDeniedException") &&
		refusesCache.MatchString(messageOf(err))
}

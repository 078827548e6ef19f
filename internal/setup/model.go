package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	llm "github.com/stepsleuth/stepsleuth/internal/llm/bedrock"
)

// geographies are what the id of an inference profile begins with.
var geographies = []string{"us", "us-gov", "ca", "eu", "apac", "jp", "au", "global"}

// model looks whether the model can be asked, by this account and by the role.
func (x *examination) model(ctx context.Context) {
	vendor, id, _ := strings.Cut(x.settings.environment[envModel], ":")
	switch {
	case vendor == "" || vendor == "none":
		x.ok("model", "none is asked: the rules alone")
		return
	case vendor != "bedrock":
		x.mend("model", envModel+" is "+x.settings.environment[envModel]+", which the function does not know", "set it to bedrock: and the id of a model or of an inference profile")
		return
	case id == "":
		id = llm.DefaultID(x.Region)
	}
	behind := []string{x.arnOfModel(id)}
	if isProfile(id) {
		var ok bool
		if behind, ok = x.profile(ctx, id); !ok {
			return
		}
	}
	if len(behind) > 0 && strings.Contains(behind[0], ":foundation-model/") {
		x.available(ctx, id, behind[0][strings.LastIndexByte(behind[0], '/')+1:])
	}
}

func isProfile(id string) bool {
	prefix, _, dotted := strings.Cut(id, ".")
	return strings.Contains(id, "inference-profile/") || dotted && slices.Contains(geographies, prefix)
}

func (x *examination) arnOfModel(id string) string {
	if !isProfile(id) {
		arn := id
		if !strings.HasPrefix(id, "arn:") {
			arn = strings.Join([]string{"arn", x.partition, "bedrock", x.Region, "", "foundation-model/" + id}, ":")
		}
		x.need("ask the model", "bedrock:InvokeModel", arn)
		return arn
	}
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	return x.arn("bedrock", "inference-profile/"+id)
}

// profile returns the ARNs of the models that an inference profile leads to, each of
// which the role has to be allowed besides the profile.
func (x *examination) profile(ctx context.Context, id string) ([]string, bool) {
	arn := x.arnOfModel(id)
	x.need("ask the model", "bedrock:InvokeModel", arn)
	out, err := x.Models.GetInferenceProfile(ctx, &bedrock.GetInferenceProfileInput{InferenceProfileIdentifier: &id})
	switch {
	case absent(err) || code(err) == "ValidationException":
		x.mend("model", fmt.Sprintf("there is no inference profile %s in %s", id, x.Region), "aws bedrock list-inference-profiles --query inferenceProfileSummaries[].inferenceProfileId",
			"then set "+envModel+" to bedrock: and one of these")
		return nil, false
	case err != nil:
		x.cannot("model", "bedrock:GetInferenceProfile", arn, err)
		return nil, false
	case out.Status != types.InferenceProfileStatusActive:
		x.mend("model", fmt.Sprintf("the inference profile %s is %s", id, out.Status), "choose another one: aws bedrock list-inference-profiles")
		return nil, false
	}
	arn = aws.ToString(out.InferenceProfileArn)
	var models []string
	for _, m := range out.Models {
		model := aws.ToString(m.ModelArn)
		models = append(models, model)
		x.needs = append(x.needs, need{what: "ask the model behind the inference profile in every region it leads to", action: "bedrock:InvokeModel",
			resource: model, context: map[string]string{"bedrock:InferenceProfileArn": arn}})
	}
	return models, true
}

// available looks whether the account has access to a foundation model.
func (x *examination) available(ctx context.Context, asked, id string) {
	out, err := x.Models.GetFoundationModelAvailability(ctx, &bedrock.GetFoundationModelAvailabilityInput{ModelId: &id})
	if absent(err) || code(err) == "ValidationException" {
		x.mend("model", fmt.Sprintf("there is no model %s in %s", id, x.Region), "aws bedrock list-foundation-models --query modelSummaries[].modelId")
		return
	}
	if err != nil {
		x.cannot("model", "bedrock:GetFoundationModelAvailability", "*", err)
		return
	}
	agreement := types.AgreementStatusAvailable
	if out.AgreementAvailability != nil {
		agreement = out.AgreementAvailability.Status
	}
	offers := []string{"aws bedrock list-foundation-model-agreement-offers --model-id " + id, "aws bedrock create-foundation-model-agreement --model-id " + id + " --offer-token OFFER-TOKEN"}
	switch {
	case out.RegionAvailability == types.RegionAvailabilityNotAvailable && !isProfile(asked):
		x.mend("model", fmt.Sprintf("%s is not to be had in %s", id, x.Region), "aws bedrock list-inference-profiles --query inferenceProfileSummaries[].inferenceProfileId")
	case out.AuthorizationStatus == types.AuthorizationStatusNotAuthorized:
		x.mend("model", "this account is not authorized for "+id, "request access to the model in the Bedrock console; the use-case form of its maker may have to be submitted first")
	case agreement == types.AgreementStatusPending:
		x.mend("model", "the agreement for "+id+" is pending", "wait some minutes, and run check-setup again")
	case agreement != types.AgreementStatusAvailable:
		x.mend("model", "this account has no agreement for "+id, offers...)
	case out.EntitlementAvailability == types.EntitlementAvailabilityNotAvailable:
		x.mend("model", "this account is not entitled to "+id, offers...)
	default:
		x.ok("model", "%s is to be had", asked)
	}
}

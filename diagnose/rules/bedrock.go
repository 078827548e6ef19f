package rules

import (
	"fmt"

	"github.com/stepsleuth/stepsleuth/diagnose"
	"github.com/stepsleuth/stepsleuth/internal/lazyregexp"
)

// ModelAccess sees a Bedrock model that the account may not, or cannot so, use.
var ModelAccess = &diagnose.Rule{
	Name:  "bedrock-model",
	Doc:   "A Bedrock model cannot be used: no access granted, an inference profile needed, legacy, or not in the region.",
	Check: one(bedrockModel),
}

var (
	modelAccess  = lazyregexp.New(`(?i)You don.?t have access to the model|model access is denied|use case (?:details|form)|aws-marketplace:(?:ViewSubscriptions|Subscribe)|not available for this account|Access to this model`)
	needsProfile = lazyregexp.New(`(?i)on-demand throughput (?:isn.t|is not) supported|inference profile`)
	legacyModel  = lazyregexp.New(`(?i)marked by provider as Legacy|end of (?:its )?life|(?:model|version) (?:is |has been )?(?:deprecated|retired)`)
	wrongModel   = lazyregexp.New(`(?i)provided model identifier is invalid|model identifier`)
)

// modelTrouble reports that the words are about a model that cannot be used.
func (f *facts) modelTrouble() bool { return f.once.modelTrouble() }

func (f *facts) hasModelTrouble() bool {
	if f.task.service != "bedrock" && f.task.service != "bedrockruntime" && !f.says("bedrock", "model") {
		return false
	}
	return modelAccess.MatchString(f.msg) || needsProfile.MatchString(f.msg) || legacyModel.MatchString(f.msg) || wrongModel.MatchString(f.msg)
}

func bedrockModel(f *facts) *diagnose.Finding {
	if !f.modelTrouble() {
		return nil
	}
	access, profile, legacy := modelAccess.MatchString(f.msg), needsProfile.MatchString(f.msg), legacyModel.MatchString(f.msg)
	model := f.param("ModelId")
	of := "the Bedrock model"
	if model != "" && looksLikeName(model) {
		of += " " + model
	}
	d := f.finding(diagnose.Configuration, diagnose.Certain, diagnose.No)
	var steps []string
	switch {
	case access:
		d.Category, d.Also = diagnose.Permission, []diagnose.Category{diagnose.Configuration}
		d.Title = "The account has no access to " + of
		d.RootCause = fmt.Sprintf("%s calls %s, to which this account has no access in this region%s.", upper(f.actorShort()), of, saying(f.msg))
		d.Explanation = "Besides bedrock:InvokeModel the account itself has to be let in to the model: model access in the Bedrock console, for Anthropic's models the use-case form, for models from the Marketplace a subscription, made once by somebody who may."
		steps = []string{"Open Bedrock, Model access (or the model catalogue) in that region, and request access to the model; it can take some minutes to be in force.", `The role needs {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": ["arn:aws:bedrock:REGION::foundation-model/MODEL_ID"]}, and with an inference profile also the profile's ARN and the model in every region that it leads to.`}
	case profile:
		d.Also = []diagnose.Category{diagnose.InvalidParameters}
		d.Title = upper(of) + " needs an inference profile"
		d.RootCause = fmt.Sprintf("%s calls %s by its plain id, but this model can only be called through an inference profile; on-demand throughput is not supported for it.", upper(f.actorShort()), of)
		d.Explanation = "Newer models are offered through cross-region inference profiles only, whose ids begin with us., eu., apac. or global."
		steps = []string{"List the profiles: aws bedrock list-inference-profiles --query 'inferenceProfileSummaries[].inferenceProfileId'", "Use the profile's id or ARN as ModelId, and allow bedrock:InvokeModel on the profile and on the model in each of its regions."}
	case legacy:
		d.Also = []diagnose.Category{diagnose.ResourceNotFound}
		d.Title = upper(of) + " is legacy or at the end of its life"
		d.RootCause = fmt.Sprintf("%s calls %s, which its provider has retired%s.", upper(f.actorShort()), of, saying(f.msg))
		d.Explanation = "Models have a life cycle: legacy ones are refused to accounts that did not use them of late, and end on a date."
		steps = []string{"Choose a current model, and keep its id in a parameter, not in the definition."}
	default:
		d.Category, d.Also = diagnose.InvalidParameters, []diagnose.Category{diagnose.ResourceNotFound, diagnose.Configuration}
		d.Title = "The model id is not valid in this region"
		d.RootCause = fmt.Sprintf("%s calls %s, an id that Bedrock does not know in this region%s.", upper(f.actorShort()), of, saying(f.msg))
		d.Explanation = "The id is misspelled, lacks its version (:0), or the model is not offered in that region."
		steps = []string{"aws bedrock list-foundation-models --query 'modelSummaries[].modelId'"}
	}
	d.Focus = f.focusParam("ModelId")
	d.Remedies = []diagnose.Remedy{{Title: "Use a model that the account may use there", Steps: steps}}
	d.Prevention = []string{"Keep the model's id in one parameter of the deployment, and call it once after each change of region or model."}
	d.Docs = []string{"Access Amazon Bedrock foundation models", "Use an inference profile in model invocation", "Invoke and customize Amazon Bedrock models with Step Functions"}
	return d
}

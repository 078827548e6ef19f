# Which resources bedrock:InvokeModel has to be allowed on.
#
#   foundation model      its ARN in this region
#   geographic profile    the profile, and through it the model in every region it leads to
#   global profile        the profile, and through it the model here and the model of no region
#   application profile   the same as a geographic one
#   any other ARN         that alone (provisioned, imported, custom)

locals {
  # Every region that is known to be a destination of the geography's profiles. More
  # than one profile uses does no harm, as the permission holds through that profile alone.
  geographies = {
    us       = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]
    "us-gov" = ["us-gov-east-1", "us-gov-west-1"]
    ca       = ["ca-central-1", "ca-west-1"]
    eu       = ["eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"]
    apac     = ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"]
    jp       = ["ap-northeast-1", "ap-northeast-3"]
    au       = ["ap-southeast-2", "ap-southeast-4", "ap-southeast-6"]
  }

  model_arn    = strcontains(var.model, ":application-inference-profile/") || strcontains(var.model, ":inference-profile/")
  model_id     = element(split("/", var.model), length(split("/", var.model)) - 1)
  model_prefix = split(".", local.model_id)[0]

  model_global     = local.model_prefix == "global"
  model_geographic = !local.model_global && (contains(keys(local.geographies), local.model_prefix) || local.model_arn || (var.model_regions != null && length(split(".", local.model_id)) > 2))
  model_profile    = local.model_global || local.model_geographic
  model_other      = startswith(var.model, "arn:") && !local.model_arn

  profile_arn = startswith(var.model, "arn:") ? var.model : "arn:${local.partition}:bedrock:${local.region}:${local.account}:inference-profile/${var.model}"

  # The foundation model's id: the profile's without its geography.
  behind = var.foundation_model != "" ? var.foundation_model : local.model_profile ? trimprefix(local.model_id, "${local.model_prefix}.") : local.model_id

  destinations = (
    local.model_global ? ["", local.region] :
    local.model_geographic ? sort(distinct(concat([local.region], tolist(coalesce(var.model_regions, toset(lookup(local.geographies, local.model_prefix, []))))))) :
    [local.region]
  )
  foundation_arns = [for region in local.destinations : "arn:${local.partition}:bedrock:${region}::foundation-model/${local.behind}"]

  model_statements = concat(
    [for _ in range(local.model_profile ? 1 : 0) : {
      Sid      = "AskThroughTheProfile"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel"]
      Resource = [local.profile_arn]
    }],
    [for _ in range(local.model_profile ? 1 : 0) : {
      Sid       = "AskTheModelBehindTheProfile"
      Effect    = "Allow"
      Action    = ["bedrock:InvokeModel"]
      Resource  = local.foundation_arns
      Condition = { ArnEquals = { "bedrock:InferenceProfileArn" = local.profile_arn } }
    }],
    [for _ in range(var.model != "" && !local.model_profile ? 1 : 0) : {
      Sid      = "AskTheModel"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel"]
      Resource = local.model_other ? [var.model] : local.foundation_arns
    }],
    [for _ in range(var.guardrail != null ? 1 : 0) : {
      Sid      = "ApplyTheGuardrail"
      Effect   = "Allow"
      Action   = ["bedrock:ApplyGuardrail"]
      Resource = [var.guardrail.arn]
    }],
  )
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id

  # ARNs that are known before the things are: a plan shows the policies whole.
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"
  topic_arn    = "arn:${local.partition}:sns:${local.region}:${local.account}:${var.name}"
  table_arn    = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.name}"
  queue_arn    = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-dead-letters"
  rule_arns    = [for rule in concat(["failures"], var.digest_schedule == "" ? [] : ["digest"]) : "arn:${local.partition}:events:${local.region}:${local.account}:rule/${var.name}-${rule}"]

  zip_architecture = { arm64 = "arm64", x86_64 = "amd64" }[var.architecture]
  package          = coalesce(var.package, "${path.module}/../stepsleuth-troubleshooter-${local.zip_architecture}.zip")

  makes_key     = var.redaction_key_parameter == null
  key_parameter = local.makes_key ? "/${var.name}/redaction-key" : "/${trimprefix(var.redaction_key_parameter, "/")}"

  tags = merge({ Application = "stepsleuth" }, var.tags)
}

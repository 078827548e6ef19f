# The whole pattern: a state machine that asks for a diagnosis when something fails, and
# mails it, before it ends as it would have. The definition was made by
#
#   stepsleuth instrument examples/order/order.asl.json -o order.instrumented.asl.json
#
# It calls the function by its usual name and leaves the topic to be filled in here.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

variable "email" {
  type        = string
  description = "Who is told."
}

variable "model" {
  type        = string
  description = "Model that is asked besides the rules; empty for none."
  default     = ""
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  # The functions that the workflow calls are deployed elsewhere.
  functions = [for name in ["price-order", "reserve-stock", "charge-card"] :
    "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:function:${name}"
  ]
}

module "stepsleuth" {
  source = "../../../deploy/terraform"

  package                  = "${path.root}/../../../build/stepsleuth-troubleshooter-arm64.zip"
  state_machine_arns       = [aws_sfn_state_machine.order.arn]
  state_machine_role_names = [aws_iam_role.order.name]
  function_arns            = local.functions
  emails                   = [var.email]
  model                    = var.model
}

resource "aws_sfn_state_machine" "order" {
  name     = "order"
  role_arn = aws_iam_role.order.arn

  definition = templatefile("${path.module}/order.instrumented.asl.json", {
    StepsleuthTopicArn = module.stepsleuth.topic_arn
  })
}

resource "aws_iam_role" "order" {
  name = "order"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "functions" {
  name = "functions"
  role = aws_iam_role.order.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = local.functions
    }]
  })
}

output "state_machine_arn" {
  description = "What to start: aws stepfunctions start-execution --state-machine-arn …"
  value       = aws_sfn_state_machine.order.arn
}

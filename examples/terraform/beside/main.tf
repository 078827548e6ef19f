# The troubleshooter beside a state machine that is there already.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

variable "state_machine_arn" {
  type        = string
  description = "ARN of the state machine."
}

variable "email" {
  type        = string
  description = "Who is told."
}

module "stepsleuth" {
  source = "../../../deploy/terraform"

  package            = "${path.root}/../../../build/stepsleuth-troubleshooter-arm64.zip"
  state_machine_arns = [var.state_machine_arn]
  emails             = [var.email]
}

output "topic_arn" {
  description = "Where else people can subscribe."
  value       = module.stepsleuth.topic_arn
}

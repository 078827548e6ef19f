# The same module in the partitions of China and of the United States' government.

mock_provider "aws" {
  mock_data "aws_partition" { defaults = { partition = "aws-cn" } }
  mock_data "aws_region" { defaults = { id = "cn-north-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
}

mock_provider "aws" {
  alias = "gov"
  mock_data "aws_partition" { defaults = { partition = "aws-us-gov" } }
  mock_data "aws_region" { defaults = { id = "us-gov-west-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
}

variables {
  package = "./versions.tf"
}

run "china" {
  command = plan
  variables {
    state_machine_arns      = ["arn:aws-cn:states:cn-north-1:123456789012:stateMachine:order"]
    function_arns           = ["arn:aws-cn:lambda:cn-north-1:123456789012:function:charge-card"]
    express_log_group_names = ["/aws/vendedlogs/states/quote"]
  }

  assert {
    condition     = alltrue(flatten([for s in local.statements : [for r in s.Resource : startswith(r, "arn:aws-cn:")]]))
    error_message = local.policy_json
  }
  assert {
    condition     = aws_lambda_permission.express["/aws/vendedlogs/states/quote"].principal == "logs.cn-north-1.amazonaws.com.cn"
    error_message = "CloudWatch Logs has another name there."
  }
}

run "government" {
  command   = plan
  providers = { aws = aws.gov }
  variables {
    state_machine_arns = ["arn:aws-us-gov:states:us-gov-west-1:123456789012:stateMachine:order"]
    model              = "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"
  }

  assert {
    condition     = alltrue(flatten([for s in local.statements : [for r in s.Resource : startswith(r, "arn:aws-us-gov:")]]))
    error_message = local.policy_json
  }
  assert {
    condition     = local.behind == "anthropic.claude-sonnet-4-5-20250929-v1:0"
    error_message = "The model behind the profile is ${local.behind}."
  }
}

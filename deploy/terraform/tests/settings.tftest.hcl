# What the settings lead to, and which are refused.

mock_provider "aws" {
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_region" { defaults = { id = "eu-west-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
}

variables {
  package            = "./versions.tf"
  state_machine_arns = ["arn:aws:states:eu-west-1:123456789012:stateMachine:order", "arn:aws:states:eu-west-1:123456789012:stateMachine:refund"]
}

run "as_it_comes" {
  command = plan

  assert {
    condition     = jsonencode(jsondecode(aws_cloudwatch_event_rule.failures.event_pattern).detail) == jsonencode({ stateMachineArn = var.state_machine_arns, status = ["ABORTED", "FAILED", "TIMED_OUT"] })
    error_message = aws_cloudwatch_event_rule.failures.event_pattern
  }
  assert {
    condition     = aws_lambda_function.troubleshooter.runtime == "provided.al2023" && aws_lambda_function.troubleshooter.architectures == tolist(["arm64"]) && aws_lambda_function.troubleshooter.memory_size == 128
    error_message = "The function is another one."
  }
  assert {
    condition     = aws_lambda_function.troubleshooter.timeout > 30 && aws_lambda_function.troubleshooter.timeout < 60
    error_message = "The time-out does not fit the state that waits 60 seconds."
  }
  assert {
    condition     = aws_cloudwatch_log_group.troubleshooter.retention_in_days == 30 && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "The log is kept for ever, or the queue is not encrypted."
  }
  assert {
    condition     = aws_dynamodb_table.incidents.ttl[0].enabled && aws_dynamodb_table.incidents.billing_mode == "PAY_PER_REQUEST"
    error_message = "Rows do not expire, or the table has to be paid for at rest."
  }
  assert {
    condition     = length(aws_ssm_parameter.redaction_key) == 1 && aws_ssm_parameter.redaction_key[0].type == "SecureString"
    error_message = "There is no key for placeholders."
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.digest) == 1 && length(aws_sns_topic_subscription.email) == 0 && length(aws_lambda_permission.express) == 0
    error_message = "Something is there that was not asked for, or the digest is not."
  }
}

run "every_setting" {
  command = plan
  variables {
    name                     = "sleuth"
    emails                   = ["oncall@example.com", "shop@example.com"]
    architecture             = "x86_64"
    reserved_concurrency     = 5
    digest_schedule          = ""
    redaction_key_parameter  = "shared/key"
    express_log_group_names  = ["/aws/vendedlogs/states/quote"]
    alarm_actions            = []
    table_protected          = true
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    statuses                 = ["FAILED"]
    environment              = { LOG = "debug", STEPSLEUTH_TABLE = "not-this" }
    tags                     = { team = "shop" }
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 2 && length(aws_cloudwatch_event_rule.digest) == 0 && length(aws_ssm_parameter.redaction_key) == 0 && length(aws_cloudwatch_log_subscription_filter.express) == 1
    error_message = "Not what was asked for."
  }
  assert {
    condition     = aws_lambda_function.troubleshooter.environment[0].variables.STEPSLEUTH_REDACTION_KEY_PARAMETER == "/shared/key" && aws_lambda_function.troubleshooter.environment[0].variables.LOG == "debug" && aws_lambda_function.troubleshooter.environment[0].variables.STEPSLEUTH_TABLE == "sleuth"
    error_message = "The environment is ${jsonencode(aws_lambda_function.troubleshooter.environment[0].variables)}."
  }
  assert {
    condition     = aws_iam_role.troubleshooter.permissions_boundary == var.permissions_boundary_arn && aws_lambda_function.troubleshooter.reserved_concurrent_executions == 5
    error_message = "The boundary or the concurrency is not set."
  }
  assert {
    condition     = aws_dynamodb_table.incidents.deletion_protection_enabled && aws_dynamodb_table.incidents.point_in_time_recovery[0].enabled
    error_message = "The table is not protected."
  }
  assert {
    condition     = aws_sns_topic.notifications.tags == tomap({ Application = "stepsleuth", team = "shop" })
    error_message = "The tags are not set."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.errors.alarm_actions) == 0 && jsondecode(aws_cloudwatch_event_rule.failures.event_pattern).detail.status == ["FAILED"]
    error_message = "Alarm or rule is not as asked for."
  }
}

run "a_lambda_that_would_be_too_short_is_refused" {
  command = plan
  variables { timeout = 30 }
  expect_failures = [var.timeout]
}

run "an_arn_with_a_version_is_refused" {
  command = plan
  variables { state_machine_arns = ["arn:aws:states:eu-west-1:123456789012:stateMachine:order:3"] }
  expect_failures = [var.state_machine_arns]
}

run "no_state_machine_is_refused" {
  command = plan
  variables { state_machine_arns = [] }
  expect_failures = [var.state_machine_arns]
}

run "any_log_is_refused" {
  command = plan
  variables { log_group_names = ["/aws/lambda/*"] }
  expect_failures = [var.log_group_names]
}

run "a_model_with_a_vendor_before_it_is_refused" {
  command = plan
  variables { model = "bedrock:amazon.nova-lite-v1:0" }
  expect_failures = [var.model]
}

run "a_profile_with_an_unknown_model_behind_it_is_refused" {
  command = plan
  variables { model = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123" }
  expect_failures = [var.model]
}

run "a_key_in_the_environment_is_refused" {
  command = plan
  variables { environment = { STEPSLEUTH_REDACTION_KEY = "00" } }
  expect_failures = [var.environment]
}

run "a_wrong_address_a_wrong_schedule_and_a_wrong_retention_are_refused" {
  command = plan
  variables {
    emails             = ["oncall"]
    digest_schedule    = "daily"
    log_retention_days = 31
  }
  expect_failures = [var.emails, var.digest_schedule, var.log_retention_days]
}

run "an_arn_for_a_name_and_a_name_for_an_arn_are_refused" {
  command = plan
  variables {
    state_machine_role_names = ["arn:aws:iam::123456789012:role/order"]
    alarm_actions            = ["oncall"]
    foundation_model         = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"
    permissions_boundary_arn = "boundary"
  }
  expect_failures = [var.state_machine_role_names, var.alarm_actions, var.foundation_model, var.permissions_boundary_arn]
}

run "names_and_arns_as_they_are_meant_are_taken" {
  command = plan
  variables {
    state_machine_role_names = ["order@prod"]
    alarm_actions            = ["arn:aws:sns:eu-west-1:123456789012:oncall"]
    foundation_model         = "amazon.nova-lite-v1:0"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/teams/boundary"
  }
}

run "a_zip_that_is_not_there_is_named" {
  command = plan
  variables { package = "./absent.zip" }
  expect_failures = [aws_lambda_function.troubleshooter]
}

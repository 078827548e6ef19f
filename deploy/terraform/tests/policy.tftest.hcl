# What the role may do, and nothing else. No account is needed: the provider is a stand-in.

mock_provider "aws" {
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_region" { defaults = { id = "eu-west-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
}

variables {
  package            = "./versions.tf" # any file: nothing is deployed
  state_machine_arns = ["arn:aws:states:eu-west-1:123456789012:stateMachine:order"]
}

run "the_rules_alone_need_no_model" {
  command = plan

  assert {
    condition     = length([for s in local.statements : s if anytrue([for a in s.Action : startswith(a, "bedrock:")])]) == 0
    error_message = "A permission for Bedrock with no model."
  }
  assert {
    condition     = alltrue([for s in local.statements : alltrue([for r in s.Resource : r != "*"])])
    error_message = "A statement is for every resource there is."
  }
  assert {
    condition     = alltrue([for s in concat(local.statements, local.state_machine_statements) : alltrue([for a in s.Action : !strcontains(a, "*")])])
    error_message = "A statement is for actions by pattern."
  }
  assert {
    condition     = contains(flatten([for s in local.statements : s.Resource if s.Sid == "ReadTheFailedExecutions"]), "arn:aws:states:eu-west-1:123456789012:execution:order:*")
    error_message = "The executions of the state machine cannot be read."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.troubleshooter.policy).Statement[1].Resource == ["arn:aws:states:eu-west-1:123456789012:stateMachine:order"]
    error_message = "The policy is not the one of the statements."
  }
  assert {
    condition     = length([for s in local.statements : s if contains(["ReadTheFunctionsLogs", "ReadTheFunctionsSettings", "UseTheKey"], s.Sid)]) == 0
    error_message = "A statement is there with nothing to be for."
  }
}

run "who_decides_reads_the_named_executions_alone" {
  command = plan

  assert {
    condition = jsondecode(output.decider_policy_json).Statement[1].Resource == [
      "arn:aws:states:eu-west-1:123456789012:execution:order:*",
      "arn:aws:states:eu-west-1:123456789012:execution:order/*:*",
    ]
    error_message = output.decider_policy_json
  }
  assert {
    condition     = local.decider_statements[0].Action == ["states:ListExecutions"] && local.decider_statements[0].Resource == var.state_machine_arns
    error_message = "Who decides cannot list what waits, or more than that."
  }
  assert {
    condition     = [for s in local.decider_statements : s.Sid if contains(s.Resource, "*")] == ["SendTheDecision"] && local.decider_statements[2].Action == ["states:SendTaskSuccess"]
    error_message = "More than the decision is for every resource there is."
  }
}

run "logs_and_settings_of_the_named_functions" {
  command = plan
  variables {
    function_arns           = ["arn:aws:lambda:eu-west-1:123456789012:function:charge-card"]
    log_group_names         = ["/shop/jobs"]
    express_log_group_names = ["/aws/vendedlogs/states/quote"]
  }

  assert {
    condition = jsonencode(one([for s in local.statements : s.Resource if s.Sid == "ReadTheFunctionsLogs"])) == jsonencode([
      "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/charge-card:*",
      "arn:aws:logs:eu-west-1:123456789012:log-group:/shop/jobs:*",
      "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/quote:*",
    ])
    error_message = "The logs are other than those named: ${jsonencode(local.readable_log_arns)}"
  }
  assert {
    condition     = jsonencode(one([for s in local.statements : s.Resource if s.Sid == "ReadTheFunctionsSettings"])) == jsonencode(var.function_arns)
    error_message = "The settings are those of other functions."
  }
}

run "a_foundation_model" {
  command = plan
  variables { model = "amazon.nova-lite-v1:0" }

  assert {
    condition = local.model_statements == [{
      Sid      = "AskTheModel"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel"]
      Resource = ["arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"]
    }]
    error_message = jsonencode(local.model_statements)
  }
  assert {
    condition     = aws_lambda_function.troubleshooter.environment[0].variables.STEPSLEUTH_MODEL == "bedrock:amazon.nova-lite-v1:0"
    error_message = "The function is not told which model to ask."
  }
}

run "a_geographic_profile_in_every_region_it_leads_to" {
  command = plan
  variables {
    model         = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
    model_regions = ["eu-central-1", "eu-north-1"]
  }

  assert {
    condition     = local.model_statements[0].Resource == ["arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0"]
    error_message = jsonencode(local.model_statements)
  }
  assert {
    condition = local.model_statements[1].Resource == [
      "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
      "arn:aws:bedrock:eu-north-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
      "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
    ]
    error_message = jsonencode(local.model_statements)
  }
  assert {
    condition     = local.model_statements[1].Condition.ArnEquals["bedrock:InferenceProfileArn"] == local.model_statements[0].Resource[0]
    error_message = "The model may be asked without the profile."
  }
}

run "a_geographic_profile_with_the_regions_that_are_known" {
  command = plan
  variables { model = "us.amazon.nova-pro-v1:0" }

  assert {
    condition     = local.destinations == tolist(["eu-west-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"])
    error_message = jsonencode(local.destinations)
  }
}

run "a_global_profile" {
  command = plan
  variables { model = "global.anthropic.claude-sonnet-4-5-20250929-v1:0" }

  assert {
    condition = local.model_statements[1].Resource == [
      "arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
      "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
    ]
    error_message = jsonencode(local.model_statements)
  }
}

run "an_application_profile" {
  command = plan
  variables {
    model            = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"
    foundation_model = "amazon.nova-lite-v1:0"
  }

  assert {
    condition     = local.model_statements[0].Resource == [var.model] && local.model_statements[1].Resource == ["arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"]
    error_message = jsonencode(local.model_statements)
  }
}

run "a_model_of_ones_own" {
  command = plan
  variables { model = "arn:aws:bedrock:eu-west-1:123456789012:imported-model/abc123" }

  assert {
    condition     = length(local.model_statements) == 1 && local.model_statements[0].Resource == [var.model]
    error_message = jsonencode(local.model_statements)
  }
}

run "a_guardrail" {
  command = plan
  variables { guardrail = { arn = "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123", version = "2" } }

  assert {
    condition     = local.model_statements[0].Action == ["bedrock:ApplyGuardrail"] && local.model_statements[0].Resource == [var.guardrail.arn]
    error_message = jsonencode(local.model_statements)
  }
  assert {
    condition     = aws_lambda_function.troubleshooter.environment[0].variables.STEPSLEUTH_GUARDRAIL == "abc123:2"
    error_message = "The function is not told which guardrail to use."
  }
}

run "a_key_of_ones_own" {
  command = plan
  variables {
    kms_key_arn              = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    state_machine_role_names = ["order-role"]
  }

  assert {
    condition     = length([for s in concat(local.statements, local.state_machine_statements) : s if contains(["UseTheKey", "UseTheTopicsKey"], s.Sid)]) == 2
    error_message = "The key cannot be used by both roles."
  }
  assert {
    condition     = aws_sns_topic.notifications.kms_master_key_id == var.kms_key_arn && aws_cloudwatch_log_group.troubleshooter.kms_key_id == var.kms_key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn
    error_message = "Something is not encrypted with the key."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.state_machine["order-role"].policy).Statement[0].Resource[0] == "arn:aws:lambda:eu-west-1:123456789012:function:stepsleuth-troubleshooter"
    error_message = "The state machine's role may not call the troubleshooter."
  }
}

run "a_policy_that_iam_would_refuse_is_refused_before" {
  command = plan

  variables {
    state_machine_arns = [for i in range(40) : "arn:aws:states:eu-west-1:123456789012:stateMachine:payments-order-workflow-${i}"]
  }
  expect_failures = [aws_iam_role_policy.troubleshooter]
}

run "twenty_state_machines_have_room" {
  command = plan

  variables {
    state_machine_arns = [for i in range(20) : "arn:aws:states:eu-west-1:123456789012:stateMachine:payments-order-workflow-${i}"]
  }
  assert {
    condition     = length(local.policy_json) <= 10240 && length(aws_cloudwatch_event_rule.failures.event_pattern) <= 2048
    error_message = "Policy ${length(local.policy_json)}, pattern ${length(aws_cloudwatch_event_rule.failures.event_pattern)}"
  }
}

resource "aws_iam_role" "troubleshooter" {
  name                 = var.name
  description          = "What stepsleuth may do when an execution failed: read it, ask the model, tell people"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "troubleshooter" {
  name   = "troubleshoot"
  role   = aws_iam_role.troubleshooter.id
  policy = local.policy_json

  # What a rule's pattern may have (2,048) is reached by more state machines than this.
  lifecycle {
    precondition {
      condition     = length(local.policy_json) <= 10240
      error_message = "The policy of the function's role would have ${length(local.policy_json)} characters, and IAM takes 10240 for a role. Name fewer state machines, functions and log groups here, and the rest in this module once more, with another name."
    }
  }
}

locals {
  # Executions are named at run time, so a pattern stands for their names; child
  # executions of a Distributed Map are called MACHINE/LABEL:ID.
  execution_arns = flatten([for arn in var.state_machine_arns : [
    "${replace(arn, ":stateMachine:", ":execution:")}:*",
    "${replace(arn, ":stateMachine:", ":execution:")}/*:*",
  ]])
  map_run_arns = [for arn in var.state_machine_arns : "${replace(arn, ":stateMachine:", ":mapRun:")}/*:*"]

  # A log group's streams are named at run time.
  readable_log_arns = distinct(concat(
    [for arn in var.function_arns : "${replace(replace(arn, ":lambda:", ":logs:"), ":function:", ":log-group:/aws/lambda/")}:*"],
    [for name in concat(var.log_group_names, sort(var.express_log_group_names)) : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${name}:*"],
  ))

  statements = concat(
    [{
      Sid      = "ReadTheFailedExecutions"
      Effect   = "Allow"
      Action   = ["states:DescribeExecution", "states:GetExecutionHistory", "states:DescribeStateMachineForExecution", "states:ListMapRuns"]
      Resource = local.execution_arns
      }, {
      Sid      = "ReadTheStateMachines"
      Effect   = "Allow"
      Action   = ["states:DescribeStateMachine"]
      Resource = var.state_machine_arns
      }, {
      Sid      = "FindWhatFailedInTheirMapRuns"
      Effect   = "Allow"
      Action   = ["states:ListExecutions"]
      Resource = local.map_run_arns
    }],
    [for _ in range(length(var.function_arns) > 0 ? 1 : 0) : {
      Sid      = "ReadTheFunctionsSettings"
      Effect   = "Allow"
      Action   = ["lambda:GetFunctionConfiguration"]
      Resource = var.function_arns
    }],
    [for _ in range(length(local.readable_log_arns) > 0 ? 1 : 0) : {
      Sid      = "ReadTheFunctionsLogs"
      Effect   = "Allow"
      Action   = ["logs:FilterLogEvents"]
      Resource = local.readable_log_arns
    }],
    local.model_statements,
    [{
      Sid      = "TellPeople"
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = [local.topic_arn]
      }, {
      Sid      = "RememberIncidents"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem", "dynamodb:Query"]
      Resource = [local.table_arn]
      }, {
      Sid      = "ReadTheRedactionKey"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter"]
      Resource = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${local.key_parameter}"]
      }, {
      Sid      = "KeepItsOwnLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}:*"]
      }, {
      Sid      = "PutAsideWhatItCouldNotHandle"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [local.queue_arn]
    }],
    [for _ in range(var.kms_key_arn != null ? 1 : 0) : {
      Sid      = "UseTheKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [var.kms_key_arn]
    }],
  )
  policy_json = jsonencode({ Version = "2012-10-17", Statement = local.statements })

  state_machine_statements = concat(
    [{
      Sid      = "CallTheTroubleshooter"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [local.function_arn, "${local.function_arn}:*"]
      }, {
      Sid      = "PublishItsMail"
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = [local.topic_arn]
    }],
    [for _ in range(var.kms_key_arn != null ? 1 : 0) : {
      Sid      = "UseTheTopicsKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [var.kms_key_arn]
    }],
  )
  state_machine_policy_json = jsonencode({ Version = "2012-10-17", Statement = local.state_machine_statements })
}

# What a person needs who decides on executions that wait (stepsleuth decide), and looks
# at them before. SendTaskSuccess knows no resource in IAM: who may not read the history
# of an execution does not come by its token.
locals {
  decider_statements = [
    {
      Sid      = "FindTheExecutionsThatWait"
      Effect   = "Allow"
      Action   = ["states:ListExecutions"]
      Resource = var.state_machine_arns
    },
    {
      Sid      = "ReadTheExecutionsThatWait"
      Effect   = "Allow"
      Action   = ["states:GetExecutionHistory", "states:DescribeExecution", "states:DescribeStateMachineForExecution"]
      Resource = local.execution_arns
    },
    {
      Sid      = "SendTheDecision"
      Effect   = "Allow"
      Action   = ["states:SendTaskSuccess"]
      Resource = ["*"]
    },
  ]
  decider_policy_json = jsonencode({ Version = "2012-10-17", Statement = local.decider_statements })
}

# What an instrumented state machine's own role needs besides.
resource "aws_iam_role_policy" "state_machine" {
  for_each = var.state_machine_role_names

  name   = var.name
  role   = each.value
  policy = local.state_machine_policy_json
}

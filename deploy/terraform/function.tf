resource "aws_lambda_function" "troubleshooter" {
  function_name = var.name
  description   = "Finds out why Step Functions executions failed, and tells people"
  role          = aws_iam_role.troubleshooter.arn

  filename         = local.package
  source_code_hash = fileexists(local.package) ? filebase64sha256(local.package) : null
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]

  memory_size                    = var.memory_size
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.kms_key_arn

  environment {
    variables = merge(var.environment, {
      STEPSLEUTH_TOPIC_ARN               = aws_sns_topic.notifications.arn
      STEPSLEUTH_TABLE                   = aws_dynamodb_table.incidents.name
      STEPSLEUTH_MODEL                   = var.model == "" ? "" : "bedrock:${var.model}"
      STEPSLEUTH_REDACTION_KEY_PARAMETER = local.key_parameter
      STEPSLEUTH_DIGEST                  = var.digest_interval
      }, var.guardrail == null ? {} : {
      STEPSLEUTH_GUARDRAIL = "${element(split("/", var.guardrail.arn), 1)}:${var.guardrail.version}"
    })
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.troubleshooter.name
  }

  tags = local.tags

  lifecycle {
    precondition {
      condition     = fileexists(local.package)
      error_message = "There is no zip file ${local.package}. It is made by: stepsleuth package --out build --arch ${local.zip_architecture}"
    }
  }

  # A first call without the permission would fail, and be told of as a failure of ours.
  depends_on = [aws_iam_role_policy.troubleshooter]
}

# EventBridge and CloudWatch Logs call asynchronously: Lambda itself tries again, and
# would forget the event after that. The rule's own queue sees only what Lambda refused.
resource "aws_lambda_function_event_invoke_config" "troubleshooter" {
  function_name                = aws_lambda_function.troubleshooter.function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "troubleshooter" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# The key by which the same secret gets the same placeholder. It is drawn once, at the
# first apply, and written only: neither the plan nor the state holds it.
resource "aws_ssm_parameter" "redaction_key" {
  count = local.makes_key ? 1 : 0

  name             = local.key_parameter
  description      = "Key by which stepsleuth makes placeholders; with another key, the same secret gets another one"
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = "${sha256(uuid())}${sha256(uuid())}"
  value_wo_version = 1
  tags             = local.tags
}

resource "aws_cloudwatch_event_rule" "digest" {
  count = var.digest_schedule == "" ? 0 : 1

  name                = "${var.name}-digest"
  description         = "When it is looked whether repeated failures are to be told of"
  schedule_expression = var.digest_schedule
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "digest" {
  count = var.digest_schedule == "" ? 0 : 1

  rule      = aws_cloudwatch_event_rule.digest[0].name
  target_id = "troubleshooter"
  arn       = aws_lambda_function.troubleshooter.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_lambda_permission" "digest" {
  count = var.digest_schedule == "" ? 0 : 1

  statement_id  = "digest"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.troubleshooter.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.digest[0].arn
}

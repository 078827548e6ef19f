# Express workflows send no events: what failed is in their logs.
locals {
  logs_principal = local.partition == "aws-cn" ? "logs.${local.region}.amazonaws.com.cn" : "logs.amazonaws.com"
}

resource "aws_cloudwatch_log_subscription_filter" "express" {
  for_each = var.express_log_group_names

  name            = var.name
  log_group_name  = each.value
  destination_arn = aws_lambda_function.troubleshooter.arn
  filter_pattern  = "{ ($.type = \"ExecutionFailed\") || ($.type = \"ExecutionTimedOut\") || ($.type = \"ExecutionAborted\") }"

  depends_on = [aws_lambda_permission.express]
}

resource "aws_lambda_permission" "express" {
  for_each = var.express_log_group_names

  statement_id   = "express-${substr(sha256(each.value), 0, 12)}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.troubleshooter.function_name
  principal      = local.logs_principal
  source_arn     = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${each.value}:*"
  source_account = local.account
}

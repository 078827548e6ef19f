output "function_arn" {
  description = "ARN of the troubleshooter, for `stepsleuth instrument --handler`."
  value       = aws_lambda_function.troubleshooter.arn
}

output "function_name" {
  description = "Name of the troubleshooter, for `stepsleuth check-setup --function`."
  value       = aws_lambda_function.troubleshooter.function_name
}

output "topic_arn" {
  description = "ARN of the topic, for `stepsleuth instrument --topic`, or to subscribe more than mail to."
  value       = aws_sns_topic.notifications.arn
}

output "table_name" {
  description = "Name of the table of incidents."
  value       = aws_dynamodb_table.incidents.name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.troubleshooter.arn
}

output "dead_letter_queue_url" {
  description = "URL of the queue with events that could not be handled."
  value       = aws_sqs_queue.dead_letters.id
}

output "state_machine_policy_json" {
  description = "Policy that the execution role of an instrumented state machine needs besides its own."
  value       = local.state_machine_policy_json
}

output "decider_policy_json" {
  description = "Policy for the people who decide on executions that wait (`stepsleuth decide`, where the definition was instrumented with --approve)."
  value       = local.decider_policy_json
}

output "api_url" {
  description = "TENURE_URL of the clients."
  value       = aws_cloudformation_stack.tenure.outputs["ApiUrl"]
}

output "stack_name" {
  description = "TENURE_STACK of the clients, which then find the address by themselves."
  value       = aws_cloudformation_stack.tenure.name
}

output "table_name" {
  description = "The main table."
  value       = aws_cloudformation_stack.tenure.outputs["TableName"]
}

output "alarm_topic_arn" {
  description = "Subscribe to hear of trouble."
  value       = aws_cloudformation_stack.tenure.outputs["AlarmTopicArn"]
}
